// biome-ignore lint/suspicious/noExplicitAny: listeners of every event live in one table; their types are checked where they are registered
export type AnyListener = (...args: any[]) => unknown

interface OnceListener extends AnyListener {
  /** The function the user registered. */
  readonly original: AnyListener
}

/**
 * The listeners of one object, by event name. Arrays are replaced and never changed, so that a listener
 * added or removed while an event is being delivered takes effect from the next one.
 */
export class ListenerTable {
  readonly #table = new Map<string, readonly AnyListener[]>()

  add(event: string, listener: AnyListener): void {
    const current = this.get(event)
    // A spread would leave room for 16 more, and most events have one listener.
    this.#table.set(event, current.length === 0 ? [listener] : [...current, listener])
  }

  /** Adds a listener that is removed before its first call. */
  addOnce(event: string, listener: AnyListener): void {
    const once: OnceListener = Object.assign(
      (...args: unknown[]) => {
        this.remove(event, once)
        return listener(...args)
      },
      { original: listener },
    )
    this.add(event, once)
  }

  /** Removes the newest registration of `listener`, if there is one. */
  remove(event: string, listener: AnyListener): void {
    const current = this.get(event)
    let index = current.length - 1
    while (index >= 0 && current[index] !== listener && originalOf(current[index] as AnyListener) !== listener) index--
    if (index < 0) return
    if (current.length === 1) this.#table.delete(event)
    else this.#table.set(event, without(current, index))
  }

  /** Removes every listener of `event`, or of every event. */
  removeAll(event?: string): void {
    if (event === undefined) this.#table.clear()
    else this.#table.delete(event)
  }

  /** The listeners of `event` in order of registration. */
  get(event: string): readonly AnyListener[] {
    return this.#table.get(event) ?? NONE
  }

  /** As {@link get}, with the functions that users registered. */
  originals(event: string): AnyListener[] {
    return this.get(event).map(originalOf)
  }

  /** Names that have a listener. */
  names(): string[] {
    return [...this.#table.keys()]
  }

  /** Whether nobody listens for anything. */
  get isEmpty(): boolean {
    return this.#table.size === 0
  }
}

const NONE: readonly AnyListener[] = []

/** A copy of `list` without the entry at `index`. */
export function without<T>(list: readonly T[], index: number): T[] {
  return [...list.slice(0, index), ...list.slice(index + 1)]
}

function originalOf(listener: AnyListener): AnyListener {
  return 'original' in listener ? (listener as OnceListener).original : listener
}
