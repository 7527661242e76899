import { isThenable, type RoomEntry } from '@roomcast/protocol'
import type { AnyNamespace } from '../api/namespace'
import type { AnySocket } from '../api/socket'
import type { Soon } from '../cluster/engine'
import {
  type FrameMaker,
  type Missed,
  type MissedFrame,
  missedOfOwn,
  noticeFrame,
  readBehind,
  type StreamReading,
} from '../delivery/missed'
import { namesOf, type Reader } from '../delivery/reader'
import { OWN_STREAM } from '../delivery/session'
import { soon, soonEach } from '../delivery/soon'
import type { Stream } from '../delivery/stream'
import { isInside, type Place, type Tracking } from '../delivery/tracking'
import { type Claim, roomsOf } from './resume'

/** What a socket that comes back is sent. */
export interface Recovery {
  /** `rooms` of CONNECTED. */
  readonly rooms: readonly (RoomEntry | null)[]
  readonly frames: readonly Uint8Array[]
  /** Whether nothing is missing. */
  readonly isComplete: boolean
}

/**
 * Reads what a client has missed.
 *
 * @returns What makes the recovery, of the moment when it is called: nothing is between it and what comes next.
 */
export function readRecovery(socket: AnySocket, claim: Claim): Soon<() => Recovery> {
  const { engine } = socket.host.runtime
  const positions = new Map(claim.resume.rooms)
  const readings = new Map<Stream, StreamReading>()
  const read = soonEach([...staysByStream(claim.state.tracking.places)], ([stream, [first]]) => {
    if (!stream.isOpen) return
    const after = startOf(first as Place, positions)
    return soon(readBehind(engine, stream, after), (reading) => {
      readings.set(stream, reading)
    })
  })
  const end = () => {
    for (const reading of readings.values()) reading.end()
  }
  const make = () => {
    try {
      return new RecoveryMaker(socket, claim, positions, readings).make()
    } finally {
      end()
    }
  }
  if (!isThenable(read)) return make
  return (read as PromiseLike<void>).then(
    () => make,
    (error: unknown) => {
      end()
      throw error
    },
  )
}

/** Puts together what a client has missed, as much as fits. */
class RecoveryMaker {
  private readonly entries = new Map<number, RoomEntry>()
  private readonly missed: MissedFrame[] = []
  private readonly maker: FrameMaker
  private readonly reader: Reader
  private readonly tracking: Tracking
  private readonly now: number
  private readonly rooms: ReadonlySet<string>
  private readonly streams: AnyNamespace['inside']['streams']
  private bytesLeft: number
  private isComplete: boolean

  constructor(
    socket: AnySocket,
    private readonly claim: Claim,
    private readonly positions: ReadonlyMap<number, number>,
    private readonly readings: ReadonlyMap<Stream, StreamReading>,
  ) {
    const { inside, runtime } = socket.host as AnyNamespace
    const { session, tracking, userId } = claim.state
    this.rooms = roomsOf(socket, claim)
    this.streams = inside.streams
    this.maker = inside.maker
    const names = namesOf(session.id, userId, this.rooms)
    this.reader = { names, places: tracking.places, refused: claim.refused }
    this.tracking = tracking
    this.now = runtime.wheel.now()
    this.bytesLeft = runtime.resendBytes
    this.isComplete = !tracking.isIncomplete(this.now)
  }

  make(): Recovery {
    const { resume, state } = this.claim
    const { own } = state.session
    const range = { after: Math.min(resume.own, own.top), upTo: Number.POSITIVE_INFINITY, maxBytes: this.bytesLeft }
    this.take(OWN_STREAM, missedOfOwn(own, range, this.reader, this.maker))
    for (const [stream, stays] of staysByStream(state.tracking.places)) this.addStream(stream, stays)
    // A room that should have a stream, and the socket is not in one: nobody knows what it has missed.
    const known = new Set(state.tracking.places.filter(isInside).map(({ stream }) => stream.room))
    for (const room of this.rooms) {
      if (!known.has(room) && this.streams.keepOf(room) !== null) this.isComplete = false
    }
    const named = resume.rooms.map(([number]) => this.entries.get(number) ?? null)
    const others = [...this.entries.values()].filter(([number]) => !this.positions.has(number))
    const frames = this.missed.sort((a, b) => a.order - b.order).map(({ frame }) => frame)
    return { rooms: [...named, ...others], frames, isComplete: this.isComplete }
  }

  private addStream(stream: Stream, all: readonly Place[]): void {
    const { number, room } = stream
    if (room !== null && this.claim.refused.has(room)) return
    const stays = all.filter((stay) => this.mayLack(stay))
    const [first] = stays
    if (first === undefined) return
    const reading = this.readings.get(stream)
    // Closed, or entered a moment ago.
    if (reading === undefined) {
      this.isComplete = false
      return
    }
    const start = startOf(first, this.positions)
    let at = start
    let isWhole = true
    for (const stay of stays) {
      if (stay.to < at || !isWhole) continue
      // It was out in between.
      if (stay.from > at) this.tell(['skip', number, at + 1, stay.from], stay.since)
      const after = Math.max(at, stay.from)
      const found = reading.missed({ after, upTo: stay.to, maxBytes: this.bytesLeft }, this.reader, this.maker)
      isWhole = this.take(number, found)
      at = Math.max(after, Math.min(stay.to, found.top))
    }
    this.entries.set(number, [number, start, isWhole])
    if (!stays.some(isInside)) this.tell(['left', number, null], Number.MAX_VALUE)
  }

  /** Whether the client may lack something of a stay. */
  private mayLack(stay: Place): boolean {
    if (isInside(stay) || this.positions.has(stay.stream.number)) return true
    // It was told that it has left, and then it has everything before; or it has heard of neither.
    if (stay.to > stay.from && this.tracking.isNew(stay, this.now)) this.isComplete = false
    return false
  }

  /** @returns Whether nothing is gone. */
  private take(number: number, { frames, bytes, lostTo, isCut, top }: Missed): boolean {
    // What does not fit is as good as lost: said now, and not when it is asked for again and may be gone.
    const lost = isCut ? top : lostTo
    if (lost !== null) {
      this.tell(['lost', number, lost], 0)
      this.isComplete = false
    }
    if (!isCut) {
      this.missed.push(...frames)
      this.bytesLeft = Math.max(0, this.bytesLeft - bytes)
    }
    return lost === null
  }

  private tell(notice: readonly unknown[], order: number): void {
    this.missed.push({ order, frame: noticeFrame(this.maker, notice) })
  }
}

/** The position behind which a client is sent the messages of a stream. */
function startOf({ from, stream }: Place, positions: ReadonlyMap<number, number>): number {
  return Math.min(Math.max(from, positions.get(stream.number) ?? 0), stream.top)
}

/** The stays in each stream, in their order. */
function staysByStream(places: readonly Place[]): Map<Stream, Place[]> {
  const stays = new Map<Stream, Place[]>()
  for (const place of places) {
    const known = stays.get(place.stream)
    if (known === undefined) stays.set(place.stream, [place])
    else known.push(place)
  }
  return stays
}
