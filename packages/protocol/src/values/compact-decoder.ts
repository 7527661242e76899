import { readKnownText, readU16, readU32 } from './bytes'

/*
 * MessagePack to values, for bodies that have passed the gate: lengths fit, types are known, strings are
 * UTF-8. Binary values are copied, because the bytes handed in live only as long as the callback of the
 * transport that received them.
 */

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Longest text put together by hand; beyond it TextDecoder is faster (scripts/codec-bench.ts). */
const SHORT_TEXT_BYTES = 24

const NO_BYTES = new Uint8Array(0)
const float = new DataView(new ArrayBuffer(8))

let bytes: Uint8Array = NO_BYTES
let pos = 0

/** Decodes the value at `start` of a body that has passed the gate. */
export function decodeCompact(input: Uint8Array, start: number): unknown {
  bytes = input
  pos = start
  const value = readValue()
  bytes = NO_BYTES
  return value
}

function readValue(): unknown {
  const type = bytes[pos++] as number
  if (type < 0x80) return type
  if (type >= 0xe0) return type - 0x100
  if (type >= 0xa0 && type < 0xc0) return readString(type & 0x1f)
  if (type < 0x90) return readMap(type & 0x0f)
  if (type < 0xa0) return readArray(type & 0x0f)
  const at = pos
  switch (type) {
    case 0xc2:
      return false
    case 0xc3:
      return true
    case 0xcb:
      pos += 8
      float.setUint32(0, readU32(bytes, at))
      float.setUint32(4, readU32(bytes, at + 4))
      return float.getFloat64(0)
    case 0xca:
      pos += 4
      float.setUint32(0, readU32(bytes, at))
      return float.getFloat32(0)
    case 0xcc:
    case 0xcd:
    case 0xce:
      return readLength(type - 0xcc)
    case 0xcf:
    case 0xd3:
      pos += 8
      return readI64(at)
    case 0xd0:
      pos += 1
      return ((bytes[at] as number) << 24) >> 24
    case 0xd1:
      pos += 2
      return (readU16(bytes, at) << 16) >> 16
    case 0xd2:
      pos += 4
      return readU32(bytes, at) | 0
    case 0xd9:
    case 0xda:
    case 0xdb:
      return readString(readLength(type - 0xd9))
    case 0xc4:
    case 0xc5:
    case 0xc6: {
      const length = readLength(type - 0xc4)
      pos += length
      return new Uint8Array(bytes.subarray(pos - length, pos))
    }
    case 0xdc:
    case 0xdd:
      return readArray(readLength(type - 0xdb))
    case 0xde:
    case 0xdf:
      return readMap(readLength(type - 0xdd))
    case 0xd6:
      pos += 5
      return new Date(readU32(bytes, at + 1) * 1000)
    case 0xd7: {
      pos += 9
      const high = readU32(bytes, at + 1)
      const seconds = (high & 3) * 0x1_0000_0000 + readU32(bytes, at + 5)
      return new Date(seconds * 1000 + (high >>> 2) / 1e6)
    }
    case 0xc7:
      pos += 14
      return new Date(readI64(at + 6) * 1000 + readU32(bytes, at + 2) / 1e6)
    default:
      return null
  }
}

function readI64(at: number): number {
  return (readU32(bytes, at) | 0) * 0x1_0000_0000 + readU32(bytes, at + 4)
}

/** Reads an unsigned number of 1, 2 or 4 bytes, named by 0, 1 or 2. */
function readLength(width: number): number {
  const at = pos
  if (width === 0) {
    pos += 1
    return bytes[at] as number
  }
  if (width === 1) {
    pos += 2
    return readU16(bytes, at)
  }
  pos += 4
  return readU32(bytes, at)
}

function readString(length: number): string {
  const start = pos
  pos += length
  if (length > SHORT_TEXT_BYTES) return utf8.decode(bytes.subarray(start, pos))
  const units: number[] = []
  for (let i = start; i < pos; ) {
    const byte = bytes[i++] as number
    if (byte < 0x80) units.push(byte)
    else if (byte < 0xe0) units.push(((byte & 0x1f) << 6) | continuation(i++))
    else if (byte < 0xf0) units.push(((byte & 0x0f) << 12) | (continuation(i++) << 6) | continuation(i++))
    else {
      const code = ((byte & 0x07) << 18) | (continuation(i++) << 12) | (continuation(i++) << 6) | continuation(i++)
      units.push(0xd7c0 + (code >> 10), 0xdc00 | (code & 0x3ff))
    }
  }
  return String.fromCharCode(...units)
}

function continuation(at: number): number {
  return (bytes[at] as number) & 0x3f
}

function readArray(count: number): unknown[] {
  const array: unknown[] = []
  for (let i = 0; i < count; i++) array.push(readValue())
  return array
}

function readMap(count: number): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (let i = 0; i < count; i++) {
    const key = readKey()
    object[key] = readValue()
  }
  return object
}

function readKey(): string {
  const type = bytes[pos] as number
  const end = pos + 1 + (type & 0x1f)
  const known = (type & 0xe0) === 0xa0 ? readKnownText(bytes, pos + 1, end) : undefined
  if (known === undefined) return readValue() as string
  pos = end
  return known
}
