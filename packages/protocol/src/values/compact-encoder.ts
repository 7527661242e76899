import { VALUE_ITEMS } from '../tables/limits'
import { asNotEncodable, assertDepth, formOf, PROTO_KEY, refuse, refuseType, TOO_MANY } from './encodable'

/*
 * Values to MessagePack, in one pass. Every value is written in its shortest form, and properties in their
 * own order, so the same value gives the same bytes on every machine (PROTOCOL.md, "Values").
 */

const textEncoder = new TextEncoder()

/** Longest string written character by character; beyond it TextEncoder is faster (scripts/codec-bench.ts). */
const SHORT_STRING_CHARS = 40

const INITIAL_BYTES = 4096
/** Views of the scratch are kept for frames shorter than this. */
const KEPT_VIEWS = 256

/** A scratch that one large message has grown is given up afterwards, so that it does not stay for ever. */
const KEPT_SCRATCH_BYTES = 256 * 1024

const TWO_32 = 0x1_0000_0000

/** Encodes values behind room reserved for a header. */
export class CompactEncoder {
  #bytes = new Uint8Array(INITIAL_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #views: Uint8Array[] = []
  #pos = 0
  /** Values written so far, keys and containers included, counted as the receiver counts them. */
  #items = 0
  #isBusy = false

  /**
   * @param value    Any value of the table in PROTOCOL.md, "Values".
   * @param reserve  Bytes left free in front of the body, for the header.
   * @returns A view of the scratch buffer: `reserve` free bytes, then the body. Valid until the next call.
   * @throws RoomcastError `NOT_ENCODABLE` with the reason; `cause` is what a `toJSON` or a getter threw.
   */
  encode(value: unknown, reserve: number): Uint8Array {
    // A `toJSON` or a getter may emit: its message must not overwrite the one half written here.
    if (this.#isBusy) return new CompactEncoder().encode(value, reserve)
    if (this.#bytes.length > KEPT_SCRATCH_BYTES) this.#replaceScratch(INITIAL_BYTES)
    this.#pos = reserve
    this.#items = 0
    this.#isBusy = true
    try {
      this.#writeValue(value, 0)
    } catch (error) {
      throw asNotEncodable(error)
    } finally {
      this.#isBusy = false
    }
    return this.#written(this.#pos)
  }

  /** The scratch up to `length`. Making a view costs 0.1 us: those of common lengths are kept. */
  #written(length: number): Uint8Array {
    if (length >= KEPT_VIEWS) return this.#bytes.subarray(0, length)
    this.#views[length] ??= this.#bytes.subarray(0, length)
    return this.#views[length]
  }

  /** @param depth  Containers around the value. */
  #writeValue(value: unknown, depth: number): void {
    if (++this.#items > VALUE_ITEMS) throw refuse(TOO_MANY)
    if (this.#bytes.length - this.#pos < 16) this.#grow(16)
    switch (typeof value) {
      case 'string':
        return this.#writeString(value)
      case 'number':
        return this.#writeNumber(value)
      case 'boolean':
        this.#bytes[this.#pos++] = value ? 0xc3 : 0xc2
        return
      case 'undefined':
      case 'object':
        if (value === null || value === undefined) this.#bytes[this.#pos++] = 0xc0
        else if (Array.isArray(value)) this.#writeArray(value, depth + 1)
        else this.#writeObject(value, depth + 1)
        return
      default:
        throw refuseType(value)
    }
  }

  #writeNumber(value: number): void {
    const bytes = this.#bytes
    const view = this.#view
    let pos = this.#pos
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      bytes[pos++] = 0xcb
      view.setFloat64(pos, value)
      pos += 8
    } else if (value < 0x80 && value >= -0x20) bytes[pos++] = value
    else {
      // Makes -0x80 to 0x7f, which take one byte with a sign, 0 to 0xff, and so on.
      const span = value < 0 ? -2 * value - 1 : value
      const width = span < 0x100 ? 0 : span < 0x10000 ? 1 : span < TWO_32 ? 2 : 3
      bytes[pos++] = (value < 0 ? 0xd0 : 0xcc) + width
      if (width > 1) {
        if (width > 2) {
          view.setUint32(pos, Math.floor(value / TWO_32))
          pos += 4
        }
        view.setUint32(pos, value)
        pos += 4
      } else {
        if (width > 0) bytes[pos++] = value >> 8
        bytes[pos++] = value
      }
    }
    this.#pos = pos
  }

  /** Writes the lowest 32 bits of an integer, negative or not. */
  #writeUint32(value: number): void {
    this.#view.setUint32(this.#pos, value)
    this.#pos += 4
  }

  #writeString(value: string): void {
    const { length } = value
    if (this.#bytes.length - this.#pos < length * 3 + 5) this.#grow(length * 3 + 5)
    const start = this.#pos
    const bytes = this.#bytes
    if (length <= SHORT_STRING_CHARS) {
      let pos = start
      if (length < 0x20) bytes[pos++] = 0xa0 + length
      else {
        bytes[pos++] = 0xd9
        bytes[pos++] = length
      }
      let i = 0
      for (; i < length; i++) {
        const code = value.charCodeAt(i)
        if (code > 0x7f) break
        bytes[pos++] = code
      }
      if (i === length) {
        this.#pos = pos
        return
      }
    }
    // Room for the longest text of so many characters.
    this.#writeLength(length * 3, 0xa0, 0x20, 0xd9)
    const content = this.#pos
    const { written } = textEncoder.encodeInto(value, bytes.subarray(content))
    this.#pos += written
    this.#shortenLength(start, content, written, 0xa0, 0x20, 0xd9)
  }

  /**
   * Writes a type and a length in their shortest form.
   *
   * @param fix    Type of a length below `limit`, which it holds.
   * @param type8  Type with a length of one byte. Lists and maps have none: theirs is the one before 16 bits.
   */
  #writeLength(length: number, fix: number, limit: number, type8: number): void {
    const bytes = this.#bytes
    let pos = this.#pos
    if (length < limit) bytes[pos++] = fix + length
    else if (length < 0x100 && limit !== 0x10) {
      bytes[pos++] = type8
      bytes[pos++] = length
    } else if (length < 0x10000) {
      bytes[pos++] = type8 + 1
      bytes[pos++] = length >> 8
      bytes[pos++] = length
    } else {
      bytes[pos++] = type8 + 2
      this.#view.setUint32(pos, length)
      pos += 4
    }
    this.#pos = pos
  }

  /** Writes a smaller length over the one at `start`, and moves the `content` behind it up if that is shorter. */
  #shortenLength(start: number, content: number, length: number, fix: number, limit: number, type8: number): void {
    const end = this.#pos
    this.#pos = start
    this.#writeLength(length, fix, limit, type8)
    if (this.#pos < content) this.#bytes.copyWithin(this.#pos, content, end)
    this.#pos += end - content
  }

  #writeArray(value: readonly unknown[], depth: number): void {
    assertDepth(depth)
    const { length } = value
    this.#writeLength(length, 0x90, 0x10, 0xdb)
    // By index, so that the holes of a sparse array become nil.
    for (let i = 0; i < length; i++) this.#writeValue(value[i], depth)
  }

  #writeObject(value: object, depth: number): void {
    const form = formOf(value)
    if (form === undefined) return this.#writeMap(value as Record<string, unknown>, depth)
    if (typeof form === 'number') return this.#writeDate(form)
    if (typeof form === 'object') return this.#writeBinary(form)
    assertDepth(depth)
    this.#items--
    this.#writeValue(form.call(value), depth)
  }

  #writeMap(value: Record<string, unknown>, depth: number): void {
    assertDepth(depth)
    const keys = Object.keys(value)
    const start = this.#pos
    let count = keys.length
    this.#writeLength(count, 0x80, 0x10, 0xdd)
    const content = this.#pos
    // Each property is read once: a getter may answer differently the second time.
    for (const key of keys) {
      const item = value[key]
      if (item === undefined) {
        // As in JSON, a property that is undefined is left out.
        count--
        continue
      }
      if (key === '__proto__') throw refuse(PROTO_KEY)
      this.#items++
      this.#writeString(key)
      this.#writeValue(item, depth)
    }
    if (count < keys.length) this.#shortenLength(start, content, count, 0x80, 0x10, 0xdd)
  }

  #writeBinary(value: Uint8Array): void {
    const { length } = value
    if (this.#bytes.length - this.#pos < length + 5) this.#grow(length + 5)
    this.#writeLength(length, 0, 0, 0xc4)
    this.#bytes.set(value, this.#pos)
    this.#pos += length
  }

  /** The timestamp extension of the MessagePack specification, in the shortest of its three forms. */
  #writeDate(ms: number): void {
    const bytes = this.#bytes
    const seconds = Math.floor(ms / 1000)
    const nanoseconds = (ms - seconds * 1000) * 1e6
    const high = Math.floor(seconds / TWO_32)
    if (high < 0 || high > 3) {
      bytes[this.#pos++] = 0xc7
      bytes[this.#pos++] = 12
      bytes[this.#pos++] = 0xff
      this.#writeUint32(nanoseconds)
      this.#writeUint32(high)
    } else {
      const is32 = nanoseconds + high === 0
      bytes[this.#pos++] = is32 ? 0xd6 : 0xd7
      bytes[this.#pos++] = 0xff
      if (!is32) this.#writeUint32(nanoseconds * 4 + high)
    }
    this.#writeUint32(seconds)
  }

  #grow(needed: number): void {
    const old = this.#bytes
    this.#replaceScratch(Math.max(this.#pos + needed, old.length * 2))
    this.#bytes.set(old.subarray(0, this.#pos))
  }

  #replaceScratch(size: number): void {
    this.#bytes = new Uint8Array(size)
    this.#view = new DataView(this.#bytes.buffer)
    this.#views = []
  }
}
