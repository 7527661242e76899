/*
 * The part of Bun that the benchmarks use. Bun's own types would change the globals of every file.
 */

/** What `Bun.serve` takes; `Data` is what an upgrade leaves with its WebSocket. */
export interface BunServeOptions<Data> {
  readonly hostname: string
  readonly port: number
  /** Handlers by path. */
  readonly routes?: Readonly<Record<string, BunHandler<Data>>>
  /** For every other path. */
  readonly fetch: BunHandler<Data>
  readonly websocket: {
    open(ws: BunWebSocket<Data>): void
    message(ws: BunWebSocket<Data>, message: string | Uint8Array): void
    close(ws: BunWebSocket<Data>, code: number, reason: string): void
  }
}

/** Answers a request, unless it has become a WebSocket. */
export type BunHandler<Data> = (
  request: Request,
  server: BunServer<Data>,
) => Response | undefined | Promise<Response | undefined>

/** What `Bun.serve` returns. */
export interface BunServer<Data> {
  readonly port: number
  /** Makes a WebSocket of the request, which then needs no response. */
  upgrade(request: Request, options: { readonly data: Data }): boolean
  publish(topic: string, message: string | Uint8Array): number
}

/** One WebSocket of `Bun.serve`. */
export interface BunWebSocket<Data> {
  readonly data: Data
  send(message: string | Uint8Array): number
  /** To every subscriber but this one. */
  publish(topic: string, message: string | Uint8Array): number
  subscribe(topic: string): void
}

interface Bun {
  serve<Data>(options: BunServeOptions<Data>): BunServer<Data>
  /** Collects garbage, before it returns if `isSynchronous`. */
  gc(isSynchronous: boolean): void
}

/** The global of Bun; undefined under Node. */
export const bun = (globalThis as { Bun?: Bun }).Bun
