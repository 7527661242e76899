/*
 * Byte 0 of every frame: five bits of message type, three bits that say which header fields follow.
 *
 *      7   6   5   4   3   2   1   0
 *    +---+---+---+---+---+---+---+---+
 *    | R | A | N |       type        |
 *    +---+---+---+---+---+---+---+---+
 */

/* What the header itself needs, by itself: see limits.ts. */
export const EVENT = 5
export const ERROR = 8
/** The last one. */
export const CALL = 16
export const NAMESPACE = 0x20
export const ACK = 0x40
export const ROOM = 0x80

/** Message types of version 1. PROTOCOL.md, "Messages". */
export const MESSAGE_TYPES = {
  CONNECT: 1,
  CONNECTED: 2,
  CONNECT_ERROR: 3,
  DISCONNECT: 4,
  EVENT,
  ACK: 6,
  ACK_ERROR: 7,
  ERROR,
  PING: 9,
  PONG: 10,
  SWITCH: 11,
  SWITCHED: 12,
  CLOSE: 13,
  REQUEST: 14,
  NOTICE: 15,
  CALL,
} as const

/** Name of a message type. */
export type MessageName = keyof typeof MESSAGE_TYPES

/** Number of a message type, 1 to 31. */
export type MessageType = (typeof MESSAGE_TYPES)[MessageName]

/** Bits of byte 0 that announce a header field. */
export const HEADER_FLAGS = {
  /** A namespace number follows; without it the frame belongs to the main namespace, number 0. */
  NAMESPACE,
  /** An ack id follows. */
  ACK,
  /** A room number and the message's position in that room follow. */
  ROOM,
} as const

/** Mask of the type in byte 0. */
export const TYPE_MASK = 0x1f

/** Who may send a message. */
export type Direction = 'both' | 'client' | 'server'

/** What a message of one type looks like. */
export interface MessageDefinition {
  readonly direction: Direction
  /** Header fields the message may carry; a field in brackets is optional. */
  readonly header: readonly string[]
  /** Shape of the body. */
  readonly body: string
}

/**
 * The wire contract as data. A test pins a hash of it to {@link PROTOCOL_VERSION}: whoever changes it
 * decides whether the version has to move.
 */
export const MESSAGE_DEFINITIONS: Readonly<Record<MessageName, MessageDefinition>> = {
  CONNECT: {
    direction: 'client',
    header: [],
    body: '{ nsp: str, auth?: value, previous?: str, client?: str, resume?: { secret: str, own: uint, rooms: [ ...[number: uint, position: uint] ] } }',
  },
  CONNECTED: {
    direction: 'server',
    header: ['[namespace]'],
    body: '{ nsp: str, sid: str, limits: { frameBytes: uint, pingIntervalMs?: uint, pingTimeoutMs?: uint }, previous?: { code: uint, message: str }, user?: map, expiresInMs?: uint, session?: { secret: str, windowMs: uint, resumed: bool, recovered: bool, own: uint }, rooms?: [ ...nil or [number: uint, position: uint, recovered: bool] ] }',
  },
  CONNECT_ERROR: { direction: 'server', header: [], body: '{ nsp: str, code: str, message: str, data?: value }' },
  DISCONNECT: { direction: 'both', header: ['[namespace]'], body: 'nil or { code: uint, message: str }' },
  EVENT: { direction: 'both', header: ['[namespace]', '[ack]', '[room]', 'event'], body: '[ ...arguments: value ]' },
  ACK: { direction: 'both', header: ['[namespace]', 'ack'], body: '[ ...results: value ]' },
  ACK_ERROR: { direction: 'both', header: ['[namespace]', 'ack'], body: '{ code: str, message: str, data?: value }' },
  ERROR: { direction: 'server', header: ['[namespace]'], body: '{ code: str, message: str, data?: value }' },
  PING: { direction: 'client', header: [], body: 'nil' },
  PONG: { direction: 'server', header: [], body: 'nil' },
  SWITCH: { direction: 'client', header: [], body: '{ session: str, received: uint }' },
  SWITCHED: { direction: 'server', header: [], body: 'nil' },
  CLOSE: { direction: 'server', header: [], body: '{ code: uint, message: str, retryAfterMs?: uint }' },
  REQUEST: { direction: 'client', header: ['[namespace]', 'ack'], body: '[ name: str, ...arguments: value ]' },
  NOTICE: { direction: 'server', header: ['[namespace]'], body: '[ name: str, ...arguments: value ]' },
  CALL: { direction: 'client', header: ['[namespace]', 'ack', 'event'], body: '[ ...arguments: value ]' },
}
