import { isThenable, type ValueCodec, withPosition } from '@roomcast/protocol'
import type { Engine, KeepLimits, LogPage, Soon } from '../cluster/engine'
import type { TimingWheel } from '../connection/timing-wheel'
import type { Broadcaster, DeliveryFlags, Targets } from '../egress/broadcaster'
import type { FaultHook } from '../observe/report'
import type { ResolvedRecovery, ResolvedRoomPolicy } from '../options/room-options'
import { type RoomIndex, type RoomMember, userRoom } from '../rooms/room-index'
import { RoomPolicies } from '../rooms/room-policies'
import { noticeFrame } from './missed'
import { soon } from './soon'
import { packMessage, unpackMessage } from './stored-message'
import type { Stream, StreamOwner, Streams } from './stream'
import { Tracking } from './tracking'

/** A socket as streams see it. */
export interface StreamMember extends RoomMember {
  /** null until it is in a stream. */
  tracking: Tracking | null
  readonly login: { readonly account: { readonly id: string } | null } | null
  /** Sends a notice. */
  notify(notice: readonly unknown[]): void
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
  /** How long something may be on its way until the link is found to be lost. */
  readonly doubtMs: number
  readonly index: RoomIndex<Member>
  readonly broadcaster: Broadcaster<Member>
  /** A number that grows with each call. */
  nextOrder(): number
}

/**
 * What is sent to the rooms of one namespace, by way of their logs.
 *
 *   emit ──► log of the room (engine) ──► deliver: frame with position ──► broadcaster ──► members
 *     └── volatile, or a room without history ────────────────────────────────┘
 *
 * A message for several rooms is in the log of each, and in each but the first it leaves out the members of those before: who is in two
 * rooms gets it once, live and when it is sent again.
 */
export class RoomStreams<Member extends StreamMember> implements StreamOwner {
  private readonly policies = new RoomPolicies<ResolvedRoomPolicy>()
  private hasHistory: boolean

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
  }

  policyOf(room: string): ResolvedRoomPolicy | undefined {
    return this.policies.of(room)
  }

  /** How much of a room is kept; null for a room without positions. */
  keepOf(room: string): KeepLimits | null {
    // The rooms of one socket and of one user are no rooms: what they are sent is in the streams of the sockets.
    if (!this.hasHistory || this.host.index.members.has(room) || room.startsWith('\0')) return null
    const policy = this.policies.of(room)
    if (policy?.history !== undefined) return policy.history
    return this.host.recovery?.history ?? null
  }

  /** The stream of a room that is followed; null stands for everybody. */
  get(room: string | null): Stream | undefined {
    return this.host.streams.get(this.channelOf(room))
  }

  /** Follows a room, if it has positions. */
  open(room: string | null): Soon<Stream | null> {
    const keep = room === null ? (this.host.recovery?.history ?? null) : this.keepOf(room)
    return keep === null ? null : this.host.streams.open(this.channelOf(room), room, keep, this)
  }

  /** The names that a socket goes by: those of whom a message may leave out. */
  namesOf(member: Member): Set<string> {
    const names = this.host.index.roomsOf(member)
    names.add(member.id)
    const userId = member.login?.account?.id
    if (userId !== undefined) names.add(userRoom(userId))
    return names
  }

  /** Sends an event. @param frame  Without a position; copied before it returns. */
  emit(targets: Targets, flags: DeliveryFlags, frame: Uint8Array, event: string, args: readonly unknown[]): void {
    const { broadcaster, index } = this.host
    if (!this.hasHistory || flags.volatile) return broadcaster.publish(targets, frame, flags)
    const { rooms, except } = targets
    if (rooms.length === 0) {
      if (this.get(null) === undefined) broadcaster.publish(targets, frame, flags)
      else this.append(null, this.host.recovery?.history as KeepLimits, frame, flags, except)
      return
    }
    const logged = rooms.filter((room) => this.keepOf(room) !== null)
    if (logged.length === 0) return broadcaster.publish(targets, frame, flags)
    // The frame may be a view that the code of the application overwrites.
    const copy = frame.slice()
    const served = [...except]
    for (const room of logged) {
      const key = this.keyOf(room, event, args)
      const isKept = this.policies.of(room)?.history || this.get(room) !== undefined
      if (isKept) this.append(room, this.keepOf(room) as KeepLimits, copy, flags, [...served], key)
      served.push(room)
    }
    const others = rooms.filter((room) => !logged.includes(room))
    if (others.length > 0 && index.members.size > 0) broadcaster.publish({ rooms: others, except: served }, copy, flags)
  }

  /** A socket is about to join a room. @param isTold  Whether the client hears of it here. */
  join(member: Member, room: string, isTold: boolean): void {
    if (!this.hasHistory) return
    const entered = soon(this.open(room), (stream) => {
      if (stream !== null) this.enter(member, stream, stream.top, isTold)
    })
    if (isThenable(entered)) entered.then(undefined, (error) => this.onFault(error))
  }

  /** A socket is in a stream from now on. @param from  Position behind which it gets messages. */
  enter(member: Member, stream: Stream, from: number, isTold: boolean): void {
    this.host.streams.use(stream)
    member.tracking ??= new Tracking(this.host.doubtMs)
    member.tracking.enter(stream, from, this.host.wheel.now())
    if (isTold) member.notify(['joined', stream.number, from])
  }

  /** A stream has a member again. */
  follow(stream: Stream): void {
    this.host.streams.use(stream)
  }

  /** A socket has left a room. @param isTold  Whether the client hears of it here. */
  leave(member: Member, room: string, isTold: boolean): void {
    const { tracking } = member
    if (tracking === null) return
    const wasJoined = tracking.joined.delete(room)
    const stream = this.get(room)
    const wasIn = stream !== undefined && tracking.leave(stream, this.host.wheel.now())
    if (isTold && (wasIn || wasJoined)) member.notify(['left', wasIn ? stream.number : null, wasJoined ? room : null])
  }

  /** A room has lost a member, maybe the last. */
  restIfEmpty(room: string): void {
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
    const { compress, except, frame } = unpackMessage(bytes)
    const { host } = this
    const { top, number, room } = stream
    const targets: Targets = { rooms: room === null ? [] : [room], except }
    const skip =
      except.length === 0
        ? null
        : noticeFrame({ codec: host.codec, namespace: host.number }, ['skip', number, top, top])
    host.broadcaster.publish(targets, withPosition(frame, number, top), { volatile: false, compress }, skip)
  }

  private append(
    room: string | null,
    keep: KeepLimits,
    frame: Uint8Array,
    { compress }: DeliveryFlags,
    except: readonly string[],
    key?: string,
  ): void {
    const message = packMessage({ compress, order: this.host.nextOrder(), except, frame })
    const appended = this.host.engine.log.append(this.channelOf(room), message, keep, key)
    if (isThenable(appended)) appended.then(undefined, (error: unknown) => this.onFault(error))
  }

  private keyOf(room: string, event: string, args: readonly unknown[]): string | undefined {
    try {
      return this.policies.of(room)?.history?.retain?.(event, ...args)
    } catch (error) {
      this.host.reportFault(error, { where: 'room policy', name: 'history.retain' })
      return undefined
    }
  }

  private onFault(error: unknown): void {
    this.host.reportFault(error, { where: 'engine', name: this.host.engine.name })
  }

  private channelOf(room: string | null): string {
    return `${this.host.name}\0${room ?? ''}`
  }
}
