import { createHeader, LIMITS, readArguments, readHeader } from '@roomcast/protocol'
import type { DetachedSession } from '../delivery/detached-session'
import { type FrameMaker, noticeFrame } from '../delivery/missed'
import { isCall, keeperOf } from '../delivery/personal'
import { isInRoom } from '../delivery/reader'
import { RoomStreams } from '../delivery/room-streams'
import { OWN_STREAM } from '../delivery/session'
import { type StoredMessage, unpackMessage } from '../delivery/stored-message'
import { Broadcaster, type DeliveryFlags, type Targets } from '../egress/broadcaster'
import { inRange } from '../options/ranges'
import { RoomIndex } from '../rooms/room-index'
import type { AdapterView } from './adapter-view'
import type { NamespacePeople } from './namespace-people'
import type { HistoryOptions, RoomMessage } from './room-emitter'
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
  }

  /** How frames of the namespace are made. */
  get maker(): FrameMaker {
    return { codec: this.namespace.runtime.codec, namespace: this.namespace.number }
  }

  /** Whether anybody could receive, now or later. */
  mayReach(targets: Targets): boolean {
    return this.streams.isOn || this.broadcaster.mayReach(targets)
  }

  /** The sockets that `targets` means. */
  select(targets: Targets): Set<AnySocket> {
    return this.broadcaster.select(targets)
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
    this.namespace.runtime.turn.flush()
    if (!this.index.lacks(socket, room)) return
    // Before the adapter tells: a listener may take the socket out again, or emit.
    this.namespace.people.join(socket, room)
    this.streams.join(socket, room, isTold)
    this.index.join(socket, room)
  }

  /** @param isTold  Whether the client hears here that it is not in the room any more. */
  leave(socket: AnySocket, room: string, isTold = true): void {
    const { people, runtime } = this.namespace
    runtime.turn.flush()
    if (!this.index.holds(socket, room)) return
    people.leave(socket, room)
    this.streams.leave(socket, room, isTold)
    this.index.leave(socket, room)
    this.streams.restIfEmpty(room)
    people.left(socket, room)
  }

  /** A socket leaves the namespace. */
  remove(socket: AnySocket): void {
    const rooms = (socket.joined ?? []).map(({ name }) => name)
    this.index.remove(socket)
    for (const room of rooms) this.streams.restIfEmpty(room)
    this.streams.restIfNobody()
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
