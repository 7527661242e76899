/*
 * MessagePack to values, for bodies that have passed the gate: lengths fit, types are known, strings are
 * UTF-8. Binary values are copied, because the bytes handed in live only as long as the callback of the
 * transport that received them.
 */

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Longest string read character by character; beyond it TextDecoder is faster (benchmarks/micro/codec). */
const SHORT_STRING_BYTES = 24

let bytes: Uint8Array = new Uint8Array(0)
let view: DataView = new DataView(bytes.buffer)
let pos = 0

/** Decodes the value at `start` of a body that has passed the gate. */
export function decodeCompact(input: Uint8Array, start: number): unknown {
  bytes = input
  view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  pos = start
  return readValue()
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
      return view.getFloat64(at)
    case 0xca:
      pos += 4
      return view.getFloat32(at)
    case 0xcc:
    case 0xcd:
    case 0xce:
      return readLength(type - 0xcc)
    case 0xcf:
    case 0xd3:
      pos += 8
      return view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4)
    case 0xd0:
      pos += 1
      return view.getInt8(at)
    case 0xd1:
      pos += 2
      return view.getInt16(at)
    case 0xd2:
      pos += 4
      return view.getInt32(at)
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
      return new Date(view.getUint32(at + 1) * 1000)
    case 0xd7: {
      pos += 9
      const high = view.getUint32(at + 1)
      const seconds = (high & 3) * 0x1_0000_0000 + view.getUint32(at + 5)
      return new Date(seconds * 1000 + (high >>> 2) / 1e6)
    }
    case 0xc7:
      pos += 14
      return new Date(
        (view.getInt32(at + 6) * 0x1_0000_0000 + view.getUint32(at + 10)) * 1000 + view.getUint32(at + 2) / 1e6,
      )
    default:
      return null
  }
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
    return view.getUint16(at)
  }
  pos += 4
  return view.getUint32(at)
}

function readString(length: number): string {
  const end = pos + length
  if (length <= SHORT_STRING_BYTES) {
    let text = ''
    let i = pos
    for (; i < end; i++) {
      const code = bytes[i] as number
      if (code > 0x7f) break
      text += String.fromCharCode(code)
    }
    if (i === end) {
      pos = end
      return text
    }
  }
  const text = utf8.decode(bytes.subarray(pos, end))
  pos = end
  return text
}

function readArray(count: number): unknown[] {
  const array: unknown[] = new Array(count)
  for (let i = 0; i < count; i++) array[i] = readValue()
  return array
}

function readMap(count: number): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (let i = 0; i < count; i++) {
    const key = readValue() as string
    object[key] = readValue()
  }
  return object
}
