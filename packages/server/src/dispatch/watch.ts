import { assertRoomName, isRoomcastError, isThenable, LIMITS, RoomcastError } from '@roomcast/protocol'
import type { AnyNamespace } from '../api/namespace'
import type { AnySocket } from '../api/socket'
import type { Reply } from './reply'

const REFUSED = { code: 'WATCH_REFUSED', message: 'this user list may not be watched' }

/** `watch`: asks the rule of the list, then answers with its users. */
export function watch(socket: AnySocket, args: readonly unknown[], reply: Reply): void {
  const room = roomOf(args[0])
  const mode = modeOf(args[1])
  const namespace = socket.host as AnyNamespace
  const rule = namespace.people.lists.watchRule(room)
  const asked = socket.user
  const start = (isAllowed: boolean) => {
    if (!socket.connected) return
    // A rule that takes its time was asked about somebody who may be somebody else by now.
    if (!isAllowed || socket.user?.id !== asked?.id) return reply.refuse(REFUSED)
    if (namespace.people.lists.watchCount(socket) >= LIMITS.watchesPerSocket) {
      const message = `a socket may watch ${LIMITS.watchesPerSocket} lists`
      return reply.refuse({ code: 'TOO_MANY_WATCHES', message })
    }
    namespace.runtime.turn.flush()
    reply.send([namespace.people.lists.watch(socket, room, mode)])
  }
  if (rule === 'nobody') return start(false)
  if (rule === 'members') return start(room === null ? socket.user !== null : socket.rooms.has(room))
  // A rule that fails allows nothing.
  const onFault = (error: unknown) => {
    namespace.runtime.reportFault(error, { where: 'watch rule', name: room ?? namespace.name, socketId: socket.id })
    start(false)
  }
  try {
    const verdict = rule(socket, room)
    if (isThenable(verdict)) Promise.resolve(verdict).then((isAllowed) => start(isAllowed === true), onFault)
    else start(verdict === true)
  } catch (error) {
    onFault(error)
  }
}

/** `users`: more rows of a list that is watched. */
export function nextPage(socket: AnySocket, args: readonly unknown[], reply: Reply): void {
  const [room, after] = args
  if (!Number.isSafeInteger(after)) throw invalid('after is no number')
  const page = (socket.host as AnyNamespace).people.lists.page(socket, roomOf(room), after as number)
  if (page === undefined) reply.refuse(REFUSED)
  else reply.send([page.rows, page.next])
}

/** `unwatch`: ends a watch, if there is one. */
export function unwatch(socket: AnySocket, args: readonly unknown[], reply: Reply): void {
  const namespace = socket.host as AnyNamespace
  const room = roomOf(args[0])
  const mode = modeOf(args[1])
  namespace.runtime.turn.flush()
  namespace.people.lists.unwatch(socket, room, mode)
  reply.send([])
}

/** @throws RoomcastError `INVALID_REQUEST`. */
function roomOf(value: unknown): string | null {
  if (value === null || value === undefined) return null
  try {
    assertRoomName(value)
  } catch (error) {
    throw invalid(isRoomcastError(error) ? error.message : 'room')
  }
  return value
}

/** @throws RoomcastError `INVALID_REQUEST`. */
function modeOf(value: unknown): 'count' | 'users' {
  if (value === 'count') return value
  if (value === 'users' || value === null || value === undefined) return 'users'
  throw invalid('mode is neither "users" nor "count"')
}

function invalid(message: string): RoomcastError {
  return new RoomcastError('INVALID_REQUEST', message)
}
