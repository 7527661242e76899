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
  /** Bytes handed over, and not yet taken by the kernel or, on polling, not yet acknowledged. */
  bufferedBytes(): number
  /** Whether what is sent now would wait: then volatile frames are left out. */
  isCongested(): boolean
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
