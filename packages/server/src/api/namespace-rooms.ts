import { createHeader, LIMITS, readArguments, readHeader } from '@roomcast/protocol'
import type { DetachedSession } from '../delivery/detached-session'
import { type EmittedValue, LatestValues } from '../delivery/latest-values'
import { type FrameMaker, noticeFrame } from '../delivery/missed'
import { isCall, keeperOf } from '../delivery/personal'
import { isInRoom } from '../delivery/reader'
import { RetainedValues } from '../delivery/retained-values'
import { RoomStreams } from '../delivery/room-streams'
import { OWN_STREAM } from '../delivery/session'
import { type StoredMessage, unpackMessage } from '../delivery/stored-message'
import { Broadcaster, type Targets } from '../egress/broadcaster'
import type { DeliveryFlags } from '../egress/delivery-flags'
import type { ResolvedLatestPolicy } from '../options/pace-options'
import { inRange } from '../options/ranges'
import type { ResolvedRoomPolicy } from '../options/room-options'
import { listJoined } from '../rooms/joined'
import { RoomIndex } from '../rooms/room-index'
import type { AdapterView } from './adapter-view'
import type { NamespacePeople } from './namespace-people'
import type { EmitFlags, HistoryOptions, RoomMessage } from './room-emitter'
import type { Runtime } from './runtime'
import type { AnySocket } from './socket'

/** What the rooms of a namespace need of it. */
export interface RoomsNamespace {
  readonly name: string
  readonly number: number
  readonly runtime: Runtime
  readonly adapter: AdapterView
  readonly people: NamespacePeople
}

/** Who is in which room of one namespace, and what is sent to them. */
export class NamespaceRooms {
  readonly index: RoomIndex<AnySocket>
  readonly streams: RoomStreams<AnySocket>
  private readonly broadcaster: Broadcaster<AnySocket>
  private readonly values: LatestValues
  private readonly retained: RetainedValues
  private hasTicks = false
  private retains = false

  constructor(private readonly namespace: RoomsNamespace) {
    const { runtime, number, name, adapter, people } = namespace
    this.index = new RoomIndex(number, adapter, (id) => people.membersOf(id))
    adapter.observe(this.index)
    this.broadcaster = new Broadcaster(this.index, runtime.turn, runtime.flow, ({ tracking }, frame, flags) => {
      const session = keeperOf(tracking, frame, flags)
      return session === null ? frame : session.keepSent(frame, flags.compress, flags.order ?? 0, number)
    })
    const { engine, streams, codec, wheel, reportFault, recovery, sessions, doubtMs, order } = runtime
    this.streams = new RoomStreams({
      name,
      number,
      engine,
      streams,
      codec,
      wheel,
      reportFault,
      recovery,
      sessions,
      doubtMs,
      index: this.index,
      broadcaster: this.broadcaster,
      order,
    })
    this.values = new LatestValues({
      number,
      codec,
      reportFault,
      policyOf: (room) => this.latestPolicyOf(room),
    })
    this.retained = new RetainedValues({
      name,
      engine,
      wheel,
      reportFault,
      resendBytes: runtime.resendBytes,
      isEmpty: (room) => this.index.room(room) === undefined,
      idleMsOf: (room) => this.streams.policyOf(room)?.history?.ageMs ?? LIMITS.historyAgeMs,
      restore: (room, value) => this.values.restore(room, value),
      own: (frame) => this.values.own(frame),
    })
  }

  setPolicy(pattern: string, policy: ResolvedRoomPolicy): void {
    this.streams.setPolicy(pattern, policy)
    if (policy.tickMs > 0) this.hasTicks = true
    if (policy.latest?.key) this.values.hasRules = true
    if (policy.latest?.retain) this.retains = true
  }

  /** How frames of the namespace are made. */
  get maker(): FrameMaker {
    return { codec: this.namespace.runtime.codec, namespace: this.namespace.number }
  }

  /** Whether anybody could receive, now or later. */
  mayReach(targets: Targets): boolean {
    return this.streams.isOn || this.retains || this.broadcaster.mayReach(targets)
  }

  /** The sockets that `targets` means. */
  select(targets: Targets): Set<AnySocket> {
    return this.broadcaster.select(targets)
  }

  /** What an event is as a latest value; null if it is none. */
  valueOf(
    targets: Targets,
    { volatile, latestKey }: EmitFlags,
    event: string,
    args: readonly unknown[],
  ): EmittedValue | null {
    return volatile ? null : this.values.of(targets, latestKey, event, args)
  }

  /** Sends a latest value, and retains it if its room does. @param frame  Copied before it returns. */
  emitValue(targets: Targets, { compress }: DeliveryFlags, frame: Uint8Array, value: EmittedValue): void {
    // To merge is to encode, which takes the place of what was encoded; so does whoever emits when told that values were lost.
    const own = value.merge === null && value.retainedIn === null ? frame : frame.slice()
    // First: behind a publish those are called whose client it was too much for, and they may emit a newer one.
    this.retained.keep(value, { compress, order: 0, except: targets.except, rooms: [], frame: own })
    this.broadcaster.publish(targets, own, { volatile: false, compress, latest: value })
  }

  /** Sends an event, in the order of everything else. @param frame  Copied before it returns. */
  emit(targets: Targets, flags: DeliveryFlags, frame: Uint8Array, keys: ReadonlyMap<string, string>): void {
    const { sessions, order } = this.namespace.runtime
    const { volatile, compress } = flags
    // Who wants an answer hears if none comes.
    if (!this.streams.isOn || volatile || isCall(frame)) return this.broadcaster.publish(targets, frame, flags)
    const ordered = { volatile, compress, order: order.next() }
    const names = sessions === null ? [] : targets.rooms.filter((room) => this.streams.isOwnRoom(room))
    const isAlone = names.length === targets.rooms.length
    // In person it reaches those with a link by itself, unless they are in a room that has it.
    if (sessions === null || names.length === 0 || (isAlone && sessions.size === 0)) {
      this.streams.emit(targets, ordered, frame, keys)
      return
    }
    const copy = frame.slice()
    const rooms = this.streams.emit(targets, ordered, copy, keys)
    const message: StoredMessage = { ...ordered, except: targets.except, rooms, frame: copy }
    sessions.keepFor(this.namespace.number, names, message)
    if (rooms.length > 0) this.keepBeside(names, message)
  }

  /** Keeps a message in the sessions of those who have it from a room, in case they come back and may not be in that any more. */
  private keepBeside(names: readonly string[], message: StoredMessage): void {
    const { turn } = this.namespace.runtime
    const { except, rooms, order, compress, frame } = message
    for (const member of this.select({ rooms: names, except })) {
      const { tracking } = member
      const session = tracking?.session
      if (!session || !isInRoom(tracking.places, rooms, order)) continue
      turn.send(member, frame, compress, (bytes) => {
        const position = session.keep({ compress, order, rooms, frame: bytes })
        return noticeFrame(this.maker, ['skip', OWN_STREAM, position, position])
      })
    }
  }

  /** @param isTold  Whether the client hears here that it is in the room. */
  join(socket: AnySocket, room: string, isTold = true): void {
    this.broadcaster.settle(room)
    if (!this.index.lacks(socket, room)) return
    // Before the adapter tells: a listener may take the socket out again, or emit.
    this.namespace.people.join(socket, room)
    this.streams.join(socket, room, isTold)
    if (this.hasTicks && this.index.room(room) === undefined) this.broadcaster.ticks.open(room, this.tickOf(room))
    this.index.join(socket, room)
    this.showValues(socket, room)
  }

  /** A member of a room chooses how often it is sent latest values, in times a second; null: as they come. */
  chooseRate(socket: AnySocket, name: string, rate: number | null): void {
    this.broadcaster.settle(name)
    const room = this.index.room(name)
    if (room?.members.has(socket)) this.broadcaster.rates.choose(socket, room, rate)
  }

  /** Sends a member of a room the values that it retains. */
  showValues(socket: AnySocket, room: string): void {
    if (!this.retains || !this.latestPolicyOf(room)?.retain || !this.index.holds(socket, room)) return
    this.retained.use(room)
    this.retained.read(room, this.streams.readerOf(socket), (values) => {
      if (!this.index.holds(socket, room)) return
      for (const { latest, frame, compress } of values) {
        this.namespace.runtime.turn.send(socket, frame, compress, null, latest)
      }
    })
  }

  /** @param isTold  Whether the client hears here that it is not in the room any more. */
  leave(socket: AnySocket, room: string, isTold = true): void {
    const { people } = this.namespace
    this.broadcaster.settle(room)
    if (!this.index.holds(socket, room)) return
    people.leave(socket, room)
    this.streams.leave(socket, room, isTold)
    this.index.leave(socket, room)
    this.restIfEmpty(room)
    people.left(socket, room)
  }

  /** Publishes what the rooms of a socket hold: before it leaves the namespace. */
  settle(socket: AnySocket): void {
    this.namespace.runtime.turn.flush()
    for (const { name } of listJoined(socket.joined)) this.broadcaster.ticks.flush(name)
  }

  /** Publishes everything that waits for a tick, or for the next time of a rate. */
  flushAll(): void {
    this.namespace.runtime.turn.flush()
    this.broadcaster.ticks.flushAll()
    this.broadcaster.rates.flushAll()
    this.namespace.runtime.turn.flush()
  }

  /** Nobody is in the namespace, and its rooms retain no values any more. */
  releaseValues(): void {
    this.retained.releaseIdle()
  }

  /** A socket leaves the namespace. */
  remove(socket: AnySocket): void {
    const rooms = listJoined(socket.joined).map(({ name }) => name)
    this.index.remove(socket)
    for (const room of rooms) this.restIfEmpty(room)
    this.streams.restIfNobody()
  }

  /** A room has lost a member, maybe the last. */
  private restIfEmpty(room: string): void {
    this.streams.restIfEmpty(room)
    if (this.index.room(room) !== undefined) return
    this.broadcaster.ticks.close(room)
    this.broadcaster.rates.close(room)
    if (this.retains && this.latestPolicyOf(room)?.retain) this.retained.rest(room)
  }

  /** Milliseconds that messages of a room are gathered; 0: not at all. */
  private tickOf(room: string): number {
    return this.streams.isOwnRoom(room) ? 0 : (this.streams.policyOf(room)?.tickMs ?? 0)
  }

  /** The rooms of one socket and of one user are no rooms. */
  private latestPolicyOf(room: string): ResolvedLatestPolicy | null {
    return this.streams.isOwnRoom(room) ? null : (this.streams.policyOf(room)?.latest ?? null)
  }

  /** The messages of a room, for the application. @throws RoomcastError `INVALID_OPTION`. */
  async history(room: string, { limit = 100, before }: HistoryOptions): Promise<RoomMessage[]> {
    inRange('limit', limit, 1, LIMITS.historyPageMessages)
    if (before !== undefined) inRange('before', before, 1, Number.MAX_SAFE_INTEGER)
    if (this.streams.keepOf(room) === null) return []
    const { items } = await this.streams.readLast(room, before ?? null, limit)
    return items.map(({ offset, at, frame: bytes }) => {
      const { frame } = unpackMessage(bytes)
      const { event, bodyStart } = readHeader(frame, createHeader())
      const args = readArguments(this.namespace.runtime.codec.decode(frame, bodyStart))
      return { seq: offset, at, event: event as string, args }
    })
  }

  /** Takes sessions without a link out of rooms; null ends them. */
  releaseDetached(targets: Targets, rooms: readonly string[] | null): void {
    const { sessions } = this.namespace.runtime
    if (sessions === null) return
    for (const detached of [...sessions.inNamespace(this.namespace.number)]) {
      if (!isMeant(detached, targets)) continue
      if (rooms === null) sessions.end(detached)
      const { rooms: held, tracking } = detached.state
      const { client } = tracking
      for (const room of rooms ?? []) {
        held.delete(room)
        const wasJoined = client?.joined.delete(room)
        const stream = this.streams.get(room)
        if (stream !== undefined) tracking.leave(stream, this.streams.moment)
        else if (wasJoined) client?.leftUntold.push(room)
      }
    }
  }

  /** Puts sessions without a link into rooms. */
  enterDetached(targets: Targets, rooms: readonly string[]): void {
    const { sessions, streams } = this.namespace.runtime
    for (const detached of sessions?.inNamespace(this.namespace.number) ?? []) {
      if (!isMeant(detached, targets)) continue
      const { rooms: held, tracking } = detached.state
      for (const room of rooms) {
        held.add(room)
        this.streams.openFor(room, (stream) => {
          if (stream !== null && held.has(room)) tracking.enter(stream, this.streams.moment)
          if (stream !== null) streams.use(stream)
          this.streams.restIfEmpty(room)
        })
      }
    }
  }
}

function isMeant(detached: DetachedSession, { rooms, except }: Targets): boolean {
  return (rooms.length === 0 || detached.goesBy(rooms)) && !detached.goesBy(except)
}
