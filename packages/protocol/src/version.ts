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
