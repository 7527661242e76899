/**
 * What has become of a user on a list:
 *
 *   set    is there, maybe changed
 *   gone   is not there any more
 *   again  went, came back, and has another place in the order of arrival
 */
export type ChangeKind = 'again' | 'gone' | 'set'

/** A user of a list who has changed. How they are now, the list knows. */
export interface MemberChange {
  /** null: of everybody in the namespace. */
  readonly room: string | null
  readonly userId: string
  readonly kind: ChangeKind
}

/** Departures that are gathered. Of those who are there no more are gathered than are there. */
const DEPARTURES = 100_000

/** Changes of the lists of a namespace, in order: one for each user of a list, whatever has happened to them. */
export class MemberChanges {
  private readonly rooms = new Map<string | null, Map<string, MemberChange>>()
  private departures = 0
  private count = 0

  get size(): number {
    return this.count
  }

  /** @returns false if there was no room for it: a departure too many. */
  add(change: MemberChange): boolean {
    const { room, userId, kind } = change
    const before = this.rooms.get(room)?.get(userId)
    if (before === undefined) return this.put(change)
    if (kind !== 'set') {
      this.delete(before)
      return this.put(change)
    }
    if (before.kind !== 'gone') return true
    this.delete(before)
    return this.put({ room, userId, kind: 'again' })
  }

  /** All of them; none is left. */
  take(): MemberChange[] {
    const taken = [...this.rooms.values()].flatMap((users) => [...users.values()])
    this.rooms.clear()
    this.departures = 0
    this.count = 0
    return taken
  }

  private put(change: MemberChange): boolean {
    const { room, userId, kind } = change
    if (kind === 'gone') {
      if (this.departures >= DEPARTURES) return false
      this.departures++
    }
    let users = this.rooms.get(room)
    if (users === undefined) {
      users = new Map()
      this.rooms.set(room, users)
    }
    users.set(userId, change)
    this.count++
    return true
  }

  private delete({ room, userId, kind }: MemberChange): void {
    const users = this.rooms.get(room)
    users?.delete(userId)
    if (users?.size === 0) this.rooms.delete(room)
    if (kind === 'gone') this.departures--
    this.count--
  }
}
