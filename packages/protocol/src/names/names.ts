import { RoomcastError } from '../errors'
import { EVENT_NAME_BYTES, LIMITS, NAMESPACE_NAME_BYTES } from '../tables/limits'

/**
 * Event names that Roomcast itself fires on one side or the other. `emit` refuses them, and so does the
 * receiver, so that a peer can never pretend to be the library.
 */
export const RESERVED_EVENTS: ReadonlySet<string> = new Set([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'error',
  'newListener',
  'removeListener',
])

/** Half of a surrogate pair, which UTF-8 cannot carry. */
export const LONE_SURROGATE = /\p{Surrogate}/u

const textEncoder = new TextEncoder()

/** Bytes of `text` in UTF-8. */
export function utf8Length(text: string): number {
  return textEncoder.encode(text).length
}

/**
 * Whether `name` may name an event, a room or a namespace: a well-formed string of 1 to `maxBytes` bytes of
 * UTF-8 without control characters.
 */
export function isValidName(name: unknown, maxBytes: number): name is string {
  if (typeof name !== 'string' || name.length === 0 || name.length > maxBytes) return false
  let bytes = 0
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code < 0x20 || code === 0x7f) return false
    // A surrogate pair, two units, takes four.
    bytes += code < 0x80 ? 1 : code < 0x800 || (code & 0xf800) === 0xd800 ? 2 : 3
  }
  return bytes === name.length || (bytes <= maxBytes && !LONE_SURROGATE.test(name))
}

/** @throws RoomcastError `INVALID_EVENT_NAME`, `RESERVED_EVENT`. */
export function assertEmittable(event: unknown): asserts event is string {
  assertName(event, EVENT_NAME_BYTES, 'event', 'INVALID_EVENT_NAME')
  if (RESERVED_EVENTS.has(event)) throw new RoomcastError('RESERVED_EVENT', `"${event}" is a reserved event name`)
}

/** @throws RoomcastError `INVALID_ROOM_NAME`. */
export function assertRoomName(room: unknown): asserts room is string {
  assertName(room, LIMITS.roomNameBytes, 'room', 'INVALID_ROOM_NAME')
}

/** Whether `name` may name a namespace: as {@link isValidName}, with a leading slash. */
export function isNamespaceName(name: unknown): name is string {
  return isValidName(name, NAMESPACE_NAME_BYTES) && name.startsWith('/')
}

function assertName(
  name: unknown,
  limit: number,
  noun: string,
  code: 'INVALID_EVENT_NAME' | 'INVALID_ROOM_NAME',
): asserts name is string {
  if (isValidName(name, limit)) return
  const what =
    typeof name === 'string' ? `has ${utf8Length(name)} bytes` : `is a ${name === null ? 'null' : typeof name}`
  throw new RoomcastError(code, `${noun} name ${what}, not 1 to ${limit} bytes of text without control characters`)
}
