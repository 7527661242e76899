// biome-ignore lint/suspicious/noExplicitAny: listeners of every event live in one table; their types are checked where they are registered
export type AnyListener = (...args: any[]) => unknown

interface OnceListener extends AnyListener {
  /** The function the user registered. */
  readonly original: AnyListener
}

/**
 * The listeners of one object, by event name, in order of registration. Lists are replaced and never changed, so
 * that a listener added or removed while an event is being delivered takes effect from the next one.
 */
export interface ListenerTable {
  get(event: string): readonly AnyListener[] | undefined
  set(event: string, list: readonly AnyListener[]): unknown
  delete(event: string): unknown
  keys(): Iterable<string>
}

/** For a name, or an object, that has no listener. */
export const NONE: readonly never[] = []

export function addTo(table: ListenerTable, event: string, listener: AnyListener): void {
  const list = table.get(event)
  // A spread would leave room for 16 more, and most events have one listener.
  table.set(event, list === undefined ? [listener] : [...list, listener])
}

/** Adds a listener that is removed before its first call. */
export function addOnceTo(table: ListenerTable, event: string, listener: AnyListener): void {
  const once: OnceListener = Object.assign(
    function (this: unknown, ...args: unknown[]) {
      removeFrom(table, event, once)
      return listener.apply(this, args)
    },
    { original: listener },
  )
  // Whether a handler takes the ack is read from it.
  Object.defineProperty(once, 'length', { value: listener.length })
  addTo(table, event, once)
}

/** Removes the newest registration of `listener`, if there is one. */
export function removeFrom(table: ListenerTable, event: string, listener: AnyListener): void {
  const list = table.get(event) ?? NONE
  const index = Math.max(list.lastIndexOf(listener), list.map(originalOf).lastIndexOf(listener))
  if (index < 0) return
  if (list.length === 1) table.delete(event)
  else table.set(event, without(list, index))
}

/** The function that the user registered. */
export function originalOf(listener: AnyListener): AnyListener {
  return 'original' in listener ? (listener as OnceListener).original : listener
}

/** A copy of `list` without the entry at `index`, if there is one. */
export function without<T>(list: readonly T[], index: number): T[] {
  return list.filter((_, at) => at !== index)
}
