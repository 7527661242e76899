import type { DeliveredFact, HistoryRecord } from './records'
import type { Timeline } from './timeline'
import { nameIds, type Violation } from './violation'

/** What a session has seen of one order. */
interface Order {
  readonly seen: Set<number>
  highest: number
}

/** Where a session is in a stream. */
interface Track {
  readonly orders: Map<string, Order>
  epoch: string | null
  /** Everything up to here came, or was found to be missing; null where nobody has told. */
  top: number | null
  /** Index of the record that set `top`. */
  after: number
  /** A resume that claimed to miss nothing, later than that. */
  wasRecovered: boolean
}

/** I2, for messages that were delivered with positions: these rise, and none comes twice. */
export function checkPositionOrder(timeline: Timeline): Violation[] {
  return findings(timeline).filter(({ invariant }) => invariant === 'I2')
}

/** I3 and I4, for messages that were delivered with positions: each position came, was skipped, or was told to be lost. */
export function checkPositionHoles(timeline: Timeline): Violation[] {
  return findings(timeline).filter(({ invariant }) => invariant !== 'I2')
}

function findings(timeline: Timeline): Violation[] {
  return [...timeline.sessions.keys()].flatMap((session) => new Walker(timeline, session).run())
}

class Walker {
  private readonly tracks = new Map<string | null, Track>()
  private readonly violations: Violation[] = []
  private readonly accounted: { readonly room: string | null; readonly from: number; readonly to: number }[]

  constructor(
    private readonly timeline: Timeline,
    private readonly session: string,
  ) {
    const records = timeline.sessions.get(session) ?? []
    const skips = records.filter((record) => record.kind === 'skipped')
    this.accounted = [...timeline.lossesOf(session), ...skips].sort((a, b) => a.from - b.from)
  }

  run(): Violation[] {
    for (const record of this.timeline.sessions.get(this.session) ?? []) this.follow(record)
    return this.violations
  }

  private follow(record: HistoryRecord): void {
    switch (record.kind) {
      case 'connected':
        for (const track of this.tracks.values()) {
          if (record.recovered) track.wasRecovered = true
          else reset(track, record.index)
        }
        return
      case 'rejoined':
        if (record.recovered) this.track(record.room).wasRecovered = true
        else reset(this.track(record.room), record.index, record.position)
        return
      case 'joined':
      case 'snapshot':
        return reset(this.track(record.room), record.index, record.position)
      case 'left':
        return reset(this.track(record.room), record.index)
      case 'delivered':
        if (record.position !== undefined) this.take(record, record.position)
    }
  }

  private take(record: HistoryRecord<DeliveredFact>, position: number): void {
    const { room, msgId, epoch = '' } = record
    const track = this.track(room)
    const order = track.orders.get(epoch) ?? { seen: new Set(), highest: 0 }
    track.orders.set(epoch, order)
    const where = `position ${position} of ${room === null ? 'its own stream' : `room "${room}"`}`
    if (order.seen.has(position)) return this.found('I2', record.index, `${where} came twice`, [msgId])
    order.seen.add(position)
    if (position < order.highest) this.found('I2', record.index, `${where} came behind ${order.highest}`, [msgId])
    order.highest = Math.max(order.highest, position)
    if (track.epoch !== null && track.epoch !== epoch) {
      this.found('I3', record.index, `${where} is of another epoch, and nobody has said so`, [msgId])
    } else if (track.top !== null) this.findHole(track, room, position)
    track.epoch = epoch
    track.top = Math.max(position, track.top ?? 0)
    track.after = record.index
    track.wasRecovered = false
  }

  private findHole(track: Track, room: string | null, position: number): void {
    const missing: number[] = []
    const ranges = this.accounted.filter((range) => range.room === null || range.room === room)
    let place = (track.top as number) + 1
    for (const { from, to } of [...ranges, { from: position, to: position }]) {
      for (; place < Math.min(from, position); place++) missing.push(place)
      place = Math.max(place, to + 1)
    }
    if (missing.length === 0) return
    const what = `positions ${nameIds(missing)} of ${room === null ? 'its own stream' : `room "${room}"`} are missing`
    if (track.wasRecovered) this.found('I4', track.after, `${what}, though a resume said that nothing was`, [])
    else this.found('I3', track.after, `${what}, and no gap accounts for them`, [])
  }

  private found(invariant: 'I2' | 'I3' | 'I4', index: number, message: string, msgIds: readonly string[]): void {
    this.violations.push(this.timeline.violation(invariant, this.session, index, message, msgIds))
  }

  private track(room: string | null): Track {
    const known = this.tracks.get(room)
    if (known !== undefined) return known
    const track: Track = { orders: new Map(), epoch: null, top: null, after: 0, wasRecovered: false }
    this.tracks.set(room, track)
    return track
  }
}

/** The stream begins anew, in whatever order. */
function reset(track: Track, index: number, position: number | null = null): void {
  Object.assign(track, { epoch: null, top: position, after: index, wasRecovered: false })
}
