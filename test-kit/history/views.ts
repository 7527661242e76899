import { holesOf } from './holes'
import type { AddedFact, HistoryRecord, MissedFact, RenderedFact, ViewName } from './records'
import { type MissingMessage, missingIn, placeAt, type Stretch } from './stretch'
import type { Message, Timeline } from './timeline'
import type { Violation } from './violation'

/**
 * I2 to I4 for what applications show of their rooms: the last rendering, with what was added since, is what was published from
 * its first message on, in order and each once, but for what the handle of the room has told to be lost.
 *
 *   begins anew with  rendered
 *   owes the rest     of a handle that is in its room at the end: everything to the end of the room
 *   ends with         left, and the next join of the room
 */
export function checkViews(timeline: Timeline): Violation[] {
  return [...timeline.sessions].flatMap(([session, records]) => {
    const views = new Map<number, View>()
    for (const record of records) {
      if (record.kind === 'rendered' && !views.has(record.view)) views.set(record.view, new View(timeline, record))
      for (const view of views.values()) view.follow(record)
    }
    return [...views.values()].flatMap((view) => view.finish(session))
  })
}

/** What is shown since the last rendering. */
interface Rendering extends Stretch {
  readonly shown: Set<string>
  /** Its newest message. */
  last: { readonly place: number; readonly msgId: string } | null
  /** Whether `from` was told, rather than concluded from the time. */
  readonly isExact: boolean
}

/** What an application shows of one handle. */
class View {
  private rendering: Rendering | null = null
  private isClosed = false
  /** The room is not joined, or nobody knows yet whether it is. */
  private isAway = false
  private readonly missing: MissingMessage[] = []
  private readonly missed: HistoryRecord<MissedFact>[] = []
  private readonly violations: Violation[] = []
  /** Other rooms of the session: a message for several comes to the handle of one. */
  private readonly otherRooms: ReadonlySet<string | null>

  constructor(
    private readonly timeline: Timeline,
    private readonly name: ViewName,
  ) {
    const joins = (timeline.sessions.get(name.session) ?? []).filter((record) => record.kind === 'joined')
    this.otherRooms = new Set(joins.map(({ room }) => room).filter((room) => room !== name.room))
  }

  follow(record: HistoryRecord): void {
    if (this.isClosed) return
    switch (record.kind) {
      case 'rendered':
        if (record.view === this.name.view) this.render(record)
        return
      case 'added':
        if (record.view === this.name.view) this.add(record.msgId, record)
        return
      case 'missed':
        if (record.view === this.name.view) this.missed.push(record)
        return
      case 'disconnected':
        this.isAway = true
        return
      case 'connected':
        return this.comeBack(record, record.recovered, !record.recovered)
      case 'rejoined':
        if (record.room === this.name.room) this.comeBack(record, record.recovered, false)
        return
      case 'joined':
      case 'left':
        if (record.room === this.name.room) this.close()
    }
  }

  finish(session: string): Violation[] {
    if (!this.isClosed) this.end(!this.isAway)
    const nameOf = (room: string) => `the view of room "${room}"`
    return [...this.violations, ...holesOf(this.timeline, session, this.missing, this.missed, nameOf)]
  }

  private render(record: HistoryRecord<RenderedFact>): void {
    this.end(false)
    this.isAway = false
    const { room } = this.name
    const isPlaced = (msgId: string) => this.timeline.messages.get(msgId)?.places.has(room) === true
    const isExact = record.msgIds.some(isPlaced)
    const from = isExact ? Number.POSITIVE_INFINITY : placeAt(this.timeline, room, record)
    this.rendering = { start: record, from, isExact, came: [], recoveries: [], shown: new Set(), last: null }
    for (const msgId of record.msgIds) this.add(msgId, record)
  }

  private add(msgId: string, record: HistoryRecord<AddedFact | RenderedFact>): void {
    const { rendering } = this
    if (rendering === null) return
    const { room, session } = this.name
    const found = (what: string, ...others: string[]) => {
      const where = `the view of room "${room}"`
      const ids = [msgId, ...others]
      this.violations.push(this.timeline.violation('I2', session, record.index, `${where}: ${msgId} ${what}`, ids))
    }
    const message = this.timeline.messages.get(msgId)
    const place = message?.places.get(room)
    if (message === undefined) return found('was never published')
    // A rendering may show what was sent to everybody else: a client sees there what it has said itself.
    const isLeftOut = record.kind === 'added' && message.record.except.includes(session)
    if (place === undefined || isLeftOut) return found('was not for it')
    if (rendering.shown.has(msgId)) return found('is shown twice')
    rendering.shown.add(msgId)
    rendering.came.push({ place, index: record.index })
    if (!rendering.isExact || record.kind === 'rendered') rendering.from = Math.min(rendering.from, place)
    const { last } = rendering
    if (last !== null && place < last.place) found(`is shown behind ${last.msgId}`, last.msgId)
    else rendering.last = { place, msgId }
  }

  private comeBack(record: HistoryRecord, recovered: boolean, isAway: boolean): void {
    this.isAway = isAway
    if (recovered) this.rendering?.recoveries.push(record)
  }

  private close(): void {
    this.end(false)
    this.isClosed = true
  }

  private end(isOwedTheRest: boolean): void {
    const { rendering } = this
    if (rendering === null) return
    this.rendering = null
    const { room } = this.name
    const end = (this.timeline.streams.get(room)?.length ?? 0) - 1
    const last = isOwedTheRest ? end : (rendering.last?.place ?? -1)
    const isOwed = (message: Message) => !rendering.shown.has(message.record.msgId) && this.isForView(message)
    const places = { first: rendering.from, last }
    for (const one of missingIn(this.timeline, room, rendering, places, isOwed)) this.missing.push(one)
  }

  /** Whether a message has to come to this handle, rather than to that of another room. */
  private isForView({ record, streams }: Message): boolean {
    return !record.except.includes(this.name.session) && !streams.some((stream) => this.otherRooms.has(stream))
  }
}
