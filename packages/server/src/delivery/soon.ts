import { isThenable } from '@roomcast/protocol'
import type { Soon } from '../cluster/engine'

/** Goes on with a value: in this turn, if it is there. A rejection goes through. */
export function soon<Value, Result>(value: Soon<Value>, next: (value: Value) => Soon<Result>): Soon<Result> {
  return isThenable(value) ? (value as PromiseLike<Value>).then(next) : next(value as Value)
}

/** Does something whose end nobody waits for; a fault, now or later, goes to `onFault`. */
export function attempt(work: () => Soon<unknown>, onFault: (error: unknown) => void): void {
  try {
    const done = work()
    if (isThenable(done)) done.then(undefined, onFault)
  } catch (error) {
    onFault(error)
  }
}

/** A step for each, one after the other: in this turn, as far as steps are done at once. */
export function soonEach<Item>(items: readonly Item[], step: (item: Item) => Soon<void>): Soon<void> {
  for (let i = 0; i < items.length; i++) {
    const done = step(items[i] as Item)
    if (isThenable(done)) return (done as PromiseLike<void>).then(() => soonEach(items.slice(i + 1), step))
  }
}
