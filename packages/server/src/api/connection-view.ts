import type { Connection, NamespaceMember } from '../connection/connection'

/** `socket.conn`: the connection beneath a socket. */
export class ConnectionView {
  /** @internal */
  constructor(private readonly connection: Connection<NamespaceMember>) {}

  /** The transport in use. */
  get transport(): { readonly name: 'websocket' } {
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

  /** Bytes handed to the connection and not yet taken by the kernel; 0 once it is closed. */
  get buffered(): number {
    return this.connection.phase === 'open' ? this.connection.port.bufferedBytes() : 0
  }
}
