import type { ResolvedOptions } from '../options'

/** Bounds of the delay. */
export type BackoffOptions = Pick<ResolvedOptions, 'reconnectionDelay' | 'reconnectionDelayMax'>

/**
 * The delay before a reconnection attempt: exponential, with full jitter, so that the clients of a server
 * that restarts come back spread over the whole interval.
 *
 * @param failures  Attempts that failed in a row, 0 before the first.
 * @param random    From 0 to 1.
 */
export function backoffDelay(options: BackoffOptions, failures: number, random: number): number {
  return random * Math.min(options.reconnectionDelayMax, options.reconnectionDelay * 2 ** Math.min(failures, 30))
}
