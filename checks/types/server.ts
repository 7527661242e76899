import { Server, type Socket } from '@roomcast/server'
import type { ClientToServer, Order, ServerToClient, ServerToServer, SocketData } from './events'
import { sameType } from './events'

/* What the types of the server allow, and what not; see client.ts. */

type TypedServer = Server<ClientToServer, ServerToClient, ServerToServer, SocketData>
type TypedSocket = Socket<ClientToServer, ServerToClient, ServerToServer, SocketData>

declare const io: TypedServer
declare const socket: TypedSocket

export function makesServers() {
  const untyped = new Server()
  untyped.emit('anything', 1)
  untyped.on('connection', (any) => any.on('anything', (first, second) => [first, second]))
  return new Server<ClientToServer, ServerToClient>({ pingInterval: 5000 })
}

export function handles() {
  io.on('connection', (connected) => {
    sameType<typeof connected, TypedSocket>()
  })
  socket.on('say', (text, count) => {
    sameType<typeof text, string>()
    sameType<typeof count, number>()
  })
  socket.on('order', (order, ack) => {
    sameType<typeof order, Order>()
    ack('id')
    // @ts-expect-error an id is a string
    ack(1)
  })
  // A returned value, now or later, is the ack.
  socket.on('order', (order) => order.symbol)
  socket.on('order', async (order) => order.symbol)
  // @ts-expect-error so it has the type of the ack
  socket.on('order', (order) => order.count)
  // @ts-expect-error also when it comes later
  socket.on('order', async (order) => order.count)
  // @ts-expect-error the server sends this one
  socket.on('news', () => {})
  socket.on('disconnect', (reason) => reason.trim())
  socket.on('disconnecting', () => socket.rooms.has('lobby'))
}

export async function looksAfterConnections() {
  io.on('connection', (socket) => {
    sameType<typeof socket.conn.transport.name, 'polling' | 'websocket'>()
    socket.conn.once('upgrade', (transport) => sameType<typeof transport.name, 'polling' | 'websocket'>())
    // @ts-expect-error there is no such event
    socket.conn.on('upgraded', () => {})
  })
  new Server({ transports: ['websocket'], allowUpgrades: false, upgradeTimeout: 5_000 })
  new Server({ cors: { origin: 'https://example.org', credentials: true, allowedHeaders: ['x-trace'], maxAge: 600 } })
  await io.close()
  await io.close({ retryAfterMs: 2_000 })
  // @ts-expect-error milliseconds are a number
  await io.close({ retryAfterMs: '2 s' })
}

export function emits() {
  socket.emit('news', 'hi')
  socket.emit('state', new Map([['a', 1]]), new Uint8Array(1))
  socket.emit('confirm', 'sure?', (yes) => sameType<typeof yes, boolean>())
  // @ts-expect-error the client sends this one
  socket.emit('say', 'hi', 2)
  // @ts-expect-error the text is a string
  socket.emit('news', 1)
  // @ts-expect-error the seats are numbers
  socket.emit('state', new Map([['a', '1']]), new Uint8Array(1))
  // @ts-expect-error only the library fires this one
  socket.emit('disconnect', 'bye')
}

export async function asks() {
  const yes = await socket.emitWithAck('confirm', 'sure?')
  sameType<typeof yes, boolean>()
  const timed = await socket.timeout(500).emitWithAck('confirm', 'sure?')
  sameType<typeof timed, boolean>()
  socket.timeout(500).emit('confirm', 'sure?', (error, answer) => {
    sameType<typeof error, Error | null>()
    sameType<typeof answer, boolean>()
  })
  // @ts-expect-error the question is missing
  await socket.emitWithAck('confirm')
}

export function broadcasts() {
  io.emit('news', 'hi')
  io.to('a').to(['b', 'c']).except('d').emit('news', 'hi')
  socket.to('a').emit('news', 'hi')
  socket.broadcast.emit('news', 'hi')
  io.volatile.to('a').emit('news', 'hi')
  io.latest('key').to('a').emit('news', 'hi')
  io.of('/admin').to('a').latest('key').emit('news', 'hi')
  socket.latest('key').emit('news', 'hi')
  socket.to('a').latest('key').emit('news', 'hi')
  // @ts-expect-error a key is a text
  io.to('a').latest(7)
  // @ts-expect-error the text is a string
  io.to('a').latest('key').emit('news', 1)
  io.local.emit('news', 'hi')
  io.of('/admin').emit('news', 'hi')
  // @ts-expect-error the text is a string
  io.to('a').emit('news', 1)
  // @ts-expect-error there is no such event
  io.to('a').emit('new', 'hi')
  // @ts-expect-error the client sends this one
  socket.broadcast.emit('say', 'hi', 2)
  // @ts-expect-error a room is a string
  io.to(1)
}

export async function asksMany() {
  const answers = await io.timeout(500).to('a').emitWithAck('confirm', 'sure?')
  sameType<typeof answers, boolean[]>()
  io.timeout(500).emit('confirm', 'sure?', (error, all) => {
    sameType<typeof error, Error | null>()
    sameType<typeof all, boolean[]>()
  })
  // @ts-expect-error there are several answers
  io.timeout(500).emit('confirm', 'sure?', (error: Error | null, answer: boolean) => [error, answer])
}

export async function keepsData() {
  socket.data.name = 'Ada'
  socket.data.level = 3
  // @ts-expect-error the name is a string
  socket.data.name = 1
  // @ts-expect-error there is no such field
  socket.data.age = 30
  for (const remote of await io.in('a').fetchSockets()) {
    const name: string | undefined = remote.data.name
    remote.emit('news', `hi ${name}`)
    // @ts-expect-error the text is a string
    remote.emit('news', 1)
  }
}

export function joins() {
  socket.join('a')
  socket.join(['a', 'b'])
  socket.leave('a')
  // @ts-expect-error a room is a string
  socket.join(1)
  io.socketsJoin('a')
  io.in('a').socketsLeave('b')
  io.in('a').disconnectSockets(true)
}

export function guards() {
  io.use((connecting, next) => {
    sameType<typeof connecting, TypedSocket>()
    next()
    next(new Error('no'))
    // @ts-expect-error a refusal is an error
    next('no')
  })
  socket.use(([event], next) => {
    sameType<typeof event, string>()
    next()
  })
}

interface Player {
  readonly id: string
  readonly name: string
  readonly score: number
}

export async function knowsUsers() {
  const game = new Server<ClientToServer, ServerToClient, ServerToServer, SocketData, Player>({
    login: async (credentials, context) => {
      sameType<typeof context.user, Player | null>()
      sameType<typeof context.signal, AbortSignal>()
      return { id: credentials.id, name: 'Ada', score: 0, expiresAt: new Date(), claims: { role: 'admin' } }
    },
    presence: { watch: (watcher, room) => watcher.user?.score !== undefined && room !== null },
  })
  game.on('connection', (player) => sameType<typeof player.user, Player | null>())
  game.on('login', (player, before) => {
    sameType<typeof player.user, Player | null>()
    sameType<typeof before, Player | null>()
  })
  const [entry] = await game.users('table').list()
  sameType<NonNullable<typeof entry>['user'], Player>()
  game.users().on('join', ({ user, devices, joinedAt }) => {
    sameType<typeof user, Player>()
    sameType<typeof devices | typeof joinedAt, number>()
  })
  // @ts-expect-error there is no such event
  game.users().on('joined', () => {})
  sameType<Awaited<ReturnType<typeof game.online>>, Set<string>>()
  await game.updateUser('ada', { score: 5 })
  // @ts-expect-error a score is a number
  await game.updateUser('ada', { score: '5' })
  // @ts-expect-error the id is what a user is known by
  await game.updateUser('ada', { id: 'bob' })
  game.toUser('ada').except('table').emit('news', 'text')
  game.rooms('table:*', { presence: { mode: 'count', graceMs: 0, watch: 'members' } })
  // @ts-expect-error there is no such mode
  game.rooms('table:*', { presence: { mode: 'names' } })
  game.of('/lobby').useLogin(null)
  const noScore = () => ({ id: 'x', name: 'X' })
  // @ts-expect-error a player has a score
  game.useLogin(noScore)

  const untyped = new Server({ login: ({ name }) => ({ id: name, name }) })
  untyped.on('connection', ({ user }) => user?.anything)
}
