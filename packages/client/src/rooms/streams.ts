import { type ConnectedBody, isCount, type NamedBody, RoomcastError } from '@roomcast/protocol'
import type { EventSender } from '../outbound/event-sender'
import { MAX_TIMER_MS } from '../tables'
import { type PlacedEvent, Stream, type StreamHost } from './stream'

/** What is missing is asked for so often, as long as nothing of it comes. */
const TRIES = 4
/** Before the next try, when the question was refused. */
const RETRY_MS = 2_000
/** Streams that one `sync` names at most. */
const SYNC_STREAMS = 1_000
/** Streams of which it is not known where they begin. */
const UNKNOWN_STREAMS = 256
/** Silences of `pingIntervalMs` between two questions for what is missing at the end, where no later message shows it. */
const AUDIT_INTERVALS = 6
const AUDIT_LEAST_MS = 100

/** What {@link Streams} tells. */
export interface StreamsHost extends Pick<StreamHost, 'deliver' | 'report'> {
  /** Something was dropped that nobody else is told of. */
  onFault(error: RoomcastError): void
}

/** Where a stream went on after a new connection; null if the socket is not in its room any more. */
export type Resumed = Map<Stream, boolean | null>

/**
 * The streams of one socket. On a server that numbers nothing there are none, and nothing is sent.
 *
 * What can repeat: `sync`, for a gap, TRIES times without progress; and for all streams, as long as the socket is connected. One
 * of each is on its way at a time.
 */
export class Streams implements StreamHost {
  readonly deliver: StreamHost['deliver']
  readonly report: StreamHost['report']
  heldBytes = 0
  readonly #sender: EventSender
  readonly #onFault: StreamsHost['onFault']
  #all = new Map<number, Stream>()
  /** 0 while there is no connection. */
  #auditMs = 0
  /** Requests of the present audit without an answer. */
  #audits = 0
  #auditTimer: ReturnType<typeof setTimeout> | undefined
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  /** Streams that are asked for again when the timer is over. */
  #resting: Stream[] = []
  #isAsking = false
  /** Too many streams of unknown beginning were told of. */
  #isFull = false

  constructor(sender: EventSender, host: StreamsHost) {
    this.#sender = sender
    this.deliver = host.deliver
    this.report = host.report
    this.#onFault = host.onFault
  }

  get(number: unknown): Stream | undefined {
    return this.#all.get(number as number)
  }

  /** A message with a position. */
  receive(message: PlacedEvent): void {
    this.#known(message.room)?.take(message.seq, message.seq, message)
  }

  /** Notices `joined`, `skip` and `lost`. */
  onNotice([name, room, first, last]: NamedBody): void {
    if (!isCount(room) || !isCount(first)) return
    if (name === 'joined') this.begin(room, first)
    else if (name === 'lost') this.#all.get(room)?.lose(first)
    else if (name === 'skip' && isCount(last)) this.#known(room)?.take(first, last, null)
  }

  /** The messages behind `position` follow. */
  begin(number: number, position: number): Stream {
    const stream = this.#all.get(number) ?? this.#add(number)
    stream.begin(position)
    return stream
  }

  /** The answer to `join`. As {@link Stream.enter}. */
  enter(number: number, position: number, before: Stream | null): Stream {
    const stream = this.#all.get(number) ?? this.#add(number)
    stream.enter(position, before === stream ? null : before)
    return stream
  }

  /** The socket is not in the room any more. */
  end(stream: Stream): void {
    if (this.#all.get(stream.number) === stream) this.#all.delete(stream.number)
    stream.end()
  }

  /** Rooms and positions as they are named to the server, stream 0 apart. */
  named(): Stream[] {
    return [...this.#all.values()].filter(({ number, position }) => number > 0 && position >= 0)
  }

  /** @param named  As they were named in CONNECT, in order; empty if nothing was to be resumed. */
  onConnected({ session, rooms = [], limits }: ConnectedBody, named: readonly Stream[]): Resumed {
    const resumed: Resumed = new Map()
    const own = this.#all.get(0)
    const before = session?.resumed ? named : []
    for (const stream of this.#all.values()) if (stream !== own && !before.includes(stream)) stream.drop()
    this.#all = new Map()
    this.#isFull = false
    this.#auditMs = AUDIT_INTERVALS * limits.pingIntervalMs
    if (session) {
      if (session.resumed && own) {
        this.#all.set(0, own)
        own.resume(0, session.own, true)
      } else this.begin(0, session.own)
    }
    // First those that were named; an entry that is missing is one of null.
    before.forEach((stream, index) => {
      const entry = rooms[index] ?? null
      resumed.set(stream, entry?.[2] ?? null)
      if (entry) this.#all.set(entry[0], stream)
      if (entry) stream.resume(...entry)
      else stream.drop()
    })
    for (const entry of rooms.slice(before.length)) if (entry) this.begin(entry[0], entry[1])
    if (this.#all.size > 0) this.#plan()
    // Tells the server that its CONNECTED has arrived. What was missed is on its way.
    if (session?.resumed) this.#sender.ask(() => {}, 'sync', [], false)
    return resumed
  }

  /** The link is lost. The positions stay, for the next one. */
  onEnd(): void {
    clearTimeout(this.#auditTimer)
    clearTimeout(this.#retryTimer)
    this.#auditTimer = this.#retryTimer = undefined
    this.#resting = []
    this.#auditMs = 0
    for (const stream of this.#all.values()) stream.pause()
  }

  /** Asks for what is missing in all streams, and nobody has asked for. */
  ask(): void {
    if (this.#isAsking) return
    const streams = [...this.#all.values()].filter(({ hasGap, isAsked }) => hasGap && !isAsked).slice(0, SYNC_STREAMS)
    if (streams.length === 0) return
    this.#isAsking = true
    const entries = streams.map((stream) => {
      stream.isAsked = true
      const { number, position, gapEnd } = stream
      return position < 0 ? [number, null] : [number, position, gapEnd]
    })
    const places = streams.map(({ position }) => position)
    this.#sender.ask(
      (error, _results, isLost) => {
        this.#isAsking = false
        streams.forEach((stream, index) => {
          if (this.#all.get(stream.number) !== stream || !stream.hasGap) return
          if (stream.position !== places[index]) stream.tries = 0
          else if (++stream.tries >= TRIES) stream.giveUp()
        })
        if (!error || isLost) return this.#askAgain(streams)
        this.#resting.push(...streams)
        this.#retryTimer ??= setTimeout(() => {
          this.#retryTimer = undefined
          this.#askAgain(this.#resting.splice(0))
        }, RETRY_MS)
        this.ask()
      },
      'sync',
      entries,
      false,
    )
  }

  #askAgain(streams: readonly Stream[]): void {
    for (const stream of streams) stream.isAsked = false
    this.ask()
  }

  #known(number: number): Stream | undefined {
    const known = this.#all.get(number)
    if (known) return known
    let unknown = 0
    for (const { position } of this.#all.values()) if (position < 0) unknown++
    if (unknown < UNKNOWN_STREAMS) return this.#add(number)
    if (this.#isFull) return undefined
    this.#isFull = true
    this.#onFault(
      new RoomcastError('TOO_MANY_ROOMS', `messages of more than ${UNKNOWN_STREAMS} unknown rooms were dropped`),
    )
  }

  #add(number: number): Stream {
    const stream = new Stream(number, -1, this)
    this.#all.set(number, stream)
    this.#plan()
    return stream
  }

  #plan(): void {
    if (this.#auditMs === 0 || this.#audits > 0) return
    const ms = Math.max(AUDIT_LEAST_MS, this.#auditMs * (0.75 + Math.random() / 2))
    this.#auditTimer ??= setTimeout(() => this.#audit(), Math.min(ms, MAX_TIMER_MS))
  }

  #audit(): void {
    this.#auditTimer = undefined
    const entries = [...this.#all.values()].map(({ number, position }) => [number, position < 0 ? null : position])
    // "all" would have the server name those of the other requests.
    const isAll = entries.length <= SYNC_STREAMS
    while (entries.length > 0) {
      this.#audits++
      // What the answer brings has come before it, as messages and notices.
      const onAnswer = () => {
        if (--this.#audits === 0) this.#plan()
      }
      this.#sender.ask(onAnswer, 'sync', entries.splice(0, SYNC_STREAMS), isAll)
    }
  }
}
