import { isSameHost } from './same-host'

/** Request headers by lower-case name; a header sent twice is joined with ", ". */
export type RequestHeaders = Readonly<Record<string, string>>

/** What a client said when it connected: `socket.handshake`, with the field names of Socket.IO. */
export interface Handshake {
  /** Without `sec-websocket-key`. */
  readonly headers: RequestHeaders
  /** When the socket was created, as text for people. */
  readonly time: string
  /** The same as milliseconds since 1970. */
  readonly issued: number
  /**
   * Address of the client: IPv4 in decimal, IPv6 as eight groups of four hexadecimal digits. Behind proxies that the option
   * `trustedProxies` names, as they tell it; else that of the peer, and no header is trusted.
   */
  readonly address: string
  /** Whether the request came from another origin than the server's. */
  readonly xdomain: boolean
  /** Whether this server ended TLS. */
  readonly secure: boolean
  /** Path and query of the request. */
  readonly url: string
  /** Query of the request; of a key given twice the last value. */
  readonly query: Readonly<Record<string, string>>
  /** The `auth` of the client, `{}` if it gave none. Unchecked input: any value the client chose to send. */
  // biome-ignore lint/suspicious/noExplicitAny: as in Socket.IO; it is whatever the client sent
  readonly auth: any
}

/**
 * What is kept of an upgrade request. One string instead of an object per header: an idle connection would
 * otherwise spend more memory on its headers than on everything else.
 */
export interface HandshakeSource {
  /** Lines `name\0value`, joined with \n; neither can occur in a header. */
  readonly headerBlock: string
  readonly url: string
  readonly address: string
  /** Milliseconds since 1970. */
  readonly issued: number
}

/** Packs headers for {@link HandshakeSource}. @param without  A name that is left out. */
export function packHeaders(headers: readonly (readonly [name: string, value: string])[], without = ''): string {
  const lines: string[] = []
  for (const header of headers) if (header[0] !== without) lines.push(`${header[0]}\0${header[1]}`)
  return lines.join('\n')
}

/** The inverse of {@link packHeaders}. */
export function unpackHeaders(headerBlock: string): RequestHeaders {
  // No prototype: a header named "constructor" is then an ordinary key.
  const headers: Record<string, string> = Object.create(null)
  if (headerBlock === '') return headers
  for (const line of headerBlock.split('\n')) {
    const split = line.indexOf('\0')
    const name = line.slice(0, split)
    const value = line.slice(split + 1)
    const earlier = headers[name]
    headers[name] = earlier === undefined ? value : `${earlier}${name === 'cookie' ? '; ' : ', '}${value}`
  }
  return headers
}

/** Builds the handshake of one socket of a connection. @param isSecure  Whether this server ended TLS. */
export function buildHandshake(source: HandshakeSource, isSecure: boolean, auth: unknown): Handshake {
  const headers = unpackHeaders(source.headerBlock)
  const { origin, host = '' } = headers
  const query: Record<string, string> = Object.create(null)
  const queryStart = source.url.indexOf('?')
  if (queryStart >= 0) {
    for (const [key, value] of new URLSearchParams(source.url.slice(queryStart + 1))) query[key] = value
  }
  return {
    headers,
    time: new Date(source.issued).toString(),
    issued: source.issued,
    address: source.address,
    xdomain: origin !== undefined && !isSameHost(origin, host),
    secure: isSecure,
    url: source.url,
    query,
    auth,
  }
}
