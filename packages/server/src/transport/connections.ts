import type { Runtime } from '../api/runtime'
import type { AnySocket } from '../api/socket'
import type { CloseInfo, Connection } from '../connection/connection'
import { Opening } from '../connection/opening'
import type { WirePort } from '../connection/wire-port'
import type { Door } from './door'
import { describeCut } from './engine-close'

/** The open connections of a server, of every transport: from the first moment to the report of the last. */
export class Connections {
  private readonly open = new Set<Connection<AnySocket>>()
  private closing: { readonly retryAfterMs: number | undefined } | null = null

  constructor(
    private readonly runtime: Runtime,
    private readonly connectTimeoutMs: number,
    private readonly door: Door,
  ) {}

  /** Open connections, those without a namespace included. */
  get size(): number {
    return this.open.size
  }

  /** Whether new connections are refused. */
  get isClosing(): boolean {
    return this.closing !== null
  }

  /** Milliseconds that clients are asked to stay away, if {@link closeAll} said so. */
  get retryAfterMs(): number | undefined {
    return this.closing?.retryAfterMs
  }

  /** A link has opened. The connection is ended unless a namespace is connected in time. */
  add(connection: Connection<AnySocket>, port: WirePort): void {
    connection.port = port
    this.open.add(connection)
    this.door.entered(connection.address)
    if (this.closing !== null) return this.shutDown(connection)
    connection.opening = new Opening(connection, this.runtime.wheel, this.connectTimeoutMs)
  }

  /** The link of this connection carries another one from now on, and this one was nothing yet. */
  discard(connection: Connection<AnySocket>): void {
    this.remove(connection)
    connection.opening?.cancel()
  }

  /** A link has closed. Tells the sockets, and remembers why if the client cannot know. */
  closed(connection: Connection<AnySocket>, seen: CloseInfo): void {
    this.remove(connection)
    const info = connection.onClosed(seen)
    connection.opening?.cancel()
    const cut = describeCut(info)
    if (cut !== null) for (const { id } of connection.members()) this.runtime.closeMemory.add(id, cut)
    // A large publish may be running, which is no time for user code.
    this.runtime.turn.whenIdle(() => {
      const details = { code: info.code, message: info.message }
      for (const socket of connection.members()) socket.endNamespace(info.reason, false, details)
    })
  }

  /** Closes every connection; new ones are refused from now on. @param retryAfterMs  Time to stay away. */
  closeAll(retryAfterMs: number | undefined): void {
    this.closing = { retryAfterMs }
    for (const connection of [...this.open]) this.shutDown(connection)
  }

  private remove(connection: Connection<AnySocket>): void {
    if (this.open.delete(connection)) this.door.left(connection.address)
  }

  private shutDown(connection: Connection<AnySocket>): void {
    for (const socket of connection.members()) socket.endNamespace('server shutting down', false)
    this.runtime.turn.flush()
    connection.end('SERVER_SHUTDOWN', 'server shutting down', 'server shutting down', this.retryAfterMs)
  }
}
