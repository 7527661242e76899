import type { Connection, NamespaceMember } from '../connection/connection'
import { ConnectionEvents, type ConnectionReservedEvents } from '../connection/connection-events'
import type { FaultHook } from '../observe/report'
import type { Transport } from '../options/server-options'

/** `socket.conn`: the connection beneath a socket. */
export class ConnectionView {
  /** @internal */
  constructor(
    private readonly connection: Connection<NamespaceMember>,
    private readonly reportFault: FaultHook,
  ) {}

  /** The transport in use. A connection that begins with polling may move to a WebSocket: see `upgrade`. */
  get transport(): { readonly name: Transport } {
    return { name: this.connection.port.transport }
  }

  /** Address of the peer: the client, or the proxy before us. */
  get remoteAddress(): string {
    return this.connection.handshake.address
  }

  /** Whether the link is open. */
  get readyState(): 'closed' | 'closing' | 'open' {
    return this.connection.phase
  }

  /**
   * Bytes handed to the connection, and not yet taken by the kernel or, on polling, not yet acknowledged; 0 once it is
   * closed.
   */
  get buffered(): number {
    return this.connection.phase === 'open' ? this.connection.port.bufferedBytes() : 0
  }

  /** Calls `listener` with the new transport when the connection moves from polling to a WebSocket. */
  on(event: 'upgrade', listener: ConnectionReservedEvents['upgrade']): this {
    this.events().on(event, listener)
    return this
  }

  /** As {@link on}, for the next time only. */
  once(event: 'upgrade', listener: ConnectionReservedEvents['upgrade']): this {
    this.events().once(event, listener)
    return this
  }

  /** Removes a listener; without one all of the event's, without an event all there are. */
  off(event?: 'upgrade', listener?: ConnectionReservedEvents['upgrade']): this {
    this.connection.events?.off(event, listener)
    return this
  }

  /** Made for the first listener: most connections never have one. */
  private events(): ConnectionEvents {
    this.connection.events ??= new ConnectionEvents(this.reportFault)
    return this.connection.events
  }
}
