/*
 * What the rest of the client knows of a link. WebSocket is one transport; every other one
 * implements the same port.
 */

/** One link to the server. */
export interface Transport {
  /** For `manager.transport` and logs. */
  readonly name: string
  /** Sends one frame, in order. The bytes may change after it returned. Only while the link is open. */
  send(frame: Uint8Array): void
  /** Closes the link. `onClose` follows. */
  close(code: number, reason: string): void
}

/** What a transport reports. After `onClose` nothing follows. */
export interface TransportEvents {
  /** @param subprotocol  What the server chose; '' if nothing. */
  onOpen(subprotocol: string): void
  /** One frame. The bytes belong to the receiver. */
  onFrame(frame: Uint8Array): void
  /** @param code  As in the close frame; 1006 if there was none. RFC 6455 section 7.4. */
  onClose(code: number, reason: string): void
}

/** Where and how to open a link. */
export interface TransportTarget {
  /** `http:` or `https:` URL of Roomcast on the server, with its path and query, without a trailing slash. */
  readonly url: URL
  readonly subprotocols: readonly string[]
  /** Headers for the request; ignored by browsers. */
  readonly headers: Readonly<Record<string, string>>
}

/** Begins to open a link. Never throws and never calls back before it returned. */
export type OpenTransport = (target: TransportTarget, events: TransportEvents) => Transport
