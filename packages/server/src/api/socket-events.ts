import { closeVerdict } from '@roomcast/protocol'
import type { CloseInfo, DisconnectReason } from '../connection/connection'

/** More about a disconnect: the close code and text of the link, if it was the link that ended. */
export type DisconnectDetails = Pick<CloseInfo, 'code' | 'message'>

/** Events that the library fires on a socket. */
export interface SocketReservedEvents {
  /** Before the socket leaves its rooms. */
  disconnecting: (reason: DisconnectReason, details?: DisconnectDetails) => void
  /** After the socket left its rooms; no event of it comes any more. */
  disconnect: (reason: DisconnectReason, details?: DisconnectDetails) => void
  /** A socket middleware refused an event, or a call with a plain ack callback failed. */
  error: (error: Error) => void
}

/** Sees each event before its handlers; calls `next()` to go on, `next(error)` to refuse. */
export type SocketMiddleware = (
  // biome-ignore lint/suspicious/noExplicitAny: it sees the arguments of every event there is
  event: [event: string, ...args: any[]],
  next: (error?: Error) => void,
) => unknown

/** Whether somebody has decided that the socket goes, so that it does not come back. */
export function isDecided(reason: DisconnectReason, details: DisconnectDetails | undefined): boolean {
  return reason === 'client namespace disconnect' || (details !== undefined && closeVerdict(details.code) === 'never')
}
