import { RoomcastError, Server, type Socket } from '@roomcast/server'
import { FaultProxy } from '../fault-proxy'

/** Messages that a room `short:…` keeps. */
export const SHORT_HISTORY = 3
/** Messages that who joins a room `book:…` is shown. */
export const SHOWN = 5

/**
 * Gives a server the namespace `/rooms`:
 *
 *   book:…     keeps 40 messages, and shows the last 5
 *   short:…    keeps 3, and its state is `{ said }`, how many there were so far
 *   bare:…     keeps none: no positions
 *   guarded:…  wants `params.word` to be "please"
 *   any other  may not be joined
 *
 *   say room, count       sends "said" with the next numbers of this room, from 0, at once, then answers
 *   say slowly room, count    the same, one in a turn; answers before the first
 *
 * @param welcome  What else a socket gets.
 */
export function addRooms(io: Server, welcome: (socket: Socket) => void): void {
  const said = new Map<string, number>()
  const rooms = io.of('/rooms')
  const isPolite = (_joiner: unknown, room: string, params: unknown) => {
    const { word } = Object(params)
    if (word === 'please') return true
    if (word === undefined) return false
    throw new RoomcastError('RUDE', 'say please', { data: { room, word } })
  }
  const anybody = () => true
  const countOf = (_joiner: unknown, room: string) => ({ said: said.get(room) ?? 0 })
  rooms.rooms('book:*', { authorize: anybody, history: { messages: 40 }, snapshot: SHOWN })
  rooms.rooms('short:*', { authorize: anybody, history: { messages: SHORT_HISTORY }, snapshot: countOf })
  rooms.rooms('bare:*', { authorize: anybody, history: false })
  rooms.rooms('guarded:*', { authorize: isPolite })

  const say = (room: string, count: number) => {
    for (let i = 0; i < count; i++) {
      const n = said.get(room) ?? 0
      said.set(room, n + 1)
      rooms.to(room).emit('said', n)
    }
  }
  const saySlowly = (room: string, count: number) => {
    if (count === 0) return
    say(room, 1)
    setImmediate(saySlowly, room, count - 1)
  }
  rooms.on('connection', (socket) => {
    welcome(socket)
    socket.on('say', (room: string, count: number) => {
      say(room, count)
      return count
    })
    socket.on('say slowly', (room: string, count: number) => {
      setImmediate(saySlowly, room, count)
      return count
    })
  })
}

/**
 * A server that keeps sessions, with the namespace `/rooms`, behind a proxy of its own. It finds out soon that a link is gone, on polling
 * too. Beside what {@link addRooms} has:
 *
 *   get lost work, key    cuts all links and lets nobody in until the server has missed the caller; then "works" as many times
 *                         as `work` says: `{ room, count }` says something in a room, `{ own }` sends "told" to the caller
 *   note and get lost key, value    remembers the value, and loses its link before it has answered; notes of key   the values so far
 */
export class SessionsServer implements AsyncDisposable {
  private readonly notes = new Map<string, unknown[]>()

  private constructor(
    private readonly io: Server,
    private readonly proxy: FaultProxy,
  ) {
    addRooms(io, (socket) => this.welcome(socket))
  }

  static async start(onError: (error: unknown) => void): Promise<SessionsServer> {
    const io = new Server({
      onError,
      connectionStateRecovery: true,
      pingInterval: 500,
      pingTimeout: 500,
      // Pages are of another server.
      cors: { origin: '*' },
    })
    await io.listen({ port: 0, host: '127.0.0.1' })
    return new SessionsServer(io, await FaultProxy.start(io.port))
  }

  get url(): string {
    return this.proxy.url
  }

  get population(): number {
    return this.io.engine.clientsCount
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.io.close()
    await this.proxy[Symbol.asyncDispose]()
  }

  private welcome(socket: Socket): void {
    socket.on('get lost', (told: number) => {
      this.loseLink(socket, () => {
        for (let n = 0; n < told; n++) this.io.of('/rooms').to(socket.id).emit('told', n)
      })
    })
    socket.on('note and get lost', async (key: string, value: unknown) => {
      this.notes.set(key, [...(this.notes.get(key) ?? []), value])
      await new Promise<void>((resolve) => this.loseLink(socket, resolve))
      return value
    })
    socket.on('notes of', (key: string) => this.notes.get(key) ?? [])
    socket.on('take out', (room: string) => socket.leave(room))
  }

  private loseLink(socket: Socket, whileAway: () => void): void {
    socket.on('disconnect', () => {
      whileAway()
      this.proxy.pass()
    })
    this.proxy.refuse()
    this.proxy.cut()
  }
}
