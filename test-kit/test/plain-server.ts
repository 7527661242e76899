import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { readBody } from '../http-relay'
import { until } from '../wait'

/** A request as the server got it. */
export interface ServedRequest {
  readonly method: string
  readonly path: string
  readonly body: string
}

/**
 * An HTTP and WebSocket server without anything of Roomcast, for tests of the proxies:
 *
 *   GET /bytes/n     n bytes, chunked
 *   GET /wait/x      is answered with x when the test calls `release`
 *   GET /parts       stays open; the test writes with `part`
 *   GET /rude        cuts the connection in the middle of the answer
 *   GET /forbidden   403, for upgrades too
 *   anything else    the body of the request, and how many requests there were before it
 *   WebSocket        echoes
 */
export class PlainServer implements AsyncDisposable {
  readonly requests: ServedRequest[] = []
  readonly sockets: WebSocket[] = []
  /** Close codes of WebSockets. */
  readonly closes: number[] = []
  /** Answers that ended because the client was gone. */
  aborted = 0
  private readonly waiting: (() => void)[] = []
  private parts: ServerResponse | null = null
  private readonly http = createServer((request, answer) => this.onRequest(request, answer))
  private readonly ws = new WebSocketServer({ noServer: true })

  static async start(): Promise<PlainServer> {
    const server = new PlainServer()
    await new Promise<void>((resolve) => server.http.listen(0, '127.0.0.1', resolve))
    server.http.on('upgrade', (request, socket, head) => {
      if (request.url === '/forbidden') {
        socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno')
        return
      }
      server.ws.handleUpgrade(request, socket, head, (ws) => server.onWebSocket(ws))
    })
    return server
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port
  }

  /** Bodies of the requests to a path, in order. */
  bodies(path: string): string[] {
    return this.requests.filter((request) => request.path === path).map(({ body }) => body)
  }

  /** Answers the oldest `/wait`. */
  async release(): Promise<void> {
    await until(() => this.waiting.length > 0, 'a request that waits')
    this.waiting.shift()?.()
  }

  /** Writes to `/parts`; null ends it. */
  async part(text: string | null): Promise<void> {
    const answer = await until(() => this.parts, 'a request for parts')
    if (text === null) answer?.end()
    else answer?.write(text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.terminate()
    this.http.closeAllConnections()
    await new Promise((resolve) => this.http.close(resolve))
  }

  private onWebSocket(ws: WebSocket): void {
    this.sockets.push(ws)
    ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
    ws.on('close', (code) => this.closes.push(code))
    ws.on('error', () => {})
  }

  private async onRequest(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = '', url: path = '' } = request
    answer.on('close', () => {
      if (!answer.writableFinished) this.aborted++
    })
    let body: Buffer
    try {
      body = await readBody(request)
    } catch {
      return
    }
    const before = this.requests.length
    this.requests.push({ method, path, body: body.toString() })
    const [, name, detail = ''] = path.split('/')
    switch (name) {
      case 'bytes':
        answer.write('x'.repeat(Number(detail) / 2))
        return void answer.end('y'.repeat(Number(detail) / 2))
      case 'wait':
        return void this.waiting.push(() => answer.end(detail))
      case 'parts':
        this.parts = answer
        return
      case 'rude':
        answer.writeHead(200, { 'content-length': 100 })
        return void answer.write('x', () => answer.destroy())
      case 'forbidden':
        return void answer.writeHead(403).end('no')
      default:
        answer.writeHead(200, { 'x-before': before })
        answer.end(body)
    }
  }
}
