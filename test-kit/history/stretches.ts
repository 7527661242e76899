import type { Anchor, HistoryRecord, JoinedBy } from './records'
import { ambientStreams, isAmbient, type Message, type Timeline } from './timeline'

/** A message that a session should have been given. */
export interface MissingMessage {
  readonly message: Message
  readonly stream: string
  /** Index of the record after which it should have come. */
  readonly after: number
  /** Whether a resume that claimed to miss nothing came later than the message. */
  readonly wasRecovered: boolean
}

/** A time in which a session is owed every message of a stream. */
interface Stretch {
  readonly by: JoinedBy
  readonly start: HistoryRecord
  /** Place of the first message that is owed. */
  from: number
  /** Whether `from` was told, rather than concluded from the time. */
  readonly isExact: boolean
  /** What came: places, and the indexes of the records. */
  readonly came: { readonly place: number; readonly index: number }[]
  /** Connects and rejoins that claimed to have missed nothing. */
  readonly recoveries: HistoryRecord[]
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
  private readonly open = new Map<string, Stretch>()
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
    else this.beginAt(stream, record, by, this.placeAt(stream, record), false)
  }

  private beginAt(stream: string, start: HistoryRecord, by: JoinedBy, from: number, isExact: boolean): Stretch {
    const stretch: Stretch = { by, start, from, isExact, came: [], recoveries: [], isCut: false, isSuspended: false }
    this.open.set(stream, stretch)
    return stretch
  }

  /** Place of the first message that was published later than a record, with none in front of it behind that. */
  private placeAt(stream: string, { at, index }: HistoryRecord): number {
    const messages = this.timeline.streams.get(stream) ?? []
    let place = messages.length
    while (place > 0) {
      const { record } = messages[place - 1] as Message
      if (record.at < at || (record.at === at && record.index < index)) break
      place--
    }
    return place
  }

  private close(stream: string): void {
    const stretch = this.open.get(stream)
    if (stretch === undefined) return
    this.open.delete(stream)
    this.end(stream, stretch, false)
  }

  private end(stream: string, stretch: Stretch, isOwedTheRest: boolean): void {
    const messages = this.timeline.streams.get(stream) ?? []
    const came = [...stretch.came].sort((a, b) => a.place - b.place)
    const lastPlace = came.at(-1)?.place ?? stretch.from - 1
    const last = isOwedTheRest ? messages.length - 1 : lastPlace
    const first = this.positioned.has(stream) ? Math.max(stretch.from, lastPlace + 1) : stretch.from
    let after = stretch.start.index
    let next = 0
    for (let place = first; place <= last; place++) {
      for (; next < came.length && (came[next]?.place ?? 0) < place; next++) after = came[next]?.index ?? after
      const message = messages[place] as Message
      const { record } = message
      if (this.delivered.has(record.msgId) || record.except.includes(this.session)) continue
      const before = came[next]?.index ?? Number.POSITIVE_INFINITY
      const wasRecovered = stretch.recoveries.some(
        ({ index, at }) => index > after && index < before && record.at <= at,
      )
      this.missing.push({ message, stream, after, wasRecovered })
    }
  }
}
