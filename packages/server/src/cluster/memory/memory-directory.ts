import type { Directory, Member, MemberDelta, MemberPage, NodeInfo } from '../engine'

/** A member and its place in the order of arrival. */
interface Entry {
  readonly place: number
  member: Member
}

interface Room {
  readonly entries: Map<string, Entry>
  /** In order; null when somebody came or left since. */
  ordered: readonly Entry[] | null
}

/** Who is where, when there is one node: it alone lives, and it alone has members. */
export class MemoryDirectory implements Directory {
  private readonly rooms = new Map<string, Room>()
  private lastPlace = 0

  constructor(private readonly nodeId: string) {}

  heartbeat(info: NodeInfo): readonly NodeInfo[] {
    return [info]
  }

  setMembers(changes: readonly MemberDelta[]): void {
    for (const { room, userId, member } of changes) {
      if (member === null) this.remove(room, userId)
      else this.set(room, userId, copyOf(member))
    }
  }

  count(room: string): number {
    return this.rooms.get(room)?.entries.size ?? 0
  }

  get(room: string, userId: string): Member | null {
    const entry = this.rooms.get(room)?.entries.get(userId)
    return entry === undefined ? null : copyOf(entry.member)
  }

  list(room: string, { limit, after }: { readonly limit: number; readonly after?: string }): MemberPage {
    const known = this.rooms.get(room)
    if (known === undefined) return { members: [] }
    known.ordered ??= [...known.entries.values()]
    const start = after === undefined ? 0 : firstBehind(known.ordered, Number(after))
    const page = known.ordered.slice(start, start + limit)
    const members = page.map(({ member }) => copyOf(member))
    const last = page.at(-1)
    return last === undefined || start + limit >= known.ordered.length
      ? { members }
      : { members, next: `${last.place}` }
  }

  reap(nodeId: string, budget: number): readonly { readonly room: string; readonly userIds: readonly string[] }[] {
    const gone: { room: string; userIds: string[] }[] = []
    if (nodeId !== this.nodeId) return gone
    for (const [room, { entries }] of this.rooms) {
      if (gone.length >= budget) break
      gone.push({ room, userIds: [...entries.keys()] })
      this.rooms.delete(room)
    }
    return gone
  }

  close(): void {
    this.rooms.clear()
  }

  private set(name: string, userId: string, member: Member): void {
    let room = this.rooms.get(name)
    if (room === undefined) {
      room = { entries: new Map(), ordered: null }
      this.rooms.set(name, room)
    }
    const known = room.entries.get(userId)
    if (known !== undefined) {
      known.member = member
      return
    }
    room.entries.set(userId, { place: ++this.lastPlace, member })
    room.ordered = null
  }

  private remove(name: string, userId: string): void {
    const room = this.rooms.get(name)
    if (!room?.entries.delete(userId)) return
    room.ordered = null
    if (room.entries.size === 0) this.rooms.delete(name)
  }
}

/** Index of the first entry behind a place. */
function firstBehind(ordered: readonly Entry[], place: number): number {
  let low = 0
  for (let high = ordered.length; low < high; ) {
    const middle = (low + high) >> 1
    if ((ordered[middle] as Entry).place <= place) low = middle + 1
    else high = middle
  }
  return low
}

function copyOf({ userId, devices, joinedAt, profile }: Member): Member {
  return { userId, devices, joinedAt, profile }
}
