import type { AnyListener } from './listener-table'

/**
 * Calls a function of the user so that it can neither throw at its caller nor reject unnoticed.
 *
 * @param onError  Gets what it throws, or what the promise it returns rejects with.
 */
export function callListener(
  listener: AnyListener,
  self: unknown,
  args: readonly unknown[],
  onError: (error: unknown) => void,
): void {
  try {
    const result = listener.apply(self, args as unknown[])
    if (isThenable(result)) result.then(undefined, onError)
  } catch (error) {
    onError(error)
  }
}

/** Whether a value is a promise, of whatever library. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
