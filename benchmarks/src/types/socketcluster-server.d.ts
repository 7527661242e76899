/* The part of socketcluster-server that the benchmarks use: it comes without types. */
declare module 'socketcluster-server' {
  import type { Server } from 'node:http'

  /** One client. */
  export interface AGServerSocket {
    /** Calls of a procedure, in order. */
    procedure(name: string): AsyncIterable<AGRequest>
    isSubscribed(channel: string): boolean
  }

  /** One call of a procedure. */
  export interface AGRequest {
    readonly data: unknown
    end(data?: unknown): void
  }

  /** The server. */
  export interface AGServer {
    /** Clients by id, those whose handshake is done. */
    readonly clients: Readonly<Record<string, AGServerSocket>>
    readonly exchange: { transmitPublish(channel: string, data: unknown): Promise<void> }
    listener(event: 'connection'): AsyncIterable<{ readonly socket: AGServerSocket }>
  }

  export function attach(server: Server): AGServer
}
