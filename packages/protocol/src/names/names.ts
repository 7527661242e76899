import { RoomcastError } from '../errors'
import { LIMITS } from '../tables/limits'

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
  let isAscii = true
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code < 0x20 || code === 0x7f) return false
    if (code > 0x7f) isAscii = false
  }
  return isAscii || (isWellFormed(name) && utf8Length(name) <= maxBytes)
}

/** Whether `text` has no half of a surrogate pair, which UTF-8 cannot carry. */
function isWellFormed(text: string): boolean {
  try {
    encodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** @throws RoomcastError `INVALID_EVENT_NAME`, `RESERVED_EVENT`. */
export function assertEmittable(event: unknown): asserts event is string {
  if (!isValidName(event, LIMITS.eventNameBytes))
    throw invalidName('INVALID_EVENT_NAME', 'event', event, LIMITS.eventNameBytes)
  if (RESERVED_EVENTS.has(event)) throw new RoomcastError('RESERVED_EVENT', `"${event}" is a reserved event name`)
}

/** @throws RoomcastError `INVALID_ROOM_NAME`. */
export function assertRoomName(room: unknown): asserts room is string {
  if (!isValidName(room, LIMITS.roomNameBytes))
    throw invalidName('INVALID_ROOM_NAME', 'room', room, LIMITS.roomNameBytes)
}

/** Whether `name` may name a namespace: as {@link isValidName}, with a leading slash. */
export function isNamespaceName(name: unknown): name is string {
  return isValidName(name, LIMITS.namespaceNameBytes) && name.startsWith('/')
}

function invalidName(
  code: 'INVALID_EVENT_NAME' | 'INVALID_ROOM_NAME',
  noun: string,
  name: unknown,
  limit: number,
): RoomcastError {
  const what =
    typeof name === 'string' ? `has ${utf8Length(name)} bytes` : `is a ${name === null ? 'null' : typeof name}`
  return new RoomcastError(
    code,
    `${noun} name ${what}; it must be a string of 1 to ${limit} bytes without control characters`,
  )
}
