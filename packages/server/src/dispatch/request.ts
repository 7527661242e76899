import { type ErrorBody, isRoomcastError, LIMITS } from '@roomcast/protocol'
import type { HeldFrame } from '../api/held-frames'
import type { AnyNamespace } from '../api/namespace'
import type { AnySocket } from '../api/socket'
import type { Soon } from '../cluster/engine'
import { attempt } from '../delivery/soon'
import { expiresInMs } from '../people/people'
import { join, leave } from './join'
import { identify, LOGIN_REQUIRED } from './login'
import { setRate } from './rate'
import { Reply } from './reply'
import { history } from './room-messages'
import { sync } from './sync'
import { nextPage, unwatch, watch } from './watch'

/** Lets what the socket sends wait until `work` has settled. */
export type Hold = (work: Promise<unknown>) => void

/** What a request does; it answers once, now or later. */
type Request = (socket: AnySocket, args: readonly unknown[], reply: Reply, hold: Hold) => Soon<void>

/** Requests of the library by name. PROTOCOL.md, sections 11 and 12. */
const REQUESTS: ReadonlyMap<string, Request> = new Map([
  ['login', logIn],
  ['logout', logOut],
  ['watch', watch],
  ['users', nextPage],
  ['unwatch', unwatch],
  ['join', join],
  ['leave', leave],
  ['rate', setRate],
  ['history', history],
  ['sync', sync],
])

/** Handles a request of a client. */
export function deliverRequest(socket: AnySocket, { name, ackId, args, bytes }: HeldFrame, hold: Hold): void {
  if (!socket.connected) return
  const reply = new Reply(socket, name, ackId)
  // Credentials wait in a queue, and params of rooms are kept; at CONNECT there is the same bound.
  if ((name === 'login' || name === 'join') && bytes > LIMITS.bytesBeforeConnect) {
    return reply.refuse({
      code: 'INVALID_REQUEST',
      message: `more than ${LIMITS.bytesBeforeConnect} bytes for ${name}`,
    })
  }
  const request = REQUESTS.get(name)
  if (request === undefined) {
    return reply.refuse({ code: 'UNKNOWN_REQUEST', message: 'the server does not know this request' })
  }
  attempt(
    () => request(socket, args, reply, hold),
    (error) => refuse(reply, error),
  )
}

/** A RoomcastError is the answer, anything else a fault of ours. */
function refuse(reply: Reply, error: unknown): void {
  if (isRoomcastError(error)) reply.refuse({ code: error.code, message: error.message, data: error.data })
  else reply.fail(error)
}

function logIn(socket: AnySocket, [credentials]: readonly unknown[], reply: Reply, hold: Hold): void {
  const namespace = socket.host as AnyNamespace
  const { people } = namespace
  const { login } = people
  if (login === null) return reply.refuse({ code: 'LOGIN_UNAVAILABLE', message: 'the namespace has no login' })
  if (credentials === undefined || credentials === null) return reply.refuse(LOGIN_REQUIRED)
  const attempt = people.begin(socket)
  const work = identify(login, namespace, socket, credentials, attempt.signal)
    .then((identity) => {
      if (!socket.connected) return
      if (attempt.signal.aborted) return reply.refuse(OVERTAKEN)
      people.become(socket, identity)
      reply.send([socket.user, expiresInMs(identity)])
    })
    .catch((error: unknown) => (attempt.signal.aborted ? reply.refuse(OVERTAKEN) : refuse(reply, error)))
    .finally(() => people.end(socket, attempt))
  // What an anonymous client sends behind its login is meant as the user it becomes.
  if (socket.user === null) hold(work)
}

const OVERTAKEN: ErrorBody = { code: 'LOGIN_OVERTAKEN', message: 'another login, or a logout, took its place' }

function logOut(socket: AnySocket, _args: readonly unknown[], reply: Reply): void {
  const namespace = socket.host as AnyNamespace
  namespace.people.cancel(socket)
  namespace.people.becomeNobody(socket)
  reply.send([])
  if (namespace.people.login !== null && !namespace.runtime.people.allowAnonymous) socket.disconnect()
}
