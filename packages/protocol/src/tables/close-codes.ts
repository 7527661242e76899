/* What the verdicts need, by itself: see limits.ts. */
const NORMAL = 1000
const KICKED = 4000
const UNSUPPORTED_VERSION = 4001
const PING_TIMEOUT = 4008
const REPLACED = 4013
const REVOKED = 4014

/**
 * What the client does after a close: `now` reconnects within the first delay, `backoff` waits longer each time, both with
 * jitter; `never` leaves it to the application.
 */
export type CloseVerdict = 'backoff' | 'never' | 'now'

/**
 * Every way a connection ends: the number in the WebSocket close frame, RFC 6455 section 7.4. PROTOCOL.md, the client's
 * retry policy and the tests are checked against this file.
 */
export const CLOSE_CODES = {
  NORMAL,
  GOING_AWAY: 1001,
  NO_STATUS: 1005,
  ABNORMAL: 1006,
  SERVER_SHUTDOWN: 1012,
  KICKED,
  UNSUPPORTED_VERSION,
  CONNECT_TIMEOUT: 4002,
  BAD_FRAME: 4003,
  FRAME_TOO_LARGE: 4004,
  TOO_MANY_ERRORS: 4005,
  CONNECT_LIMIT: 4006,
  HELD_LIMIT: 4007,
  PING_TIMEOUT,
  SESSION_UNKNOWN: 4009,
  SLOW_CONSUMER: 4010,
  SWITCH_REFUSED: 4011,
  LOGIN_EXPIRED: 4012,
  REPLACED,
  REVOKED,
  RATE_LIMITED: 4015,
} as const

/** Name of a close code. */
export type CloseName = keyof typeof CLOSE_CODES

/** Codes that leave what follows to the application. */
const FINAL: readonly number[] = [NORMAL, KICKED, UNSUPPORTED_VERSION, REPLACED, REVOKED]

/** What to do after a close with `code`. Codes outside the table are treated as a lost link. */
export function closeVerdict(code: number): CloseVerdict {
  if (FINAL.includes(code)) return 'never'
  return code === PING_TIMEOUT ? 'now' : 'backoff'
}

/** Who ends a connection with a code; `engine` codes are made by the link itself and never sent. */
export type CloseSender = 'both' | 'client' | 'engine' | 'server'

/** Who sends each close code. Apart from the numbers, to keep it out of the client. */
export const CLOSE_SENDERS: Readonly<Record<CloseName, CloseSender>> = {
  NORMAL: 'client',
  GOING_AWAY: 'client',
  NO_STATUS: 'engine',
  ABNORMAL: 'engine',
  SERVER_SHUTDOWN: 'server',
  KICKED: 'server',
  UNSUPPORTED_VERSION: 'both',
  CONNECT_TIMEOUT: 'both',
  BAD_FRAME: 'both',
  FRAME_TOO_LARGE: 'server',
  TOO_MANY_ERRORS: 'server',
  CONNECT_LIMIT: 'server',
  HELD_LIMIT: 'server',
  PING_TIMEOUT: 'both',
  SESSION_UNKNOWN: 'server',
  SLOW_CONSUMER: 'server',
  SWITCH_REFUSED: 'server',
  LOGIN_EXPIRED: 'server',
  REPLACED: 'server',
  REVOKED: 'server',
  RATE_LIMITED: 'server',
}

/** What each close code means; the server sends it as the reason. Apart from the rows, to keep it out of the client. */
export const CLOSE_MEANINGS: Readonly<Record<CloseName, string>> = {
  NORMAL: 'the application closed the connection',
  GOING_AWAY: 'the page was left',
  NO_STATUS: 'a close frame without a code',
  ABNORMAL: 'the link was lost, or the engine cut it',
  SERVER_SHUTDOWN: 'the server shuts down or restarts',
  KICKED: 'the application closed the connection, with disconnect(true)',
  UNSUPPORTED_VERSION: 'no common protocol version',
  CONNECT_TIMEOUT: 'no namespace was connected in time, or the server did not answer',
  BAD_FRAME: 'a malformed or illegal frame, or a body that the gate refused',
  FRAME_TOO_LARGE: 'a frame over the announced limit',
  TOO_MANY_ERRORS: 'too many frames that broke a rule',
  CONNECT_LIMIT: 'too many frames or bytes before the first namespace was connected',
  HELD_LIMIT: 'too many frames or bytes while an asynchronous handler or a login was running',
  PING_TIMEOUT: 'no sign of life in time',
  SESSION_UNKNOWN: 'the polling session has ended, or never was',
  SLOW_CONSUMER: 'the client did not take what it was sent; more is outstanding than allowed',
  SWITCH_REFUSED: 'the connection cannot move to this WebSocket',
  LOGIN_EXPIRED: 'the login has expired, and was not renewed',
  REPLACED: 'the user has connected from somewhere else, which took the place of this connection',
  REVOKED: 'the application ended all connections of the user',
  RATE_LIMITED: 'too many messages or bytes, for too long',
}
