/*
 * A message as it is kept and goes through the engine, to be read by every node:
 *
 *   flags    1 byte: COMPRESS, EXCEPT
 *   order    8 bytes, float 64: when it was emitted, different for each emit of a server
 *   except   if EXCEPT: how many names, 4 bytes; each 2 bytes of length and UTF-8
 *   frame    the EVENT, without a position
 */

const COMPRESS = 1
const EXCEPT = 2
const FIXED_BYTES = 9

/** A message of a stream, without its place in it. */
export interface StoredMessage {
  readonly compress: boolean
  /** Of two messages of one server the later has the higher; of several servers as far as their clocks agree. */
  readonly order: number
  /** Rooms whose members do not get it. */
  readonly except: readonly string[]
  readonly frame: Uint8Array
}

/** The bytes of a message; the engine copies them. */
export function packMessage({ compress, order, except, frame }: StoredMessage): Uint8Array {
  const names = except.length === 0 ? null : packNames(except)
  const bytes = new Uint8Array(FIXED_BYTES + (names?.length ?? 0) + frame.length)
  bytes[0] = (compress ? COMPRESS : 0) | (names === null ? 0 : EXCEPT)
  new DataView(bytes.buffer).setFloat64(1, order)
  if (names !== null) bytes.set(names, FIXED_BYTES)
  bytes.set(frame, bytes.length - frame.length)
  return bytes
}

/** The inverse of {@link packMessage}. @returns Views of `bytes`. */
export function unpackMessage(bytes: Uint8Array): StoredMessage {
  const flags = bytes[0] as number
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const except: string[] = []
  let at = FIXED_BYTES
  if (flags & EXCEPT) {
    const count = view.getUint32(at)
    at += 4
    for (let i = 0; i < count; i++) {
      const end = at + 2 + view.getUint16(at)
      except.push(decoder.decode(bytes.subarray(at + 2, end)))
      at = end
    }
  }
  return { compress: (flags & COMPRESS) !== 0, order: view.getFloat64(1), except, frame: bytes.subarray(at) }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function packNames(names: readonly string[]): Uint8Array {
  const encoded = names.map((name) => encoder.encode(name))
  const bytes = new Uint8Array(4 + encoded.reduce((sum, { length }) => sum + 2 + length, 0))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, names.length)
  let at = 4
  for (const name of encoded) {
    view.setUint16(at, name.length)
    bytes.set(name, at + 2)
    at += 2 + name.length
  }
  return bytes
}
