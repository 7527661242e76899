import {
  type Audience,
  newAudience,
  type Room,
  type RoomMember,
  type SideTopics,
  tie,
  untie,
} from '../rooms/room-index'
import type { DeliveryFlags } from './delivery-flags'
import { type PublishToAll, RateGroup, type WaitingFrame } from './rate-group'
import { periodOf } from './rate-steps'
import type { Served } from './served'
import type { TurnQueue } from './turn-queue'

/**
 * Who has chosen how often to be sent the latest values of a room, in one namespace.
 *
 *   a room without rates   latest values go the way of all messages
 *   with one               a topic for each rate, and one for those without: "<topic of the room>\0<period>", "<topic of the room>\0"
 *
 * Names of rooms have no control characters, so these topics are nobody else's. All changes are made when nothing waits in the turn queue.
 */
export class Rates<Member extends RoomMember> {
  private readonly rooms = new Map<string, RoomRates<Member>>()

  constructor(
    private readonly turn: TurnQueue,
    private readonly publishTo: PublishToAll<Member>,
  ) {}

  /** The rates of a room; null if nobody has chosen any. */
  of(room: Room<Member>): RoomRates<Member> | null {
    if (room.side === null) return null
    const rates = this.rooms.get(room.name)
    return rates?.isUsed && rates.room === room ? rates : null
  }

  /** A member of the room chooses a rate, in times a second; null: as they come. */
  choose(member: Member, room: Room<Member>, rate: number | null): void {
    let rates = this.rooms.get(room.name)
    if (rates?.room !== room) {
      if (rate === null) return
      rates = new RoomRates(room, this.turn, this.publishTo)
      room.side = rates
      this.rooms.set(room.name, rates)
    }
    rates.choose(member, rate === null ? null : periodOf(rate))
  }

  /** A room has no members any more. */
  close(room: string): void {
    this.rooms.delete(room)
  }

  /** Publishes everything that waits. */
  flushAll(): void {
    for (const rates of this.rooms.values()) rates.flush()
  }
}

/** The rates of one room. */
export class RoomRates<Member extends RoomMember> implements SideTopics<Member> {
  /** The members without a rate. */
  private readonly rest: Audience<Member>
  private isRestNative = false
  /** By period. */
  private readonly groups = new Map<number, RateGroup<Member>>()
  private readonly groupOf = new Map<Member, RateGroup<Member>>()

  constructor(
    readonly room: Room<Member>,
    private readonly turn: TurnQueue,
    private readonly publishTo: PublishToAll<Member>,
  ) {
    const { groupOf } = this
    const { members, topic } = room
    this.rest = newAudience(`${topic}\0`, {
      get size() {
        return members.size - groupOf.size
      },
      has: (member) => members.has(member) && !groupOf.has(member),
      *[Symbol.iterator]() {
        for (const member of members) if (!groupOf.has(member)) yield member
      },
    })
  }

  /** Whether anybody has one. */
  get isUsed(): boolean {
    return this.groupOf.size > 0
  }

  /** A latest value, for those with a rate. @param served  Those who have it already; who is given it here is one of them. */
  take(
    frame: Uint8Array,
    flags: DeliveryFlags,
    excepted: ReadonlySet<Member> | null,
    served: Served<Member> | null,
  ): void {
    // One for all groups: it may wait, and the frame is the encoder's.
    const copy = frame.slice()
    for (const group of this.groups.values()) group.take(copy, flags, leftOut(group.members, excepted, served))
  }

  /** The members without a rate, who are subscribed to their topic from the first call on. */
  others(): Audience<Member> {
    if (!this.isRestNative) {
      for (const member of this.rest.members) tie(member, this.rest)
      this.isRestNative = true
    }
    return this.rest
  }

  choose(member: Member, periodMs: number | null): void {
    const before = this.groupOf.get(member)
    if ((before?.periodMs ?? null) === periodMs) return
    const waiting = this.release(member)
    if (periodMs === null) this.enter(member)
    else this.enterGroup(member, periodMs)
    // Last: until it is on its new topic, the account of its link does not add up.
    for (const { frame, flags } of waiting) this.turn.send(member, frame, flags.compress, null, flags.latest)
  }

  enter(member: Member): void {
    if (this.isRestNative) tie(member, this.rest)
  }

  leave(member: Member): void {
    this.release(member)
  }

  bytesFor(member: Member): number {
    const group = this.groupOf.get(member)
    if (group !== undefined) return group.audience.bytes
    return this.isRestNative ? this.rest.bytes : 0
  }

  flush(): void {
    for (const group of this.groups.values()) group.flush()
  }

  private enterGroup(member: Member, periodMs: number): void {
    let group = this.groups.get(periodMs)
    if (group === undefined) {
      group = new RateGroup(`${this.room.topic}\0${periodMs}`, periodMs, this.turn, this.publishTo)
      this.groups.set(periodMs, group)
    }
    this.groupOf.set(member, group)
    group.add(member)
  }

  /** @returns What waits for the member. */
  private release(member: Member): readonly WaitingFrame[] {
    const group = this.groupOf.get(member)
    if (group === undefined) {
      if (this.isRestNative) untie(member, this.rest)
      return []
    }
    this.groupOf.delete(member)
    const waiting = group.remove(member)
    if (group.members.size === 0) this.groups.delete(group.periodMs)
    return waiting
  }
}

/** Members of a group whom a value is not for here; null if it is for all. Who is given it has it from here. */
function leftOut<Member>(
  members: ReadonlySet<Member>,
  excepted: ReadonlySet<Member> | null,
  served: Served<Member> | null,
): ReadonlySet<Member> | null {
  if (excepted === null && served === null) return null
  const left = new Set<Member>()
  if (served === null) {
    for (const member of excepted ?? []) if (members.has(member)) left.add(member)
  } else {
    for (const member of members) {
      if (excepted?.has(member) || served.has(member)) left.add(member)
      else served.add(member)
    }
  }
  return left.size > 0 ? left : null
}
