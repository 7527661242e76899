import type { Audience, Room, RoomIndex, RoomMember } from '../rooms/room-index'
import type { DeliveryFlags } from './delivery-flags'
import type { FlowControl } from './flow-control'
import { Rates } from './rates'
import { Served } from './served'
import { Ticks } from './ticks'
import type { TurnQueue } from './turn-queue'

/** Who is meant: the union of `rooms`, everybody if there are none, without the members of `except`. */
export interface Targets {
  readonly rooms: readonly string[]
  readonly except: readonly string[]
}

/** A single socket served by its own topic costs about as much as muting this many members of a shared one. */
const MUTES_PER_PUBLISH = 8

/**
 * Brings one encoded frame to many sockets of one namespace, to each at most once.
 *
 * A room is one native publish. Members that must not get it are unsubscribed, and subscribed again behind
 * the publish: the engine freezes the receivers at the publish, so this is exact, and at 0.36 us a
 * member it costs a fraction of a send to each of the others.
 */
export class Broadcaster<Member extends RoomMember> {
  /** Rooms whose messages are gathered. */
  readonly ticks: Ticks<Member>
  /** Members who have chosen how often they are sent latest values. */
  readonly rates: Rates<Member>

  /**
   * @param flow      Sees that members take what they are sent.
   * @param personal  What a frame is for one socket that it is addressed to by id or user.
   */
  constructor(
    private readonly index: RoomIndex<Member>,
    private readonly turn: TurnQueue,
    private readonly flow: FlowControl,
    private readonly personal: (member: Member, frame: Uint8Array, flags: DeliveryFlags) => Uint8Array,
  ) {
    this.ticks = new Ticks(turn, (room, { frame, flags, excepted, skip }) =>
      this.spread([room], excepted, frame, flags, skip),
    )
    this.rates = new Rates(turn, (audience, excepted, frame, flags) =>
      this.toAll(audience, excepted, null, frame, flags, null),
    )
  }

  /**
   * Sends `frame` to `targets`, in the order of everything else. The bytes are copied before it returns.
   *
   * @param skip  Sent to members of `targets` who are left out, instead of the frame; kept until then.
   */
  publish(targets: Targets, frame: Uint8Array, flags: DeliveryFlags, skip: Uint8Array | null = null): void {
    this.turn.perform((bytes) => this.deliver(targets, bytes, flags, skip), frame)
  }

  /** Publishes what waits for its turn, and what a room holds: before it has other members. */
  settle(room: string): void {
    this.turn.flush()
    this.ticks.flush(room)
  }

  /** The sockets that `targets` means. */
  select(targets: Targets): Set<Member> {
    const selected = new Set<Member>()
    if (targets.rooms.length === 0) for (const member of this.index.members.values()) selected.add(member)
    for (const name of targets.rooms) for (const member of this.index.membersOf(name)) selected.add(member)
    for (const name of targets.except) for (const member of this.index.membersOf(name)) selected.delete(member)
    return selected
  }

  /** Whether anybody could receive: cheap, and true for rooms whose members are all excepted. */
  mayReach(targets: Targets): boolean {
    const { members } = this.index
    if (targets.rooms.length === 0) return members.size > 0
    return targets.rooms.some((name) => {
      if (members.has(name) || this.index.room(name) !== undefined) return true
      for (const _ of this.index.membersOf(name)) return true
      return false
    })
  }

  private deliver(targets: Targets, frame: Uint8Array, flags: DeliveryFlags, skip: Uint8Array | null): void {
    const excepted = this.excepted(targets.except)
    if (this.ticks.isUsed && this.ticks.take(targets.rooms, { frame, flags, excepted, skip })) return
    this.spread(targets.rooms, excepted, frame, flags, skip)
  }

  private spread(
    rooms: readonly string[],
    excepted: ReadonlySet<Member> | null,
    frame: Uint8Array,
    flags: DeliveryFlags,
    skip: Uint8Array | null,
  ): void {
    if (rooms.length === 0) return this.toAll(this.index.everybody(), excepted, null, frame, flags, skip)
    const served = rooms.length > 1 ? new Served<Member>() : null
    for (const [i, name] of rooms.entries()) {
      if (served !== null) served.isLast = i === rooms.length - 1
      const room = this.index.room(name)
      // A room with the name of a socket is of few; its owner is addressed in person.
      const isPersonal = room === undefined || this.index.members.has(name)
      if (!isPersonal) this.toRoom(room, excepted, served, frame, flags, skip)
      else for (const member of this.index.membersOf(name)) this.toOne(member, excepted, served, frame, flags)
    }
  }

  /** A latest value goes to those with a rate by other ways than to those without. */
  private toRoom(
    room: Room<Member>,
    excepted: ReadonlySet<Member> | null,
    served: Served<Member> | null,
    frame: Uint8Array,
    flags: DeliveryFlags,
    skip: Uint8Array | null,
  ): void {
    const rates = flags.latest ? this.rates.of(room) : null
    rates?.take(frame, flags, excepted, served)
    this.toAll(rates === null ? room : rates.others(), excepted, served, frame, flags, skip)
  }

  /** Own-id rooms and those of users are not stored: the frame goes to the socket's own topic. */
  private toOne(
    member: Member,
    excepted: ReadonlySet<Member> | null,
    served: Served<Member> | null,
    frame: Uint8Array,
    flags: DeliveryFlags,
  ): void {
    if (excepted?.has(member) || served?.has(member)) return
    served?.add(member)
    if (flags.volatile && skipsVolatile(member)) return
    this.turn.publishTo(member, this.personal(member, frame, flags), flags.compress, flags.latest)
  }

  private toAll(
    audience: Audience<Member>,
    excepted: ReadonlySet<Member> | null,
    served: Served<Member> | null,
    frame: Uint8Array,
    flags: DeliveryFlags,
    skip: Uint8Array | null,
  ): void {
    const { members, topic } = audience
    const { compress, latest = null } = flags
    const muted: Member[] = []
    if (served !== null || flags.volatile) {
      for (const member of members) {
        if (excepted?.has(member) || served?.has(member) || (flags.volatile && skipsVolatile(member))) {
          muted.push(member)
        } else served?.add(member)
      }
    } else if (excepted !== null) {
      for (const member of excepted) if (members.has(member)) muted.push(member)
    }
    const { turn } = this
    const reached = members.size - muted.length
    if (skip !== null) for (const member of muted) turn.publishTo(member, skip, compress)
    if (reached === 0) return
    if (reached * MUTES_PER_PUBLISH < muted.length) {
      const left = new Set(muted)
      for (const member of members) if (!left.has(member)) turn.publishTo(member, frame, compress, latest)
      return
    }
    for (const member of muted) member.wire?.unsubscribe(topic)
    turn.publisher.publish(topic, frame, compress, latest)
    for (const member of muted) {
      member.wire?.subscribe(topic)
      member.wire?.adjust(-frame.length)
    }
    this.flow.published(audience, frame.length, latest !== null)
  }

  private excepted(names: readonly string[]): ReadonlySet<Member> | null {
    if (names.length === 0) return null
    const excepted = new Set<Member>()
    for (const name of names) for (const member of this.index.membersOf(name)) excepted.add(member)
    return excepted
  }
}

function skipsVolatile(member: RoomMember): boolean {
  return member.wire?.skipsVolatile() ?? false
}
