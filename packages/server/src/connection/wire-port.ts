import type { Transport } from '../options/server-options'

/*
 * What the rest of the server knows of the engine. transport/ implements both ports; nobody else has
 * heard of uWebSockets.js.
 */

/** That a newer value may take the place of a frame, as long as that was not sent. */
export interface LatestValue {
  /** Equal for values of which only the newest is wanted: names the namespace, the receivers, the event and the key. */
  readonly id: string
  /** Makes one frame of two; null where the newer one is all there is to it. Never throws. */
  readonly merge: ((older: Uint8Array, newer: Uint8Array) => Uint8Array) | null
}

/**
 * How far a client is behind with what it is sent: `high` from a quarter of `maxOutgoingBytes` on, until it is below an eighth; `over`
 * beyond all of it.
 */
export type Congestion = 'high' | 'none' | 'over'

/** One open link. No method may be called after its close was reported. */
export interface WirePort {
  /** Name of the transport, for `socket.conn.transport.name`. */
  readonly transport: Transport
  /**
   * Sends one frame. The bytes are copied before it returns.
   *
   * @param latest  For a client that is behind: the frame takes the place of an older one of this id.
   */
  send(frame: Uint8Array, compress: boolean, latest?: LatestValue | null): void
  /** Adds the link to a topic; every later publish to the topic reaches it. */
  subscribe(topic: string): void
  /** Removes the link from a topic; publishes made before still reach it. */
  unsubscribe(topic: string): void
  /**
   * Sends what is queued, then the close. Reports the close before it returns.
   *
   * @param retryAfterMs  Milliseconds that the client is asked to stay away.
   */
  end(code: number, reason: string, retryAfterMs?: number): void
  /** A frame was published to a topic of this link alone. @param isFresh  A latest value: it should arrive soon, or not at all. */
  count(bytes: number, isFresh: boolean): void
  /**
   * Puts right what {@link check} finds in the account of shared topics: bytes that were published there and not for this link are
   * negative.
   */
  adjust(bytes: number): void
  /** Much was published to a shared topic of this link. @param isFresh  Latest values. */
  check(isFresh: boolean): void
  /** Bytes outstanding: not known to have arrived, or still waiting here. */
  bufferedBytes(): number
  /** Whether a volatile frame is left out now, because what is sent would wait; counts it if so. */
  skipsVolatile(): boolean
  /** Volatile frames that were left out. */
  readonly skipped: number
  /** Latest values that a newer one took the place of. */
  readonly replaced: number
  /** The link is gone. */
  closed(): void
}

/** Publishing to the subscribers of a topic, each in the order of all other frames to it. */
export interface PublishPort {
  /**
   * The bytes are copied before it returns.
   *
   * @param latest  For receivers who are behind: the frame takes the place of an older one of this id.
   */
  publish(topic: string, frame: Uint8Array, compress: boolean, latest?: LatestValue | null): void
}
