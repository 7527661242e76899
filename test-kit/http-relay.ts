import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import { connect, type Socket } from 'node:net'

/*
 * What `http-fault.ts` is made of: requests as they were seen, rules that choose among them, and the ways to hand
 * an answer on.
 */

/** A request whose head has come in. The proxy fills in what becomes of it. */
export interface SeenRequest {
  readonly kind: 'http' | 'upgrade'
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Status of the answer that the client was sent, or would have been sent; null as long as there is none. */
  status: number | null
}

/** Which requests a fault is for: those of a method, upgrades aside, or those that a function chooses. */
export type RequestMatcher = string | ((request: SeenRequest) => boolean)

/** Whether a matcher means a request. */
export function matches(which: RequestMatcher, seen: SeenRequest): boolean {
  return typeof which === 'function' ? which(seen) : seen.kind === 'http' && seen.method === which
}

/** Faults for the next requests that match, each with what it is to do. */
export class RequestRules<T> {
  private rules: { readonly which: RequestMatcher; readonly what: T; times: number }[] = []

  add(which: RequestMatcher, times: number, what: T): void {
    this.rules.push({ which, what, times })
  }

  /** What is to be done with this request, which uses it up once. */
  take(seen: SeenRequest): T | undefined {
    const rule = this.rules.find(({ which, times }) => times > 0 && matches(which, seen))
    if (rule !== undefined) rule.times--
    return rule?.what
  }

  clear(): void {
    this.rules = []
  }
}

/** An answer, read to its end. */
export interface WholeAnswer {
  readonly head: IncomingMessage
  readonly body: Buffer
}

/** Reads a body. Rejects when it is cut off. */
export async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Begins to ask the server what the client has asked, with the very same head, on a connection of its own. */
export function askServer(port: number, client: IncomingMessage): ClientRequest {
  const asked = request({
    method: client.method ?? 'GET',
    path: client.url ?? '/',
    headers: client.rawHeaders,
    createConnection: () => connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setNoDelay(),
  })
  // The head may ask to keep the connection, which nobody will use again.
  asked.on('response', ({ socket }) => asked.on('close', () => socket.destroy()))
  return asked
}

/** Headers that are about one hop, and not about the answer. */
const HOP = new Set(['connection', 'keep-alive'])

/** Begins the answer to the client with the head of the server's. */
export function copyHead(answer: IncomingMessage, to: ServerResponse): void {
  to.writeHead(answer.statusCode ?? 502, answer.statusMessage, ownHeaders(answer, HOP))
  to.flushHeaders()
}

function ownHeaders({ rawHeaders }: IncomingMessage, without: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (!without.has(name.toLowerCase())) kept.push(name, rawHeaders[i + 1] as string)
  }
  return kept
}

/** The head of an answer as text, for sockets that have left HTTP. */
export function headText(status: number, rawHeaders: readonly string[], message = STATUS_CODES[status] ?? ''): string {
  let text = `HTTP/1.1 ${status} ${message}\r\n`
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
  return `${text}\r\n`
}

const FRAMING = new Set([...HOP, 'transfer-encoding', 'content-length'])

/** Writes a whole answer on a socket that asked for an upgrade and did not get it, and ends it. */
export function refuseOn(socket: Socket, { head, body }: WholeAnswer): void {
  const headers = ownHeaders(head, FRAMING)
  headers.push('Content-Length', String(body.length), 'Connection', 'close')
  socket.write(headText(head.statusCode ?? 502, headers, head.statusMessage))
  socket.end(body)
}
