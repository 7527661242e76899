/** How long a condition may take before the test fails. Generous: machines differ, and a passing test never waits for it. */
const LIMIT_MS = 10_000
const STEP_MS = 5

/**
 * Waits until `condition` returns something truthy, and returns that.
 *
 * @param what  For the error: what was waited for.
 */
export async function until<T>(condition: () => T | Promise<T>, what = 'condition'): Promise<T> {
  const deadline = performance.now() + LIMIT_MS
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`waited ${LIMIT_MS} ms for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, STEP_MS))
  }
}

/** Something with `once`, as sockets and emitters of both sides. */
interface Listenable {
  once(event: string, listener: (...args: unknown[]) => void): unknown
}

/** The arguments of the next `event`; fails if it does not come. */
export function next(source: Listenable, event: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited ${LIMIT_MS} ms for event "${event}"`)), LIMIT_MS)
    source.once(event, (...args) => {
      clearTimeout(timer)
      resolve(args)
    })
  })
}
