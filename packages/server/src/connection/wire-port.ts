/*
 * What the rest of the server knows of the engine. transport/ implements both ports; nobody else has
 * heard of uWebSockets.js.
 */

/** One open link. No method may be called after its close was reported. */
export interface WirePort {
  /** Name of the transport, for `socket.conn.transport.name`. */
  readonly transport: 'websocket'
  /** Sends one frame. The bytes are copied before it returns. */
  send(frame: Uint8Array, compress: boolean): void
  /** Adds the link to a topic; every later publish to the topic reaches it. */
  subscribe(topic: string): void
  /** Removes the link from a topic; publishes made before still reach it. */
  unsubscribe(topic: string): void
  /** Sends what is queued, then a close frame. Reports the close before it returns. */
  end(code: number, reason: string): void
  /** Bytes handed over and not yet taken by the kernel. */
  bufferedBytes(): number
}

/** Publishing to the subscribers of a topic, each in the order of all other frames to it. */
export interface PublishPort {
  /** The bytes are copied before it returns. */
  publish(topic: string, frame: Uint8Array, compress: boolean): void
}
