/*
 * What a client needs stands by itself as well: a bundler writes such a number where it is used, while of an object it
 * keeps every row.
 */
export const FRAME_BYTES = 1_048_576
export const VALUE_DEPTH = 16
export const VALUE_ITEMS = 10_000
export const EVENT_NAME_BYTES = 128
export const NAMESPACE_NAME_BYTES = 200
export const PING_INTERVAL_MS = 5_000
export const PING_TIMEOUT_MS = 5_000

/**
 * The limits of protocol version 1. Sizes are bytes, times are milliseconds, everything else is a count.
 * Where a server may choose its own value, this is the default, and the server announces what it chose in
 * CONNECTED (PROTOCOL.md, "Limits").
 */
export const LIMITS = {
  /** Largest frame, header and body, in either direction. Option `maxHttpBufferSize` of the server. */
  frameBytes: FRAME_BYTES,
  /** Deepest nesting of arrays and maps in a body; the outermost container has depth 1. */
  valueDepth: VALUE_DEPTH,
  /** Values in one body, map keys and containers included. */
  valueItems: VALUE_ITEMS,
  /** Event name, UTF-8. */
  eventNameBytes: EVENT_NAME_BYTES,
  /** Room name, UTF-8. */
  roomNameBytes: 200,
  /** Namespace name, UTF-8, with its leading slash. */
  namespaceNameBytes: NAMESPACE_NAME_BYTES,
  /** Namespaces that one connection may have open or pending. */
  namespacesPerConnection: 32,
  /** Frames other than CONNECT that a client may send before its first namespace is connected. */
  framesBeforeConnect: 4,
  /** Bytes of one frame before the first namespace is connected, of CONNECT and of credentials at any time. */
  bytesBeforeConnect: 8_192,
  /** Time a connection may stay without a namespace. Option `connectTimeout` of the server. */
  connectTimeoutMs: 5_000,
  /** Messages of one connection in a second. Option `rateLimits` of the server; a user has twice as much, here and below. */
  messagesPerSecond: 500,
  /** Messages of one connection at once: what waited while it was away, and its rooms, joined again. */
  burstMessages: 4_000,
  /** Bytes of frames of one connection in a second. */
  bytesPerSecond: 1_048_576,
  /** Bytes of frames of one connection at once. */
  burstBytes: 4_194_304,
  /** Messages over the limit that are answered; some are forgiven each second. */
  rateRefusals: 512,
  /** Connections of a server. Option `maxConnections`. */
  connections: 100_000,
  /** Connections of one address. Option `maxConnectionsPerAddress`. */
  connectionsPerAddress: 256,
  /** Connections that one address may ask for in a second. Option `handshakeLimits`. */
  handshakesPerSecond: 50,
  /** Connections that one address may ask for at once. */
  burstHandshakes: 500,
  /** Addresses and users that a server remembers for their rates. */
  rememberedAddresses: 10_000,
  /** Calls that one socket may have waiting for an answer, in each direction. */
  pendingAcks: 256,
  /** Emits to many that one namespace may have waiting for answers. */
  pendingBroadcasts: 1_024,
  /** Time until a call without an answer fails. Option `ackTimeout`. */
  ackTimeoutMs: 10_000,
  /** Frames held while an asynchronous handler or a login of their socket runs: twice what a client may have waiting for it. */
  heldFrames: 2_048,
  /** Bytes held while an asynchronous handler or a login runs. */
  heldBytes: 2_097_152,
  /** Bytes that all sockets of a server together may have held so. */
  heldBytesOfAll: 67_108_864,
  /** Frames that break a rule without endangering the connection; one more closes it. */
  protocolErrors: 10,
  /** Events a client keeps while it is not connected. Option `outboxLimit` of the client. */
  outboxEvents: 1_000,
  /** Bytes a client keeps while it is not connected. Option `outboxBytes` of the client. */
  outboxBytes: 1_048_576,
  /** Time an event waits in the outbox at most. Option `outboxAge` of the client. */
  outboxAgeMs: 120_000,
  /**
   * Bytes on the way to one client: not confirmed by the pong of a WebSocket, or on polling not acknowledged, or waiting at the server.
   * Option `maxOutgoingBytes` of the server.
   */
  outgoingBytes: 1_048_576,
  /** Silence until a side asks for a sign of life. Option `pingInterval` of the server, announced. */
  pingIntervalMs: PING_INTERVAL_MS,
  /** Time the other side has for it. Option `pingTimeout` of the server, announced. */
  pingTimeoutMs: PING_TIMEOUT_MS,
  /** Body of one POST of the polling transport. A longer frame goes in several. */
  pollBodyBytes: 65_536,
  /** Answer to one GET; longer only if its first frame is. */
  pollAnswerBytes: 524_288,
  /** Frames that begin in the body of one POST, and in one answer. */
  pollFrames: 1_024,
  /** Polling sessions of one server. Option `maxPollSessions`. */
  pollSessions: 10_000,
  /** Time a connection may take to move from polling to a WebSocket. Option `upgradeTimeout` of the server. */
  switchTimeoutMs: 10_000,
  /** Connections whose end a server remembers for clients that could not see the reason. */
  rememberedCloses: 4_096,
  /** Time it remembers them, and that it knows the ids of ended polling sessions. */
  rememberedCloseMs: 120_000,
  /** Id of a user, UTF-8. */
  userIdBytes: 128,
  /** Name of a user, UTF-8. Option `names.maxBytes` of the server. */
  userNameBytes: 64,
  /** Profile of a user, as it is sent. */
  profileBytes: 1_024,
  /** Time for a login, waiting included. Option `loginTimeout` of the server. */
  loginTimeoutMs: 4_000,
  /** Logins that run at once. Option `loginLimits.concurrent`. */
  concurrentLogins: 8,
  /** Logins that wait for their turn. Option `loginLimits.queued`. */
  queuedLogins: 1_024,
  /** Refused logins in a minute, from one address. Option `loginLimits.failuresPerAddress`. */
  loginFailuresPerAddress: 60,
  /** Refused logins in a minute, of one account. Option `loginLimits.failuresPerAccount`. */
  loginFailuresPerAccount: 10,
  /** Addresses, accounts and pairs of both that a server remembers for these limits. */
  rememberedLogins: 10_000,
  /** Connections of one user in one namespace. Option `maxSessionsPerUser`. */
  sessionsPerUser: 32,
  /** Time that changes of a user list are gathered. Option `presence.flushMs`. */
  presenceFlushMs: 250,
  /** Time that a user whose link was lost stays listed. Option `presence.graceMs`. */
  presenceGraceMs: 3_000,
  /** User lists that one socket may watch. */
  watchesPerSocket: 32,
  /** Values in one frame of a user list: a page of it, or changes; the rest follows in the next. */
  presenceFrameValues: 9_000,
  /** Bytes in one frame of a user list. */
  presenceFrameBytes: 131_072,
  /** Rooms that one socket may join by itself. */
  roomsPerSocket: 256,
  /** Messages that a room keeps. Option `history.messages` of a room's policy. */
  historyMessages: 1_000,
  /** Bytes of messages that a room keeps. Option `history.bytes` of a room's policy. */
  historyBytes: 262_144,
  /** Time that a room keeps a message. Option `history.ageMs` of a room's policy. */
  historyAgeMs: 120_000,
  /** Memory for messages that all rooms and sessions of a server keep. Option `maxHistoryBytes`. */
  historyBytesOfAll: 67_108_864,
  /** Messages in one answer to `history` or `join`. */
  historyPageMessages: 1_000,
  /** Bytes of messages in one answer to `history` or `join`. */
  historyPageBytes: 262_144,
  /** Latest values that a room retains, each under a key of its own. */
  retainedKeys: 1_024,
  /** Key of a latest value, UTF-8. */
  latestKeyBytes: 128,
  /** Latest values that wait for the members of a room with one rate; with more they are published early. */
  pacedValues: 1_024,
  /** Bytes of frames that a room holds back, of a tick or for the members with one rate; with more they are published early. */
  pacedBytes: 1_048_576,
  /** Time that a session is kept after its link was lost. Option `connectionStateRecovery.maxDisconnectionDuration`. */
  resumeWindowMs: 120_000,
  /** Sessions without a link that a server keeps. Option `connectionStateRecovery.maxSessions`. */
  detachedSessions: 10_000,
  /** `socket.data` of a session that is kept, as it is encoded. */
  sessionDataBytes: 65_536,
  /** Rooms that a session may be in to be resumed. */
  resumedRooms: 1_000,
  /** Rooms left that a session remembers, for messages that were on their way. */
  roomsLeftRemembered: 64,
  /** Messages of one room that a client holds while it asks for those before. */
  heldRoomMessages: 1_000,
  /** Results of calls that are kept for one client: twice what it may have on its way, since it takes them in another order than they come. */
  resultsPerClient: 512,
  /** Bytes of results that are kept for one client. */
  resultBytesPerClient: 262_144,
  /** Clients whose calls a server remembers. */
  callingClients: 65_536,
  /** Time that a result is kept. */
  resultAgeMs: 120_000,
  /** Memory for results that a server keeps. */
  resultBytesOfAll: 67_108_864,
} as const

/** Name of a limit in {@link LIMITS}. */
export type LimitName = keyof typeof LIMITS
