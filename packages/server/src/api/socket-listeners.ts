import type { AnyListener } from '@roomcast/protocol'

/** Of one event: the only listener, or several in order of registration. */
export type Listeners = AnyListener | readonly AnyListener[]

/**
 * The listeners of a socket by event name. There are as many of these tables as sockets, and few have more than some names with
 * one listener each: the first name takes 48 bytes here, and 240 in a Map of lists. Has of a Map what an emitter needs.
 */
export class SocketListeners {
  private first: string | null = null
  private ofFirst: Listeners | undefined
  private others: Map<string, Listeners> | null = null

  /** As {@link get}, without making a list for a lone one. */
  find(event: string): Listeners | undefined {
    return event === this.first ? this.ofFirst : this.others?.get(event)
  }

  get(event: string): readonly AnyListener[] | undefined {
    const found = this.find(event)
    return typeof found === 'function' ? [found] : found
  }

  set(event: string, list: readonly AnyListener[]): void {
    const [lone] = list
    // What is no function is one only by the word of somebody without types, and fails when it is called.
    const listeners = list.length === 1 && typeof lone === 'function' ? lone : list
    // A name that comes later stands behind the others, also when the first has gone.
    if (this.first === null && !this.others?.size) this.first = event
    if (event === this.first) this.ofFirst = listeners
    else {
      this.others ??= new Map()
      this.others.set(event, listeners)
    }
  }

  delete(event: string): void {
    if (event !== this.first) this.others?.delete(event)
    else {
      this.first = null
      this.ofFirst = undefined
    }
  }

  keys(): string[] {
    const others = this.others?.keys() ?? []
    return this.first === null ? [...others] : [this.first, ...others]
  }
}
