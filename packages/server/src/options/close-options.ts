import { RoomcastError } from '@roomcast/protocol'

/** Options of {@link Server.close}. */
export interface CloseOptions {
  /**
   * Milliseconds that clients are asked to stay away, 0 to 2^31 - 1. They come back at a random time after it.
   * @default none: they try again at once, and then ever less often
   */
  readonly retryAfterMs?: number
}

/** @throws RoomcastError `INVALID_OPTION`. */
export function assertRetryAfter(retryAfterMs: number | undefined): void {
  if (retryAfterMs === undefined) return
  if (Number.isInteger(retryAfterMs) && retryAfterMs >= 0 && retryAfterMs < 2 ** 31) return
  throw new RoomcastError(
    'INVALID_OPTION',
    `retryAfterMs is ${retryAfterMs}; it has to be an integer from 0 to ${2 ** 31 - 1}`,
  )
}
