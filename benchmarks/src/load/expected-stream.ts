import type { FrameRun, Place } from './frame-run'

/**
 * The bytes a connection must receive: runs of frames of equal length, compared as they arrive. Counting is
 * division; a byte that differs is an error, so nothing needs to be decoded.
 */
export class ExpectedStream {
  /** Whole frames received. */
  frames = 0
  private offset = 0

  constructor(private run: FrameRun) {}

  /** Whether the last frame is complete. */
  get isAtBoundary(): boolean {
    return this.offset === 0 || this.offset % this.run.frameBytes === 0
  }

  /** Place of the last whole frame; undefined if frames have no positions. */
  get place(): Place | undefined {
    const { place, frameBytes } = this.run
    return place && { room: place.room, position: place.position + Math.floor(this.offset / frameBytes) }
  }

  /**
   * Takes as much of `chunk` from `start` as is expected.
   *
   * @returns The position behind what was taken: `end`, or the place where a frame begins that is not
   *          the expected one.
   * @throws Error if an expected frame goes on with other bytes.
   */
  take(chunk: Buffer, start: number, end: number): number {
    let pos = start
    while (pos < end) {
      const { bytes } = this.run
      const length = Math.min(end - pos, bytes.length - this.offset)
      if (length === 0 || chunk.compare(bytes, this.offset, this.offset + length, pos, pos + length) !== 0) {
        return this.takeFrames(chunk, pos, end)
      }
      this.advance(length)
      pos += length
    }
    return pos
  }

  /** Frame by frame, to find the one that differs. */
  private takeFrames(chunk: Buffer, start: number, end: number): number {
    let pos = start
    while (pos < end && this.run.frameBytes > 0) {
      const { bytes, frameBytes } = this.run
      const inFrame = this.offset % frameBytes
      const length = Math.min(end - pos, frameBytes - inFrame)
      if (chunk.compare(bytes, this.offset, this.offset + length, pos, pos + length) !== 0) {
        if (inFrame > 0) throw new Error('a frame differs from the expected one')
        return pos
      }
      this.advance(length)
      pos += length
    }
    return pos
  }

  private advance(length: number): void {
    const { bytes, frameBytes } = this.run
    const inFrame = this.offset % frameBytes
    this.frames += Math.floor((inFrame + length) / frameBytes)
    this.offset += length
    if (this.offset < bytes.length) return
    this.run = this.run.next()
    this.offset = 0
  }
}
