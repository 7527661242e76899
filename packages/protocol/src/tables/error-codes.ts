/** Who makes an error with a code. `local`: the side that called, nothing was sent. */
export type ErrorSource = 'client' | 'local' | 'server'

/** How an error with a code reaches the program. */
export type ErrorCarrier = 'ack' | 'close' | 'connect_error' | 'error event' | 'HTTP' | 'throw'

/** One row of the table of error codes. */
export interface ErrorCodeRow {
  readonly sources: readonly ErrorSource[]
  readonly carriers: readonly ErrorCarrier[]
  readonly meaning: string
}

/* @__NO_SIDE_EFFECTS__ */
function row(sources: readonly ErrorSource[], carriers: readonly ErrorCarrier[], meaning: string): ErrorCodeRow {
  return { sources, carriers, meaning }
}

/** Every error code of Roomcast itself. PROTOCOL.md and the tests are checked against this table. */
export const ERROR_CODES = {
  ACK_TIMEOUT: row(['local'], ['ack'], 'no answer came in time; the call may or may not have been handled'),
  ALREADY_LISTENING: row(['local'], ['throw'], 'listen() was called on a server that listens or is closed'),
  AUTH_FAILED: row(
    ['local'],
    ['connect_error'],
    'the auth function of the client threw or rejected; nothing was sent, it is asked again',
  ),
  BAD_FRAME: row(
    ['server', 'client'],
    ['close', 'HTTP'],
    'a frame whose header breaks the protocol, or that is not legal now',
  ),
  BAD_VALUE: row(['server', 'client'], ['close'], 'a frame whose body the byte gate refused'),
  CONNECT_REFUSED: row(
    ['server'],
    ['connect_error'],
    'a middleware refused the connection; message and data are its own',
  ),
  CONNECT_TIMEOUT: row(['local'], ['connect_error'], 'the server did not answer the connection attempt in time'),
  DISCONNECTED: row(
    ['local'],
    ['ack'],
    'the link was lost before the answer; the call may or may not have been handled',
  ),
  ENGINE_NOT_FOUND: row(['local'], ['throw'], 'uWebSockets.js could not be loaded on this Node.js and platform'),
  EVENT_REFUSED: row(
    ['server'],
    ['ack', 'error event'],
    'a socket middleware refused the event; message and data are its own',
  ),
  HANDLER_FAILED: row(['server', 'client'], ['ack'], 'the event handler threw or rejected'),
  INVALID_EVENT_NAME: row(
    ['local'],
    ['throw'],
    'an event name that is not a string, is empty, too long, or holds control characters',
  ),
  INVALID_NAMESPACE: row(
    ['server', 'local'],
    ['connect_error', 'throw'],
    'a namespace name that is malformed, or that nobody defined',
  ),
  INVALID_OPTION: row(['local'], ['throw'], 'an option with a value outside its range'),
  INVALID_ROOM_NAME: row(
    ['local'],
    ['throw'],
    'a room name that is not a string, is empty, too long, or holds control characters',
  ),
  LISTEN_FAILED: row(['local'], ['throw'], 'the port is in use or may not be opened'),
  MESSAGE_TOO_LARGE: row(
    ['local', 'server'],
    ['throw', 'HTTP'],
    'a frame larger than the limit of the receiver, which was not sent, or the body of a polling request',
  ),
  NO_HANDLER: row(['server', 'client'], ['ack'], 'nobody listens for the event that was called'),
  NOT_CONNECTED: row(['server'], ['error event'], 'a frame for a namespace that this connection has not joined'),
  NOT_ENCODABLE: row(['local'], ['throw', 'ack'], 'a value that the wire cannot carry; PROTOCOL.md, "Values"'),
  OPTION_NOT_SUPPORTED: row(['local'], ['throw'], 'an option of Socket.IO that cannot be honoured here'),
  ORIGIN_NOT_ALLOWED: row(['server'], ['HTTP'], 'the Origin of the request is not on the allow-list'),
  OUTBOX_EXPIRED: row(
    ['local'],
    ['ack', 'error event'],
    'the event waited longer for the connection than it may, and was not sent',
  ),
  OUTBOX_FULL: row(
    ['local'],
    ['ack', 'error event'],
    'the event was not kept: the outbox of the disconnected client is full',
  ),
  POLL_OUT_OF_ORDER: row(['server'], ['HTTP'], 'a polling request whose number does not follow the one before'),
  REQUEST_REFUSED: row(['server'], ['HTTP'], 'the request for a connection is malformed, or allowRequest refused it'),
  RESERVED_EVENT: row(['local', 'server'], ['throw', 'ack', 'error event'], 'an event name that belongs to Roomcast'),
  SESSION_CLOSED: row(['server'], ['HTTP'], 'the polling session has ended; `close` in the body is the close code'),
  SESSION_SWITCHED: row(
    ['server'],
    ['HTTP'],
    'the connection has moved to a WebSocket; it takes no more polling requests',
  ),
  SESSION_UNKNOWN: row(['server'], ['HTTP'], 'no such polling session, or not with this secret'),
  TOO_MANY_NAMESPACES: row(['server'], ['connect_error'], 'the connection has as many namespaces as it may have'),
  TOO_MANY_PENDING_ACKS: row(['local'], ['ack'], 'the socket already waits for as many answers as it may'),
  TOO_MANY_SESSIONS: row(['server'], ['HTTP'], 'the server has as many polling sessions as it may have'),
  TRANSPORT_FAILED: row(['local'], ['connect_error'], 'the link could not be opened'),
  UNKNOWN_ACK: row(['server'], ['error event'], 'an answer to a call that was never made, or is settled'),
  UNKNOWN_EVENT_ID: row(['server', 'client'], ['ack', 'error event'], 'a numeric event that was never announced'),
  UNSUPPORTED_VERSION: row(
    ['server', 'client'],
    ['close', 'connect_error', 'HTTP'],
    'the two sides share no protocol version',
  ),
} as const satisfies Record<string, ErrorCodeRow>

/** A code of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES
