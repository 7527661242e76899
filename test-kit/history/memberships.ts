import type { Anchor, HistoryRecord, JoinedBy } from './records'
import { type MissingMessage, missingIn, placeAt, type Stretch } from './stretch'
import { ambientStreams, isAmbient, type Message, type Timeline } from './timeline'

/** A time in which a session is owed every message of a stream. */
interface Membership extends Stretch {
  readonly by: JoinedBy
  /** Whether `from` was told, rather than concluded from the time. */
  readonly isExact: boolean
  /** The link was lost since. */
  isCut: boolean
  /** The session has come back with nothing, and the room has not been joined again yet. */
  isSuspended: boolean
}

/**
 * Follows a session through its record: which messages of which streams it was owed, and did not get.
 *
 *   begins with     joined, rejoined without recovery, snapshot, the first message that comes;
 *                   with connected, for messages to everyone and to the session alone
 *   goes on with    connected and rejoined with recovery
 *   ends with       left, whatever begins another, connected without recovery
 *
 * A stretch that ends owes what came between its first and its last message. One that is open at the end, of a session that is
 * connected, owes everything to the end of the stream: check when all is quiet.
 */
export function missingOf(timeline: Timeline, session: string): MissingMessage[] {
  return new Follower(timeline, session).run()
}

class Follower {
  private readonly open = new Map<string, Membership>()
  private readonly missing: MissingMessage[] = []
  private readonly delivered = new Set<string>()
  /** Streams whose messages come with positions: holes in these are found there, and only the end here. */
  private readonly positioned = new Set<string>()
  private readonly records: readonly HistoryRecord[]
  /** null for a session of which nobody has said anything: it is connected. */
  private isConnected: boolean | null = null

  constructor(
    private readonly timeline: Timeline,
    private readonly session: string,
  ) {
    this.records = timeline.sessions.get(session) ?? []
    for (const record of this.records) {
      if (record.kind !== 'delivered') continue
      this.delivered.add(record.msgId)
      if (record.position === undefined) continue
      for (const stream of timeline.messages.get(record.msgId)?.streams ?? []) this.positioned.add(stream)
    }
  }

  run(): MissingMessage[] {
    for (const record of this.records) this.follow(record)
    for (const [stream, stretch] of this.open)
      this.end(stream, stretch, this.isConnected !== false && !stretch.isSuspended)
    return this.missing
  }

  private follow(record: HistoryRecord): void {
    switch (record.kind) {
      case 'connected':
        if (this.isConnected === true) this.lose()
        this.isConnected = true
        return record.recovered ? this.recover(record) : this.reset(record)
      case 'disconnected':
        this.isConnected = false
        return this.lose()
      case 'joined':
        if (record.room !== null) this.begin(record.room, record, record.by, record)
        return
      case 'rejoined':
        if (!record.recovered) return this.begin(record.room, record, 'client', record)
        return this.recoverRoom(record.room, record)
      case 'snapshot':
        return this.begin(record.room, record, this.open.get(record.room)?.by ?? 'client', record)
      case 'left':
        return this.close(record.room)
      case 'delivered':
        for (const stream of this.timeline.messages.get(record.msgId)?.streams ?? []) this.take(stream, record)
    }
  }

  private take(stream: string, record: HistoryRecord & { readonly msgId: string }): void {
    const place = this.timeline.messages.get(record.msgId)?.places.get(stream) ?? 0
    const stretch = this.open.get(stream) ?? this.beginAt(stream, record, 'server', place, false)
    stretch.came.push({ place, index: record.index })
    if (!stretch.isExact) stretch.from = Math.min(stretch.from, place)
  }

  private recover(record: HistoryRecord): void {
    for (const stretch of this.open.values()) {
      stretch.recoveries.push(record)
      stretch.isSuspended = stretch.isCut = false
    }
  }

  private recoverRoom(room: string, record: HistoryRecord): void {
    const stretch = this.open.get(room)
    if (stretch === undefined) return
    stretch.recoveries.push(record)
    stretch.isSuspended = stretch.isCut = false
  }

  private lose(): void {
    for (const stretch of this.open.values()) stretch.isCut = true
  }

  /**
   * A connect that has recovered nothing, or the first. The server may have put the session into rooms before it hears of
   * that: those are not cut.
   */
  private reset(record: HistoryRecord): void {
    for (const [stream, stretch] of [...this.open]) {
      if (!stretch.isCut) continue
      if (stretch.by === 'client' && !isAmbient(stream)) stretch.isSuspended = true
      else this.close(stream)
    }
    for (const stream of ambientStreams(this.session)) this.begin(stream, record, 'server', {})
  }

  private begin(stream: string, record: HistoryRecord, by: JoinedBy, { after }: Anchor): void {
    this.close(stream)
    const known = after === undefined ? undefined : this.timeline.messages.get(after)?.places.get(stream)
    if (known !== undefined) this.beginAt(stream, record, by, known + 1, true)
    else this.beginAt(stream, record, by, placeAt(this.timeline, stream, record), false)
  }

  private beginAt(stream: string, start: HistoryRecord, by: JoinedBy, from: number, isExact: boolean): Membership {
    const stretch: Membership = { by, start, from, isExact, came: [], recoveries: [], isCut: false, isSuspended: false }
    this.open.set(stream, stretch)
    return stretch
  }

  private close(stream: string): void {
    const stretch = this.open.get(stream)
    if (stretch === undefined) return
    this.open.delete(stream)
    this.end(stream, stretch, false)
  }

  private end(stream: string, stretch: Membership, isOwedTheRest: boolean): void {
    const messages = this.timeline.streams.get(stream) ?? []
    const places = stretch.came.map(({ place }) => place)
    const cameTo = places.length === 0 ? stretch.from - 1 : places.reduce((a, b) => Math.max(a, b))
    const last = isOwedTheRest ? messages.length - 1 : cameTo
    const first = this.positioned.has(stream) ? Math.max(stretch.from, cameTo + 1) : stretch.from
    const isOwed = ({ record }: Message) => !this.delivered.has(record.msgId) && !record.except.includes(this.session)
    for (const one of missingIn(this.timeline, stream, stretch, { first, last }, isOwed)) this.missing.push(one)
  }
}
