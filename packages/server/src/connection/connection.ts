import { CLOSE_CODES, CLOSE_MEANINGS, type CloseName, LIMITS } from '@roomcast/protocol'
import type { FlowLimits } from '../options/flow-limits'
import type { ConnectionEvents } from './connection-events'
import type { HandshakeSource } from './handshake'
import type { Opening } from './opening'
import type { TokenBucket } from './token-bucket'
import type { Congestion, WirePort } from './wire-port'

/** What a connection carries for one namespace: the socket, or the request to become one. */
export interface NamespaceMember {
  readonly namespaceNumber: number
  /** Bytes that were ever published to the topics that it shares with others. */
  sharedBytes(): number
}

/** When the process began. What has passed since is a small integer for 24 days; the time of day takes an object of its own. */
const STARTED_AT_MS = Math.floor(performance.timeOrigin)

/** What a client has sent, and may send; each made when it is needed. */
export interface InboundAccount {
  /** Frames that broke a rule. */
  errorCount: number
  bucket: TokenBucket | null
  /** Frames that were too many. */
  refusals: TokenBucket | null
  /** By the name of the namespace; kept when the client leaves it, as long as there is room. */
  events: Map<string, EventRates> | null
}

/** What the client of a connection has sent, and may send. */
export function inboundOf(connection: { inbound: InboundAccount | null }): InboundAccount {
  connection.inbound ??= { errorCount: 0, bucket: null, refusals: null, events: null }
  return connection.inbound
}

/** What a client may send of each event, in one namespace. */
export interface EventRates {
  readonly buckets: Map<string, TokenBucket>
  /** The namespace may have another number when it is made again. */
  namespaceNumber: number
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
export class Connection<Member extends NamespaceMember> implements HandshakeSource {
  readonly headerBlock: string
  readonly url: string
  readonly address: string
  phase: 'closed' | 'closing' | 'open' = 'open'
  /** Set by the transport when the link opens, before anything else happens; another one after a move to a WebSocket. */
  port!: WirePort
  /** Who listens on `socket.conn`; null until somebody does. */
  events: ConnectionEvents | null = null
  /** How far the client is behind. Kept by the transport. */
  congestion: Congestion = 'none'
  /** Set by the transport with the port; null from the first namespace on. */
  opening: Opening | null = null
  /** See {@link inboundOf}; null until the client has sent something that counts. */
  inbound: InboundAccount | null = null
  /** When the last PING came, in whole milliseconds of the monotonic clock; 0 before the first. */
  pingedAt = 0

  /** Namespaces asked for and not decided, with what to do when that ends. */
  private asking: Map<string, () => void> | null = null
  private main: Member | null = null
  private others: Map<number, Member> | null = null
  private ended: Set<number> | null = null
  private intent: CloseInfo | null = null
  private readonly issuedAfterMs: number

  /** @param source  Copied: an object of its own would cost every connection 32 bytes more. */
  constructor({ headerBlock, url, address, issued }: HandshakeSource) {
    this.headerBlock = headerBlock
    this.url = url
    this.address = address
    this.issuedAfterMs = issued - STARTED_AT_MS
  }

  get issued(): number {
    return STARTED_AT_MS + this.issuedAfterMs
  }

  /** Whether a namespace is or was connected. */
  get hasBeenConnected(): boolean {
    return this.opening === null
  }

  /** Namespaces that are connected or asked for. */
  get namespaceCount(): number {
    return (this.main ? 1 : 0) + (this.others?.size ?? 0) + (this.asking?.size ?? 0)
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

  /** Bytes that were ever published to the topics that its sockets share with others. */
  sharedBytes(): number {
    let bytes = this.main?.sharedBytes() ?? 0
    if (this.others !== null) for (const member of this.others.values()) bytes += member.sharedBytes()
    return bytes
  }

  /** The transport has a new number. @param buffered  Bytes outstanding. */
  noteBuffered(buffered: number, { budgetBytes, highBytes, lowBytes }: FlowLimits): void {
    const before = this.congestion
    const floor = before === 'none' ? highBytes : lowBytes
    const now = buffered > budgetBytes ? 'over' : buffered > floor ? 'high' : 'none'
    if (now === before) return
    this.congestion = now
    this.events?.congestionChanged(now)
  }

  addMember(member: Member): void {
    this.opening?.cancel()
    this.opening = null
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

  /** Whether the client waits for this namespace. */
  isAsking(name: string): boolean {
    return this.asking?.has(name) ?? false
  }

  /** The client asks for a namespace; `release` is called when that is decided, or the link is closed. */
  ask(name: string, release: () => void): void {
    this.asking ??= new Map()
    this.asking.set(name, release)
  }

  /** It is decided. @returns Whether the client still waits for it. */
  answer(name: string): boolean {
    const release = this.asking?.get(name)
    if (release === undefined) return false
    this.asking?.delete(name)
    if (this.asking?.size === 0) this.asking = null
    const isOpen = this.phase === 'open'
    // After the caller has acted: a namespace must not be removed between the decision and the admission.
    queueMicrotask(release)
    return isOpen
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

  /**
   * Sends what is queued, then closes with a code of the table. Does nothing after the first call.
   *
   * @param retryAfterMs  Milliseconds that the client is asked to stay away.
   */
  end(
    name: CloseName,
    reason: DisconnectReason,
    message: string = CLOSE_MEANINGS[name],
    retryAfterMs?: number | undefined,
  ): void {
    if (this.phase !== 'open') return
    this.phase = 'closing'
    const code = CLOSE_CODES[name]
    this.intent = { reason, code, message }
    this.port.end(code, message, retryAfterMs)
  }

  /** The engine is about to close the link, for this reason. */
  expectClose(info: CloseInfo): void {
    this.intent ??= info
  }

  /** Called by the transport, once. @returns What the members are told: what we intended, or what the engine saw. */
  onClosed(seen: CloseInfo): CloseInfo {
    this.phase = 'closed'
    this.events?.closed()
    for (const name of [...(this.asking?.keys() ?? [])]) this.answer(name)
    return this.intent ?? seen
  }
}
