import { callListener } from './call-listener'
import { without } from './listener-table'

/** A listener of every event in one direction: the event's name, then its arguments. */
// biome-ignore lint/suspicious/noExplicitAny: it sees the arguments of every event there is
export type CatchAllListener = (event: string, ...args: any[]) => void

/** The listeners behind `onAny` or `onAnyOutgoing`. Replaced and never changed, as in ListenerTable. */
export class CatchAllListeners {
  #list: readonly CatchAllListener[] = []

  append(listener: CatchAllListener): void {
    this.#list = [...this.#list, listener]
  }

  prepend(listener: CatchAllListener): void {
    this.#list = [listener, ...this.#list]
  }

  /** Removes one registration of `listener`, or all listeners. */
  remove(listener?: CatchAllListener): void {
    const index = listener === undefined ? -1 : this.#list.indexOf(listener)
    if (listener === undefined) this.#list = []
    else if (index >= 0) this.#list = without(this.#list, index)
  }

  all(): readonly CatchAllListener[] {
    return this.#list
  }

  /** Calls every listener; errors go to `onError` and stop nobody. */
  notify(self: unknown, event: string, args: readonly unknown[], onError: (error: unknown) => void): void {
    for (const listener of this.#list) callListener(listener, self, [event, ...args], onError)
  }
}
