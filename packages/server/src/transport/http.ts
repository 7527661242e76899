import type { Runtime } from '../api/runtime'
import type { ResolvedServerOptions } from '../options/server-options'
import { type ClientFiles, isClientFile, loadClientFiles, serveClientFile } from './client-files'
import type { EngineApp } from './engine-types'
import { HttpExchange } from './http-exchange'
import { isPollRoute, type PollingTransport } from './polling'

/** More about a request than a fetch `Request` tells. */
export interface HttpInfo {
  /** Address of the peer: the client, or the proxy before us. */
  readonly address: string
}

/**
 * Answers an HTTP request on Roomcast's port: the shape of a fetch handler, so that routers which speak
 * fetch can be given as they are. Without an answer (undefined) the next handler is asked, then 404.
 */
export type HttpHandler = (request: Request, info: HttpInfo) => Promise<Response | undefined> | Response | undefined

const TEXT: readonly (readonly [string, string])[] = [['content-type', 'text/plain; charset=utf-8']]

/** The HTTP routes: polling and the client's files, then the application's handlers. */
export class HttpTransport {
  private readonly handlers: HttpHandler[] = []
  private clientFiles: ClientFiles | null = null

  constructor(
    private readonly options: ResolvedServerOptions,
    private readonly runtime: Runtime,
    private readonly polling: PollingTransport,
    private readonly clientDirectory: URL,
  ) {}

  /** Adds a handler behind those there are. */
  add(handler: HttpHandler): void {
    this.handlers.push(handler)
  }

  /** Adds the routes to the engine's app. */
  register(app: EngineApp): void {
    app.any('/*', (res, req) => {
      const exchange = new HttpExchange(res, req)
      this.answer(exchange).catch((error: unknown) => {
        this.runtime.reportFault(error, { where: 'http handler', name: exchange.url })
        exchange.endAndClose('500 Internal Server Error', 'internal error')
        // An answer that has begun cannot become another one.
        exchange.destroy()
      })
    })
  }

  private async answer(exchange: HttpExchange): Promise<void> {
    if (exchange.hasRepeatedLength) return exchange.destroy()
    const path = exchange.url.split('?', 1)[0] as string
    const base = `${this.options.path}/`
    if (path.startsWith(base)) {
      const name = path.slice(base.length)
      if (isPollRoute(name)) return this.polling.answer(exchange, name)
      if (this.options.serveClient && isClientFile(name)) {
        this.clientFiles ??= loadClientFiles(this.clientDirectory)
        return serveClientFile(this.clientFiles[name], exchange)
      }
      if (name === 'ws') {
        return exchange.end('426 Upgrade Required', [...TEXT, ['upgrade', 'websocket']], 'this is a WebSocket endpoint')
      }
      return exchange.end('404 Not Found', TEXT, 'not found')
    }
    await this.askHandlers(exchange)
  }

  private async askHandlers(exchange: HttpExchange): Promise<void> {
    // Before anything else: a handler may look when the client is gone.
    const { address } = exchange
    const hasBody = exchange.method !== 'GET' && exchange.method !== 'HEAD'
    const body = hasBody ? await exchange.readBody(this.options.maxRequestBodyBytes) : undefined
    if (body === null) return exchange.endAndClose('413 Content Too Large', 'body too large')
    for (const handler of this.handlers) {
      const request = toRequest(exchange, body, this.options.tls !== undefined)
      if (request === null) return exchange.end('400 Bad Request', TEXT, 'bad request')
      const response = await handler(request, { address })
      if (response !== undefined) return sendResponse(exchange, response)
    }
    exchange.end('404 Not Found', TEXT, 'not found')
  }
}

/** @returns null for what the fetch standard has no request for: some methods, some URLs. */
function toRequest(
  exchange: HttpExchange,
  body: Uint8Array<ArrayBuffer> | undefined,
  isSecure: boolean,
): Request | null {
  const host = exchange.header('host') || 'localhost'
  const base = `${isSecure ? 'https' : 'http'}://${host}`
  try {
    const headers = new Headers()
    for (const [name, value] of exchange.headers) headers.append(name, value)
    // One leading slash: with two the path would name another host.
    const path = exchange.url.replace(/^[/\\]+/, '/')
    const url = new URL(path, URL.canParse(base) ? base : 'http://localhost')
    return new Request(url, { method: exchange.method, headers, ...(body && body.length > 0 ? { body } : {}) })
  } catch {
    return null
  }
}

async function sendResponse(exchange: HttpExchange, response: Response): Promise<void> {
  const status = `${response.status} ${response.statusText}`.trim()
  const headers = [...response.headers].filter(([name]) => name !== 'content-length' && name !== 'transfer-encoding')
  if (response.body === null) {
    if (response.status === 204 || response.status === 304) return exchange.endEmpty(status, headers)
    return exchange.end(status, headers, '')
  }
  if (response.headers.has('content-length') || exchange.method === 'HEAD') {
    const body = await readAll(response.body, exchange)
    return body === null ? undefined : exchange.end(status, headers, body)
  }
  exchange.begin(status, headers)
  const reader = response.body.getReader()
  exchange.whenGone(() => reader.cancel().catch(() => {}))
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (!(await exchange.write(next.value))) return
  }
  exchange.finish()
}

/** Reads a stream to its end; gives it up, with null, when the client is gone. */
async function readAll(stream: ReadableStream<Uint8Array>, exchange: HttpExchange): Promise<Uint8Array | null> {
  const reader = stream.getReader()
  exchange.whenGone(() => reader.cancel().catch(() => {}))
  const chunks: Uint8Array[] = []
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value)
  return exchange.isOpen ? Buffer.concat(chunks) : null
}
