import { LIMITS } from '../tables/limits'
import {
  asNotEncodable,
  bytesOf,
  refuseCount,
  refuseDepth,
  refuseProto,
  refuseType,
  shapeOf,
  timeOf,
} from './encodable'

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

/** Encodes values behind room reserved for a header. */
export class CompactEncoder {
  private bytes = new Uint8Array(INITIAL_BYTES)
  private view = new DataView(this.bytes.buffer)
  private pos = 0
  private end = INITIAL_BYTES
  /** Values written so far, keys and containers included, counted as the gate of the receiver counts them. */
  private items = 0
  private isBusy = false
  private readonly views: (Uint8Array | undefined)[] = new Array(KEPT_VIEWS).fill(undefined)

  /**
   * @param value    Any value of the table in PROTOCOL.md, "Values".
   * @param reserve  Bytes left free in front of the body, for the header.
   * @returns A view of the scratch buffer: `reserve` free bytes, then the body. Valid until the next call.
   * @throws RoomcastError `NOT_ENCODABLE` with the reason; `cause` is what a `toJSON` or a getter threw.
   */
  encode(value: unknown, reserve: number): Uint8Array {
    // A `toJSON` or a getter may emit: its message must not overwrite the one half written here.
    if (this.isBusy) return new CompactEncoder().encode(value, reserve)
    if (this.bytes.length > KEPT_SCRATCH_BYTES) this.replaceScratch(INITIAL_BYTES)
    this.pos = reserve
    this.items = 0
    this.isBusy = true
    try {
      this.writeValue(value, 0)
    } catch (error) {
      throw asNotEncodable(error)
    } finally {
      this.isBusy = false
    }
    return this.written(this.pos)
  }

  /** The scratch up to `length`. Making a view costs 0.1 us: those of common lengths are kept. */
  private written(length: number): Uint8Array {
    if (length >= KEPT_VIEWS) return this.bytes.subarray(0, length)
    let view = this.views[length]
    if (view === undefined) {
      view = this.bytes.subarray(0, length)
      this.views[length] = view
    }
    return view
  }

  /** @param depth  Containers around the value. */
  private writeValue(value: unknown, depth: number): void {
    if (++this.items > LIMITS.valueItems) throw refuseCount()
    if (this.end - this.pos < 16) this.grow(16)
    switch (typeof value) {
      case 'string':
        return this.writeString(value)
      case 'number':
        return this.writeNumber(value)
      case 'boolean':
        this.bytes[this.pos++] = value ? 0xc3 : 0xc2
        return
      case 'object':
        if (value === null) this.bytes[this.pos++] = 0xc0
        else if (Array.isArray(value)) this.writeArray(value, depth + 1)
        else this.writeObject(value, depth)
        return
      case 'undefined':
        this.bytes[this.pos++] = 0xc0
        return
      default:
        throw refuseType(value)
    }
  }

  private writeNumber(value: number): void {
    const { bytes } = this
    let pos = this.pos
    if (value >>> 0 === value && !(value === 0 && 1 / value < 0)) {
      if (value < 0x80) bytes[pos++] = value
      else if (value < 0x100) {
        bytes[pos++] = 0xcc
        bytes[pos++] = value
      } else if (value < 0x10000) {
        bytes[pos++] = 0xcd
        bytes[pos++] = value >>> 8
        bytes[pos++] = value
      } else {
        bytes[pos++] = 0xce
        this.view.setUint32(pos, value)
        pos += 4
      }
    } else if (value >> 0 === value && value !== 0) {
      if (value >= -0x20) bytes[pos++] = value
      else if (value >= -0x80) {
        bytes[pos++] = 0xd0
        bytes[pos++] = value
      } else if (value >= -0x8000) {
        bytes[pos++] = 0xd1
        bytes[pos++] = value >> 8
        bytes[pos++] = value
      } else {
        bytes[pos++] = 0xd2
        this.view.setInt32(pos, value)
        pos += 4
      }
    } else if (Number.isSafeInteger(value) && value !== 0) {
      bytes[pos++] = value > 0 ? 0xcf : 0xd3
      this.view.setInt32(pos, Math.floor(value / 0x1_0000_0000))
      this.view.setUint32(pos + 4, value >>> 0)
      pos += 8
    } else {
      bytes[pos++] = 0xcb
      this.view.setFloat64(pos, value)
      pos += 8
    }
    this.pos = pos
  }

  private writeString(value: string): void {
    const { length } = value
    if (this.end - this.pos < length * 3 + 5) this.grow(length * 3 + 5)
    if (length <= SHORT_STRING_CHARS) {
      const { bytes } = this
      const start = this.pos
      let pos = start + (length < 0x20 ? 1 : 2)
      let i = 0
      for (; i < length; i++) {
        const code = value.charCodeAt(i)
        if (code > 0x7f) break
        bytes[pos++] = code
      }
      if (i === length) {
        if (length < 0x20) bytes[start] = 0xa0 | length
        else {
          bytes[start] = 0xd9
          bytes[start + 1] = length
        }
        this.pos = pos
        return
      }
    }
    this.writeLongString(value)
  }

  private writeLongString(value: string): void {
    const { bytes, pos: start } = this
    // The widest header is left free, then the text is moved up against the one it needs.
    const written = textEncoder.encodeInto(value, bytes.subarray(start + 5)).written
    const header = this.writeLength(written, 0xa0, 0x20, 0xd9, 0xda)
    if (header < 5) bytes.copyWithin(start + header, start + 5, start + 5 + written)
    this.pos = start + header + written
  }

  /** Writes a length in its shortest form at `pos` without moving it; returns the bytes used. */
  private writeLength(length: number, fix: number, fixLimit: number, type8: number, type16: number): number {
    const { bytes, pos } = this
    if (length < fixLimit) {
      bytes[pos] = fix | length
      return 1
    }
    if (type8 !== 0 && length < 0x100) {
      bytes[pos] = type8
      bytes[pos + 1] = length
      return 2
    }
    if (length < 0x10000) {
      bytes[pos] = type16
      bytes[pos + 1] = length >>> 8
      bytes[pos + 2] = length
      return 3
    }
    bytes[pos] = type16 + 1
    this.view.setUint32(pos + 1, length)
    return 5
  }

  private writeArray(value: readonly unknown[], depth: number): void {
    if (depth > LIMITS.valueDepth) throw refuseDepth()
    const { length } = value
    this.pos += this.writeLength(length, 0x90, 0x10, 0, 0xdc)
    // By index, so that the holes of a sparse array become nil.
    for (let i = 0; i < length; i++) this.writeValue(value[i], depth)
  }

  private writeObject(value: object, depth: number): void {
    switch (shapeOf(value)) {
      case 'map':
        return this.writeMap(value as Record<string, unknown>, depth + 1)
      case 'binary':
        return this.writeBinary(bytesOf(value))
      case 'date':
        return this.writeDate(timeOf(value))
      case 'toJSON':
        if (depth >= LIMITS.valueDepth) throw refuseDepth()
        this.items--
        return this.writeValue((value as { toJSON(): unknown }).toJSON(), depth + 1)
    }
  }

  private writeMap(value: Record<string, unknown>, depth: number): void {
    if (depth > LIMITS.valueDepth) throw refuseDepth()
    const keys = Object.keys(value)
    const start = this.pos
    let count = keys.length
    this.pos += this.writeLength(count, 0x80, 0x10, 0, 0xde)
    // Each property is read once: a getter may answer differently the second time.
    for (const key of keys) {
      const item = value[key]
      if (item === undefined) {
        // As in JSON, a property that is undefined is left out.
        count--
        continue
      }
      if (key === '__proto__') throw refuseProto()
      this.items++
      this.writeString(key)
      this.writeValue(item, depth)
    }
    if (count < keys.length) this.rewriteMapLength(start, keys.length, count)
  }

  /** Corrects the length at `start` of a map of which properties were left out, in its shortest form again. */
  private rewriteMapLength(start: number, before: number, count: number): void {
    const end = this.pos
    this.pos = start
    const was = this.writeLength(before, 0x80, 0x10, 0, 0xde)
    const is = this.writeLength(count, 0x80, 0x10, 0, 0xde)
    if (is < was) this.bytes.copyWithin(start + is, start + was, end)
    this.pos = end - was + is
  }

  private writeBinary(value: Uint8Array): void {
    const { length } = value
    if (this.end - this.pos < length + 5) this.grow(length + 5)
    this.pos += this.writeLength(length, 0, 0, 0xc4, 0xc5)
    this.bytes.set(value, this.pos)
    this.pos += length
  }

  /** The timestamp extension of the MessagePack specification, in the shortest of its three forms. */
  private writeDate(ms: number): void {
    const seconds = Math.floor(ms / 1000)
    const nanoseconds = (ms - seconds * 1000) * 1e6
    const { bytes, view, pos } = this
    if (seconds >= 0 && seconds < 0x4_0000_0000) {
      const is32 = nanoseconds === 0 && seconds < 0x1_0000_0000
      bytes[pos] = is32 ? 0xd6 : 0xd7
      bytes[pos + 1] = 0xff
      if (!is32) view.setUint32(pos + 2, nanoseconds * 4 + Math.floor(seconds / 0x1_0000_0000))
      view.setUint32(pos + (is32 ? 2 : 6), seconds >>> 0)
      this.pos = pos + (is32 ? 6 : 10)
    } else {
      bytes[pos] = 0xc7
      bytes[pos + 1] = 12
      bytes[pos + 2] = 0xff
      view.setUint32(pos + 3, nanoseconds)
      view.setInt32(pos + 7, Math.floor(seconds / 0x1_0000_0000))
      view.setUint32(pos + 11, seconds >>> 0)
      this.pos = pos + 15
    }
  }

  private grow(needed: number): void {
    const old = this.bytes
    this.replaceScratch(Math.max(this.pos + needed, old.length * 2))
    this.bytes.set(old.subarray(0, this.pos))
  }

  private replaceScratch(size: number): void {
    this.bytes = new Uint8Array(size)
    this.view = new DataView(this.bytes.buffer)
    this.end = size
    this.views.fill(undefined)
  }
}
