/**
 * What the client does after a close: `now` reconnects within the first delay, `backoff` waits longer each time, both with
 * jitter; `never` leaves it to the application.
 */
export type CloseVerdict = 'backoff' | 'never' | 'now'

/** One row of the table of close codes. */
export interface CloseCodeRow {
  /** The number in the WebSocket close frame. RFC 6455 section 7.4. */
  readonly code: number
  /** Who sends it; `engine` codes are made by the link itself and never sent. */
  readonly sender: 'both' | 'client' | 'engine' | 'server'
  readonly verdict: CloseVerdict
}

/** Every way a connection ends. PROTOCOL.md, the client's retry policy and the tests are checked against it. */
export const CLOSE_CODES = {
  NORMAL: { code: 1000, sender: 'client', verdict: 'never' },
  GOING_AWAY: { code: 1001, sender: 'client', verdict: 'backoff' },
  NO_STATUS: { code: 1005, sender: 'engine', verdict: 'backoff' },
  ABNORMAL: { code: 1006, sender: 'engine', verdict: 'backoff' },
  SERVER_SHUTDOWN: { code: 1012, sender: 'server', verdict: 'backoff' },
  KICKED: { code: 4000, sender: 'server', verdict: 'never' },
  UNSUPPORTED_VERSION: { code: 4001, sender: 'both', verdict: 'never' },
  CONNECT_TIMEOUT: { code: 4002, sender: 'both', verdict: 'backoff' },
  BAD_FRAME: { code: 4003, sender: 'both', verdict: 'backoff' },
  FRAME_TOO_LARGE: { code: 4004, sender: 'server', verdict: 'backoff' },
  TOO_MANY_ERRORS: { code: 4005, sender: 'server', verdict: 'backoff' },
  CONNECT_LIMIT: { code: 4006, sender: 'server', verdict: 'backoff' },
  HELD_LIMIT: { code: 4007, sender: 'server', verdict: 'backoff' },
  PING_TIMEOUT: { code: 4008, sender: 'both', verdict: 'now' },
  SESSION_UNKNOWN: { code: 4009, sender: 'server', verdict: 'backoff' },
  SLOW_CONSUMER: { code: 4010, sender: 'server', verdict: 'backoff' },
  SWITCH_REFUSED: { code: 4011, sender: 'server', verdict: 'backoff' },
} as const satisfies Record<string, CloseCodeRow>

/** Name of a row of {@link CLOSE_CODES}. */
export type CloseName = keyof typeof CLOSE_CODES

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
  HELD_LIMIT: 'too many frames or bytes while the connection handler was running',
  PING_TIMEOUT: 'no sign of life in time',
  SESSION_UNKNOWN: 'the polling session has ended, or never was',
  SLOW_CONSUMER: 'the client did not take what it was sent; more is outstanding than allowed',
  SWITCH_REFUSED: 'the connection cannot move to this WebSocket',
}

/** What to do after a close with `code`. Codes outside the table are treated as a lost link. */
export function closeVerdict(code: number): CloseVerdict {
  return Object.values<CloseCodeRow>(CLOSE_CODES).find((row) => row.code === code)?.verdict ?? 'backoff'
}
