/*
 * A message as it is kept and goes through the engine, to be read by every node:
 *
 *   flags    1 byte: COMPRESS, EXCEPT, ROOMS
 *   order    8 bytes, float 64: when it was emitted, different for each emit of a server
 *   except   if EXCEPT: how many names, 4 bytes; each 2 bytes of length and UTF-8
 *   rooms    if ROOMS: the same
 *   frame    the EVENT, without a position
 */

const COMPRESS = 1
const EXCEPT = 2
const ROOMS = 4
const FIXED_BYTES = 9

/** A message of a stream, without its place in it. */
export interface StoredMessage {
  readonly compress: boolean
  /** Of two messages of one server the later has the higher; of several servers as far as their clocks agree. */
  readonly order: number
  /** Rooms, sockets and users that do not get it. */
  readonly except: readonly string[]
  /** If it is in the streams of several rooms: all of them. Who is in several gets it from the first. */
  readonly rooms: readonly string[]
  readonly frame: Uint8Array
}

/** The bytes of a message; the engine copies them. */
export function packMessage({ compress, order, except, rooms, frame }: StoredMessage): Uint8Array {
  const lists = [except, rooms].filter(({ length }) => length > 0).map(packNames)
  const listBytes = lists.reduce((sum, { length }) => sum + length, 0)
  const bytes = new Uint8Array(FIXED_BYTES + listBytes + frame.length)
  bytes[0] = (compress ? COMPRESS : 0) | (except.length > 0 ? EXCEPT : 0) | (rooms.length > 0 ? ROOMS : 0)
  new DataView(bytes.buffer).setFloat64(1, order)
  let at = FIXED_BYTES
  for (const list of lists) {
    bytes.set(list, at)
    at += list.length
  }
  bytes.set(frame, at)
  return bytes
}

/** The inverse of {@link packMessage}. @returns Views of `bytes`. */
export function unpackMessage(bytes: Uint8Array): StoredMessage {
  const flags = bytes[0] as number
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const except: string[] = []
  const rooms: string[] = []
  let at = FIXED_BYTES
  if (flags & EXCEPT) at = unpackNames(view, at, except)
  if (flags & ROOMS) at = unpackNames(view, at, rooms)
  return { compress: (flags & COMPRESS) !== 0, order: view.getFloat64(1), except, rooms, frame: bytes.subarray(at) }
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

/** @returns The place behind them. */
function unpackNames(view: DataView, start: number, into: string[]): number {
  const count = view.getUint32(start)
  let at = start + 4
  for (let i = 0; i < count; i++) {
    const length = view.getUint16(at)
    into.push(decoder.decode(new Uint8Array(view.buffer, view.byteOffset + at + 2, length)))
    at += 2 + length
  }
  return at
}
