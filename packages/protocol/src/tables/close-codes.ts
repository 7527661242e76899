/**
 * What the client does after a close: `now` reconnects at once, `backoff` waits with jitter,
 * `never` leaves it to the application.
 */
export type CloseVerdict = 'backoff' | 'never' | 'now'

/** One row of the table of close codes. */
export interface CloseCodeRow {
  /** The number in the WebSocket close frame. RFC 6455 section 7.4. */
  readonly code: number
  /** Who sends it; `engine` codes are made by the link itself and never sent. */
  readonly sender: 'both' | 'client' | 'engine' | 'server'
  readonly verdict: CloseVerdict
  readonly meaning: string
}

/* @__NO_SIDE_EFFECTS__ */
function row(code: number, sender: CloseCodeRow['sender'], verdict: CloseVerdict, meaning: string): CloseCodeRow {
  return { code, sender, verdict, meaning }
}

/** Every way a connection ends. PROTOCOL.md, the client's retry policy and the tests are checked against it. */
export const CLOSE_CODES = {
  NORMAL: row(1000, 'client', 'never', 'the application closed the connection'),
  GOING_AWAY: row(1001, 'client', 'backoff', 'the page was left'),
  NO_STATUS: row(1005, 'engine', 'backoff', 'a close frame without a code'),
  ABNORMAL: row(1006, 'engine', 'backoff', 'the link was lost, or the engine cut it'),
  SERVER_SHUTDOWN: row(1012, 'server', 'backoff', 'the server shuts down or restarts'),
  KICKED: row(4000, 'server', 'never', 'the application closed the connection, with disconnect(true)'),
  UNSUPPORTED_VERSION: row(4001, 'both', 'never', 'no common protocol version'),
  CONNECT_TIMEOUT: row(4002, 'server', 'backoff', 'no namespace was connected in time'),
  BAD_FRAME: row(4003, 'both', 'backoff', 'a malformed or illegal frame, or a body that the gate refused'),
  FRAME_TOO_LARGE: row(4004, 'server', 'backoff', 'a frame over the announced limit'),
  TOO_MANY_ERRORS: row(4005, 'server', 'backoff', 'too many frames that broke a rule'),
  CONNECT_LIMIT: row(4006, 'server', 'backoff', 'too many frames or bytes before the first namespace was connected'),
  HELD_LIMIT: row(4007, 'server', 'backoff', 'too many frames or bytes while the connection handler was running'),
} as const satisfies Record<string, CloseCodeRow>

/** Name of a row of {@link CLOSE_CODES}. */
export type CloseName = keyof typeof CLOSE_CODES

const BY_CODE = new Map<number, CloseVerdict>(Object.values(CLOSE_CODES).map((entry) => [entry.code, entry.verdict]))

/** What to do after a close with `code`. Codes outside the table are treated as a lost link. */
export function closeVerdict(code: number): CloseVerdict {
  return BY_CODE.get(code) ?? 'backoff'
}
