import {
  type Congestion,
  type DefaultUser,
  io,
  type Manager,
  type Socket,
  type UserEntry,
  type UserWatch,
} from '@roomcast/client'
import { type ClientToServer, type Order, type ServerToClient, sameType } from './events'

/*
 * What the types of the client allow, and what not. Only compiled, never run: `npm run types` and
 * `checks/test/types.test.ts`. A line after `@ts-expect-error` has to be wrong.
 */

declare const socket: Socket<ServerToClient, ClientToServer>
const order: Order = { symbol: 'AAPL', count: 1 }

export function emits() {
  socket.emit('hello')
  socket.emit('say', 'hi', 2)
  socket.emit('order', order, (id) => sameType<typeof id, string>())
  socket.emit('save', () => {})
  // @ts-expect-error there is no such event
  socket.emit('helo')
  // @ts-expect-error the server sends this one
  socket.emit('news', 'hi')
  // @ts-expect-error the second argument is missing
  socket.emit('say', 'hi')
  // @ts-expect-error the second argument is a number
  socket.emit('say', 'hi', '2')
  // @ts-expect-error there is no third argument
  socket.emit('say', 'hi', 2, 3)
  // @ts-expect-error the ack carries a string
  socket.emit('order', order, (id: number) => id)
}

export async function asks() {
  const id = await socket.emitWithAck('order', order)
  sameType<typeof id, string>()
  const nothing = await socket.emitWithAck('save')
  sameType<typeof nothing, void>()
  // @ts-expect-error the order is missing
  await socket.emitWithAck('order')
  // @ts-expect-error the promise takes the place of the callback
  await socket.emitWithAck('order', order, () => {})
  // @ts-expect-error an order has a count
  await socket.emitWithAck('order', { symbol: 'AAPL' })
}

export async function asksInTime() {
  const id = await socket.timeout(500).emitWithAck('order', order)
  sameType<typeof id, string>()
  socket.timeout(500).emit('order', order, (error, reply) => {
    sameType<typeof error, Error | null>()
    sameType<typeof reply, string>()
  })
  socket.timeout(500).emit('say', 'hi', 2)
  // @ts-expect-error the error comes first
  socket.timeout(500).emit('order', order, (reply: string) => reply)
  // @ts-expect-error the time is a number of milliseconds
  socket.timeout('500')
  // @ts-expect-error there is no such event
  socket.timeout(500).emit('helo')
}

export function listens() {
  socket.on('news', (text) => sameType<typeof text, string>())
  socket.on('state', (seats, raw) => {
    sameType<typeof seats, Map<string, number>>()
    sameType<typeof raw, Uint8Array>()
  })
  socket.on('confirm', (question, ack) => {
    sameType<typeof question, string>()
    ack(true)
    // @ts-expect-error the answer is yes or no
    ack('yes')
  })
  socket.once('news', (text) => text.trim()).off('news')
  // A returned value is the ack.
  socket.on('confirm', () => true)
  socket.on('confirm', async () => true)
  // @ts-expect-error so it has the type of the ack
  socket.on('confirm', () => 'yes')
  // @ts-expect-error the client sends this one
  socket.on('say', () => {})
  // @ts-expect-error the text is a string
  socket.on('news', (text: number) => text)
}

export function hearsOfTheConnection() {
  socket.on('connect', () => {})
  socket.on('connect_error', (error) => sameType<typeof error.message, string>())
  socket.on('disconnect', (reason) => reason.trim())
  socket.io.on('state', (state) => sameType<typeof state, 'connected' | 'connecting' | 'idle' | 'waiting'>())
  socket.io.on('reconnect_attempt', (attempt) => attempt.toFixed())
  sameType<typeof socket.state, 'connected' | 'connecting' | 'idle' | 'waiting'>()
  sameType<typeof socket.io.transport, 'polling' | 'websocket' | undefined>()
  socket.lastClose?.code.toFixed()
  sameType<typeof socket.conn.congestion, Congestion>()
  sameType<typeof socket.conn.buffered, number>()
  sameType<ReturnType<typeof socket.conn.drained>, Promise<void>>()
  socket.conn.on('congestion', (congestion) => sameType<typeof congestion, 'high' | 'none' | 'over'>())
  // @ts-expect-error it is counted, and not set
  socket.conn.buffered = 0
  // @ts-expect-error only the library fires this one
  socket.emit('connect')
  socket.onAny((event, ...args) => {
    sameType<typeof event, string>()
    args.at(0)
  })
}

export function makesSockets() {
  const typed: Socket<ServerToClient, ClientToServer> = io('https://example.org')
  const untyped = io('https://example.org', { auth: { token: 'abc' } })
  untyped.emit('anything', 1, new Uint8Array(1), { deep: [1n] })
  untyped.on('anything', (first, second) => [first, second])
  const transports = ['polling', 'websocket']
  io('https://example.org', { transports, retries: 3, upgrade: false, withCredentials: true })
  untyped.maxAge(500).emit('anything')
  // @ts-expect-error a timeout is a number
  io('https://example.org', { timeout: 'long' })
  return typed
}

interface Member {
  readonly id: string
  readonly name: string
  readonly level?: number
}

declare const member: Socket<ServerToClient, ClientToServer, Member>
declare const manager: Manager

export async function logsIn() {
  sameType<typeof member.user, Member | null>()
  member.on('user', (user) => sameType<typeof user, Member | null>())
  const user = await member.login({ token: 'abc' })
  sameType<typeof user, Member>()
  await member.login((answer) => answer({ token: 'abc' }))
  await member.login(async (answer) => answer({ token: await Promise.resolve('abc') }))
  sameType<Awaited<ReturnType<typeof member.logout>>, void>()
  sameType<typeof socket.user, DefaultUser | null>()
  socket.user?.whatever.length
  // @ts-expect-error an id is a string
  socket.user?.id.toFixed()
  // @ts-expect-error credentials are an object
  await member.login('abc')
  // @ts-expect-error a profile has no such field
  member.user?.age
  // @ts-expect-error only the server says who somebody is
  member.user = { id: '1', name: 'Ada' }
  // @ts-expect-error a user has an id
  io<ServerToClient, ClientToServer, { name: string }>()
}

export async function watchesUsers() {
  const watch = await member.watchUsers('lobby')
  sameType<typeof watch, UserWatch<Member>>()
  sameType<ReturnType<typeof watch.list>, readonly UserEntry<Member>[]>()
  sameType<ReturnType<typeof watch.get>, UserEntry<Member> | undefined>()
  sameType<typeof watch.room, string | null>()
  sameType<typeof watch.mode, 'count' | 'users'>()
  watch.on('join', ({ user, devices }) => [user.name.trim(), devices.toFixed()])
  watch.once('change', (entry, before) => sameType<typeof entry, typeof before>())
  watch.on('update', () => watch.count.toFixed()).on('stop', (error) => error?.code.trim())
  for await (const entries of watch) sameType<typeof entries, readonly UserEntry<Member>[]>()
  watch.off('join').stop()
  await member.watchUsers()
  await member.watchUsers(null, { mode: 'count' })
  // @ts-expect-error there is no such mode
  await member.watchUsers('lobby', { mode: 'all' })
  // @ts-expect-error a room is a string
  await member.watchUsers(1)
  // @ts-expect-error the list is not the caller's to change
  watch.list().push()
  // @ts-expect-error there is no such event
  watch.on('joined', () => {})
  // @ts-expect-error a profile has no such field
  watch.get('1')?.user.age
}

/** A program that had an event `user` before there were logins. */
interface Ported {
  user: (name: string, seat: number) => void
}

export function keepsItsOwnEvents(ported: Socket<Ported>, untyped: Socket) {
  ported.on('user', (name, seat) => {
    sameType<typeof name, string>()
    sameType<typeof seat, number>()
  })
  ported.emit('user', 'Ada', 1)
  untyped.on('user', (name: string, seat: number) => [name, seat])
}

export function makesSocketsOfUsers() {
  const made = io<ServerToClient, ClientToServer, Member>('https://example.org', { auth: { token: 'abc' } })
  sameType<typeof made.user, Member | null>()
  const managed = manager.socket<ServerToClient, ClientToServer, Member>('/')
  sameType<typeof managed, typeof member>()
}
