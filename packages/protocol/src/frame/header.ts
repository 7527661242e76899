import { RoomcastError } from '../errors'
import { isValidName } from '../names/names'
import { EVENT_NAME_BYTES } from '../tables/limits'
import { isText, readText } from '../values/bytes'
import { ACK, CALL, ERROR, EVENT, type MessageType, NAMESPACE, ROOM, TYPE_MASK } from './message-types'
import { readVarint, varintEnd, varintLength, writeVarint } from './varint'

/*
 * The header: everything that routes a frame, readable without decoding the body.
 *
 *   byte 0        type and flags (message-types.ts)
 *   if N          namespace number           varint
 *   if A          ack id                     varint
 *   if R          room number, position      varint, varint
 *   if EVENT, CALL name length 1..128        u8, then the name in UTF-8
 *                 or 0                       u8, then a numeric event id, varint
 *   the rest      body: one MessagePack value
 */

/** The fields of a header. `-1` means absent. */
export interface FrameHeader {
  type: MessageType
  /** Namespace number, 0 is the main namespace. */
  namespace: number
  /** Ack id, -1 if no answer is wanted or given. */
  ackId: number
  /** Room number, -1 if the frame carries no position. */
  room: number
  /** Position of the message in its room, 0 if the frame carries none. */
  seq: number
  /** Name or number of the event; '' unless the message is an EVENT or a CALL. */
  event: number | string
}

/** A header as it is read, with the place where the body begins. */
export interface ReadHeader extends FrameHeader {
  bodyStart: number
}

/** A header for {@link readHeader} to fill. One per receiver is enough: it is overwritten by each frame. */
export function createHeader(): ReadHeader {
  return { type: ERROR, namespace: 0, ackId: -1, room: -1, seq: 0, event: '', bodyStart: 0 }
}

const textEncoder = new TextEncoder()

/**
 * Reads the header of a frame.
 *
 * @param bytes  The whole frame.
 * @param into   Filled and returned.
 * @throws RoomcastError `BAD_FRAME`: truncated, unknown type, a field the type may not carry.
 */
export function readHeader(bytes: Uint8Array, into: ReadHeader): ReadHeader {
  // An empty frame has type 0.
  const first = bytes[0] as number
  const type = first & TYPE_MASK
  if (type === 0 || type > CALL) throw bad(`unknown message type ${type}`)
  into.type = type as MessageType
  into.namespace = 0
  into.ackId = -1
  into.room = -1
  into.seq = 0
  into.event = ''
  let pos = 1
  if (first & NAMESPACE) {
    into.namespace = expectVarint(bytes, pos)
    pos = varintEnd
  }
  if (first & ACK) {
    into.ackId = expectVarint(bytes, pos)
    pos = varintEnd
  }
  if (first & ROOM) {
    into.room = expectVarint(bytes, pos)
    into.seq = expectVarint(bytes, varintEnd)
    pos = varintEnd
  }
  assertFields(type, first)
  if (hasEvent(type)) pos = readEvent(bytes, pos, into)
  if (pos >= bytes.length) throw bad('no body')
  into.bodyStart = pos
  return into
}

/** Bytes that {@link writeHeader} needs. */
export function headerLength(header: FrameHeader): number {
  let length = 1
  if (header.namespace > 0) length += varintLength(header.namespace)
  if (header.ackId >= 0) length += varintLength(header.ackId)
  if (header.room >= 0) length += varintLength(header.room) + varintLength(header.seq)
  if (hasEvent(header.type)) {
    const { event } = header
    length += 1 + (typeof event === 'string' ? encodedName(event).length : varintLength(event))
  }
  return length
}

/** Writes `header` to the start of `bytes`; returns the position behind it, where the body begins. */
export function writeHeader(bytes: Uint8Array, header: FrameHeader): number {
  let first: number = header.type
  let pos = 1
  if (header.namespace > 0) {
    first |= NAMESPACE
    pos = writeVarint(bytes, pos, header.namespace)
  }
  if (header.ackId >= 0) {
    first |= ACK
    pos = writeVarint(bytes, pos, header.ackId)
  }
  if (header.room >= 0) {
    first |= ROOM
    pos = writeVarint(bytes, pos, header.room)
    pos = writeVarint(bytes, pos, header.seq)
  }
  bytes[0] = first
  if (hasEvent(header.type)) {
    const { event } = header
    if (typeof event === 'string') {
      const name = encodedName(event)
      bytes[pos++] = name.length
      for (let i = 0; i < name.length; i++) bytes[pos++] = name[i] as number
    } else {
      bytes[pos++] = 0
      pos = writeVarint(bytes, pos, event)
    }
  }
  return pos
}

/**
 * Valid names that came lately. An event comes again: to compare its name takes less than to find it among all texts and to check it once
 * more, and with more than 32 bytes a third of the time of a TextDecoder.
 */
const keptNames: string[] = []

function readEvent(bytes: Uint8Array, start: number, into: ReadHeader): number {
  const nameStart = start + 1
  const length = bytes[start] as number
  const end = nameStart + length
  // Not a number without the byte of the length.
  if (!(end <= bytes.length)) throw bad('truncated header, or a number beyond 2^53 - 1')
  if (end === nameStart) {
    into.event = expectVarint(bytes, end)
    return varintEnd
  }
  const slot = length ^ (bytes[end - 1] as number)
  let name = keptNames[slot]
  if (!isText(name, bytes, nameStart, length)) {
    name = readText(bytes, nameStart, end)
    if (!isValidName(name, EVENT_NAME_BYTES)) throw bad('malformed event name')
    // Of ASCII: a unit is a byte.
    if (name.length === length) keptNames[slot] = name
  }
  into.event = name
  return end
}

function expectVarint(bytes: Uint8Array, pos: number): number {
  const value = readVarint(bytes, pos)
  if (value < 0) throw bad('truncated header, or a number beyond 2^53 - 1')
  return value
}

/** Flags that a type may not carry, by type. PROTOCOL.md, "Messages". */
const ALL = NAMESPACE | ACK | ROOM
const FORBIDDEN = [
  0,
  ALL,
  ACK | ROOM,
  ALL,
  ACK | ROOM,
  0,
  ROOM,
  ROOM,
  ACK | ROOM,
  ALL,
  ALL,
  ALL,
  ALL,
  ALL,
  ROOM,
  ACK | ROOM,
  ROOM,
]
/** ACK, ACK_ERROR, REQUEST, CALL. */
const NEEDS_ACK = [6, 7, 14, CALL]

function hasEvent(type: number): boolean {
  return type === EVENT || type === CALL
}

function assertFields(type: number, first: number): void {
  if (first & (FORBIDDEN[type] as number)) throw bad('header field not allowed')
  if (!(first & ACK) && NEEDS_ACK.includes(type)) throw bad('header field missing')
}

/** Programs use few event names, and each is encoded many times. */
const ENCODED_NAMES_KEPT = 1024
const encodedNames = new Map<string, Uint8Array>()

function encodedName(event: string): Uint8Array {
  let encoded = encodedNames.get(event)
  if (encoded === undefined) {
    encoded = textEncoder.encode(event)
    if (encodedNames.size < ENCODED_NAMES_KEPT) encodedNames.set(event, encoded)
  }
  return encoded
}

function bad(what: string): RoomcastError {
  return new RoomcastError('BAD_FRAME', what)
}
