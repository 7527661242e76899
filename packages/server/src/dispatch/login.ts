import { type ErrorBody, isRoomcastError, RoomcastError, toErrorBody } from '@roomcast/protocol'
import type { AnyNamespace } from '../api/namespace'
import type { AnySocket } from '../api/socket'
import { unpackHeaders } from '../connection/handshake'
import type { Login } from '../options/people-options'
import { type Identity, readIdentity } from '../people/identity'

/** No credentials. */
export const LOGIN_REQUIRED: ErrorBody = {
  code: 'LOGIN_REQUIRED',
  message: 'the namespace is for users; give credentials as auth, or to login()',
}

/** When a client may try again after a fault of the server. */
const RETRY_AFTER_MS = 1_000

const FAILED: ErrorBody = {
  code: 'LOGIN_FAILED',
  message: 'the login failed, please try again',
  data: { retryAfterMs: RETRY_AFTER_MS },
}

/**
 * Turns the credentials of a socket into an identity, within the limits of the server.
 *
 * @param cancelled  Aborted when the client is gone, or has other credentials.
 * @throws RoomcastError that the client is told: `LOGIN_RATE_LIMITED`, `LOGIN_BUSY`, `LOGIN_TIMEOUT`, `LOGIN_REFUSED`,
 *         `LOGIN_EXPIRED`, `LOGIN_FAILED`, `INVALID_NAME`, or the application's own.
 */
export async function identify(
  login: Login,
  namespace: AnyNamespace,
  socket: AnySocket,
  credentials: unknown,
  cancelled: AbortSignal,
): Promise<Identity> {
  const { loginGate, loginGuard, wheel, reportFault } = namespace.runtime
  const { address, headerBlock } = socket.connection
  const attempt = { address, credentials, userId: socket.user?.id }
  loginGuard.check(attempt)
  const startedAt = wheel.now()
  const ask = (signal: AbortSignal) =>
    login(credentials, {
      namespace: namespace.name,
      socketId: socket.id,
      address,
      headers: unpackHeaders(headerBlock),
      user: socket.user,
      signal,
    })
  try {
    const result = await loginGate.run(
      async (signal) => {
        // Again: of a thousand that waited together each would else have a try.
        loginGuard.check(attempt)
        try {
          return await ask(signal)
        } catch (error) {
          throw isRoomcastError(error) ? error : new LoginFault(error)
        }
      },
      cancelled,
      socket,
    )
    if (result === null || result === undefined)
      throw new RoomcastError('LOGIN_REFUSED', 'the credentials were refused')
    const identity = readIdentity(result, startedAt, namespace.people.known.profileRules)
    loginGuard.succeeded(attempt)
    return identity
  } catch (error) {
    const isFault = !isRoomcastError(error) || error.code === 'INVALID_USER'
    if (isFault) {
      const cause = error instanceof LoginFault ? error.cause : error
      reportFault(cause, { where: 'login', name: namespace.name, socketId: socket.id })
      throw new RoomcastError(FAILED.code, FAILED.message, { data: FAILED.data })
    }
    if (isGuess(error)) loginGuard.failed(attempt)
    throw error
  }
}

/** Codes that do not say that somebody is guessing. */
const NO_GUESS: ReadonlySet<string> = new Set([
  'DISCONNECTED',
  'INVALID_NAME',
  'LOGIN_BUSY',
  'LOGIN_EXPIRED',
  'LOGIN_OVERTAKEN',
  'LOGIN_RATE_LIMITED',
  'LOGIN_TIMEOUT',
  'NAME_IN_USE',
])

/** Whether a refusal is one of those that count: not one for now, which nobody says to a guess. */
function isGuess({ code, data }: RoomcastError): boolean {
  return !NO_GUESS.has(code) && !(typeof data === 'object' && data !== null && 'retryAfterMs' in data)
}

/** What a login function threw that is no refusal. */
class LoginFault extends Error {
  constructor(cause: unknown) {
    super('the login function failed', { cause })
  }
}

/**
 * Decides who a socket is that asks for a namespace.
 *
 * @param onDone  Called once: with the identity, null for an anonymous socket, or why it is refused.
 */
export function identifyAtConnect(
  namespace: AnyNamespace,
  socket: AnySocket,
  auth: unknown,
  cancelled: AbortSignal | undefined,
  onDone: (identity: Identity | null, refusal: ErrorBody | null) => void,
): void {
  const { login } = namespace.people
  if (login === null || cancelled === undefined) return onDone(null, null)
  if (auth === undefined || auth === null) {
    return onDone(null, namespace.runtime.people.allowAnonymous ? null : LOGIN_REQUIRED)
  }
  identify(login, namespace, socket, auth, cancelled)
    .then(
      (identity) => onDone(identity, null),
      (error: unknown) => onDone(null, toErrorBody(error, FAILED.code, FAILED.message)),
    )
    // Of what follows: a fault of ours must not end the process.
    .catch((error: unknown) => {
      namespace.runtime.reportFault(error, { where: 'login', name: namespace.name, socketId: socket.id })
    })
}
