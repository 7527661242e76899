import { isThenable } from '@roomcast/protocol'

/** A middleware of either kind, with its first argument bound. */
export type MiddlewareStep = (next: (error?: Error) => void) => unknown

/** How a chain of middleware ended. `given`: the refusal was passed to `next`, so its text is meant to be seen. */
export type MiddlewareOutcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'refused'; readonly error: unknown; readonly given: boolean }

/**
 * Runs middleware one after the other. A step ends with its first call of `next`, or by throwing or
 * rejecting; one that does neither holds the chain for ever, as in Socket.IO.
 *
 * @param onDone  Called exactly once, in the same turn if every step is synchronous.
 */
export function runMiddleware(steps: readonly MiddlewareStep[], onDone: (outcome: MiddlewareOutcome) => void): void {
  const run = (index: number): void => {
    const step = steps[index]
    if (step === undefined) return onDone({ kind: 'passed' })
    let isSettled = false
    const settle = (outcome: MiddlewareOutcome | null): void => {
      if (isSettled) return
      isSettled = true
      if (outcome === null) run(index + 1)
      else onDone(outcome)
    }
    const fail = (error: unknown) => settle({ kind: 'refused', error, given: false })
    try {
      const result = step((error) => settle(error ? { kind: 'refused', error, given: true } : null))
      if (isThenable(result)) result.then(undefined, fail)
    } catch (error) {
      fail(error)
    }
  }
  run(0)
}
