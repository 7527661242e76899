import { encodeFrame, isThenable, MESSAGE_TYPES, type ValueCodec, withPosition } from '@roomcast/protocol'
import type { Engine, LogItem, LogPage, Soon } from '../cluster/engine'
import type { Ring } from '../cluster/ring'
import { isMeantFor, type Reader } from './reader'
import { OWN_STREAM } from './session'
import { type StoredMessage, unpackMessage } from './stored-message'
import type { Stream, Tap } from './stream'

/** What a frame grows by on its way, about: position, and the mark of a skip in front of it. */
const PLACE_BYTES = 32

/** A frame to be sent again. */
export interface MissedFrame {
  /** Of several streams: what came first. */
  readonly order: number
  readonly frame: Uint8Array
}

/** What a socket has missed of one stream. */
export interface Missed {
  readonly frames: readonly MissedFrame[]
  /** Position up to which messages are gone; null if none are. */
  readonly lostTo: number | null
  /** Of the frames. */
  readonly bytes: number
  /** Whether there are more than were asked for. */
  readonly isCut: boolean
  /** Newest position that was looked at. */
  readonly top: number
}

/** Which part of a stream somebody has missed. */
export interface MissedRange {
  /** Position received last. */
  readonly after: number
  /** Position that ends it, itself included. */
  readonly upTo: number
  /** Bytes of frames at most. */
  readonly maxBytes: number
  /** Whether the first may be larger: who asks again would else never get it. */
  readonly mayExceed?: boolean
}

/** How frames are made for one namespace. */
export interface FrameMaker {
  readonly codec: ValueCodec
  /** Number of the namespace. */
  readonly namespace: number
}

/**
 * What a stream holds behind a position, up to the moment when it is asked: what the engine had, and what has been delivered since.
 * Between that moment and the next message there is nothing.
 */
export class StreamReading {
  constructor(
    private readonly stream: Stream,
    private readonly page: LogPage,
    /** null if the engine answered at once: nothing can have come since. */
    private readonly tap: Tap | null,
  ) {}

  /** Messages that were not for the reader are skipped. */
  missed(range: MissedRange, reader: Reader, maker: FrameMaker): Missed {
    const { stream, page, tap } = this
    // Another order than ours: the log was lost.
    if (page.epoch !== stream.epoch) {
      const held = { number: stream.number, items: [], top: stream.top, isGapless: false }
      return missedOf(held, range, () => true, maker)
    }
    const later = tap?.items.filter(({ offset }) => offset > page.top) ?? []
    const held: Held = {
      number: stream.number,
      items: later.length === 0 ? page.items : [...page.items, ...later],
      // More has come than can be told.
      top: tap?.isOver ? page.top + later.length : Math.max(page.top, stream.top),
      isGapless: page.isGapless,
    }
    return missedOf(held, range, (message) => isMeantFor(reader, message, stream), maker)
  }

  /** It is not asked any more. */
  end(): void {
    if (this.tap !== null) this.stream.untap(this.tap)
  }
}

/** Reads a stream. {@link StreamReading.end} has to be called. */
export function readBehind(
  { log }: Engine,
  stream: Stream,
  after: number,
  upTo = Number.POSITIVE_INFINITY,
): Soon<StreamReading> {
  const limit = Math.max(0, Math.min(stream.keep.messages, upTo - after))
  const page = log.read(stream.channel, { epoch: stream.epoch, offset: after }, limit)
  if (!isThenable(page)) return new StreamReading(stream, page as LogPage, null)
  const tap = stream.tap()
  return (page as PromiseLike<LogPage>).then(
    (found) => new StreamReading(stream, found, tap),
    (error) => {
      stream.untap(tap)
      throw error
    },
  )
}

/** What somebody has missed of their own stream. */
export function missedOfOwn(own: Ring, range: MissedRange, reader: Reader, maker: FrameMaker): Missed {
  const { top } = own
  const items = own.items(range.after, Number.POSITIVE_INFINITY)
  const held: Held = { number: OWN_STREAM, items, top, isGapless: own.has(range.after) }
  return missedOf(held, range, (message) => isMeantFor(reader, message, null), maker)
}

/** What there is of a stream. */
interface Held {
  readonly number: number
  readonly items: readonly Pick<LogItem, 'frame' | 'offset'>[]
  readonly top: number
  /** Whether nothing is missing in front of the items. */
  readonly isGapless: boolean
}

function missedOf(
  { number, items, top, isGapless }: Held,
  { after, upTo, maxBytes, mayExceed = false }: MissedRange,
  isMeant: (message: StoredMessage) => boolean,
  maker: FrameMaker,
): Missed {
  const end = Math.min(upTo, top)
  const frames: MissedFrame[] = []
  let bytes = 0
  let isCut = false
  let skipped: { first: number; last: number; order: number } | null = null
  const flush = () => {
    if (skipped === null) return
    const { first, last, order } = skipped
    frames.push({ order, frame: noticeFrame(maker, ['skip', number, first, last]) })
    skipped = null
  }
  for (const { offset, frame: stored } of items) {
    if (offset <= after) continue
    if (offset > end) break
    const message = unpackMessage(stored)
    const { order, frame } = message
    if (!isMeant(message)) {
      const first: number = (skipped as { first: number } | null)?.first ?? offset
      skipped = { first, last: offset, order }
      continue
    }
    flush()
    const size = frame.length + PLACE_BYTES
    isCut = bytes + size > maxBytes && !(mayExceed && bytes === 0)
    if (isCut) break
    bytes += size
    frames.push({ order, frame: withPosition(frame, maker.namespace, number, offset) })
  }
  flush()
  const first = items[0]?.offset ?? top + 1
  const isWhole = isGapless || first <= after + 1 || end <= after
  return { frames, lostTo: isWhole ? null : Math.min(end, first - 1), bytes, isCut, top }
}

/** A notice about streams. PROTOCOL.md, section 12. */
export function noticeFrame({ codec, namespace }: FrameMaker, notice: readonly unknown[]): Uint8Array {
  return encodeFrame(codec, { type: MESSAGE_TYPES.NOTICE, namespace }, notice).slice()
}
