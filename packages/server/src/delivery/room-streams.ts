import { type ValueCodec, withPosition } from '@roomcast/protocol'
import type { Engine, KeepLimits, LogPage, Soon } from '../cluster/engine'
import type { TimingWheel } from '../connection/timing-wheel'
import type { Broadcaster, Targets } from '../egress/broadcaster'
import type { DeliveryFlags } from '../egress/delivery-flags'
import type { FaultHook } from '../observe/report'
import type { ResolvedRecovery, ResolvedRoomPolicy } from '../options/room-options'
import type { RoomIndex, RoomMember } from '../rooms/room-index'
import { RoomPolicies } from '../rooms/room-policies'
import { noticeFrame } from './missed'
import type { EmitOrder } from './order'
import { namesOf, type Reader } from './reader'
import type { Sessions } from './sessions'
import { attempt, soon } from './soon'
import { packMessage, type StoredMessage, unpackMessage } from './stored-message'
import type { Stream, StreamOwner } from './stream'
import type { Streams } from './streams'
import { type Moment, Tracking } from './tracking'

const NO_ROOMS: readonly string[] = []
const NO_KEYS: ReadonlyMap<string, string> = new Map()

/** A socket as streams see it. */
export interface StreamMember extends RoomMember {
  /** null until it is in a stream. */
  tracking: Tracking | null
  readonly login: { readonly account: { readonly id: string } | null } | null
  /** Sends a notice. */
  notify(notice: readonly unknown[]): void
}

/** Where messages of a room are kept; null stands for everybody. */
interface Log {
  readonly room: string | null
  readonly channel: string
  readonly keep: KeepLimits
}

/** What the streams of one namespace need of their surroundings. */
export interface RoomStreamsHost<Member extends StreamMember> {
  readonly name: string
  readonly number: number
  readonly engine: Engine
  readonly streams: Streams
  readonly codec: ValueCodec
  readonly wheel: TimingWheel
  readonly reportFault: FaultHook
  readonly recovery: ResolvedRecovery | null
  readonly sessions: Sessions | null
  /** How long something may be on its way until the link is found to be lost. */
  readonly doubtMs: number
  readonly index: RoomIndex<Member>
  readonly broadcaster: Broadcaster<Member>
  readonly order: EmitOrder
}

/**
 * What is sent to the rooms of one namespace, by way of their logs.
 *
 *   emit ──► log of the room (engine) ──► deliver: frame with position ──► broadcaster ──► members
 *     └── volatile, or a room without history ────────────────────────────────┘
 *
 * A message for several rooms is in the log of each, with the names of all: who is in two of them gets it from the first, live and when
 * it is sent again.
 */
export class RoomStreams<Member extends StreamMember> implements StreamOwner {
  private readonly policies = new RoomPolicies<ResolvedRoomPolicy>()
  private hasHistory: boolean
  private retains = false

  constructor(private readonly host: RoomStreamsHost<Member>) {
    this.hasHistory = host.recovery !== null
  }

  /** Whether any message may have a position. */
  get isOn(): boolean {
    return this.hasHistory
  }

  setPolicy(pattern: string, policy: ResolvedRoomPolicy): void {
    this.policies.add(pattern, policy)
    if (policy.history) this.hasHistory = true
    if (policy.history?.retain) this.retains = true
  }

  policyOf(room: string): ResolvedRoomPolicy | undefined {
    return this.policies.of(room)
  }

  /** How much of a room is kept; null for a room without positions. */
  keepOf(room: string): KeepLimits | null {
    // The rooms of one socket and of one user are no rooms: what they are sent is in the streams of the sockets.
    if (!this.hasHistory || this.isOwnRoom(room)) return null
    const policy = this.policies.of(room)
    if (policy?.history !== undefined) return policy.history
    return this.host.recovery?.history ?? null
  }

  /** Whether a room is that of one socket, with a link or expected back, or of one user. */
  isOwnRoom(room: string): boolean {
    const { index, sessions } = this.host
    return room.startsWith('\0') || index.members.has(room) || sessions?.get(room) !== undefined
  }

  /** The stream of a room that is followed; null stands for everybody. */
  get(room: string | null): Stream | undefined {
    return this.host.streams.get(this.channelOf(room))
  }

  /**
   * Follows a room, if it has positions. Whether it has is decided with its first member: others would not know where they
   * stand.
   */
  open(room: string | null): Soon<Stream | null> {
    const { index, recovery, streams } = this.host
    const channel = this.channelOf(room)
    const known = streams.get(channel)
    if (known === undefined && room !== null && index.room(room) !== undefined && !streams.isOpening(channel))
      return null
    const keep = known?.keep ?? (room === null ? (recovery?.history ?? null) : this.keepOf(room))
    return keep === null ? null : streams.open(channel, room, keep, this)
  }

  /** As {@link open}, for what nobody waits for. */
  openFor(room: string | null, use: (stream: Stream | null) => void): void {
    this.attempt(() => soon(this.open(room), use))
  }

  /** What a socket is for its streams: the names it goes by, and where it was when. */
  readerOf(member: Member): Reader {
    const { id, login, tracking } = member
    const names = namesOf(id, login?.account?.id ?? null, this.host.index.roomsOf(member))
    return { names, places: tracking?.places ?? [] }
  }

  /**
   * Sends an event that is to be kept: not volatile, and none that wants an answer.
   *
   * @param frame  Without a position; copied before it returns.
   * @param keys   Of {@link keysOf}.
   * @returns The rooms that have it in their streams.
   */
  emit(
    targets: Targets,
    flags: DeliveryFlags & { readonly order: number },
    frame: Uint8Array,
    keys: ReadonlyMap<string, string>,
  ): readonly string[] {
    const { broadcaster, index, streams, recovery } = this.host
    const { except } = targets
    const { compress, order } = flags
    if (targets.rooms.length === 0) {
      const channel = this.channelOf(null)
      if (recovery === null || streams.get(channel) === undefined) broadcaster.publish(targets, frame, flags)
      else {
        const message = { compress, order, except, rooms: NO_ROOMS, frame }
        this.append({ room: null, channel, keep: recovery.history }, message)
      }
      return NO_ROOMS
    }
    const rooms = targets.rooms.length === 1 ? targets.rooms : [...new Set(targets.rooms)]
    const logs: (Log & { readonly room: string })[] = []
    const others: string[] = []
    for (const room of rooms) {
      const keep = this.keepOf(room)
      if (keep === null) {
        others.push(room)
        continue
      }
      const channel = this.channelOf(room)
      const isFollowed = streams.get(channel) !== undefined || streams.isOpening(channel)
      if (isFollowed || this.policies.of(room)?.history) logs.push({ room, channel, keep })
      // Who was in the room before it had history gets its messages without positions.
      if (!isFollowed && index.room(room) !== undefined) others.push(room)
    }
    if (logs.length === 0) {
      broadcaster.publish(targets, frame, flags)
      return NO_ROOMS
    }
    const logged = logs.map(({ room }) => room)
    // The frame may be a view that the next one overwrites.
    const copy = rooms.length === 1 && others.length === 0 ? frame : frame.slice()
    const message = { compress, order, except, rooms: logged.length > 1 ? logged : NO_ROOMS, frame: copy }
    for (const log of logs) this.append(log, message, keys.get(log.room))
    if (others.length > 0) {
      const served = logged.filter((room) => !others.includes(room))
      broadcaster.publish({ rooms: others, except: [...except, ...served] }, copy, flags)
    }
    return logged
  }

  /** A socket is about to join a room. @param isTold  Whether the client hears of it here. */
  join(member: Member, room: string, isTold: boolean): void {
    if (!this.hasHistory) return
    let isLater = false
    this.openFor(room, (stream) => {
      // It may have left meanwhile.
      if (stream !== null && (!isLater || this.host.index.holds(member, room))) this.enter(member, stream, isTold)
    })
    isLater = true
  }

  /** A socket is in a stream from now on. As {@link Tracking.enter}. */
  enter(member: Member, stream: Stream, isTold: boolean, from = stream.top, since = this.host.order.last): void {
    this.host.streams.use(stream)
    member.tracking ??= new Tracking(this.host.doubtMs)
    member.tracking.enter(stream, this.moment, from, since)
    if (isTold) member.notify(['joined', stream.number, from])
  }

  /** Now. */
  get moment(): Moment {
    return { order: this.host.order.last, now: this.host.wheel.now() }
  }

  /** A socket has left a room. @param isTold  Whether the client hears of it here. */
  leave(member: Member, room: string, isTold: boolean): void {
    const { tracking } = member
    if (tracking === null) return
    const wasJoined = tracking.client?.joined.delete(room) ?? false
    const stream = this.get(room)
    const wasIn = stream !== undefined && tracking.leave(stream, this.moment)
    if (isTold && (wasIn || wasJoined)) member.notify(['left', wasIn ? stream.number : null, wasJoined ? room : null])
  }

  /** A room has lost a member, maybe the last. */
  restIfEmpty(room: string): void {
    if (!this.hasHistory) return
    const stream = this.get(room)
    if (stream !== undefined && this.host.index.room(room) === undefined) this.host.streams.rest(stream)
  }

  /** The namespace has lost a member, maybe the last. */
  restIfNobody(): void {
    const stream = this.host.index.members.size === 0 ? this.get(null) : undefined
    if (stream !== undefined) this.host.streams.rest(stream)
  }

  /** The last messages of a room in front of a position, oldest first. */
  readLast(room: string, before: number | null, limit: number): Soon<LogPage> {
    return this.host.engine.log.readLast(this.channelOf(room), before, limit)
  }

  /** The retained messages of a room. */
  readRetained(room: string): Soon<LogPage> {
    return this.host.engine.log.retained(this.channelOf(room))
  }

  deliver(stream: Stream, bytes: Uint8Array): void {
    const message = unpackMessage(bytes)
    const { compress, frame } = message
    const { codec, number: namespace, broadcaster } = this.host
    const { top, number, room } = stream
    const left = leftOut(message, room)
    const targets: Targets = { rooms: room === null ? [] : [room], except: left }
    const skip = left.length === 0 ? null : noticeFrame({ codec, namespace }, ['skip', number, top, top])
    broadcaster.publish(targets, withPosition(frame, namespace, number, top), { volatile: false, compress }, skip)
  }

  private append({ room, channel, keep }: Log, message: StoredMessage, key?: string): void {
    const { engine, streams, broadcaster } = this.host
    const bytes = packMessage(message)
    const add = () => this.attempt(() => engine.log.append(channel, bytes, keep, key))
    const opened = streams.opened(channel)
    if (opened === undefined) return add()
    // Behind the joins that wait for the stream; without it, as to a room without positions.
    opened.then(add, () => {
      const { compress, frame } = unpackMessage(bytes)
      const targets: Targets = { rooms: room === null ? [] : [room], except: leftOut(message, room) }
      broadcaster.publish(targets, frame, { volatile: false, compress })
    })
  }

  /** A fault of the engine is told to nobody but the hook: of a message for several rooms the others have to be served. */
  private attempt(work: () => Soon<unknown>): void {
    const { engine, reportFault } = this.host
    attempt(work, (error) => reportFault(error, { where: 'engine', name: engine.name }))
  }

  /** Under which keys rooms retain an event. Asked before it is encoded: the rules are the application's. */
  keysOf(rooms: readonly string[], event: string, args: readonly unknown[]): ReadonlyMap<string, string> {
    if (!this.retains) return NO_KEYS
    const keys = new Map<string, string>()
    for (const room of rooms) {
      try {
        const key = this.policies.of(room)?.history?.retain?.(event, ...args)
        if (key !== undefined) keys.set(room, key)
      } catch (error) {
        this.host.reportFault(error, { where: 'room policy', name: 'history.retain' })
      }
    }
    return keys
  }

  private channelOf(room: string | null): string {
    return `${this.host.name}\0${room ?? ''}`
  }
}

/** Names that a message is not for in one of its rooms: who is in one of the rooms in front has it from there. */
function leftOut({ except, rooms }: StoredMessage, room: string | null): readonly string[] {
  return rooms.length === 0 ? except : [...except, ...rooms.slice(0, rooms.indexOf(room as string))]
}
