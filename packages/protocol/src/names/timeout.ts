import { RoomcastError } from '../errors'

/** A timer of a longer time fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Checks the argument of `timeout(ms)`. @throws RoomcastError `INVALID_OPTION`. */
export function assertTimeout(ms: number): number {
  if (typeof ms === 'number' && ms > 0 && ms <= MAX_TIMER_MS) return ms
  throw new RoomcastError('INVALID_OPTION', `a timeout is 1 to ${MAX_TIMER_MS} ms`)
}
