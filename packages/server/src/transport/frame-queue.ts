import { LIMITS } from '@roomcast/protocol'
import type { LatestValue } from '../connection/wire-port'

/** What a queued frame costs beside its bytes: many small ones would otherwise weigh far more than the limit says. */
const FRAME_OVERHEAD_BYTES = 64

/** From here on the places of frames that are gone are given back, if they are more than half. */
const COMPACT_FROM = 256

/** A frame that waits. */
export interface QueuedFrame {
  readonly frame: Uint8Array
  readonly compress: boolean
  readonly latest: LatestValue | null
}

/** The numbered frames that a client was, or will be, sent and has not acknowledged. Numbers begin with 1. */
export class FrameQueue {
  /** Bytes of the frames. */
  bytes = 0
  private frames: (QueuedFrame | null)[] = []
  /** Index of the first frame that is not acknowledged. */
  private head = 0
  /** Number of that frame. */
  private first = 1
  /** Numbers of the frames that a newer one may take the place of. */
  private latest: Map<string, number> | null = null

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

  /** The first frame; undefined if there is none. */
  get next(): QueuedFrame | undefined {
    return this.frames[this.head] ?? undefined
  }

  /**
   * Adds a frame; a newer value takes the place of the older one, and keeps its number.
   *
   * @param frame  Kept as it is.
   * @param sent   Frames up to this number are on their way, and stay what they are.
   * @returns Whether it took the place of another one.
   */
  push(frame: Uint8Array, compress: boolean, latest: LatestValue | null, sent: number): boolean {
    if (latest !== null) {
      const number = this.latest?.get(latest.id)
      if (number !== undefined && number > sent) {
        this.replace(number, { frame, compress, latest })
        return true
      }
      this.latest ??= new Map()
      this.latest.set(latest.id, this.last + 1)
    }
    this.frames.push({ frame, compress, latest })
    this.bytes += frame.length
    return false
  }

  /** Forgets the frames up to `number`, which has to be among them or just before. */
  acknowledge(number: number): void {
    while (this.first <= number) {
      const { frame, latest } = this.frames[this.head] as QueuedFrame
      this.bytes -= frame.length
      if (latest !== null && this.latest?.get(latest.id) === this.first) this.latest.delete(latest.id)
      // The array keeps the place for a while, but not the frame.
      this.frames[this.head++] = null
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
      const { frame } = this.frames[at] as QueuedFrame
      bytes += frame.length
      if (bytes > LIMITS.pollAnswerBytes && batch.length > 0) break
      batch.push(frame)
    }
    return batch
  }

  /** All frames. */
  all(): QueuedFrame[] {
    return this.frames.slice(this.head) as QueuedFrame[]
  }

  clear(): void {
    this.acknowledge(this.last)
  }

  private replace(number: number, { frame, compress, latest }: QueuedFrame): void {
    const at = this.head + number - this.first
    const older = this.frames[at] as QueuedFrame
    const newer = latest?.merge?.(older.frame, frame) ?? frame
    this.frames[at] = { frame: newer, compress, latest }
    this.bytes += newer.length - older.frame.length
  }
}
