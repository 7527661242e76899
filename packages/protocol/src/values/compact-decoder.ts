import { RoomcastError } from '../errors'
import { LIMITS } from '../tables/limits'
import { readKnownText, readText } from './bytes'

/*
 * MessagePack to values in one strict pass: what PROTOCOL.md, "Values", does not allow is refused where it
 * is met, so nothing has to look at the bytes before. gate.ts is the same rules for decoders of others, and
 * test/gate.test.ts holds the two together.
 *
 * Nothing is made on the word of a length: every byte is taken before it is used, and a container whose values
 * cannot all be there, or are too many, is refused before its first. Binary values are copied, because the
 * bytes handed in live only as long as the callback of the transport that received them.
 */

const NO_BYTES = new Uint8Array(0)
const float = new DataView(new ArrayBuffer(8))

/** The decoder calls no code of the user, so one body is finished before the next begins. */
let bytes: Uint8Array = NO_BYTES
let bodyStart = 0
let pos = 0
/** Values that may still come: all are counted with their container. */
let itemsLeft = 0

/**
 * Decodes the value that fills `input` from `start` to the end.
 *
 * @throws RoomcastError `BAD_VALUE` with the place and the rule that was broken, never the content.
 */
export function decodeCompact(input: Uint8Array, start: number): unknown {
  bytes = input
  bodyStart = pos = start
  itemsLeft = LIMITS.valueItems - 1
  try {
    const value = readValue(0)
    if (pos < bytes.length) throw refuse('bytes after the value')
    return value
  } finally {
    bytes = NO_BYTES
  }
}

/** @param depth  Containers around the value. */
function readValue(depth: number): unknown {
  const type = readUint(1)
  if (type < 0x80) return type
  if (type >= 0xe0) return type - 0x100
  if (type < 0x90) return readMap(type & 0x0f, depth + 1)
  if (type < 0xa0) return readArray(type & 0x0f, depth + 1)
  if (type < 0xc0) return expectText(readText, type & 0x1f)
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
      const at = take(readUint(1 << (type - 0xc4)))
      return new Uint8Array(bytes.subarray(at, pos))
    }
    case 0xca:
      float.setUint32(0, readUint(4))
      return float.getFloat32(0)
    case 0xcb:
      float.setUint32(0, readUint(4))
      float.setUint32(4, readUint(4))
      return float.getFloat64(0)
    case 0xcc:
    case 0xcd:
    case 0xce:
      return readUint(1 << (type - 0xcc))
    case 0xcf:
      return expectSafe(readUint(8))
    case 0xd0:
      return (readUint(1) << 24) >> 24
    case 0xd1:
      return (readUint(2) << 16) >> 16
    case 0xd2:
      return readUint(4) | 0
    case 0xd3:
      return expectSafe(readInt64())
    case 0xc7:
    case 0xd6:
    case 0xd7:
      return readDate(type)
    case 0xd9:
    case 0xda:
    case 0xdb:
      return expectText(readText, readUint(1 << (type - 0xd9)))
    case 0xdc:
    case 0xdd:
      return readArray(readUint(type === 0xdc ? 2 : 4), depth + 1)
    case 0xde:
    case 0xdf:
      return readMap(readUint(type === 0xde ? 2 : 4), depth + 1)
    default:
      throw refuse('type not allowed')
  }
}
