/*
 * What the rest of the client knows of a link. WebSocket is one transport; every other one
 * implements the same port.
 */

/** One link to the server. */
export interface Transport {
  /** Sends one frame, in order. The bytes may change after it returned. Only while the link is open. */
  send(frame: Uint8Array): void
  /** Closes the link. `onClose` follows. */
  close(code: number, reason: string): void
  /** Bytes that were handed over and not yet taken by the network; by polling, not yet answered. While the link is open. */
  bufferedBytes(): number
}

/** A link that can give its connection to another one. */
export interface MovableTransport extends Transport {
  /**
   * Receives and sends no more; calls back, once what is on its way has been answered, with the session and the
   * number of the last frame received.
   */
  pause(onPaused: (session: string, received: number) => void): void
  /** Goes on. */
  resume(): void
  /** Ends without a word. @returns What was to be sent since the pause. */
  handOver(): readonly Uint8Array[]
}

/** What a transport reports. After `onClose` nothing follows. */
export interface TransportEvents {
  /** @param subprotocol  What the server chose; '' if nothing. */
  onOpen(subprotocol: string): void
  /** Something came that is no frame. */
  onSign(): void
  /** One frame. The bytes belong to the receiver. */
  onFrame(frame: Uint8Array): void
  /**
   * @param code          As in the close frame; 1006 if there was none. RFC 6455 section 7.4.
   * @param retryAfterMs  How long the server wants the client to stay away, if it said so.
   */
  onClose(code: number, reason: string, retryAfterMs?: number): void
}

/** Where and how to open a link. */
export interface TransportTarget {
  /** `http:` or `https:` URL of Roomcast on the server, with its path and query, without a trailing slash. */
  readonly url: URL
  readonly subprotocols: readonly string[]
  /** Headers for the requests; browsers cannot send them with a WebSocket. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether requests to another origin carry cookies. */
  readonly withCredentials: boolean
  /** Milliseconds that a server which lives leaves a request for news without a byte. */
  silenceMs(): number
}

/** Begins to open a link. Never throws and never calls back before it returned. */
export type OpenTransport<Link extends Transport = Transport> = (
  target: TransportTarget,
  events: TransportEvents,
) => Link

/** How to open each kind of link. */
export interface Transports {
  readonly polling: OpenTransport<MovableTransport>
  readonly websocket: OpenTransport
}
