import { CHAT_LIMITS, type Refusal } from './events'
import type { CheckedName } from './names'
import { refuse } from './refusal'
import type { Room } from './rooms'

/** Somebody who is logged in. The name on everything they do is read from here. */
export interface Person {
  readonly name: string
  readonly key: string
  room: Room | null
}

/** Everybody who is logged in; no two with the same name. */
export class People {
  private readonly byKey = new Map<string, Person>()

  /** Lets somebody in under a checked name. */
  add({ name, key }: CheckedName): Person | Refusal {
    if (this.byKey.has(key)) return refuse('name taken', 'Somebody here already has this name.')
    if (this.byKey.size >= CHAT_LIMITS.people) return refuse('chat full', 'The chat is full. Please come back later.')
    const person: Person = { name, key, room: null }
    this.byKey.set(key, person)
    return person
  }

  /** Forgets somebody; the name is free again. */
  remove(person: Person): void {
    if (this.byKey.get(person.key) === person) this.byKey.delete(person.key)
  }
}
