import { RoomcastError } from '../errors'
import { VALUE_DEPTH, VALUE_ITEMS } from '../tables/limits'
import { readText } from './bytes'

/*
 * MessagePack to values in one strict pass: what PROTOCOL.md, "Values", does not allow is refused where it
 * is met, so nothing has to look at the bytes before. gate.ts has the same rules for decoders that are not ours,
 * and test/strict-decoder.test.ts holds the two together.
 *
 * Nothing is made on the word of a length: every byte is taken before it is used, and a container whose values
 * cannot all be there, or are too many, is refused before its first. Binary values are copied, because the
 * bytes handed in live only as long as the callback of the transport that received them.
 */

const floatView = new DataView(new ArrayBuffer(8))

/** The decoder calls no code of the user, so one body is finished before the next begins. */
let bodyStart = 0
let pos = 0
/** Values that may still come: all are counted with their container. */
let itemsLeft = 0

/**
 * Decodes the value that fills `input` from `start` to the end.
 *
 * @throws RoomcastError `BAD_VALUE` with the place that reading had come to and the rule that was broken, never
 *         the content.
 */
export function decodeCompact(bytes: Uint8Array, start: number): unknown {
  bodyStart = pos = start
  itemsLeft = VALUE_ITEMS - 1
  const value = readValue(bytes, 0)
  if (pos < bytes.length) throw refuse('bytes after the value')
  return value
}

/** @param depth  Containers around the value. */
function readValue(bytes: Uint8Array, depth: number): unknown {
  const type = bytes[take(bytes, 1)] as number
  if (type < 0x80) return type
  if (type >= 0xe0) return type - 0x100
  if (type < 0x90) return readMap(bytes, type & 0x0f, depth + 1)
  if (type < 0xa0) return readArray(bytes, type & 0x0f, depth + 1)
  if (type < 0xc0) return readString(bytes, type & 0x1f)
  switch (type) {
    case 0xc0:
      return null
    case 0xc2:
      return false
    case 0xc3:
      return true
    case 0xc4:
    case 0xc5:
    case 0xc6: {
      const at = take(bytes, readUint(bytes, 1 << (type - 0xc4)))
      return new Uint8Array(bytes.subarray(at, pos))
    }
    case 0xca:
      copyFloat(bytes, 4)
      return floatView.getFloat32(0)
    case 0xcb:
      copyFloat(bytes, 8)
      return floatView.getFloat64(0)
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return expectSafe(readUint(bytes, 1 << (type - 0xcc)))
    case 0xd0:
      return (readUint(bytes, 1) << 24) >> 24
    case 0xd1:
      return (readUint(bytes, 2) << 16) >> 16
    case 0xd2:
      return readUint(bytes, 4) | 0
    case 0xd3:
      return expectSafe(readInt64(bytes))
    case 0xc7:
    case 0xd6:
    case 0xd7:
      return readDate(bytes, type)
    case 0xd9:
    case 0xda:
    case 0xdb:
      return readString(bytes, readUint(bytes, 1 << (type - 0xd9)))
    case 0xdc:
    case 0xdd:
      return readArray(bytes, readUint(bytes, 2 << (type & 1)), depth + 1)
    case 0xde:
    case 0xdf:
      return readMap(bytes, readUint(bytes, 2 << (type & 1)), depth + 1)
    default:
      throw refuse('type not allowed')
  }
}

/** The timestamp extension, in one of its three forms. */
function readDate(bytes: Uint8Array, type: number): Date {
  const is96 = type === 0xc7
  if ((is96 && readUint(bytes, 1) !== 12) || readUint(bytes, 1) !== 0xff) throw refuse('type not allowed')
  let nanoseconds = type === 0xd6 ? 0 : readUint(bytes, 4)
  let seconds: number
  if (is96) seconds = readInt64(bytes)
  else {
    seconds = (nanoseconds & 3) * 0x1_0000_0000 + readUint(bytes, 4)
    nanoseconds >>>= 2
  }
  // A Date ends at ±8.64e12 s, both ends included.
  if (nanoseconds > 999_999_999 || seconds < -8.64e12 || seconds + Math.sign(nanoseconds) > 8.64e12) {
    throw refuse('timestamp out of range')
  }
  return new Date(seconds * 1000 + nanoseconds / 1e6)
}

function readInt64(bytes: Uint8Array): number {
  return (readUint(bytes, 4) | 0) * 0x1_0000_0000 + readUint(bytes, 4)
}

/** Rounding of what is larger cannot bring it back into the range. */
function expectSafe(value: number): number {
  if (!Number.isSafeInteger(value)) throw refuse('integer beyond 2^53 - 1')
  return value
}

/** Reads an unsigned number of `size` bytes, exact up to 2^53. */
function readUint(bytes: Uint8Array, size: number): number {
  let value = 0
  for (let at = take(bytes, size); at < pos; at++) value = value * 0x100 + (bytes[at] as number)
  return value
}

/** Four bytes at once: byte by byte it takes twice as long. */
function copyFloat(bytes: Uint8Array, size: number): void {
  let at = take(bytes, size)
  for (let i = 0; i < size; i += 4) {
    const high = ((bytes[at++] as number) << 8) | (bytes[at++] as number)
    floatView.setInt32(i, (high << 16) | ((bytes[at++] as number) << 8) | (bytes[at++] as number))
  }
}

/** Moves behind the next `length` bytes, which are there; returns where they begin. */
function take(bytes: Uint8Array, length: number): number {
  const at = pos
  if (length > bytes.length - at) throw refuse('truncated value')
  pos = at + length
  return at
}

function readString(bytes: Uint8Array, length: number): string {
  const text = readText(bytes, take(bytes, length), pos)
  if (text === undefined) throw refuse('invalid UTF-8')
  return text
}

function readArray(bytes: Uint8Array, count: number, depth: number): unknown[] {
  enter(bytes, count, depth)
  // What grows by one gets room for 16, and most lists are those of arguments.
  if (count === 1) return [readValue(bytes, depth)]
  if (count === 2) return [readValue(bytes, depth), readValue(bytes, depth)]
  const array: unknown[] = []
  for (let i = 0; i < count; i++) array.push(readValue(bytes, depth))
  return array
}

function readMap(bytes: Uint8Array, count: number, depth: number): Record<string, unknown> {
  enter(bytes, count * 2, depth)
  const object: Record<string, unknown> = {}
  for (let i = 0; i < count; i++) {
    const key = readKey(bytes, depth)
    object[key] = readValue(bytes, depth)
  }
  return object
}

/** @param count  Values in the container; each takes a byte at least. */
function enter(bytes: Uint8Array, count: number, depth: number): void {
  if (depth > VALUE_DEPTH) throw refuse(`nested deeper than ${VALUE_DEPTH}`)
  // Takes the bytes and gives them back: they only have to be there.
  pos = take(bytes, count)
  itemsLeft -= count
  if (itemsLeft < 0) throw refuse(`more than ${VALUE_ITEMS} values`)
}

function readKey(bytes: Uint8Array, depth: number): string {
  const type = bytes[pos] as number
  let key: unknown
  if ((type & 0xe0) === 0xa0) {
    pos++
    key = readString(bytes, type & 0x1f)
  } else key = readValue(bytes, depth)
  if (typeof key !== 'string' || key === '__proto__') throw refuse('key "__proto__", or one that is not a string')
  return key
}

function refuse(rule: string): RoomcastError {
  return new RoomcastError('BAD_VALUE', `body refused at byte ${pos - bodyStart}: ${rule}`)
}
