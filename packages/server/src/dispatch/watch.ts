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
  const { lists } = namespace.people
  const rule = lists.watchRule(room)
  const asker = socket.user
  const isWanted = expectVerdict(socket, keyOf(room, lists.watchMode(room, mode)))
  const start = (isAllowed: boolean) => {
    if (!socket.connected) return
    // A rule that takes its time was asked about somebody who may be somebody else by now.
    if (!isWanted() || !isAllowed || socket.user?.id !== asker?.id) return reply.refuse(REFUSED)
    if (!lists.isWatching(socket, room, mode) && lists.watchCount(socket) >= LIMITS.watchesPerSocket) {
      const message = `a socket may watch ${LIMITS.watchesPerSocket} lists`
      return reply.refuse({ code: 'TOO_MANY_WATCHES', message })
    }
    namespace.runtime.turn.flush()
    reply.send([lists.watch(socket, room, mode)])
  }
  if (rule === 'nobody') return start(false)
  if (rule === 'members') return start(room === null ? socket.user !== null : socket.rooms.has(room))
  // A rule that fails allows nothing.
  const onFault = (error: unknown) => {
    namespace.runtime.reportFault(error, { where: 'watch rule', name: room ?? namespace.name, socketId: socket.id })
    start(false)
  }
  try {
    const verdict = rule(socket, room, lists.watchMode(room, mode))
    if (isThenable(verdict)) Promise.resolve(verdict).then((isAllowed) => start(isAllowed === true), onFault)
    else start(verdict === true)
  } catch (error) {
    onFault(error)
  }
}

/** `users`: more rows of a list that is watched. */
export function nextPage(socket: AnySocket, args: readonly unknown[], reply: Reply): void {
  const [room, after] = args
  if (!Number.isSafeInteger(after) || (after as number) < 0) throw invalid('after is no place in a list')
  const page = (socket.host as AnyNamespace).people.lists.page(socket, roomOf(room), after as number)
  if (page === undefined) reply.refuse(REFUSED)
  else reply.send([page.rows, page.next])
}

/** `unwatch`: ends a watch, if there is one. */
export function unwatch(socket: AnySocket, args: readonly unknown[], reply: Reply): void {
  const namespace = socket.host as AnyNamespace
  const room = roomOf(args[0])
  const mode = modeOf(args[1])
  const { lists } = namespace.people
  // What the policy makes of it: the client may not know yet.
  const effective = lists.watchMode(room, mode)
  asked.get(socket)?.delete(keyOf(room, effective))
  namespace.runtime.turn.flush()
  lists.unwatch(socket, room, effective)
  reply.send([])
}

/** Watches whose rules have not decided, by socket and list: an `unwatch` behind them ends them too. */
const asked = new WeakMap<AnySocket, Map<string, Set<object>>>()

function keyOf(room: string | null, mode: 'count' | 'users'): string {
  return `${mode}:${room ?? ''}`
}

/** @returns Tells once, when the rule has decided, whether the watch is still wanted. */
function expectVerdict(socket: AnySocket, key: string): () => boolean {
  const token = {}
  const lists = asked.get(socket) ?? new Map<string, Set<object>>()
  const tokens = lists.get(key) ?? new Set()
  asked.set(socket, lists.set(key, tokens.add(token)))
  return () => {
    const waiting = lists.get(key)
    const isWanted = waiting?.delete(token) ?? false
    if (waiting?.size === 0) lists.delete(key)
    return isWanted
  }
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
