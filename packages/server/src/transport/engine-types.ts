/*
 * The part of uWebSockets.js that this server uses, as structural types of our own: the typings of the
 * builds differ, declare values that are not there, and would end up in our public declarations.
 */

/** An open WebSocket. Every method throws once it is closed. */
export interface EngineWebSocket<Data> {
  send(message: Uint8Array, isBinary: boolean, compress: boolean): number
  subscribe(topic: string): boolean
  unsubscribe(topic: string): boolean
  cork(write: () => void): EngineWebSocket<Data>
  end(code: number, reason: string): void
  getBufferedAmount(): number
  getTopics(): string[]
  ping(payload: Uint8Array): number
  getUserData(): Data
}

/** A request; valid only until the handler returns. */
export interface EngineRequest {
  forEach(visit: (name: string, value: string) => void): void
  getHeader(name: string): string
  getMethod(): string
  getCaseSensitiveMethod?(): string
  getQuery(): string
  getUrl(): string
}

/** An answer; unusable once it has ended or was aborted. */
export interface EngineResponse {
  /** Cuts the connection; the abort handler is called. */
  close(): EngineResponse
  cork(write: () => void): EngineResponse
  end(body?: Uint8Array | string, closeConnection?: boolean): EngineResponse
  endWithoutBody(reportedLength?: number, closeConnection?: boolean): EngineResponse
  getRemoteAddressAsText(): ArrayBuffer
  onAborted(handler: () => void): EngineResponse
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): EngineResponse
  onWritable(handler: (offset: number) => boolean): EngineResponse
  upgrade<Data>(data: Data, key: string, protocol: string, extensions: string, context: unknown): void
  write(chunk: Uint8Array): boolean
  writeHeader(name: string, value: string): EngineResponse
  writeStatus(status: string): EngineResponse
}

/** What a WebSocket route does. */
export interface EngineBehavior<Data> {
  compression: number
  closeOnBackpressureLimit: boolean
  idleTimeout: number
  maxBackpressure: number
  maxPayloadLength: number
  sendPingsAutomatically: boolean
  upgrade(res: EngineResponse, req: EngineRequest, context: unknown): void
  open(ws: EngineWebSocket<Data>): void
  message(ws: EngineWebSocket<Data>, message: ArrayBuffer, isBinary: boolean): void
  dropped(ws: EngineWebSocket<Data>): void
  pong(ws: EngineWebSocket<Data>, payload: ArrayBuffer): void
  close(ws: EngineWebSocket<Data>, code: number, message: ArrayBuffer): void
}

/** A handle of a listening port. */
export type EngineListenSocket = object

/** A server of the engine. */
export interface EngineApp {
  any(pattern: string, handler: (res: EngineResponse, req: EngineRequest) => void): EngineApp
  close(): EngineApp
  listen(port: number, options: number, onListening: (socket: EngineListenSocket | false) => void): EngineApp
  listen(
    host: string,
    port: number,
    options: number,
    onListening: (socket: EngineListenSocket | false) => void,
  ): EngineApp
  publish(topic: string, message: Uint8Array, isBinary: boolean, compress: boolean): boolean
  ws<Data>(pattern: string, behavior: EngineBehavior<Data>): EngineApp
}

/** Certificate and key for `SSLApp`, with the engine's names. */
export interface EngineTlsOptions {
  readonly key_file_name?: string
  readonly cert_file_name?: string
  readonly ca_file_name?: string
  readonly passphrase?: string
  readonly dh_params_file_name?: string
  readonly ssl_ciphers?: string
  readonly ssl_prefer_low_memory_usage?: boolean
}

/** The module itself. Constants may be missing: builds differ. */
export interface Engine {
  App(): EngineApp
  SSLApp(options: EngineTlsOptions): EngineApp
  us_listen_socket_close(socket: EngineListenSocket): void
  us_socket_local_port(socket: EngineListenSocket): number
  readonly SHARED_COMPRESSOR?: number
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT?: number
}
