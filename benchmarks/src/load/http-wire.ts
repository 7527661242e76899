/*
 * HTTP/1.1 (RFC 9112) as far as polling needs it: requests as text, one byte for each character, and answers with a
 * length over links that stay open.
 */

const HEAD_END = '\r\n\r\n'
/** Of `HTTP/1.1 200 OK`. */
const STATUS_AT = 9
const STATUS_END = 12
const LENGTH = /\r\ncontent-length: *(\d+)\r\n/i
const NOTHING = Buffer.alloc(0)

/** An answer read from the bytes of a server, and the position behind it. */
export interface HttpAnswer {
  readonly status: number
  readonly body: Buffer
  readonly end: number
}

/**
 * The beginning of a request, up to a header whose value is still to come: `${head}${value}\r\n\r\n${body}`.
 *
 * @param headers  Names and values in turn; a last name without a value is of the header that is still open.
 */
export function openRequest(method: string, port: number, path: string, headers: readonly string[]): string {
  let head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`
  headers.forEach((text, index) => {
    head += index % 2 === 0 ? `${text}: ` : `${text}\r\n`
  })
  return head
}

/** A whole request. @param body  Text, one byte for each character; none for a GET. */
export function httpRequest(
  method: string,
  port: number,
  path: string,
  headers: readonly string[],
  body?: string,
): string {
  const all = body === undefined ? headers : [...headers, 'Content-Length', String(body.length)]
  return `${openRequest(method, port, path, all)}\r\n${body ?? ''}`
}

/**
 * Reads the answer that begins at `start`.
 *
 * @returns undefined if bytes are missing.
 * @throws Error on an answer with a body and no length.
 */
export function readHttpAnswer(bytes: Buffer, start: number): HttpAnswer | undefined {
  const headEnd = bytes.indexOf(HEAD_END, start)
  if (headEnd < 0) return undefined
  const head = bytes.toString('latin1', start, headEnd + 2)
  const status = Number(head.slice(STATUS_AT, STATUS_END))
  const bodyAt = headEnd + HEAD_END.length
  if (status === 204 || status === 304) return { status, body: NOTHING, end: bodyAt }
  const length = LENGTH.exec(head)?.[1]
  if (length === undefined) throw new Error(`an answer without a length: ${JSON.stringify(head.slice(0, 80))}`)
  const end = bodyAt + Number(length)
  return bytes.length < end ? undefined : { status, body: bytes.subarray(bodyAt, end), end }
}
