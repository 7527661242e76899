import { encodeFrame, MESSAGE_TYPES, type ValueCodec, withPosition } from '@roomcast/protocol'
import type { Engine, LogItem, Soon } from '../cluster/engine'
import type { Ring } from '../cluster/ring'
import { isMeantFor, type Reader } from './reader'
import { OWN_STREAM } from './session'
import { soon } from './soon'
import { type StoredMessage, unpackMessage } from './stored-message'
import type { Stream } from './stream'

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
  /** Bytes of frames at most, but for the first, unless it is 0. */
  readonly maxBytes: number
}

/** How frames are made for one namespace. */
export interface FrameMaker {
  readonly codec: ValueCodec
  /** Number of the namespace. */
  readonly namespace: number
}

/** Reads what somebody has missed of a room. Messages that were not for them are skipped. */
export function readMissed(
  { log }: Engine,
  stream: Stream,
  range: MissedRange,
  reader: Reader,
  maker: FrameMaker,
): Soon<Missed> {
  const since = { epoch: stream.epoch, offset: range.after }
  return soon(log.read(stream.channel, since, stream.keep.messages), ({ items, top, isGapless }) =>
    missedOf(stream.number, items, top, isGapless, range, (message) => isMeantFor(reader, message, stream), maker),
  )
}

/** What somebody has missed of their own stream. */
export function missedOfOwn(own: Ring, range: MissedRange, maker: FrameMaker): Missed {
  const items = own.items(range.after, Number.POSITIVE_INFINITY)
  return missedOf(OWN_STREAM, items, own.top, own.has(range.after), range, () => true, maker)
}

function missedOf(
  number: number,
  items: readonly LogItem[],
  top: number,
  isGapless: boolean,
  { after, upTo, maxBytes }: MissedRange,
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
    if (offset > end) break
    const message = unpackMessage(stored)
    const { order, frame } = message
    if (!isMeant(message)) {
      const first: number = (skipped as { first: number } | null)?.first ?? offset
      skipped = { first, last: offset, order }
      continue
    }
    flush()
    isCut = (bytes > 0 || maxBytes <= 0) && bytes + frame.length > maxBytes
    if (isCut) break
    bytes += frame.length
    frames.push({ order, frame: withPosition(frame, number, offset) })
  }
  flush()
  const lostTo = isGapless || end <= after ? null : Math.min(end, (items[0]?.offset ?? top + 1) - 1)
  return { frames, lostTo, bytes, isCut, top }
}

/** A notice about streams. PROTOCOL.md, section 12. */
export function noticeFrame({ codec, namespace }: FrameMaker, notice: readonly unknown[]): Uint8Array {
  return encodeFrame(codec, { type: MESSAGE_TYPES.NOTICE, namespace }, notice).slice()
}
