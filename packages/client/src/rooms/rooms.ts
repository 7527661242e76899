import {
  assertTimeout,
  type ConnectedBody,
  isCount,
  isValidName,
  type NamedBody,
  RoomcastError,
} from '@roomcast/protocol'
import type { RoomMessage } from '../inbound/kept-message'
import type { EventSender } from '../outbound/event-sender'
import { ROOM_NAME_BYTES, ROOMS_PER_SOCKET } from '../tables'
import { assertRate, holdRate, Rates, rateArgument } from './rates'
import { type Gap, isForRoom, type JoinOptions, type OpenRoom, Room, type RoomKeeper } from './room'
import type { PlacedEvent, Stream, StreamOwner } from './stream'
import { Streams } from './streams'

/** The socket of {@link Rooms}. */
export interface RoomsHost {
  isConnected(): boolean
  /** An event whose turn it is; also for the listeners of `room`, unless it is null; for them alone if it `isHeard`. */
  deliver(message: PlacedEvent, room: StreamOwner | null, isHeard: boolean): void
  /** Something is wrong that no caller is told of. */
  onFault(error: RoomcastError): void
  onGap(gap: Gap): void
  /** Holds what follows for a moment: somebody is about to listen. */
  hold(): void
  /** Reads messages of an answer; null if they are malformed, and the link is cut. */
  readMessages(items: unknown): RoomMessage[] | null
  onListenerError(error: unknown, event: string): void
}

/** A `join` of the application that waits for its answer. */
interface Joining {
  readonly name: string
  /** The room was left since. */
  isVoid: boolean
}

/** Rooms that are joined again at once; the others follow as answers come. */
const AT_ONCE = 32
/** A room that could not be joined again for want of an answer is tried again so often. */
const RETRIES = 4

/**
 * The rooms that one socket has joined by itself.
 *
 *   join ──answered──► joined ◄──────────────┐
 *                        ├── link lost ──────┤ `join` with the position, or the session is resumed
 *                        ├── messages lost ──┘ `join`, for a new snapshot
 *                        └── left, taken out, refused ──► closed
 *
 * What can repeat: `join`, RETRIES times without an answer; and for a new snapshot, at the pace of {@link Room.pace}.
 */
export class Rooms implements RoomKeeper {
  readonly #host: RoomsHost
  readonly #sender: EventSender
  readonly #rates: Rates
  readonly streams: Streams
  readonly #all = new Map<string, Room>()
  readonly #joining = new Set<Joining>()
  /** Rooms to be joined again, or for a new snapshot. */
  readonly #wanted = new Set<Room>()
  /** Those of which the answer is awaited. */
  readonly #asked = new Set<Room>()
  /** Rooms that the server still has the socket in, if it resumes the session. */
  readonly #left = new Map<string, Stream | null>()
  /** For rooms whose new snapshot has to wait. */
  #timer: ReturnType<typeof setTimeout> | undefined
  /** What is to be told when the state is new; null if it is. */
  #news: (() => void)[] | null = null

  constructor(host: RoomsHost, sender: EventSender) {
    this.#host = host
    this.#sender = sender
    this.#rates = new Rates(host, sender)
    this.streams = new Streams(sender, {
      // In its order with what else there is to tell.
      deliver: ({ owner }, message, isHeard) => {
        if (this.#news) this.#news.push(() => this.#deliver(owner, message, isHeard))
        else this.#deliver(owner, message, isHeard)
      },
      report: (stream, from, to, repaired) => this.#report(stream, from, to, repaired),
      onFault: (error) => host.onFault(error),
    })
  }

  join(name: string, params: unknown, { timeout, maxRate }: JoinOptions): Promise<Room> {
    return new Promise((resolve, reject) => {
      if (!isValidName(name, ROOM_NAME_BYTES)) {
        throw new RoomcastError('INVALID_ROOM_NAME', `a room name is text of 1 to ${ROOM_NAME_BYTES} bytes`)
      }
      if (timeout !== undefined) assertTimeout(timeout)
      assertRate(maxRate)
      const joining: Joining = { name, isVoid: false }
      this.#joining.add(joining)
      const ackId = this.#sender.expect((error, [answer], isLost) => {
        this.#joining.delete(joining)
        if (error) {
          if (isLost) this.#forsake(name, null)
          return reject(error)
        }
        if (joining.isVoid) return reject(new RoomcastError('JOIN_REFUSED', 'the room was left'))
        const known = this.#all.get(name)
        const room = known ?? new Room(this, name, params)
        const open: OpenRoom = room
        open.params = params
        holdRate(room, maxRate)
        this.#host.hold()
        if (this.#apply(room, answer, known !== undefined)) resolve(room)
        else reject(new RoomcastError('BAD_FRAME', 'malformed messages'))
      }, timeout)
      this.#sender.requestSoon(ackId, 'join', name, params, null, ...rateArgument(maxRate))
    })
  }

  history(name: string, limit: number, before: number | undefined): Promise<RoomMessage[]> {
    return new Promise((resolve, reject) => {
      const ackId = this.#sender.expect((error, [items]) => {
        if (error) return reject(error)
        const messages = this.#host.readMessages(items)
        if (messages) resolve(messages)
        else reject(new RoomcastError('BAD_FRAME', 'malformed messages'))
      })
      this.#sender.requestSoon(ackId, 'history', name, limit, before ?? null)
    })
  }

  leave(room: Room): Promise<void> {
    const { name, stream } = room
    if (!this.#isOurs(room)) return Promise.resolve()
    this.#remove(room)
    if (stream) stream.owner = null
    for (const joining of this.#joining) if (joining.name === name) joining.isVoid = true
    if (!this.#host.isConnected()) {
      if (stream) this.streams.end(stream)
      this.#remember(name, stream)
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      this.#sendLeave(name, stream, (error) => (error ? reject(error) : resolve()))
    })
  }

  setMaxRate(room: Room, rate: number | undefined): Promise<void> {
    if (!this.#isOurs(room)) return Promise.reject(new RoomcastError('JOIN_REFUSED', 'the room was left'))
    const isTold = this.#host.isConnected() && (room.isJoined || this.#asked.has(room))
    return this.#rates.choose(room, rate, isTold)
  }

  onListenerError(error: unknown, event: string): void {
    this.#host.onListenerError(error, event)
  }

  /** Notices `joined`, `left`, `skip` and `lost`. */
  onNotice(body: NamedBody): void {
    const [notice, number, name] = body
    if (notice !== 'left') return this.streams.onNotice(body)
    const stream = this.streams.get(number)
    const room = this.#all.get(stream?.owner?.name ?? (name as string))
    if (room) this.#remove(room)
    // What has come of it is delivered, to the room too.
    if (stream) this.streams.end(stream)
    room?.fire('closed', new RoomcastError('JOIN_REFUSED', 'the server has taken the socket out of the room'))
  }

  /** The socket is connected. Nobody is told before {@link tell}. @param named  The streams that CONNECT has named. */
  onConnected(body: ConnectedBody, named: readonly Stream[]): void {
    this.#news = []
    const resumed = this.streams.onConnected(body, named)
    for (const room of this.#all.values()) {
      room.failures = 0
      room.pace.reset()
      // null: the socket is not in it any more, and may ask.
      const entry = (room.stream && resumed.get(room.stream)) ?? undefined
      const recovered = entry && !room.isStale
      if (recovered !== undefined) {
        this.#rates.tell(room, () => this.#isOurs(room))
        this.#rejoined(room, recovered)
      }
      // Of one that nothing is known of, or that is behind.
      if (!recovered) this.#wanted.add(room)
    }
    // Before any `join` that waits.
    if (body.session?.resumed) for (const [name, stream] of this.#left) this.#sendLeave(name, stream)
    this.#left.clear()
    this.#ask()
  }

  /** Tells what has changed. */
  tell(): void {
    const news = this.#news ?? []
    this.#news = null
    for (const tell of news) tell()
  }

  /** The socket is not connected any more. */
  onEnd(): void {
    this.#wanted.clear()
    clearTimeout(this.#timer)
    for (const room of this.#all.values()) (room as OpenRoom).isJoined = false
    this.streams.onEnd()
  }

  /** Whether it is in the account: neither left nor closed. */
  #isOurs(room: Room): boolean {
    return this.#all.get(room.name) === room
  }

  /** Joins again what has to be, some at a time. */
  #ask(): void {
    clearTimeout(this.#timer)
    let restMs = Number.POSITIVE_INFINITY
    for (const room of [...this.#wanted]) {
      if (!this.#host.isConnected() || this.#asked.size >= AT_ONCE) return
      // Once more when that is answered.
      if (this.#asked.has(room)) continue
      const ms = room.isJoined ? room.pace.take() : 0
      if (ms > 0) {
        restMs = Math.min(restMs, ms)
        continue
      }
      this.#wanted.delete(room)
      this.#asked.add(room)
      const { stream, epoch, name, params, maxRate } = room
      const position =
        !room.isJoined && !room.isStale && stream && epoch !== undefined ? [epoch, stream.position] : null
      this.#sender.ask(
        (error, [answer], isLost) => {
          this.#asked.delete(room)
          // Not if it was left meanwhile, or if the next connection begins again.
          if (this.#isOurs(room) && this.#host.isConnected()) {
            if (!error) {
              holdRate(room, maxRate)
              this.#apply(room, answer, true)
            } else if (isLost && room.failures++ < RETRIES) this.#wanted.add(room)
            else this.#close(room, error)
          } else if (!error) this.#forsake(name, null)
          this.#ask()
        },
        'join',
        name,
        params,
        position,
        ...rateArgument(maxRate),
      )
    }
    if (restMs < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#ask(), restMs)
  }

  /** The answer to `join`. @param isKnown  Whether somebody may be listening already. @returns Whether it is well-made. */
  #apply(room: Room, answer: unknown, isKnown: boolean): boolean {
    const open: OpenRoom = room
    const { room: number, epoch, seq, recovered, state, messages } = (answer ?? {}) as Record<string, unknown>
    const kept = messages == null ? [] : this.#host.readMessages(messages)
    if (!kept) return false
    const isOurNews = this.#news === null
    this.#news ??= []
    this.#all.set(room.name, room)
    const isRejoin = isKnown && !room.isJoined
    const hasRecovered = recovered === true
    const before = room.epoch === epoch ? (room.seq ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY
    if (isRejoin) this.#rejoined(room, hasRecovered)
    open.isJoined = true
    room.failures = 0
    const old = room.stream
    const isSameOrder = room.epoch === epoch
    room.stream = isCount(number) && isCount(seq) ? this.streams.enter(number, seq, isSameOrder ? old : null) : null
    room.epoch = epoch as string | undefined
    if (room.stream) room.stream.owner = room
    if (old !== room.stream) {
      if (old) this.streams.end(old)
      // It is of another connection, and its account does not know of what was missed. One of this one tells by itself.
      if (room.stream && before < room.stream.position)
        this.#report(room.stream, before + 1, room.stream.position, false)
    }
    if (!hasRecovered) {
      this.#wanted.delete(room)
      room.isStale = false
      open.state = state
      open.messages = kept
      if (isKnown) this.#news.push(() => room.isJoined && room.fire('snapshot'))
    }
    if (isOurNews) this.tell()
    return true
  }

  #rejoined(room: Room, recovered: boolean): void {
    const open: OpenRoom = room
    open.isJoined = true
    open.recovered = recovered
    this.#tell(() => room.isJoined && room.fire('rejoin', recovered))
  }

  #report({ owner }: Stream, from: number, to: number, repaired: boolean): void {
    // The cast: owners are rooms.
    const room = owner as Room | null
    const gap: Gap = { room: room?.name ?? null, from, to, repaired }
    if (room && !repaired) room.isStale = true
    if (room?.isJoined && !repaired) {
      this.#wanted.add(room)
      if (!this.#news) this.#ask()
    }
    this.#tell(() => {
      this.#host.onGap(gap)
      room?.fire('gap', gap)
    })
  }

  #deliver(owner: StreamOwner | null, message: PlacedEvent, isHeard: boolean): void {
    const room = owner && isForRoom(message.event) ? owner : null
    // Not behind a listener that has disconnected.
    if (this.#host.isConnected() && (room || !isHeard)) this.#host.deliver(message, room, isHeard)
  }

  #tell(news: () => void): void {
    if (this.#news) this.#news.push(news)
    else news()
  }

  #close(room: Room, error: RoomcastError): void {
    this.#remove(room)
    if (room.stream) room.stream.owner = null
    this.#forsake(room.name, room.stream)
    this.#tell(() => room.fire('closed', error))
  }

  #remove(room: Room): void {
    const open: OpenRoom = room
    open.isJoined = false
    this.#all.delete(room.name)
    this.#wanted.delete(room)
  }

  /** The socket must not be in a room, unless others want it. @param stream  That of the room, if it is known. */
  #forsake(name: string, stream: Stream | null): void {
    if (this.#all.has(name)) return
    for (const joining of this.#joining) if (joining.name === name && !joining.isVoid) return
    if (this.#host.isConnected()) this.#sendLeave(name, stream)
    else this.#remember(name, stream)
  }

  #sendLeave(name: string, stream: Stream | null, settle: (error: RoomcastError | null) => void = () => {}): void {
    this.#sender.ask(
      (error, _results, isLost) => {
        // The link was lost, and the socket is out, unless it comes back to the session.
        if (isLost && !this.#host.isConnected()) {
          if (!this.#all.has(name)) this.#remember(name, stream)
          return settle(null)
        }
        // Not if it was joined anew.
        if (!error && stream && !stream.owner) this.streams.end(stream)
        settle(error)
      },
      'leave',
      name,
    )
  }

  /** More the server does not let it join. */
  #remember(name: string, stream: Stream | null): void {
    if (this.#left.size < ROOMS_PER_SOCKET) this.#left.set(name, stream)
  }
}
