import { callListener, isRoomcastError, RoomcastError } from '@roomcast/protocol'
import type { AuthOption } from '../options'

/** A socket, for whom an auth function is asked. */
export interface Asker {
  onListenerError(error: unknown, event: string): void
}

/**
 * Asks for credentials, now or later.
 *
 * @param give  Gets them, once at most.
 * @param fail  Told why there are none; `isFault` unless the function has decided so with an error of its own.
 */
export function askCredentials(
  auth: AuthOption | undefined,
  asker: Asker,
  give: (credentials: unknown) => void,
  fail: (error: RoomcastError, isFault: boolean) => void,
): void {
  let isGiven = false
  const giveOnce = (credentials: unknown) => {
    if (isGiven) return
    isGiven = true
    give(credentials)
  }
  if (typeof auth !== 'function') return giveOnce(auth)
  callListener(auth as (...args: unknown[]) => unknown, asker, [giveOnce], (error) => {
    // Credentials that were given are good: what fails behind them is a fault as of any listener.
    if (isGiven) asker.onListenerError(error, 'auth')
    // An error with a code is a decision; anything else may be the network, which comes back.
    else if (isRoomcastError(error)) fail(error, false)
    else fail(new RoomcastError('AUTH_FAILED', 'the auth function failed', { cause: error }), true)
  })
}
