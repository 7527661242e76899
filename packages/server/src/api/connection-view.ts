import { RoomcastError } from '@roomcast/protocol'
import type { Connection, NamespaceMember } from '../connection/connection'
import { ConnectionEvents, type ConnectionReservedEvents } from '../connection/connection-events'
import type { Congestion } from '../connection/wire-port'
import type { Transport } from '../options/server-options'
import type { Runtime } from './runtime'

/** `socket.conn`: the connection beneath a socket. */
export class ConnectionView {
  /** @internal */
  constructor(
    private readonly connection: Connection<NamespaceMember>,
    private readonly runtime: Pick<Runtime, 'reportFault'>,
  ) {}

  /** The transport in use. A connection that begins with polling may move to a WebSocket: see `upgrade`. */
  get transport(): { readonly name: Transport } {
    return { name: this.connection.port.transport }
  }

  /** Address of the peer: the client, or the proxy before us. */
  get remoteAddress(): string {
    return this.connection.address
  }

  /** Whether the link is open. */
  get readyState(): 'closed' | 'closing' | 'open' {
    return this.connection.phase
  }

  /**
   * Bytes that were sent to the client and are not known to have arrived: on polling what it has not acknowledged, on WebSocket what it
   * has not confirmed, which is known for every 128 KiB (an eighth of `maxOutgoingBytes`); less than that counts as 0. 0 once it is closed.
   */
  get buffered(): number {
    return this.connection.phase === 'open' ? this.connection.port.bufferedBytes() : 0
  }

  /**
   * How far the client is behind: `high` from a quarter of `maxOutgoingBytes` outstanding, until it is below an eighth; `over` beyond all of
   * it, which is where the connection is cut. The event `congestion` tells of changes.
   */
  get congestion(): Congestion {
    return this.connection.congestion
  }

  /** Volatile events that were left out because the client was behind. */
  get skipped(): number {
    return this.connection.port.skipped
  }

  /** Latest values that a newer one took the place of before they were sent. */
  get replaced(): number {
    return this.connection.port.replaced
  }

  /**
   * Waits until the client has caught up: for those who send much.
   *
   *     for (const page of pages) {
   *       socket.emit('page', page)
   *       await socket.conn.drained()
   *     }
   *
   * @returns Resolves when `congestion` is `none`, at once if it is.
   * @throws RoomcastError `DISCONNECTED` if the connection is closed, now or before that.
   */
  async drained(): Promise<void> {
    const { phase, congestion } = this.connection
    if (phase !== 'open') throw new RoomcastError('DISCONNECTED', 'the connection was closed')
    if (congestion !== 'none') await this.events().drained()
  }

  /**
   * Calls `listener` on an event of the connection: `upgrade` with the new transport, when it moves from polling to a WebSocket;
   * `congestion` with `none`, `high` or `over`, when that has changed.
   */
  on<Event extends keyof ConnectionReservedEvents>(event: Event, listener: ConnectionReservedEvents[Event]): this {
    this.events().on(event, listener as never)
    return this
  }

  /** As {@link on}, for the next time only. */
  once<Event extends keyof ConnectionReservedEvents>(event: Event, listener: ConnectionReservedEvents[Event]): this {
    this.events().once(event, listener as never)
    return this
  }

  /** Removes a listener; without one all of the event's, without an event all there are. */
  off<Event extends keyof ConnectionReservedEvents>(event?: Event, listener?: ConnectionReservedEvents[Event]): this {
    this.connection.events?.off(event, listener as never)
    return this
  }

  /** Made for the first listener: most connections never have one. */
  private events(): ConnectionEvents {
    this.connection.events ??= new ConnectionEvents(this.runtime.reportFault)
    return this.connection.events
  }
}
