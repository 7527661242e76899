import { isNamespaceName, RoomcastError } from '@roomcast/protocol'

/** What a URL given to `io()` means. */
export interface ServerUrl {
  /** Scheme, host and port, with the scheme `http:` or `https:`. */
  readonly origin: URL
  /** Namespace: the path of the URL. */
  readonly nsp: string
  /** Query of the URL. */
  readonly query: Record<string, string>
}

/**
 * Reads the URL of a server: `https://host/namespace`, `wss://host`, or in a page only the path.
 *
 * @param base  Address of the page; undefined outside of a browser.
 * @throws RoomcastError `INVALID_OPTION`, `INVALID_NAMESPACE`.
 */
export function readServerUrl(url: string, base: string | undefined): ServerUrl {
  let parsed: URL
  try {
    parsed = new URL(url, base)
  } catch {
    throw new RoomcastError(
      'INVALID_OPTION',
      `"${url.slice(0, 100)}" is no URL of a server, such as "https://example.com"`,
    )
  }
  const scheme = parsed.protocol.replace(/^ws/, 'http')
  if (scheme !== 'http:' && scheme !== 'https:') {
    throw new RoomcastError(
      'INVALID_OPTION',
      `the URL of a server begins with http, https, ws or wss, not ${parsed.protocol}`,
    )
  }
  let nsp = ''
  try {
    nsp = decodeURI(parsed.pathname)
  } catch {
    // Not a namespace name either.
  }
  if (!isNamespaceName(nsp)) throw new RoomcastError('INVALID_NAMESPACE', 'the path of the URL is no namespace name')
  return {
    origin: new URL(`${scheme}//${parsed.host}`),
    nsp,
    query: Object.fromEntries(parsed.searchParams),
  }
}
