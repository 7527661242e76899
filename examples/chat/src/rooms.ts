import { CHAT_LIMITS, type ChatMessage, type RoomSummary } from './events'
import type { Person } from './people'

/** One room: who is in it and what was said last. */
export class Room {
  private readonly members = new Set<Person>()
  private readonly backlog: ChatMessage[] = []

  constructor(readonly name: string) {}

  enter(person: Person): void {
    this.members.add(person)
    person.room = this
  }

  leave(person: Person): void {
    this.members.delete(person)
    person.room = null
  }

  /** Keeps a message, and lets the oldest go when there are too many. */
  record(message: ChatMessage): void {
    this.backlog.push(message)
    if (this.backlog.length > CHAT_LIMITS.backlogLength) this.backlog.shift()
  }

  /** The last messages, oldest first. */
  recent(): readonly ChatMessage[] {
    return [...this.backlog]
  }

  /** Names of the people here, in alphabetical order. */
  users(): readonly string[] {
    return [...this.members].map((person) => person.name).sort((a, b) => a.localeCompare(b))
  }

  summary(): RoomSummary {
    return { name: this.name, userCount: this.members.size }
  }
}

/** The rooms there are. Their number is fixed: nobody makes new ones by asking for them. */
export class Rooms {
  private readonly byName: ReadonlyMap<string, Room>

  constructor(names: readonly string[]) {
    this.byName = new Map(names.map((name) => [name, new Room(name)]))
  }

  /** The room that a peer asked for, if there is such a room. */
  find(name: unknown): Room | undefined {
    return typeof name === 'string' ? this.byName.get(name) : undefined
  }

  summaries(): readonly RoomSummary[] {
    return [...this.byName.values()].map((room) => room.summary())
  }
}
