import { type CloseName, RoomcastError } from '@roomcast/protocol'
import type { LinkEnd } from '../connection/states'
import type { DisconnectReason } from '../socket/socket-link'
import { BAD_FRAME, CONNECT_TIMEOUT, KICKED, PING_TIMEOUT, REPLACED, REVOKED, UNSUPPORTED_VERSION } from '../tables'

/* What the end of a link is called: to those who were connected, and to those who wanted to be. */

/** For the event `disconnect`. @param code  Of the close frame. */
export function reasonOf(code: number): DisconnectReason {
  switch (code) {
    case KICKED:
    case REPLACED:
    case REVOKED:
      return 'io server disconnect'
    case BAD_FRAME:
      return 'parse error'
    case PING_TIMEOUT:
      return 'ping timeout'
    default:
      return 'transport close'
  }
}

/** For the event `connect_error`. @param timeoutMs  The time that the link had to open. */
export function errorOf({ code, message }: LinkEnd, timeoutMs: number): RoomcastError {
  if (code === UNSUPPORTED_VERSION) return new RoomcastError('UNSUPPORTED_VERSION', 'no common protocol version')
  if (code === CONNECT_TIMEOUT || message === 'timeout') return timedOut(timeoutMs)
  return new RoomcastError('TRANSPORT_FAILED', 'the link failed', { data: { code, message } })
}

/** The server has not answered in time. */
export function timedOut(ms: number): RoomcastError {
  return new RoomcastError('CONNECT_TIMEOUT' satisfies CloseName, `no answer in ${ms} ms`)
}
