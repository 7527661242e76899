/** The version of the wire contract in this package. PROTOCOL.md, "Versions". */
export const PROTOCOL_VERSION = 1

/** The WebSocket subprotocol of this version. RFC 6455 section 1.9. */
export const SUBPROTOCOL = `roomcast.v${PROTOCOL_VERSION}`

/**
 * The subprotocol that every version of Roomcast offers last. A server that shares no version with the
 * client selects this one and closes with `UNSUPPORTED_VERSION`, because a browser hides from the page
 * why an HTTP upgrade was refused, but not why a WebSocket was closed.
 */
export const REFUSAL_SUBPROTOCOL = 'roomcast'

/** Last part of the URL of the polling transport, behind `{path}/`. */
export const POLL_ROUTE = `poll/v${PROTOCOL_VERSION}`

/** Content type of polling bodies that hold frames. A type of our own: a page of another origin cannot send it unasked. */
export const POLL_CONTENT_TYPE = 'application/x-roomcast'

/** Request headers of the polling transport. PROTOCOL.md, "Polling". */
export const POLL_HEADERS = {
  /** Id and secret of the session. */
  session: 'roomcast-session',
  /** Number of this POST; at a GET, of the last frame received. */
  seq: 'roomcast-seq',
} as const

/** The answer to the subprotocols that a client offers. */
export type Negotiation =
  | { readonly kind: 'accept'; readonly subprotocol: string }
  /** Open the WebSocket with this subprotocol, then close it with `UNSUPPORTED_VERSION`. */
  | { readonly kind: 'close'; readonly subprotocol: string }
  /** The client would not see a close code: refuse over HTTP. */
  | { readonly kind: 'refuse' }

/**
 * Chooses the subprotocol for an upgrade.
 *
 * @param offered  Value of `Sec-WebSocket-Protocol`: names separated by commas, '' if absent.
 */
export function negotiateSubprotocol(offered: string): Negotiation {
  const names = offered.split(',').map((name) => name.trim())
  if (names.includes(SUBPROTOCOL)) return { kind: 'accept', subprotocol: SUBPROTOCOL }
  if (names.includes(REFUSAL_SUBPROTOCOL)) return { kind: 'close', subprotocol: REFUSAL_SUBPROTOCOL }
  return { kind: 'refuse' }
}
