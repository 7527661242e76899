import { type ErrorBody, isRoomcastError, isThenable, toErrorBody } from '@roomcast/protocol'
import type { AnySocket } from '../api/socket'
import type { Soon } from '../cluster/engine'
import type { ResolvedRoomPolicy } from '../options/room-options'

/** Asks the rule of a room. @returns true, or the error of the rule's own; false for none. Never rejects. */
export function isAllowed(
  socket: AnySocket,
  { authorize }: ResolvedRoomPolicy,
  room: string,
  params: unknown,
): Soon<ErrorBody | boolean> {
  const fail = (error: unknown): ErrorBody | false => {
    if (isRoomcastError(error)) return toErrorBody(error, error.code, error.message)
    socket.host.runtime.reportFault(error, { where: 'room policy', name: 'authorize', socketId: socket.id })
    return false
  }
  try {
    const answer = authorize?.(socket, room, params) ?? false
    return isThenable(answer) ? answer.then((allowed) => allowed === true, fail) : answer === true
  } catch (error) {
    return fail(error)
  }
}
