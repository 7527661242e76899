import { LIMITS } from '@roomcast/protocol'

/** What a queued frame costs beside its bytes: many small ones would otherwise weigh far more than the limit says. */
const FRAME_OVERHEAD_BYTES = 64

/** From here on the places of acknowledged frames are given back, if they are more than half. */
const COMPACT_FROM = 256

/** The numbered frames that a client was, or will be, sent and has not acknowledged. Numbers begin with 1. */
export class FrameQueue {
  /** Bytes of the frames. */
  bytes = 0
  private frames: Uint8Array[] = []
  /** Index of the first frame that is not acknowledged. */
  private head = 0
  /** Number of that frame. */
  private first = 1

  get size(): number {
    return this.frames.length - this.head
  }

  /** Number of the last frame that was acknowledged. */
  get acknowledged(): number {
    return this.first - 1
  }

  /** Number of the last frame; that of the last acknowledged one if there is none. */
  get last(): number {
    return this.acknowledged + this.size
  }

  /** What the queue costs in memory, about. */
  get weight(): number {
    return this.bytes + this.size * FRAME_OVERHEAD_BYTES
  }

  /** @param frame  Kept as it is. */
  push(frame: Uint8Array): void {
    this.frames.push(frame)
    this.bytes += frame.length
  }

  /** Forgets the frames up to `number`, which has to be among them or just before. */
  acknowledge(number: number): void {
    while (this.first <= number) {
      this.bytes -= (this.frames[this.head] as Uint8Array).length
      // The array keeps the place for a while, but not the frame.
      this.frames[this.head++] = NOTHING
      this.first++
    }
    if (this.head === this.frames.length) {
      this.frames = []
      this.head = 0
    } else if (this.head >= COMPACT_FROM && this.head * 2 > this.frames.length) {
      this.frames = this.frames.slice(this.head)
      this.head = 0
    }
  }

  /** The first frames, as many as one answer may have: at least one, if there is one. */
  batch(): Uint8Array[] {
    const batch: Uint8Array[] = []
    let bytes = 0
    for (let at = this.head; at < this.frames.length && batch.length < LIMITS.pollFrames; at++) {
      const frame = this.frames[at] as Uint8Array
      bytes += frame.length
      if (bytes > LIMITS.pollAnswerBytes && batch.length > 0) break
      batch.push(frame)
    }
    return batch
  }

  /** All frames. */
  all(): Uint8Array[] {
    return this.frames.slice(this.head)
  }

  clear(): void {
    this.acknowledge(this.last)
  }
}

const NOTHING = new Uint8Array(0)
