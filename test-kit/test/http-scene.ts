import { Agent, request } from 'node:http'
import { expect } from 'vitest'
import { WebSocket } from 'ws'
import { HttpFaultProxy } from '../http-fault'
import { next, until } from '../wait'
import { PlainServer } from './plain-server'

/** How a request went. */
export interface Outcome {
  /** null as long as there is no head. */
  status: number | null
  body: string
  end: 'cut' | 'open' | 'whole'
  headers: Readonly<Record<string, unknown>>
}

/** A plain server, a proxy before it, and a client with one connection at a time. */
export class Scene implements AsyncDisposable {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 })
  private readonly sockets: WebSocket[] = []

  private constructor(
    readonly server: PlainServer,
    readonly proxy: HttpFaultProxy,
  ) {}

  static async start(): Promise<Scene> {
    const server = await PlainServer.start()
    return new Scene(server, await HttpFaultProxy.start(server.port))
  }

  /** Sends a request. The outcome fills itself; those without `own` share one connection. */
  send(method: string, path: string, body = '', own = false): Outcome & { readonly abandon: () => void } {
    const outcome: Outcome = { status: null, body: '', end: 'open', headers: {} }
    const agent = own ? false : this.agent
    const asked = request({ port: this.proxy.port, host: '127.0.0.1', method, path, agent })
    asked.on('response', (answer) => {
      outcome.status = answer.statusCode ?? 0
      outcome.headers = answer.headers
      answer.on('data', (chunk: Buffer) => {
        outcome.body += chunk.toString()
      })
      answer.on('error', () => {})
      answer.on('close', () => {
        outcome.end = answer.complete ? 'whole' : 'cut'
      })
    })
    asked.on('error', () => {
      if (outcome.status === null) outcome.end = 'cut'
    })
    asked.end(body)
    return Object.assign(outcome, { abandon: () => asked.destroy() })
  }

  /** Sends a request and waits for its end. */
  async fetch(method: string, path: string, body = '', own = false): Promise<Outcome> {
    const outcome = this.send(method, path, body, own)
    await until(() => outcome.end !== 'open', `the end of ${method} ${path}`)
    return outcome
  }

  /** Begins to open a WebSocket. */
  open(path = '/ws'): WebSocket & { readonly refusals: number[] } {
    const ws = new WebSocket(`ws://127.0.0.1:${this.proxy.port}${path}`)
    const refusals: number[] = []
    this.sockets.push(ws)
    ws.on('error', () => {})
    ws.on('unexpected-response', (asked, answer) => {
      refusals.push(answer.statusCode ?? 0)
      asked.destroy()
      ws.emit('close', 1006)
    })
    return Object.assign(ws, { refusals })
  }

  /** Opens a WebSocket, and waits for it. */
  async opened(): Promise<WebSocket> {
    const ws = this.open()
    await next(ws, 'open')
    return ws
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const ws of this.sockets) ws.terminate()
    this.agent.destroy()
    await this.proxy[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
  }
}

/** Sends on a WebSocket, and waits for the echo. */
export async function expectEcho(ws: WebSocket, text: string): Promise<void> {
  const echoed = next(ws, 'message')
  ws.send(text)
  expect(String((await echoed)[0])).toBe(text)
}
