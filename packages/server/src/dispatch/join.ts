import { isCount, isThenable, LIMITS } from '@roomcast/protocol'
import type { AnyNamespace } from '../api/namespace'
import type { AnySocket } from '../api/socket'
import type { Position, Soon } from '../cluster/engine'
import { type Missed, readBehind } from '../delivery/missed'
import { soon } from '../delivery/soon'
import type { Stream } from '../delivery/stream'
import { ClientRooms } from '../delivery/tracking'
import type { ResolvedRoomPolicy } from '../options/room-options'
import { readRate } from './rate'
import type { Reply } from './reply'
import { invalid, JOIN_REFUSED, readRoomName } from './request-error'
import { type ShownMessage, show, showRetained } from './room-messages'
import { isAllowed } from './room-rule'

/*
 * join: ask the rule of the room ─► follow the room's log ─► the state of the room at position N ─► in the room,
 * answer with N, then N + 1 and what follows. The last two steps are one: nothing can come in between.
 */

/** What the answer shows of a room. */
interface Snapshot {
  readonly state?: unknown
  readonly messages?: readonly ShownMessage[]
}

/** `join`: puts the client into a room, if the room's rule allows it. PROTOCOL.md, section 12. */
export function join(socket: AnySocket, args: readonly unknown[], reply: Reply): Soon<void> {
  const room = readRoomName(args[0])
  const [, params, position, wanted] = args
  const asked = readPosition(position)
  const rate = readRate(wanted)
  const { streams } = (socket.host as AnyNamespace).inside
  const policy = streams.policyOf(room)
  if (!policy?.authorize || streams.isOwnRoom(room)) return reply.refuse(JOIN_REFUSED)
  const since = policy.history?.read === 'members' ? asked : null
  const tracking = socket.track()
  tracking.client ??= new ClientRooms()
  const { client } = tracking
  const { joining, joined } = client
  const count = client.asked + joined.size - (joined.has(room) ? 1 : 0)
  if (count >= LIMITS.roomsPerSocket) {
    return reply.refuse({ code: 'TOO_MANY_ROOMS', message: `a socket may join ${LIMITS.roomsPerSocket} rooms` })
  }
  // A leave that comes meanwhile takes it out.
  const attempt = {}
  joining.set(room, attempt)
  client.asked++
  const isWanted = () => socket.connected && joining.get(room) === attempt
  const done = () => {
    client.asked--
    if (joining.get(room) === attempt) joining.delete(room)
  }
  const fail = (error: unknown): never => {
    done()
    throw error
  }
  try {
    const work = soon(isAllowed(socket, policy, room, params), (allowed) => {
      if (!isWanted()) return reply.refuse(JOIN_REFUSED)
      if (allowed !== true) return reply.refuse(allowed || JOIN_REFUSED)
      return soon(streams.open(room), (stream) =>
        enter(socket, { room, params, policy, stream, since, rate, isWanted }, reply),
      )
    })
    return isThenable(work) ? work.then(done, fail) : done()
  } catch (error) {
    return fail(error)
  }
}

/** What is to be joined. */
interface Wish {
  readonly room: string
  readonly params: unknown
  readonly policy: ResolvedRoomPolicy
  /** null: a room without positions. */
  readonly stream: Stream | null
  /** Where the client was. */
  readonly since: Position | null
  /** How often it wants latest values; null: as they come. */
  readonly rate: number | null
  /** Whether the client still waits, and has not left since. */
  isWanted(): boolean
}

function enter(socket: AnySocket, wish: Wish, reply: Reply): Soon<void> {
  const { stream, since, room, params, policy, isWanted } = wish
  if (stream !== null && since?.epoch === stream.epoch && since.offset <= stream.top) {
    return withMissed(socket, stream, since.offset, (missed) => {
      if (!isWanted()) return reply.refuse(JOIN_REFUSED)
      const isComplete = missed.lostTo === null && !missed.isCut
      if (isComplete) return admit(socket, wish, since.offset, { isRecovered: true }, reply)
      return enter(socket, { ...wish, since: null }, reply)
    })
  }
  // The position first: what is sent while the state is made comes behind it.
  const at = stream?.top ?? 0
  return soon(snapshotOf(socket, room, params, policy, at), (snapshot) => {
    if (!isWanted()) return reply.refuse(JOIN_REFUSED)
    return admit(socket, wish, at, { isRecovered: false, ...snapshot }, reply)
  })
}

/** Puts the socket into the room, and answers: what follows the answer is what came behind `at`. */
function admit(
  socket: AnySocket,
  { room, params, stream, rate, isWanted }: Wish,
  at: number,
  { isRecovered, ...shown }: Snapshot & { readonly isRecovered: boolean },
  reply: Reply,
): Soon<void> {
  const { inside, runtime } = socket.host as AnyNamespace
  if (stream === null) {
    socket.tracking?.client?.joined.set(room, params)
    reply.send([{ recovered: isRecovered, ...shown }])
    return putIn(socket, room, rate)
  }
  // Closed while its state was made, because nobody was in it for so long.
  if (!stream.isOpen) {
    return reply.refuse({ code: JOIN_REFUSED.code, message: 'the state of the room took too long to make' })
  }
  return withMissed(socket, stream, at, ({ frames, lostTo }) => {
    if (!isWanted()) return reply.refuse(JOIN_REFUSED)
    runtime.turn.flush()
    const since = (frames[0]?.order ?? runtime.order.last + 1) - 1
    inside.streams.enter(socket, stream, false, at, since)
    socket.tracking?.client?.joined.set(room, params)
    reply.send([{ room: stream.number, epoch: stream.epoch, seq: at, recovered: isRecovered, ...shown }])
    if (lostTo !== null) socket.notify(['lost', stream.number, lostTo])
    for (const { frame } of frames) socket.sendFrame(frame)
    // Last: listeners are told of it, and may emit.
    putIn(socket, room, rate)
  })
}

function putIn(socket: AnySocket, room: string, rate: number | null): void {
  const { inside } = socket.host as AnyNamespace
  // To join again is to ask for everything anew.
  if (inside.index.holds(socket, room)) inside.showValues(socket, room)
  else inside.join(socket, room, false)
  inside.chooseRate(socket, room, rate)
}

/** What was sent to a room since, up to the moment when `use` is called. */
function withMissed(socket: AnySocket, stream: Stream, after: number, use: (missed: Missed) => Soon<void>): Soon<void> {
  const { maker, streams } = (socket.host as AnyNamespace).inside
  const { engine, resendBytes } = socket.host.runtime
  const range = { after, upTo: Number.POSITIVE_INFINITY, maxBytes: resendBytes }
  return soon(readBehind(engine, stream, after), (reading) => {
    const missed = reading.missed(range, streams.readerOf(socket), maker)
    reading.end()
    return use(missed)
  })
}

function snapshotOf(
  socket: AnySocket,
  room: string,
  params: unknown,
  { snapshot }: ResolvedRoomPolicy,
  at: number,
): Soon<Snapshot> {
  if (typeof snapshot === 'function') {
    const state = snapshot(socket, room, params) as Soon<unknown>
    return soon(state, (value) => {
      const shown = value === undefined ? {} : { state: value }
      assertSendable(socket, shown)
      return shown
    })
  }
  const { streams } = (socket.host as AnyNamespace).inside
  if (snapshot === 'retained')
    return soon(streams.readRetained(room), (page) => ({ messages: showRetained(socket, page) }))
  if (snapshot === 0) return {}
  return soon(streams.readLast(room, at + 1, snapshot), (page) => ({ messages: show(socket, page) }))
}

/** Before the socket is in the room: a state that cannot be sent refuses. @throws RoomcastError `NOT_ENCODABLE`. */
function assertSendable({ host, id }: AnySocket, shown: Snapshot): void {
  try {
    host.runtime.codec.encode([shown], 0)
  } catch (error) {
    host.runtime.reportFault(error, { where: 'room policy', name: 'snapshot', socketId: id })
    throw error
  }
}

/** `leave`: takes the client out of a room that it has joined. */
export function leave(socket: AnySocket, args: readonly unknown[], reply: Reply): void {
  const room = readRoomName(args[0])
  const client = socket.tracking?.client
  client?.joining.delete(room)
  if (client?.joined.delete(room)) (socket.host as AnyNamespace).inside.leave(socket, room, false)
  reply.send([])
}

/** @throws RoomcastError `INVALID_REQUEST`. */
function readPosition(value: unknown): Position | null {
  if (value === null || value === undefined) return null
  const [epoch, offset] = Array.isArray(value) ? (value as unknown[]) : []
  if (typeof epoch !== 'string' || !isCount(offset)) throw invalid('position is malformed')
  return { epoch, offset }
}
