import type { WirePort } from '../connection/wire-port'
import { type Joined, listJoined, withoutRoom, withRoom } from './joined'

/** What the index knows of a socket. */
export interface RoomMember {
  /** Public id; also the name of the room that holds only this socket. */
  readonly id: string
  /** Rooms joined, without the own-id room. Kept by the index. */
  joined: Joined<Room<this>>
  /** Whether the link is subscribed to the socket's own topic. Kept by {@link ownTopic}. */
  hasOwnTopic: boolean
  /** The link, for native subscriptions; undefined once it is closed. */
  readonly wire: WirePort | undefined
}

/** Those who share a native topic. */
export interface Audience<Member> {
  readonly topic: string
  readonly members: Pick<ReadonlySet<Member>, 'has' | 'size'> & Iterable<Member>
  /** Bytes that were published to the topic. */
  bytes: number
  /** What that was when the members were looked at last, whether they take it. */
  checkedBytes: number
  /** Whether latest values were among it. */
  isFresh: boolean
  /** Whether they are to be looked at again. */
  isUnchecked: boolean
}

/** Topics of a room beside its own, for parts of its members. */
export interface SideTopics<Member> {
  /** A member has come. */
  enter(member: Member): void
  /** A member has gone. */
  leave(member: Member): void
  /** Bytes that were ever published to those topics that a member is subscribed to. */
  bytesFor(member: Member): number
}

/** A room with at least one member. */
export interface Room<Member> extends Audience<Member> {
  readonly name: string
  readonly members: Set<Member>
  /** null as long as its own topic is all it needs. */
  side: SideTopics<Member> | null
}

/** Topic of one socket, which is subscribed to it from the first call on. */
export function ownTopic(member: Pick<RoomMember, 'hasOwnTopic' | 'id' | 'wire'>): string {
  if (!member.hasOwnTopic) {
    member.hasOwnTopic = true
    member.wire?.subscribe(member.id)
  }
  return member.id
}

/**
 * Name under which the sockets of a user are addressed. No room can have it: room names hold no control characters.
 */
export function userRoom(userId: string): string {
  return `\0${userId}`
}

/** Told of changes, in the words of Socket.IO's adapter. */
export interface RoomObserver {
  created(room: string): void
  joined(room: string, id: string): void
  left(room: string, id: string): void
  deleted(room: string): void
}

/**
 * Who is in which room of one namespace, both ways, in step with the engine's topics.
 *
 *   topic of a room        "<namespace number>:<room>"
 *   topic of everybody     "<namespace number>:"         (a room name is never empty)
 *   topic of one socket    "<id>"                        (an id has no colon)
 *
 * The room that is named after a socket's id and holds only this socket is not stored: its topic is the
 * socket's own. It becomes an ordinary room when somebody else joins it.
 *
 * The topics of everybody and of one socket are subscribed to when they are first used: they cost 100 and
 * 350 bytes a socket, and many an idle socket never needs them.
 */
export class RoomIndex<Member extends RoomMember> {
  /** The sockets of the namespace by id. */
  readonly members = new Map<string, Member>()
  private readonly prefix: string
  private isEverybodyNative = false
  private readonly everybodyInside: Audience<Member>
  private readonly rooms = new Map<string, Room<Member>>()

  constructor(
    namespaceNumber: number,
    private readonly observer: RoomObserver,
    /** Sockets of a user. */
    private readonly membersOfUser: (userId: string) => Iterable<Member> = () => [],
  ) {
    this.prefix = `${namespaceNumber}:`
    const { members } = this
    this.everybodyInside = newAudience(this.prefix, {
      get size() {
        return members.size
      },
      has: (member) => members.has(member.id),
      [Symbol.iterator]: () => members.values(),
    })
  }

  /** Adds a socket to the namespace, with its own-id room. */
  add(member: Member): void {
    this.members.set(member.id, member)
    // Others may have joined it, before its owner came back.
    const own = this.rooms.get(member.id)
    if (own !== undefined) this.enter(member, own)
    if (this.isEverybodyNative) tie(member, this.everybodyInside)
    this.observer.created(member.id)
    this.observer.joined(member.id, member.id)
  }

  /** Takes a socket out of all its rooms and of the namespace. */
  remove(member: Member): void {
    if (!this.members.delete(member.id)) return
    // At once, since its bytes are in the sum of members only.
    if (this.isEverybodyNative) untie(member, this.everybodyInside)
    for (const room of [...listJoined(member.joined)]) this.leave(member, room.name)
    if (member.hasOwnTopic) member.wire?.unsubscribe(member.id)
    this.observer.left(member.id, member.id)
    // Others may have joined it; then it goes with the last of them.
    if (!this.rooms.has(member.id)) this.observer.deleted(member.id)
  }

  /** Whether the socket is in the room, and may leave it. */
  holds(member: Member, name: string): boolean {
    return name !== member.id && (this.rooms.get(name)?.members.has(member) ?? false)
  }

  /** Whether the socket could join the room. */
  lacks(member: Member, name: string): boolean {
    return name !== member.id && this.members.has(member.id) && !this.holds(member, name)
  }

  /** @returns Whether the socket was not in the room before. */
  join(member: Member, name: string): boolean {
    if (name === member.id || !this.members.has(member.id)) return false
    let room = this.rooms.get(name)
    let isNew = false
    if (room === undefined) {
      room = Object.assign(newAudience<Member, Set<Member>>(this.prefix + name, new Set()), { name, side: null })
      this.rooms.set(name, room)
      const owner = this.members.get(name)
      if (owner !== undefined) this.enter(owner, room)
      else isNew = true
    }
    if (room.members.has(member)) return false
    this.enter(member, room)
    // Told behind the change: a listener may end the socket.
    if (isNew) this.observer.created(name)
    if (room.members.has(member)) this.observer.joined(name, member.id)
    return true
  }

  /** @returns Whether the socket was in the room. Its own-id room it leaves only with the namespace. */
  leave(member: Member, name: string): boolean {
    const room = this.rooms.get(name)
    if (room === undefined || (name === member.id && this.members.has(name))) return false
    if (!room.members.delete(member)) return false
    member.joined = withoutRoom(member.joined, room)
    untie(member, room)
    room.side?.leave(member)
    if (name !== member.id) this.observer.left(name, member.id)
    if (room.members.size === 0) {
      this.rooms.delete(name)
      if (name !== member.id) this.observer.deleted(name)
    }
    return true
  }

  /** Every socket of the namespace; subscribed to their topic from the first call on. */
  everybody(): Audience<Member> {
    if (!this.isEverybodyNative) {
      this.isEverybodyNative = true
      for (const member of this.members.values()) tie(member, this.everybodyInside)
    }
    return this.everybodyInside
  }

  /** Bytes that were ever published to the topics that a socket shares with others. */
  sharedBytes(member: Member): number {
    let bytes = this.isEverybodyNative && this.members.has(member.id) ? this.everybodyInside.bytes : 0
    const { joined } = member
    // Asked behind each direct message: no list for the only room.
    if (joined !== null && !Array.isArray(joined)) return bytes + bytesFor(joined, member)
    for (const room of listJoined(joined)) bytes += bytesFor(room, member)
    return bytes
  }

  /** The stored room, if there is one. The own-id room of a socket usually is not stored. */
  room(name: string): Room<Member> | undefined {
    return this.rooms.get(name)
  }

  /** Members of a room, of an own-id room and of the room of a user too. */
  membersOf(name: string): Iterable<Member> {
    const room = this.rooms.get(name)
    if (room !== undefined) return room.members
    if (name.startsWith('\0')) return this.membersOfUser(name.slice(1))
    const owner = this.members.get(name)
    return owner === undefined ? [] : [owner]
  }

  /** Names of the rooms of a socket, its own-id room first. */
  roomsOf(member: Member): Set<string> {
    const names = new Set<string>()
    if (!this.members.has(member.id)) return names
    names.add(member.id)
    for (const room of listJoined(member.joined)) names.add(room.name)
    return names
  }

  /** Names of all rooms, own-id rooms included. */
  *names(): IterableIterator<string> {
    yield* this.members.keys()
    for (const name of this.rooms.keys()) if (!this.members.has(name)) yield name
  }

  private enter(member: Member, room: Room<Member>): void {
    room.members.add(member)
    member.joined = withRoom(member.joined, room)
    tie(member, room)
    room.side?.enter(member)
  }
}

function bytesFor<Member extends RoomMember>(room: Room<Member>, member: Member): number {
  return room.bytes + (room.side?.bytesFor(member) ?? 0)
}

/** Subscribes. What was published before is not for the member, though the sum of {@link RoomIndex.sharedBytes} has it from now on. */
export function tie({ wire }: Pick<RoomMember, 'wire'>, { topic, bytes }: Audience<unknown>): void {
  wire?.subscribe(topic)
  // Not -bytes: of 0 that is -0, which is no small integer, and would cost every link an object.
  wire?.adjust(0 - bytes)
}

/** The inverse of {@link tie}. */
export function untie({ wire }: Pick<RoomMember, 'wire'>, { topic, bytes }: Audience<unknown>): void {
  wire?.unsubscribe(topic)
  wire?.adjust(bytes)
}

/** A topic that nothing was published to. */
export function newAudience<Member, Members extends Audience<Member>['members']>(topic: string, members: Members) {
  return { topic, members, bytes: 0, checkedBytes: 0, isFresh: false, isUnchecked: false }
}
