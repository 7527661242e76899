/**
 * The bytes a connection must receive, over and over: frames of equal length, compared as they arrive.
 * Counting is division; a byte that differs is an error, so nothing needs to be decoded.
 */
export class ExpectedStream {
  /** Whole frames received. */
  frames = 0
  private readonly bytes: Buffer
  private readonly frameBytes: number
  private offset = 0

  constructor(expected: readonly Buffer[]) {
    this.frameBytes = expected[0]?.length ?? 0
    if (expected.some((frame) => frame.length !== this.frameBytes)) throw new Error('frames of different lengths')
    this.bytes = Buffer.concat(expected)
  }

  /** Whether the last frame is complete. */
  get isAtBoundary(): boolean {
    return this.frameBytes === 0 || this.offset % this.frameBytes === 0
  }

  /**
   * Takes as much of `chunk` from `start` as is expected.
   *
   * @returns The position behind what was taken: `end`, or the place where a frame begins that is not
   *          the expected one.
   * @throws Error if an expected frame goes on with other bytes.
   */
  take(chunk: Buffer, start: number, end: number): number {
    const { bytes } = this
    let pos = start
    while (pos < end) {
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
    while (pos < end && this.frameBytes > 0) {
      const inFrame = this.offset % this.frameBytes
      const length = Math.min(end - pos, this.frameBytes - inFrame)
      if (chunk.compare(this.bytes, this.offset, this.offset + length, pos, pos + length) !== 0) {
        if (inFrame > 0) throw new Error('a frame differs from the expected one')
        return pos
      }
      this.advance(length)
      pos += length
    }
    return pos
  }

  private advance(length: number): void {
    const { frameBytes } = this
    const inFrame = this.offset % frameBytes
    this.frames += Math.floor((inFrame + length) / frameBytes)
    this.offset += length
    if (this.offset === this.bytes.length) this.offset = 0
  }
}
