import { RoomcastError } from '../errors'
import { readVarint, varintEnd, varintLength, writeVarint } from './varint'

/*
 * Frames in an HTTP body, each behind its length. PROTOCOL.md, "Polling".
 *
 *   up     varint length, frame, …             the bodies of all POSTs joined are one stream
 *   down   varint number of the first frame,
 *          then as above                       whole frames
 */

/** Number of bytes of a length that is not there yet. */
const LONGEST_VARINT = 8
const MAX_PARTS = 64

/**
 * Puts frames behind their lengths.
 *
 * @param first  Number of the first frame, written in front; -1 for none.
 */
export function writeBatch(frames: readonly Uint8Array[], first: number): Uint8Array<ArrayBuffer> {
  let size = first < 0 ? 0 : varintLength(first)
  for (const { length } of frames) size += varintLength(length) + length
  const bytes = new Uint8Array(size)
  let pos = first < 0 ? 0 : writeVarint(bytes, 0, first)
  for (const frame of frames) {
    pos = writeVarint(bytes, pos, frame.length)
    bytes.set(frame, pos)
    pos += frame.length
  }
  return bytes
}

/**
 * Reads an answer: calls `onFrame` with the number of each frame, and a view of it.
 *
 * @throws RoomcastError `BAD_FRAME` if it is cut off; the frames before were handed over.
 */
export function readBatch(bytes: Uint8Array, onFrame: (frame: Uint8Array, number: number) => void): void {
  let number = readVarint(bytes, 0)
  if (number < 0) throw bad()
  for (let pos = varintEnd; pos < bytes.length; ) {
    const length = readVarint(bytes, pos)
    const start = varintEnd
    pos = start + length
    if (length < 0 || pos > bytes.length) throw bad()
    onFrame(bytes.subarray(start, pos), number++)
  }
}

/** Takes the frames out of a stream of bodies; a frame may span several. */
export class FrameStream {
  private rest: Uint8Array[] = []
  private restBytes = 0
  /** Bytes until the frame that has begun is complete; 0 while its length is not known. */
  private wanted = 0

  /** @param maxFrameBytes  A frame that announces more is refused before its bytes are kept. */
  constructor(private readonly maxFrameBytes: number) {}

  /**
   * Reads one body; calls `onFrame` with each frame that is complete, a view of it.
   *
   * @param maxFrames  How many frames may begin in it.
   * @throws RoomcastError `BAD_FRAME`, `MESSAGE_TOO_LARGE`.
   */
  push(body: Uint8Array, maxFrames: number, onFrame: (frame: Uint8Array) => void): void {
    // What began in a body before is not counted again.
    let begun = this.restBytes > 0 ? -1 : 0
    this.rest.push(body)
    this.restBytes += body.length
    if (this.restBytes < this.wanted) {
      // Many small bodies would weigh more than their bytes.
      if (this.rest.length > MAX_PARTS) this.rest = [joined(this.rest, this.restBytes)]
      return
    }
    const bytes = this.rest.length === 1 ? body : joined(this.rest, this.restBytes)
    let pos = 0
    this.wanted = 0
    while (pos < bytes.length) {
      const length = readVarint(bytes, pos)
      // The length itself may be cut off.
      if (length < 0 && bytes.length - pos < LONGEST_VARINT && isOpenVarint(bytes, pos)) break
      if (length < 0) throw bad()
      if (length > this.maxFrameBytes) {
        throw new RoomcastError('MESSAGE_TOO_LARGE', `frame has ${length} bytes, limit ${this.maxFrameBytes}`)
      }
      if (++begun > maxFrames) throw new RoomcastError('BAD_FRAME', `more than ${maxFrames} frames in one body`)
      const start = varintEnd
      if (start + length > bytes.length) {
        this.wanted = start + length - pos
        break
      }
      pos = start + length
      onFrame(bytes.subarray(start, pos))
    }
    this.restBytes = bytes.length - pos
    // A copy: the rest must not keep a whole body alive.
    this.rest = this.restBytes === 0 ? [] : [bytes.slice(pos)]
  }
}

function isOpenVarint(bytes: Uint8Array, pos: number): boolean {
  for (let at = pos; at < bytes.length; at++) if ((bytes[at] as number) < 0x80) return false
  return true
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let pos = 0
  for (const part of parts) {
    bytes.set(part, pos)
    pos += part.length
  }
  return bytes
}

function bad(): RoomcastError {
  return new RoomcastError('BAD_FRAME', 'frames that do not fit their lengths')
}
