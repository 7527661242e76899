import type { FrameFields } from '@roomcast/protocol'
import type { ServerMessage } from '../inbound/server-message'

/** A socket as its link sees it. */
export interface LinkedSocket {
  readonly nsp: string
  receive(message: ServerMessage): void
}

/** The connection beneath a socket: a manager. */
export interface SocketLink {
  /** The socket wants to be connected. */
  attach(socket: LinkedSocket): void
  /** The socket is done. */
  detach(socket: LinkedSocket): void
  /**
   * Encodes the arguments of an event.
   *
   * @returns A body; a view that the next call overwrites.
   * @throws RoomcastError `NOT_ENCODABLE`, `MESSAGE_TOO_LARGE`.
   */
  encodeBody(event: string, args: readonly unknown[]): Uint8Array
  /** Sends an encoded body behind a header. */
  sendBody(fields: FrameFields, body: Uint8Array): void
  /** Encodes and sends. @throws RoomcastError `NOT_ENCODABLE`. */
  sendFrame(fields: FrameFields, body: unknown): void
}
