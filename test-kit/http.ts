import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { connect } from 'node:net'

/** An answer, read to its end. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The body as UTF-8. */
  readonly text: string
}

/** Options of {@link request}. */
export interface HttpRequest {
  readonly method?: string
  /** Sent as it is: nothing is normalised. @default '/' */
  readonly path?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Uint8Array
  /** Over TLS, with any certificate. @default false */
  readonly secure?: boolean
}

/** Sends one request to a port of the loopback. Rejects if the connection ends before the answer does. */
export function request(port: number, options: HttpRequest = {}): Promise<HttpAnswer> {
  const { method = 'GET', path = '/', headers = {}, body, secure = false } = options
  return new Promise((resolve, reject) => {
    const send = secure ? tlsRequest : plainRequest
    const target = { host: '127.0.0.1', port, method, path, headers, agent: false, rejectUnauthorized: false }
    const outgoing = send(target, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const bytes = Buffer.concat(chunks)
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: bytes, text: bytes.toString('utf8') })
      })
    })
    outgoing.on('error', reject)
    outgoing.on('upgrade', (answer, socket) => {
      socket.destroy()
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.alloc(0), text: '' })
    })
    outgoing.end(body)
  })
}

/** The headers of a well-made upgrade request. */
export const UPGRADE_HEADERS = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'roomcast.v1, roomcast',
} as const

/**
 * Sends bytes that no HTTP client would send.
 *
 * @param enough  What the answer has to match to be returned; without it the connection has to end first.
 * @returns What came until then.
 */
export function rawRequest(port: number, text: string, enough?: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'))
    let answer = ''
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no end after 10 s, so far: ${answer}`)))
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (enough?.test(answer)) socket.destroy()
    })
    // A reset is an end like any other.
    socket.on('error', (error: NodeJS.ErrnoException) => error.code === undefined && reject(error))
    socket.on('close', () => resolve(answer))
  })
}

/** Matches an answer whose headers are complete. */
export const HEAD = /\r\n\r\n/
