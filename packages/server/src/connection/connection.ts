import { CLOSE_CODES, type CloseName, LIMITS } from '@roomcast/protocol'
import type { HandshakeSource } from './handshake'
import type { Deadline } from './timing-wheel'
import type { WirePort } from './wire-port'

/** What a connection carries for one namespace: the socket, or the request to become one. */
export interface NamespaceMember {
  readonly namespaceNumber: number
}

/** Why and how a connection ended. */
export interface CloseInfo {
  /** Socket.IO's word for it, the argument of `disconnect` listeners. */
  readonly reason: DisconnectReason
  /** Close code of the WebSocket; 1006 when there was no close frame. */
  readonly code: number
  /** Text of the close frame or of the engine. */
  readonly message: string
}

/** Reasons a server-side `disconnect` listener can get, with the names of Socket.IO. */
export type DisconnectReason =
  | 'client namespace disconnect'
  | 'forced server close'
  | 'parse error'
  | 'ping timeout'
  | 'server namespace disconnect'
  | 'server shutting down'
  | 'transport close'
  | 'transport error'

/**
 * One link to one client, over which its namespaces are multiplexed.
 *
 *   open ──end()──► closing ──close reported──► closed
 */
export class Connection<Member extends NamespaceMember> {
  phase: 'closed' | 'closing' | 'open' = 'open'
  /** Set by the transport when the link opens, before anything else happens. */
  port!: WirePort
  /** Frames and bytes received before the first namespace was connected. */
  framesBeforeConnect = 0
  bytesBeforeConnect = 0
  /** Frames that broke a rule. */
  errorCount = 0
  /** Namespaces asked for whose middleware still runs. */
  pendingNamespaces: Set<string> | null = null
  /** Closes the connection unless a namespace is connected in time. */
  connectDeadline: Deadline | null = null

  private main: Member | null = null
  private others: Map<number, Member> | null = null
  private ended: Set<number> | null = null
  private intent: CloseInfo | null = null

  constructor(readonly handshake: HandshakeSource) {}

  /** Whether any namespace is connected. */
  get isConnected(): boolean {
    return this.main !== null || (this.others !== null && this.others.size > 0)
  }

  /** Namespaces that are connected or asked for. */
  get namespaceCount(): number {
    return (this.main ? 1 : 0) + (this.others?.size ?? 0) + (this.pendingNamespaces?.size ?? 0)
  }

  /** The member of a namespace by its number. */
  member(namespaceNumber: number): Member | null {
    return namespaceNumber === 0 ? this.main : (this.others?.get(namespaceNumber) ?? null)
  }

  /** All members; safe to change while iterating. */
  members(): Member[] {
    const all = this.others === null ? [] : [...this.others.values()]
    if (this.main !== null) all.unshift(this.main)
    return all
  }

  addMember(member: Member): void {
    if (member.namespaceNumber === 0) this.main = member
    else {
      this.others ??= new Map()
      this.others.set(member.namespaceNumber, member)
    }
  }

  removeMember(member: Member): void {
    if (member.namespaceNumber === 0) this.main = null
    else this.others?.delete(member.namespaceNumber)
  }

  /** The server ended a namespace: frames of it that are still on their way are discarded. */
  noteEnded(namespaceNumber: number): void {
    this.ended ??= new Set()
    if (this.ended.size >= LIMITS.namespacesPerConnection) this.ended.clear()
    this.ended.add(namespaceNumber)
  }

  /** Whether the server has ended this namespace. */
  hasEnded(namespaceNumber: number): boolean {
    return this.ended?.has(namespaceNumber) ?? false
  }

  /** Sends what is queued, then closes with a code of the table. Does nothing after the first call. */
  end(name: CloseName, reason: DisconnectReason, message: string = CLOSE_CODES[name].meaning): void {
    if (this.phase !== 'open') return
    this.phase = 'closing'
    const { code } = CLOSE_CODES[name]
    this.intent = { reason, code, message }
    this.port.end(code, message)
  }

  /** Called by the transport, once. @returns What the members are told: what we intended, or what the engine saw. */
  onClosed(seen: CloseInfo): CloseInfo {
    this.phase = 'closed'
    return this.intent ?? seen
  }
}
