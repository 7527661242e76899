import type { AnyNamespace } from '../api/namespace'
import type { AnySocket } from '../api/socket'
import { isRate } from '../egress/rate-steps'
import type { Reply } from './reply'
import { invalid, JOIN_REFUSED, readRoomName } from './request-error'

/** `rate`: how often a client wants latest values of a room that it has joined. PROTOCOL.md, section 12. */
export function setRate(socket: AnySocket, [name, wanted]: readonly unknown[], reply: Reply): void {
  const room = readRoomName(name)
  const rate = readRate(wanted)
  const { inside } = socket.host as AnyNamespace
  const isIn = socket.tracking?.client?.joined.has(room) && inside.index.holds(socket, room)
  if (!isIn) return reply.refuse(JOIN_REFUSED)
  inside.chooseRate(socket, room, rate)
  reply.send([])
}

/** Times a second; null for as they come. @throws RoomcastError `INVALID_REQUEST`. */
export function readRate(value: unknown): number | null {
  if (value === null || value === undefined) return null
  if (!isRate(value)) throw invalid('rate is no number from 0.01 to 1000')
  return value
}
