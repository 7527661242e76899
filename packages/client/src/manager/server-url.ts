import { isNamespaceName, RoomcastError } from '@roomcast/protocol'

/** Said of a name that is none. */
export const NAMESPACE_RULE = 'a namespace name is a slash and at most 199 bytes of text'

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
  let parsed: URL | undefined
  let nsp = ''
  try {
    parsed = new URL(url, base)
    nsp = decodeURI(parsed.pathname)
  } catch {
    // No URL, or a path that is no text: no namespace name either.
  }
  if (!parsed || !/^(http|ws)s?:$/.test(parsed.protocol)) {
    throw new RoomcastError('INVALID_OPTION', `"${url.slice(0, 100)}" is no URL such as "https://example.com"`)
  }
  if (!isNamespaceName(nsp)) throw new RoomcastError('INVALID_NAMESPACE', NAMESPACE_RULE)
  return {
    origin: new URL(`${parsed.protocol.replace('ws', 'http')}//${parsed.host}`),
    nsp,
    query: Object.fromEntries(parsed.searchParams),
  }
}
