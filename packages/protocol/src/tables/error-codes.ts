/** Who makes an error with a code. `local`: the side that called, nothing was sent. */
export type ErrorSource = 'client' | 'local' | 'server'

/** How an error with a code reaches the program. */
export type ErrorCarrier = 'ack' | 'close' | 'connect_error' | 'error event' | 'HTTP' | 'onError' | 'throw'

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
  ENGINE_FAILED: row(
    ['local'],
    ['throw'],
    'the engine failed or did not answer in time; nothing is known of what it has done',
  ),
  ENGINE_NOT_FOUND: row(['local'], ['throw'], 'uWebSockets.js could not be loaded on this Node.js and platform'),
  ENGINE_OVERLOADED: row(['local'], ['throw'], 'more is waiting in the engine than may; the message was not kept'),
  EVENT_REFUSED: row(
    ['server'],
    ['ack', 'error event'],
    'a socket middleware refused the event; message and data are its own',
  ),
  HANDLER_FAILED: row(['server', 'client'], ['ack'], 'the event handler threw or rejected'),
  HANDLER_TIMEOUT: row(
    ['local'],
    ['onError'],
    'the handlers of an event took longer than handlerTimeout; the next event begins, and their answer is sent when it comes',
  ),
  HISTORY_REFUSED: row(
    ['server'],
    ['ack'],
    'the messages of this room may not be read by this socket, or there are none',
  ),
  INVALID_EVENT_NAME: row(
    ['local'],
    ['throw'],
    'an event name that is not a string, is empty, too long, or holds control characters',
  ),
  INVALID_NAME: row(
    ['server', 'local'],
    ['ack', 'connect_error', 'throw'],
    'a user name that is no text, is empty, too long, or holds characters that cannot be seen',
  ),
  INVALID_NAMESPACE: row(
    ['server', 'local'],
    ['connect_error', 'throw'],
    'a namespace name that is malformed, or that nobody defined',
  ),
  INVALID_OPTION: row(['local'], ['throw'], 'an option with a value outside its range'),
  INVALID_REQUEST: row(['server'], ['ack'], 'a request of the library whose arguments have another shape'),
  INVALID_ROOM_NAME: row(
    ['local'],
    ['throw'],
    'a room name that is not a string, is empty, too long, or holds control characters',
  ),
  INVALID_USER: row(
    ['local'],
    ['throw'],
    'a user without a valid id, or with a profile that is too large or cannot be sent',
  ),
  JOIN_REFUSED: row(['server'], ['ack'], 'the room may not be joined by this socket, or does not exist'),
  LISTEN_FAILED: row(['local'], ['throw'], 'the port is in use or may not be opened'),
  LOGIN_BUSY: row(
    ['server'],
    ['ack', 'connect_error'],
    'as many logins wait for their turn as may; the client tries again',
  ),
  LOGIN_EXPIRED: row(['server'], ['ack', 'connect_error'], 'the credentials have expired'),
  LOGIN_FAILED: row(
    ['server'],
    ['ack', 'connect_error'],
    'the login function failed, which is no verdict; the client tries again',
  ),
  LOGIN_OVERTAKEN: row(['server', 'local'], ['ack'], 'another login, or a logout, took the place of this one'),
  LOGIN_RATE_LIMITED: row(
    ['server'],
    ['ack', 'connect_error'],
    'too many refused logins from this address, or of this account; the client tries again',
  ),
  LOGIN_REFUSED: row(['server'], ['ack', 'connect_error'], 'the credentials were refused'),
  LOGIN_REQUIRED: row(
    ['server'],
    ['ack', 'connect_error'],
    'the namespace is for users, and no credentials were given',
  ),
  LOGIN_TIMEOUT: row(
    ['server'],
    ['ack', 'connect_error'],
    'the login function did not answer in time; the client tries again',
  ),
  LOGIN_UNAVAILABLE: row(['server', 'local'], ['ack'], 'the namespace has no login'),
  MESSAGE_TOO_LARGE: row(
    ['local', 'server'],
    ['throw', 'HTTP'],
    'a frame larger than the limit of the receiver, which was not sent, or the body of a polling request',
  ),
  NAME_IN_USE: row(
    ['server', 'local'],
    ['ack', 'connect_error', 'throw'],
    'another user who is online has this name, or one that looks the same',
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
    'the outbox of the disconnected client is full; of a volatile event: too much waits to be sent',
  ),
  POLL_OUT_OF_ORDER: row(['server'], ['HTTP'], 'a polling request whose number does not follow the one before'),
  RATE_LIMITED: row(
    ['server'],
    ['ack', 'error event', 'connect_error', 'HTTP'],
    'too much in too short a time; it was not handled, and may be sent again after `data.retryAfterMs`',
  ),
  REQUEST_REFUSED: row(['server'], ['HTTP'], 'the request for a connection is malformed, or allowRequest refused it'),
  RESERVED_EVENT: row(['local', 'server'], ['throw', 'ack', 'error event'], 'an event name that belongs to Roomcast'),
  RESULT_NOT_KEPT: row(
    ['server'],
    ['ack'],
    'the call was handled when it came first, and its result is not kept any more; it was not handled again',
  ),
  SERVER_FULL: row(['server'], ['HTTP'], 'the server has as many connections as it may have'),
  SESSION_CLOSED: row(['server'], ['HTTP'], 'the polling session has ended; `close` in the body is the close code'),
  SESSION_SWITCHED: row(
    ['server'],
    ['HTTP'],
    'the connection has moved to a WebSocket; it takes no more polling requests',
  ),
  SESSION_UNKNOWN: row(['server'], ['HTTP'], 'no such polling session, or not with this secret'),
  STORE_FULL: row(
    ['local'],
    ['throw'],
    'the store of the engine is full of values that may not go; nothing was changed',
  ),
  TOO_MANY_CONNECTIONS: row(['server'], ['HTTP'], 'the address has as many connections as it may have'),
  TOO_MANY_NAMESPACES: row(['server'], ['connect_error'], 'the connection has as many namespaces as it may have'),
  TOO_MANY_PENDING_ACKS: row(['local', 'server'], ['ack'], 'as many calls wait for an answer as may'),
  TOO_MANY_ROOMS: row(
    ['server', 'local'],
    ['ack', 'error event'],
    'the socket has joined as many rooms as it may, or its client knows of too many that it never joined',
  ),
  TOO_MANY_SESSIONS: row(['server'], ['HTTP'], 'the server has as many polling sessions as it may have'),
  TOO_MANY_WATCHES: row(['server'], ['ack'], 'the socket watches as many user lists as it may'),
  TRANSPORT_FAILED: row(['local'], ['connect_error'], 'the link could not be opened'),
  UNKNOWN_ACK: row(['server'], ['error event'], 'an answer to a call that was never made, or is settled'),
  UNKNOWN_EVENT_ID: row(['server', 'client'], ['ack', 'error event'], 'a numeric event that was never announced'),
  UNKNOWN_REQUEST: row(['server'], ['ack'], 'a request that this server does not know'),
  UNSUPPORTED_VERSION: row(
    ['server', 'client'],
    ['close', 'connect_error', 'HTTP'],
    'the two sides share no protocol version',
  ),
  USER_NOT_ONLINE: row(['local'], ['throw'], 'no user with this id is online'),
  USER_SESSION_LIMIT: row(
    ['server'],
    ['ack', 'connect_error'],
    'the user has as many connections as the session policy allows',
  ),
  WATCH_REFUSED: row(['server'], ['ack'], 'the user list may not be watched by this socket, or does not exist'),
} as const satisfies Record<string, ErrorCodeRow>

/** A code of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES
