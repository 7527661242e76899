import {
  type CloseVerdict,
  closeVerdict,
  type Emitter,
  type EndBody,
  type FrameFields,
  type RoomcastError,
} from '@roomcast/protocol'
import type { Congestion } from '../connection/flow'
import type { RoomMessage } from '../inbound/kept-message'
import type { ServerMessage } from '../inbound/server-message'
import type { TransportName } from '../options'

/** Why a socket was disconnected, with the names of Socket.IO. */
export type DisconnectReason =
  | 'io client disconnect'
  | 'io server disconnect'
  | 'parse error'
  | 'ping timeout'
  | 'transport close'
  | 'transport error'

/** More about a disconnect. */
export interface DisconnectDetails {
  /** Close code of the link; 1006 if there was no close frame. PROTOCOL.md, "Close codes". */
  readonly code: number
  /** Text of the close frame. */
  readonly message: string
  /** Whether and how the client comes back by itself. */
  readonly verdict: CloseVerdict
}

/**
 * What a connection, or a socket, is doing.
 *
 *   idle         nothing: it was not asked to, was disconnected, or was refused; `connect()` begins
 *   connecting   an attempt is under way
 *   connected
 *   waiting      the next attempt follows by itself
 */
export type LinkState = 'connected' | 'connecting' | 'idle' | 'waiting'

/** Events of a manager, with the names of Socket.IO. */
export interface ManagerReservedEvents {
  /**
   * The connection is in another state, or on another transport (`manager.transport`). On the manager and not on the
   * socket, where it would be an event of the server: games send one of this name.
   */
  state: (state: LinkState) => void
  /** What waits to be sent is too much, or not any more; a little behind `manager.congestion`. */
  congestion: (congestion: Congestion) => void
  /** The link is open. */
  open: () => void
  /** The link was lost or closed. */
  close: (reason: DisconnectReason, details: DisconnectDetails) => void
  /** An attempt to open the link failed. */
  error: (error: RoomcastError) => void
  /** The server has answered again, after this many attempts. */
  reconnect: (attempt: number) => void
  reconnect_attempt: (attempt: number) => void
  reconnect_error: (error: RoomcastError) => void
  /** It has given up after `reconnectionAttempts`; the sockets are idle. */
  reconnect_failed: () => void
}

/** A socket as its link sees it. */
export interface LinkedSocket {
  readonly nsp: string
  receive(message: ServerMessage): void
}

/** The connection beneath a socket: a manager. */
export interface SocketLink extends Emitter<Record<never, never>, ManagerReservedEvents> {
  /** What the connection is doing. */
  readonly state: LinkState
  /** The transport in use; undefined while there is none. */
  readonly transport: TransportName | undefined
  /**
   * Bytes that were sent and not yet taken by the network; by polling, not yet answered by the server. 0 without a link: what waits for one
   * waits in the outbox.
   */
  readonly buffered: number
  /**
   * How far the network is behind with what is sent: `high` when 256 KiB wait, until it is less than 128 KiB; `over` from 1 MiB on. The
   * event `congestion` tells of changes.
   */
  readonly congestion: Congestion
  /**
   * Waits until the network has taken what was sent: for those who send much.
   *
   *     for (const page of pages) {
   *       socket.emit('page', page)
   *       await socket.conn.drained()
   *     }
   *
   * @returns Resolves when `congestion` is `none` and nothing that was sent before the call waits; at once if it is so. A page in the background
   *          looks once a second or less often.
   * @throws RoomcastError `DISCONNECTED` if there is no link, now or before that.
   */
  drained(): Promise<void>
  /** @internal The socket wants to be connected. */
  attach(socket: LinkedSocket): void
  /** @internal The socket is done. */
  detach(socket: LinkedSocket): void
  /**
   * @internal Encodes the arguments of an event.
   *
   * @returns A body; a view that the next call overwrites.
   * @throws RoomcastError `NOT_ENCODABLE`, `MESSAGE_TOO_LARGE`.
   */
  encodeBody(event: string, args: readonly unknown[]): Uint8Array
  /** @internal Sends an encoded body behind a header. @throws RoomcastError `MESSAGE_TOO_LARGE`. */
  sendBody(fields: FrameFields, body: Uint8Array): void
  /** @internal Reads messages of an answer; null if they are malformed, and the link is cut. */
  readMessages(items: unknown): RoomMessage[] | null
  /** @internal Encodes and sends. @throws RoomcastError `NOT_ENCODABLE`, `MESSAGE_TOO_LARGE`. */
  sendFrame(fields: FrameFields, body: unknown): void
}

/** What an end that the server tells of means. */
export function detailsOf({ code, message }: EndBody): DisconnectDetails {
  return { code, message, verdict: closeVerdict(code) }
}
