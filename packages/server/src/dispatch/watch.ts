import { toErrorBody } from '@roomcast/protocol'
import type { AnyNamespace } from '../api/namespace'
import type { AnySocket } from '../api/socket'
import type { WatchMode } from '../people/watches'
import type { Reply } from './reply'
import { invalid, readRoomName } from './request-error'

/** `watch`: answers with the users of a list, and sends changes from then on. */
export function watch(socket: AnySocket, args: readonly unknown[], reply: Reply): void {
  const { watches } = (socket.host as AnyNamespace).people.known
  watches.ask(socket, roomOf(args[0]), modeOf(args[1]), (refusal, answer) => {
    if (refusal === null) reply.send([answer])
    else reply.refuse(toErrorBody(refusal, refusal.code, refusal.message))
  })
}

/** `users`: more rows of a list that is watched. */
export function nextPage(socket: AnySocket, args: readonly unknown[], reply: Reply): void {
  const [room, after] = args
  if (!Number.isSafeInteger(after) || (after as number) < 0) throw invalid('after is no place in a list')
  const page = (socket.host as AnyNamespace).people.known.watches.page(socket, roomOf(room), after as number)
  if (page === undefined) reply.refuse({ code: 'WATCH_REFUSED', message: 'this user list is not watched' })
  else reply.send([page.rows, page.next])
}

/** `unwatch`: ends a watch, if there is one, also one whose rule has not decided yet. */
export function unwatch(socket: AnySocket, args: readonly unknown[], reply: Reply): void {
  const room = roomOf(args[0])
  const mode = modeOf(args[1])
  const namespace = socket.host as AnyNamespace
  namespace.runtime.turn.flush()
  namespace.people.known.watches.unwatch(socket, room, mode)
  reply.send([])
}

/** @throws RoomcastError `INVALID_REQUEST`. */
function roomOf(value: unknown): string | null {
  return value === null || value === undefined ? null : readRoomName(value)
}

/** @throws RoomcastError `INVALID_REQUEST`. */
function modeOf(value: unknown): WatchMode {
  if (value === 'count') return value
  if (value === 'users' || value === null || value === undefined) return 'users'
  throw invalid('mode is neither "users" nor "count"')
}
