import { awayOf } from './away'
import { checkCalls } from './calls'
import { checkHoles, checkOrder, checkRecoveries, checkWindow } from './delivery'
import { checkPositionHoles, checkPositionOrder } from './positions'
import type {
  Anchor,
  Audience,
  BystanderReport,
  GapReport,
  HistoryFact,
  HistoryRecord,
  JoinedBy,
  Place,
  PresenceReport,
  ResourceReport,
  ViewName,
} from './records'
import { checkBystanders, checkPresence, checkResources, checkUncaught } from './surroundings'
import { Timeline } from './timeline'
import { checkViews } from './views'
import type { Invariant, Violation } from './violation'

/** Violations of one invariant that are reported; the rest is counted. */
const REPORTED = 20

/** Options of a {@link History}. */
export interface HistoryOptions {
  /** Time in which whoever comes back has to recover, in milliseconds. @default it is not checked */
  readonly resumeWindowMs?: number
}

/**
 * What publishers, servers and subscribers did, in one record, and whether that keeps the promises:
 *
 *   I1  what was answered was handled; what is to take effect once was handled once at most; what was called was handled, or
 *       has failed
 *   I2  in a session the messages of a room come in their order, and none twice
 *   I3  a message that is missing is accounted for by a `gap` with `repaired: false`, or by a new beginning: a connect, a
 *       rejoin or a snapshot that has recovered nothing
 *   I4  a resume with `recovered: true` misses nothing but what was told to be lost before, and within the window there is no
 *       other
 *   I5  who is shown is there, and the other way round
 *   I6  what a process holds goes back to what it was
 *   I7  nothing is left uncaught
 *   I8  a bystander notices nothing
 *
 *     const history = new History()
 *     observeSocket(history, 'ada', socket)                       // observe.ts: connects, messages, gaps
 *     observeRoom(history, 'ada', await socket.join('lobby'), { events: ['say'] })
 *     history.published('m1', 'lobby')                            // on the server, right before io.to('lobby').emit
 *     ...
 *     await until(() => history.away().length === 0 && history.check().length === 0, 'a whole history').catch(() => {})
 *     expect(history.check()).toEqual([])                         // says what is broken
 *
 * The end of a room is owed as well, to those who are connected. Ids of messages are the test's own, and each message has one: a number that counts, for example. The order of a room is that of
 * its `published`, or that of the positions if all have one. Volatile messages do not belong in here. Where a stream has messages
 * that are not recorded, `gap` events may account for more than they should.
 */
export class History {
  readonly records: HistoryRecord[] = []

  constructor(private readonly options: HistoryOptions = {}) {}

  /** Adds a fact, also one of another process: with the time from there it may come late. */
  add(fact: HistoryFact, at = performance.timeOrigin + performance.now()): void {
    this.records.push({ ...fact, at, index: this.records.length })
  }

  /** A client sends a call. @param once  Whether it is to take effect once, however often it is sent. */
  called(msgId: string, once = true): void {
    this.add({ kind: 'called', msgId, once })
  }

  /** A call was answered, well or with an error of its handler. */
  answered(msgId: string): void {
    this.add({ kind: 'answered', msgId })
  }

  /** A call failed without an answer: `DISCONNECTED`, `ACK_TIMEOUT` and the like. It may have been handled, or not. */
  failed(msgId: string): void {
    this.add({ kind: 'failed', msgId })
  }

  /** A handler runs. */
  handled(msgId: string, server = 'server'): void {
    this.add({ kind: 'handled', msgId, server })
  }

  /**
   * A server sends a message.
   *
   * @param to    A room, several rooms, `{ session }`, or null for everyone.
   * @param rest  `except`: sessions that are left out. Position and epoch, where they are known.
   */
  published(msgId: string, to: Audience, rest: { readonly except?: readonly string[] } & Partial<Place> = {}): void {
    const { except = [], ...place } = rest
    this.add({ kind: 'published', msgId, to, except, ...place })
  }

  /** A session is given a message. @param place  With the room that the position belongs to, null for the session's own. */
  delivered(session: string, msgId: string, place: Partial<Place> & { readonly room?: string | null } = {}): void {
    const { room = null, ...rest } = place
    this.add({ kind: 'delivered', session, msgId, room, ...rest })
  }

  /** A session is told that positions hold nothing for it. */
  skipped(session: string, room: string | null, from: number, to: number): void {
    this.add({ kind: 'skipped', session, room, from, to })
  }

  /** A session is told of a gap. */
  gap(session: string, report: GapReport): void {
    this.add({ kind: 'gap', session, ...report })
  }

  /** A session is connected, for the first time or again. */
  connected(session: string, recovered = false): void {
    this.add({ kind: 'connected', session, recovered })
  }

  /** A session has lost its link. */
  disconnected(session: string): void {
    this.add({ kind: 'disconnected', session })
  }

  /** A session is in a room from here on. @param by  What the server did ends with a connect that has recovered nothing. */
  joined(session: string, room: string | null, by: JoinedBy, anchor: Anchor = {}): void {
    this.add({ kind: 'joined', session, room, by, ...anchor })
  }

  /** A client is in a room again that it had joined. */
  rejoined(session: string, room: string, recovered: boolean, anchor: Anchor = {}): void {
    this.add({ kind: 'rejoined', session, room, recovered, ...anchor })
  }

  /** A client has the state of a room anew. */
  snapshot(session: string, room: string, anchor: Anchor = {}): void {
    this.add({ kind: 'snapshot', session, room, ...anchor })
  }

  /** A session is not in a room any more. */
  left(session: string, room: string): void {
    this.add({ kind: 'left', session, room })
  }

  /** An application shows these messages of a room, oldest first, instead of what it showed before. */
  rendered(view: ViewName, msgIds: readonly string[]): void {
    this.add({ kind: 'rendered', ...view, msgIds })
  }

  /** The handle of a room gives its application a message, which that shows too. */
  added(view: ViewName, msgId: string): void {
    this.add({ kind: 'added', ...view, msgId })
  }

  /** The handle of a room tells its application that positions are lost. */
  missed(view: ViewName, from: number, to: number): void {
    this.add({ kind: 'missed', ...view, from, to })
  }

  /** What a node shows when all is quiet. */
  presence(report: PresenceReport): void {
    this.add({ kind: 'presence', report })
  }

  /** What a process held before, and after everything was over. */
  resources(report: ResourceReport): void {
    this.add({ kind: 'resources', report })
  }

  /** Exceptions and rejections that nobody caught. */
  uncaught(process: string, count: number, what: unknown = ''): void {
    this.add({ kind: 'uncaught', process, count, what: String(what) })
  }

  /** How a client fared that has nothing to do with the faults. */
  bystander(name: string, report: BystanderReport): void {
    this.add({ kind: 'bystander', name, report })
  }

  /**
   * Sessions that are without their link or their rooms. Nothing is owed to them: who waits for a history to be whole waits
   * for this to be empty first, or finds nothing because nobody is there.
   */
  away(): string[] {
    return awayOf(this.records)
  }

  /** The invariants that are broken; an empty list is a history that keeps its promises. */
  check(): Violation[] {
    const timeline = new Timeline(this.records)
    const { resumeWindowMs } = this.options
    const found = [
      checkCalls,
      checkOrder,
      checkPositionOrder,
      checkHoles,
      checkRecoveries,
      checkPositionHoles,
      checkViews,
      checkPresence,
      checkResources,
      checkUncaught,
      checkBystanders,
    ].flatMap((check) => check(timeline))
    if (resumeWindowMs !== undefined) found.push(...checkWindow(timeline, resumeWindowMs))
    return shorten(found)
  }
}

/** Some of each invariant, in their order. */
function shorten(violations: readonly Violation[]): Violation[] {
  const byInvariant = new Map<Invariant, Violation[]>()
  for (const violation of [...violations].sort((a, b) => a.invariant.localeCompare(b.invariant))) {
    byInvariant.set(violation.invariant, [...(byInvariant.get(violation.invariant) ?? []), violation])
  }
  return [...byInvariant].flatMap(([invariant, all]) => {
    const rest = all.length - REPORTED
    if (rest <= 0) return all
    return [...all.slice(0, REPORTED), { invariant, message: `and ${rest} more of these`, msgIds: [], records: [] }]
  })
}
