/**
 * The limits of protocol version 1. Sizes are bytes, times are milliseconds, everything else is a count.
 * Where a server may choose its own value, this is the default, and the server announces what it chose in
 * CONNECTED (PROTOCOL.md, "Limits").
 */
export const LIMITS = {
  /** Largest frame, header and body, in either direction. Option `maxHttpBufferSize` of the server. */
  frameBytes: 1_048_576,
  /** Deepest nesting of arrays and maps in a body; the outermost container has depth 1. */
  valueDepth: 16,
  /** Values in one body, map keys and containers included. */
  valueItems: 10_000,
  /** Event name, UTF-8. */
  eventNameBytes: 128,
  /** Room name, UTF-8. */
  roomNameBytes: 200,
  /** Namespace name, UTF-8, with its leading slash. */
  namespaceNameBytes: 200,
  /** Namespaces that one connection may have open or pending. */
  namespacesPerConnection: 32,
  /** Frames other than CONNECT that a client may send before its first namespace is connected. */
  framesBeforeConnect: 4,
  /** Bytes of one frame before the first namespace is connected. */
  bytesBeforeConnect: 8_192,
  /** Time a connection may stay without a namespace. Option `connectTimeout` of the server. */
  connectTimeoutMs: 5_000,
  /** Calls that one socket may have waiting for an answer, in each direction. */
  pendingAcks: 256,
  /** Emits to many that one namespace may have waiting for answers. */
  pendingBroadcasts: 1_024,
  /** Time until a call without an answer fails. Option `ackTimeout`. */
  ackTimeoutMs: 10_000,
  /** Frames held while an asynchronous `connection` handler runs: twice what a client may have waiting for it. */
  heldFrames: 2_048,
  /** Bytes held while an asynchronous `connection` handler runs. */
  heldBytes: 2_097_152,
  /** Frames that break a rule without endangering the connection; one more closes it. */
  protocolErrors: 10,
  /** Events a client keeps while it is not connected. Option `outboxLimit` of the client. */
  outboxEvents: 1_000,
  /** Bytes a client keeps while it is not connected. Option `outboxBytes` of the client. */
  outboxBytes: 1_048_576,
  /** Time an event waits in the outbox at most. Option `outboxAge` of the client. */
  outboxAgeMs: 120_000,
  /**
   * Bytes on the way to one client: on WebSocket handed to the engine and not yet taken by the kernel, on polling not
   * yet acknowledged. Option `maxOutgoingBytes` of the server.
   */
  outgoingBytes: 1_048_576,
  /** Silence until a side asks for a sign of life. Option `pingInterval` of the server, announced. */
  pingIntervalMs: 5_000,
  /** Time the other side has for it. Option `pingTimeout` of the server, announced. */
  pingTimeoutMs: 5_000,
  /** Body of one POST of the polling transport. A longer frame goes in several. */
  pollBodyBytes: 65_536,
  /** Frames that begin in the body of one POST, and in one answer. */
  pollFrames: 1_024,
  /** Polling sessions of one server. */
  pollSessions: 10_000,
  /** Time a connection may take to move from polling to a WebSocket. Option `upgradeTimeout` of the server. */
  switchTimeoutMs: 10_000,
  /** Connections whose end a server remembers for clients that could not see the reason. */
  rememberedCloses: 4_096,
  /** Time it remembers them, and that it knows the ids of ended polling sessions. */
  rememberedCloseMs: 120_000,
} as const

/** Name of a limit in {@link LIMITS}. */
export type LimitName = keyof typeof LIMITS
