import type { CLOSE_CODES, LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'

/*
 * What the client needs of the tables of the protocol, each number by itself: a bundler writes it where it is used, while
 * of a table it keeps every row. The compiler holds them to the tables.
 */

type Codes = typeof CLOSE_CODES
type Limits = typeof LIMITS
type Types = typeof MESSAGE_TYPES

/* Close codes. */
export const NORMAL = 1000 satisfies Codes['NORMAL']
export const ABNORMAL = 1006 satisfies Codes['ABNORMAL']
export const KICKED = 4000 satisfies Codes['KICKED']
export const UNSUPPORTED_VERSION = 4001 satisfies Codes['UNSUPPORTED_VERSION']
export const CONNECT_TIMEOUT = 4002 satisfies Codes['CONNECT_TIMEOUT']
export const BAD_FRAME = 4003 satisfies Codes['BAD_FRAME']
export const CONNECT_LIMIT = 4006 satisfies Codes['CONNECT_LIMIT']
export const PING_TIMEOUT = 4008 satisfies Codes['PING_TIMEOUT']
export const REPLACED = 4013 satisfies Codes['REPLACED']
export const REVOKED = 4014 satisfies Codes['REVOKED']

/* Message types. */
export const CONNECT = 1 satisfies Types['CONNECT']
export const CONNECTED = 2 satisfies Types['CONNECTED']
export const CONNECT_ERROR = 3 satisfies Types['CONNECT_ERROR']
export const DISCONNECT = 4 satisfies Types['DISCONNECT']
export const EVENT = 5 satisfies Types['EVENT']
export const ACK = 6 satisfies Types['ACK']
export const ACK_ERROR = 7 satisfies Types['ACK_ERROR']
export const ERROR = 8 satisfies Types['ERROR']
export const PING = 9 satisfies Types['PING']
export const PONG = 10 satisfies Types['PONG']
export const SWITCH = 11 satisfies Types['SWITCH']
export const SWITCHED = 12 satisfies Types['SWITCHED']
export const CLOSE = 13 satisfies Types['CLOSE']
export const REQUEST = 14 satisfies Types['REQUEST']
export const NOTICE = 15 satisfies Types['NOTICE']
export const CALL = 16 satisfies Types['CALL']

/* Limits. */
export const FRAME_BYTES = 1_048_576 satisfies Limits['frameBytes']
export const BYTES_BEFORE_CONNECT = 8_192 satisfies Limits['bytesBeforeConnect']
export const PENDING_ACKS = 256 satisfies Limits['pendingAcks']
export const ACK_TIMEOUT_MS = 10_000 satisfies Limits['ackTimeoutMs']
export const OUTBOX_EVENTS = 1_000 satisfies Limits['outboxEvents']
export const OUTBOX_BYTES = 1_048_576 satisfies Limits['outboxBytes']
export const OUTBOX_AGE_MS = 120_000 satisfies Limits['outboxAgeMs']
export const PING_INTERVAL_MS = 5_000 satisfies Limits['pingIntervalMs']
export const PING_TIMEOUT_MS = 5_000 satisfies Limits['pingTimeoutMs']
export const POLL_BODY_BYTES = 65_536 satisfies Limits['pollBodyBytes']
export const POLL_FRAMES = 1_024 satisfies Limits['pollFrames']
export const HELD_MESSAGES = 1_000 satisfies Limits['heldRoomMessages']
export const RESULT_AGE_MS = 120_000 satisfies Limits['resultAgeMs']
export const ROOM_NAME_BYTES = 200 satisfies Limits['roomNameBytes']
export const ROOMS_PER_SOCKET = 256 satisfies Limits['roomsPerSocket']

/** A timer of a longer time fires at once. */
export const MAX_TIMER_MS = 2_147_483_647
