import type { Gap, Room, RoomcastError, RoomMessage, Socket } from '@roomcast/client'
import { type ClientToServer, type Order, type ServerToClient, sameType } from './events'

/* Rooms that clients join, gaps, and calls that take effect once; see client.ts. */

declare const socket: Socket<ServerToClient, ClientToServer>
const order: Order = { symbol: 'AAPL', count: 1 }

interface Table {
  readonly seats: number
}

export async function joins() {
  const room = await socket.join<Table>('table:7', { stake: 5 }, { timeout: 2_000 })
  sameType<typeof room, Room<ServerToClient, Table>>()
  sameType<typeof room.state, Table | undefined>()
  sameType<typeof room.messages, readonly RoomMessage[]>()
  sameType<typeof room.seq, number | undefined>()
  sameType<typeof room.recovered | typeof room.isJoined, boolean>()
  const unknownRoom = await socket.join('table:8')
  sameType<typeof unknownRoom.state, unknown>()
  sameType<Awaited<ReturnType<typeof room.leave>>, void>()
  // @ts-expect-error a room is a string
  await socket.join(7)
  // @ts-expect-error milliseconds are a number
  await socket.join('table:7', null, { timeout: '2 s' })
  await socket.join('table:7', null, { maxRate: 10 })
  sameType<typeof room.maxRate, number | undefined>()
  sameType<ReturnType<typeof room.setMaxRate>, Promise<void>>()
  await room.setMaxRate(undefined)
  // @ts-expect-error times a second are a number
  await room.setMaxRate('10')
  // @ts-expect-error it is asked for with setMaxRate
  room.maxRate = 10
  // @ts-expect-error a table has no such field
  room.state?.chairs
  // @ts-expect-error the state may be missing
  room.state.seats
  // @ts-expect-error where it stands is the library's to know
  room.seq = 3
}

export async function listensInRooms(room: Room<ServerToClient>) {
  room.on('news', (text) => sameType<typeof text, string>())
  room.once('state', (seats, raw) => {
    sameType<typeof seats, Map<string, number>>()
    sameType<typeof raw, Uint8Array>()
  })
  room.on('rejoin', (recovered) => sameType<typeof recovered, boolean>())
  room.on('snapshot', () => room.messages.length)
  room.on('gap', (gap) => sameType<typeof gap, Gap>())
  room.on('closed', (error) => sameType<typeof error, RoomcastError>()).off('news')
  // @ts-expect-error the client sends this one
  room.on('say', () => {})
  // @ts-expect-error the text is a string
  room.on('news', (text: number) => text)
  // @ts-expect-error there is no such event
  room.on('close', () => {})
  // @ts-expect-error a room is listened to; what clients say goes to the server
  room.emit('news', 'hi')
}

export async function readsHistory(room: Room<ServerToClient>) {
  const messages = await room.history({ limit: 20, before: room.seq })
  sameType<typeof messages, RoomMessage[]>()
  await room.history()
  // @ts-expect-error a limit is a number
  await room.history({ limit: '20' })
  // @ts-expect-error there is no such option
  await room.history({ after: 3 })
}

export function hearsOfGaps() {
  socket.on('gap', ({ room, from, to, repaired }) => {
    sameType<typeof room, string | null>()
    sameType<typeof from | typeof to, number>()
    sameType<typeof repaired, boolean>()
  })
  sameType<typeof socket.recovered, boolean>()
  // @ts-expect-error a gap has no such field
  socket.on('gap', ({ lost }) => lost)
  // @ts-expect-error only the library says so
  socket.recovered = true
}

/** A program that had an event `gap` before the library did. */
interface Fences {
  gap: (metres: number) => void
}

export async function keepsItsOwnEvents(ported: Socket<Fences>, untyped: Socket) {
  ported.on('gap', (metres) => sameType<typeof metres, number>())
  ported.emit('gap', 3)
  untyped.on('gap', (metres: number, side: string) => [metres, side])
  const room = await untyped.join('garden')
  room.on('anything', (first, second) => [first, second])
  // @ts-expect-error in the types of this program it is a number of metres
  ported.on('gap', ({ repaired }) => repaired)
}

export async function callsOnce() {
  socket.idempotent.emit('say', 'hi', 2)
  socket.idempotent.emit('order', order, (id) => sameType<typeof id, string>())
  const id = await socket.idempotent.emitWithAck('order', order)
  sameType<typeof id, string>()
  const timed = await socket.idempotent.timeout(5_000).emitWithAck('order', order)
  sameType<typeof timed, string>()
  socket
    .maxAge(5_000)
    .idempotent.timeout(5_000)
    .emit('order', order, (error, reply) => {
      sameType<typeof error, Error | null>()
      sameType<typeof reply, string>()
    })
  // @ts-expect-error there is no such event
  socket.idempotent.emit('helo')
  // @ts-expect-error the second argument is missing
  socket.idempotent.emit('say', 'hi')
  // @ts-expect-error an order has a count
  await socket.idempotent.emitWithAck('order', { symbol: 'AAPL' })
  // @ts-expect-error with a time the error comes first
  socket.idempotent.timeout(5_000).emit('order', order, (reply: string) => reply)
  // @ts-expect-error it is no function
  socket.idempotent()
}
