/* The part of @socket.io/bun-engine that the benchmarks use: its own types need those of Bun. */
declare module '@socket.io/bun-engine' {
  /** An engine to which a server of Socket.IO is bound. */
  export class Server {
    constructor(options: { readonly path: string })
    /** Options of `Bun.serve`. */
    handler(): Pick<import('../process/bun').BunServeOptions<unknown>, 'fetch' | 'websocket'>
  }
}
