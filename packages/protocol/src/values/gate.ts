import { RoomcastError } from '../errors'
import { LIMITS } from '../tables/limits'

/*
 * The byte gate: one linear pass over the bytes of a frame's body before a decoder that is not ours sees them. The
 * compact decoder keeps the same rules by itself, and test/strict-decoder.test.ts holds the two together.
 *
 *   allowed   nil, bool, integers within ±(2^53 - 1), float32/64, str (valid UTF-8), bin, array,
 *             map with string keys, timestamp (extension -1)
 *   refused   every other extension, 0xc1, integers outside the safe range, invalid UTF-8,
 *             the key "__proto__", nesting deeper than `depth`, more than `items` values,
 *             a declared length beyond the end, bytes after the value
 *
 * Why it exists: such decoders trust declared counts and follow extensions. A few hundred bytes can stop an
 * event loop for half a minute (docs/design/codec.md, "What the gate stops"). After the gate a decoder
 * may assume that every length fits and every type is known.
 */

const MAX_SAFE_HIGH = 0x1fffff

/** Bounds of one frame's body. */
export interface GateLimits {
  /** Deepest nesting of arrays and maps; the outermost container has depth 1; 64 at most. @default 16 */
  readonly depth: number
  /** Values in the whole body, keys and containers included. @default 10000 */
  readonly items: number
}

const DEFAULT_GATE_LIMITS: GateLimits = { depth: LIMITS.valueDepth, items: LIMITS.valueItems }

/** Containers still open, innermost last: how many values each still needs, and whether it is a map. */
const openRemaining = new Int32Array(64)
const openIsMap = new Uint8Array(64)

/**
 * Checks that `bytes[start, end)` holds exactly one MessagePack value that this protocol allows
 * (PROTOCOL.md, "Values"). Time and memory are linear in the length; nothing is allocated.
 *
 * @throws RoomcastError `BAD_VALUE` with the offset and the rule that was broken, never the content.
 */
export function assertBodyAllowed(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: GateLimits = DEFAULT_GATE_LIMITS,
): void {
  let pos = start
  let depth = 0
  let items = 0
  let remaining = 1
  let inMap = false
  // Only meaningful in a map: `remaining` counts keys and values, so an even number means a key is next.
  for (;;) {
    while (remaining === 0) {
      if (depth === 0) {
        if (pos !== end) throw refuse('bytes after the value', pos - start)
        return
      }
      depth--
      remaining = openRemaining[depth] as number
      inMap = openIsMap[depth] === 1
    }
    if (pos >= end) throw refuse('truncated value', pos - start)
    if (++items > limits.items) throw refuse(`more than ${limits.items} values`, pos - start)
    const isKey = inMap && (remaining & 1) === 0
    remaining--
    const at = pos
    const type = bytes[pos++] as number
    let stringLength = -1
    let childCount = -1
    let childIsMap = false
    if (type <= 0x7f || type >= 0xe0) {
      // fixint
    } else if (type <= 0x8f) {
      childCount = (type & 0x0f) * 2
      childIsMap = true
    } else if (type <= 0x9f) {
      childCount = type & 0x0f
    } else if (type <= 0xbf) {
      stringLength = type & 0x1f
    } else {
      const size = SIZE_AFTER_TYPE[type - 0xc0] as number
      if (size < 0) throw refuse('type not allowed', at - start)
      if (pos + size > end) throw refuse('truncated value', at - start)
      switch (type) {
        case 0xcf:
          if (readU32(bytes, pos) > MAX_SAFE_HIGH) throw refuse('integer beyond 2^53 - 1', at - start)
          break
        case 0xd3:
          assertSafeInt64(readU32(bytes, pos), readU32(bytes, pos + 4), at - start)
          break
        case 0xd6:
        case 0xd7:
          if (bytes[pos] !== 0xff) throw refuse('extension type not allowed', at - start)
          if (type === 0xd7 && readU32(bytes, pos + 1) >>> 2 > 999_999_999) {
            throw refuse('timestamp with more than 999,999,999 ns', at - start)
          }
          break
        case 0xc7:
          if (bytes[pos] !== 12 || bytes[pos + 1] !== 0xff) throw refuse('extension type not allowed', at - start)
          if (readU32(bytes, pos + 2) > 999_999_999) throw refuse('timestamp with more than 999,999,999 ns', at - start)
          assertDateRange(bytes, pos + 2, at - start)
          break
        case 0xc4:
        case 0xd9: {
          const length = bytes[pos] as number
          if (type === 0xd9) stringLength = length
          else pos = skip(pos + size, length, end, at - start) - size
          break
        }
        case 0xc5:
        case 0xda: {
          const length = readU16(bytes, pos)
          if (type === 0xda) stringLength = length
          else pos = skip(pos + size, length, end, at - start) - size
          break
        }
        case 0xc6:
        case 0xdb: {
          const length = readU32(bytes, pos)
          if (type === 0xdb) stringLength = length
          else pos = skip(pos + size, length, end, at - start) - size
          break
        }
        case 0xdc:
          childCount = readU16(bytes, pos)
          break
        case 0xdd:
          childCount = readU32(bytes, pos)
          break
        case 0xde:
          childCount = readU16(bytes, pos) * 2
          childIsMap = true
          break
        case 0xdf:
          childCount = readU32(bytes, pos) * 2
          childIsMap = true
          break
      }
      pos += size
    }
    if (stringLength >= 0) {
      const stringEnd = skip(pos, stringLength, end, at - start)
      assertUtf8(bytes, pos, stringEnd, at - start)
      if (isKey && stringLength === 9 && isProto(bytes, pos)) throw refuse('key "__proto__"', at - start)
      pos = stringEnd
    } else if (isKey) {
      throw refuse('map key that is not a string', at - start)
    } else if (childCount >= 0) {
      // Every value takes a byte at least, so a count that cannot fit is refused before it is walked.
      if (childCount > end - pos) throw refuse('truncated value', at - start)
      if (depth + 1 > limits.depth) throw refuse(`nested deeper than ${limits.depth}`, at - start)
      openRemaining[depth] = remaining
      openIsMap[depth] = inMap ? 1 : 0
      depth++
      remaining = childCount
      inMap = childIsMap
    }
  }
}

function readU16(bytes: Uint8Array, pos: number): number {
  return ((bytes[pos] as number) << 8) | (bytes[pos + 1] as number)
}

function readU32(bytes: Uint8Array, pos: number): number {
  return ((readU16(bytes, pos) << 16) | readU16(bytes, pos + 2)) >>> 0
}

/**
 * Bytes that follow the type byte before any variable part, for 0xc0 to 0xdf; -1 is refused.
 * For extensions it counts the extension type and the fixed data as well.
 */
// biome-ignore format: a table of 4 by 8
const SIZE_AFTER_TYPE = Int8Array.of(
  0, -1, 0, 0, 1, 2, 4, 14,
  -1, -1, 4, 8, 1, 2, 4, 8,
  1, 2, 4, 8, -1, -1, 5, 9,
  -1, 1, 2, 4, 2, 4, 2, 4,
)

function refuse(rule: string, offset: number): RoomcastError {
  return new RoomcastError('BAD_VALUE', `body refused at byte ${offset}: ${rule}`)
}

function skip(pos: number, length: number, end: number, offset: number): number {
  if (length > end - pos) throw refuse('truncated value', offset)
  return pos + length
}

function assertSafeInt64(high: number, low: number, offset: number): void {
  const signedHigh = high | 0
  const isSafe =
    signedHigh >= 0 ? signedHigh <= MAX_SAFE_HIGH : signedHigh >= -0x200000 && (signedHigh > -0x200000 || low > 0)
  if (!isSafe) throw refuse('integer beyond ±(2^53 - 1)', offset)
}

/** A timestamp-96 may name any second of 64 bits; a JavaScript Date ends at ±8.64e12 s, both ends included. */
function assertDateRange(bytes: Uint8Array, pos: number, offset: number): void {
  const seconds = (readU32(bytes, pos + 4) | 0) * 0x1_0000_0000 + readU32(bytes, pos + 8)
  const isInside = seconds >= -8.64e12 && (seconds < 8.64e12 || (seconds === 8.64e12 && readU32(bytes, pos) === 0))
  if (!isInside) throw refuse('timestamp outside the range of a Date', offset)
}

/** By hand, as fast as TextDecoder for long texts and several times faster for short ones. RFC 3629 section 4. */
function assertUtf8(bytes: Uint8Array, start: number, end: number, offset: number): void {
  let pos = start
  while (pos < end) {
    const lead = bytes[pos++] as number
    if (lead < 0x80) continue
    let more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3
    const second = bytes[pos] as number
    const isLegal =
      lead >= 0xc2 &&
      lead <= 0xf4 &&
      pos + more <= end &&
      // Longer than needed, half of a surrogate pair, longer than needed, beyond U+10FFFF.
      (lead !== 0xe0 || second >= 0xa0) &&
      (lead !== 0xed || second < 0xa0) &&
      (lead !== 0xf0 || second >= 0x90) &&
      (lead !== 0xf4 || second < 0x90)
    if (!isLegal) throw refuse('invalid UTF-8', offset)
    for (; more > 0; more--) {
      if (((bytes[pos++] as number) & 0xc0) !== 0x80) throw refuse('invalid UTF-8', offset)
    }
  }
}

const PROTO_KEY = Uint8Array.from('__proto__', (char) => char.charCodeAt(0))

function isProto(bytes: Uint8Array, pos: number): boolean {
  for (let i = 0; i < PROTO_KEY.length; i++) {
    if (bytes[pos + i] !== PROTO_KEY[i]) return false
  }
  return true
}
