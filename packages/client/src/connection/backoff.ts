/** Bounds of the delay, in milliseconds. */
export interface BackoffOptions {
  /** Upper bound of the first delay. */
  readonly firstMs: number
  /** Largest upper bound. */
  readonly maxMs: number
}

/**
 * The delay before a reconnection attempt: exponential, with full jitter, so that the clients of a server
 * that restarts come back spread over the whole interval.
 *
 * @param failures  Attempts that failed in a row, 0 before the first.
 * @param random    From 0 to 1.
 */
export function backoffDelay(options: BackoffOptions, failures: number, random: number): number {
  return random * Math.min(options.maxMs, options.firstMs * 2 ** Math.min(failures, 30))
}
