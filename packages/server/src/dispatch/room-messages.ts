import { type ErrorBody, isCount, LIMITS } from '@roomcast/protocol'
import type { AnyNamespace } from '../api/namespace'
import type { AnySocket } from '../api/socket'
import type { LogPage, Soon } from '../cluster/engine'
import { isMeantFor } from '../delivery/reader'
import { soon } from '../delivery/soon'
import { unpackMessage } from '../delivery/stored-message'
import type { Reply } from './reply'
import { invalid, readRoomName } from './request-error'

const HISTORY_REFUSED: ErrorBody = { code: 'HISTORY_REFUSED', message: 'the messages of this room may not be read' }

/** A message as clients are shown it. */
export type ShownMessage = readonly [position: number, at: number, frame: Uint8Array]

/** `history`: the last messages in front of a position. */
export function history(socket: AnySocket, args: readonly unknown[], reply: Reply): Soon<void> {
  const room = readRoomName(args[0])
  const [, limit, before] = args
  if (!isCount(limit) || limit < 1) throw invalid('limit is no number from 1')
  if (!(before === null || before === undefined || isCount(before))) throw invalid('before is no position')
  const { streams, index } = (socket.host as AnyNamespace).inside
  const mayRead = streams.policyOf(room)?.history?.read === 'members' && index.holds(socket, room)
  if (!mayRead) return reply.refuse(HISTORY_REFUSED)
  const most = Math.min(limit, LIMITS.historyPageMessages)
  return soon(readShown(socket, room, before ?? null, most), (messages) => reply.send([messages]))
}

/** The last messages that a client may see; an empty list is the beginning. */
function readShown(socket: AnySocket, room: string, before: number | null, limit: number): Soon<ShownMessage[]> {
  const { streams } = (socket.host as AnyNamespace).inside
  return soon(streams.readLast(room, before, limit), (page) => {
    const shown = show(socket, page)
    const [first] = page.items
    return shown.length > 0 || first === undefined ? shown : readShown(socket, room, first.offset, limit)
  })
}

/** All that are retained; what is more than a client can be sent at once is a fault of the rules. */
export function showRetained(socket: AnySocket, page: LogPage): ShownMessage[] {
  const { runtime } = socket.host
  const shown = show(socket, page, runtime.resendBytes)
  const isCut = page.items.reduce((sum, { frame }) => sum + frame.length, 0) > runtime.resendBytes
  if (isCut || !page.isGapless) {
    const fault = new RangeError(
      'retained values are more than is kept, or than can be sent at once; the oldest were left out',
    )
    runtime.reportFault(fault, { where: 'room policy', name: 'snapshot', socketId: socket.id })
  }
  return shown
}

/** Messages as this client may see them, the newest that fit. */
export function show(
  socket: AnySocket,
  { items }: LogPage,
  maxBytes: number = LIMITS.historyPageBytes,
): ShownMessage[] {
  const reader = (socket.host as AnyNamespace).inside.streams.readerOf(socket)
  // Whoever said something to the others sees it in what was said.
  const names = new Set(reader.names)
  names.delete(socket.id)
  const shown: ShownMessage[] = []
  let bytes = 0
  for (const item of [...items].reverse()) {
    const message = unpackMessage(item.frame)
    const { frame } = message
    if (!isMeantFor({ names, places: [] }, message, null)) continue
    bytes += frame.length
    if (bytes > maxBytes && shown.length > 0) break
    shown.push([item.offset, item.at, frame])
  }
  return shown.reverse()
}
