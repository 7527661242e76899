import { RoomcastError, Server, type ServerOptions, type Socket } from '@roomcast/server'
import { FaultProxy } from '../fault-proxy'
import type { Control } from './environment'
import { addRooms } from './rooms-server'
import { SessionsServer } from './sessions-server'

/** Text of errors that handlers throw because a scenario wants them to. */
const ON_PURPOSE = 'on purpose'

/** Answers to call back with, or an ack that nobody calls. */
type Ack = (...results: unknown[]) => void

/** Options of a {@link SuiteServer}. */
export interface SuiteServerOptions extends ServerOptions {
  /** What it serves over HTTP, by path. */
  readonly files?: Readonly<Record<string, { readonly type: string; readonly text: string }>>
}

/**
 * What scenarios talk to: a server with the handlers they need, behind a proxy that can cut its links.
 *
 *   echo ...args           answers with the arguments
 *   note key, value        remembers the value; notes key   answers with the values of this key so far
 *   some notes key, from, count    answers with some of them; count of notes key    with their number
 *   end of id              answers with the reason for which that socket was disconnected, or null
 *   park key               answers when unpark key comes, from whomever
 *   ticks n                sends n events "tick" with 0, 1, … and then answers with n
 *   call event, ms, ...    calls the client, and answers with { results } or { code }
 *   send event, ...args    sends the event to the client
 *   broadcast room, except, event, ...args    sends it to a room, then answers
 *
 *   user                   answers with the user
 *   sessions url           answers with the address of a server that keeps sessions, see {@link SessionsServer}
 *
 * Namespaces: `/`, and every `/n-…`, with the same handlers; `/guarded` wants `auth.word` to be "please"; in `/people` everybody is who
 * they say, unless `isWrong`, and members may watch the lists of their rooms; `/rooms` is for clients that join by themselves, see {@link addRooms}.
 */
export class SuiteServer implements AsyncDisposable {
  /** What handlers threw, and not on purpose. */
  readonly faults: unknown[] = []
  private io: Server
  private sessions: SessionsServer | undefined
  private readonly notes = new Map<string, unknown[]>()
  private readonly ends = new Map<string, string>()
  private readonly parked = new Map<string, Ack>()

  private constructor(
    private readonly options: SuiteServerOptions,
    private readonly proxy: FaultProxy,
  ) {
    this.io = this.create()
  }

  static async start(options: SuiteServerOptions = {}): Promise<SuiteServer> {
    const server = new SuiteServer(options, await FaultProxy.start(0))
    await server.listen()
    server.sessions = await SessionsServer.start((error) => server.onError(error))
    return server
  }

  /** Address for clients, which stays when the server restarts. */
  get url(): string {
    return this.proxy.url
  }

  get control(): Control {
    return {
      cut: async () => this.proxy.cut('reset'),
      restart: async () => {
        await this.io.close()
        this.io = this.create()
        await this.listen()
      },
      population: async () => this.io.engine.clientsCount + (this.sessions?.population ?? 0),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sessions?.[Symbol.asyncDispose]()
    await this.io.close()
    await this.proxy[Symbol.asyncDispose]()
  }

  private async listen(): Promise<void> {
    await this.io.listen({ port: 0, host: '127.0.0.1' })
    this.proxy.serverPort = this.io.port
  }

  private create(): Server {
    const { files = {}, ...options } = this.options
    const io = new Server({
      onError: (error) => this.onError(error),
      // Calls within calls: in order, the inner one would wait for the handler that waits for it.
      concurrency: Number.POSITIVE_INFINITY,
      // Bursts of 10,000 events: it is about transports.
      rateLimits: false,
      ...options,
    })
    io.http((request) => {
      const file = files[new URL(request.url).pathname]
      return file && new Response(file.text, { headers: { 'content-type': file.type } })
    })
    io.on('connection', (socket) => this.welcome(io, socket))
    io.of(/^\/n-/).on('connection', (socket) => this.welcome(io, socket))
    io.of('/guarded')
      .use(({ handshake }, next) => {
        if (handshake.auth?.word === 'please') return next()
        next(Object.assign(new Error('say please'), { data: { heard: handshake.auth ?? null } }))
      })
      .on('connection', (socket) => this.welcome(io, socket))
    io.of('/people')
      .useLogin(({ isWrong, ...user }) => (isWrong ? null : user))
      .rooms('*', { presence: { watch: 'members', flushMs: 25, graceMs: 2_000 } })
      .on('connection', (socket) => this.welcome(io, socket))
    addRooms(io, (socket) => this.welcome(io, socket))
    return io
  }

  private onError(error: unknown): void {
    if (!(error instanceof Error && error.message === ON_PURPOSE)) this.faults.push(error)
  }

  private welcome(io: Server, socket: Socket): void {
    socket.on('disconnect', (reason) => this.ends.set(socket.id, reason))
    this.answerQuestions(socket)
    this.failOnPurpose(socket)
    socket.on('ticks', (count: number) => {
      for (let n = 0; n < count; n++) socket.emit('tick', n)
      return count
    })
    socket.on('mixed ticks', (count: number) => this.mixedTicks(socket, count))
    socket.on('send', (event: string, ...args: unknown[]) => void socket.emit(event, ...args))
    socket.on('send volatile', (event: string, ...args: unknown[]) => void socket.volatile.emit(event, ...args))
    socket.on('call', async (event: string, ms: number, ...args: unknown[]) => {
      try {
        return { results: await socket.timeout(ms).emitWithAck(event, ...withoutAck(args)) }
      } catch (error) {
        return { code: (error as RoomcastError).code, message: (error as Error).message }
      }
    })
    socket.on('join', (rooms: string[]) => {
      socket.join(rooms)
      return rooms.length
    })
    socket.on('leave', (room: string) => {
      socket.leave(room)
      return room
    })
    socket.on('broadcast', (room: string, except: string[], event: string, ...args: unknown[]) => {
      socket.nsp
        .to(room)
        .except(except)
        .emit(event, ...withoutAck(args))
      return room
    })
    socket.on('to others', (room: string, event: string, ...args: unknown[]) => {
      socket.to(room).emit(event, ...withoutAck(args))
      return room
    })
    socket.on('farewell', (words: string[], close: boolean) => {
      for (const word of words) socket.emit('word', word)
      socket.disconnect(close)
    })
    socket.on('connections', (ack: Ack) => ack(io.engine.clientsCount))
  }

  private answerQuestions(socket: Socket): void {
    socket.on('echo', (...args: unknown[]) => {
      const ack = args.pop() as Ack
      ack(...args)
    })
    socket.on('size', (bytes: Uint8Array) => bytes.length)
    socket.on('transport', () => socket.conn.transport.name)
    socket.on('id', () => socket.id)
    socket.on('user', () => socket.user)
    socket.on('sessions url', () => this.sessions?.url)
    socket.on('auth', () => socket.handshake.auth ?? null)
    socket.on('note', (key: string, value: unknown, ack?: Ack) => {
      const values = this.notes.get(key) ?? []
      this.notes.set(key, values)
      values.push(value)
      ack?.(value)
    })
    socket.on('notes', (key: string) => this.notes.get(key) ?? [])
    socket.on('some notes', (key: string, from: number, count: number) => {
      return (this.notes.get(key) ?? []).slice(from, from + count)
    })
    socket.on('count of notes', (key: string) => this.notes.get(key)?.length ?? 0)
    socket.on('end of', (id: string) => this.ends.get(id) ?? null)
    socket.on('park', (key: string, ack: Ack) => void this.parked.set(key, ack))
    socket.on('unpark', (key: string, value: unknown) => {
      this.parked.get(key)?.(value)
      return this.parked.delete(key)
    })
  }

  private failOnPurpose(socket: Socket): void {
    socket.on('fail with a code', () => {
      throw new RoomcastError('OUT_OF_STOCK', 'none left', { data: { left: 0 } })
    })
    socket.on('fail', () => {
      throw new Error(ON_PURPOSE)
    })
    socket.on('fail later', async () => {
      await null
      throw new Error(ON_PURPOSE)
    })
    socket.on('never', (_ack: Ack) => {})
  }

  /** Events of different shapes, each fourth a call. Its answers are noted. */
  private mixedTicks(socket: Socket, count: number): void {
    for (let n = 0; n < count; n++) {
      if (n % 4 === 0) socket.emit('tick', n, (answer: unknown) => this.note(`answers of ${socket.id}`, answer))
      else if (n % 4 === 1) socket.emit('tick', n, new Uint8Array(n))
      else if (n % 4 === 2) socket.emit('tick', n, { text: 'ü'.repeat(n % 50) })
      else socket.emit('tick', n)
    }
  }

  private note(key: string, value: unknown): void {
    this.notes.set(key, [...(this.notes.get(key) ?? []), value])
  }
}

/** Arguments of an event that was called, without its ack. */
function withoutAck(args: unknown[]): unknown[] {
  return args.filter((arg) => typeof arg !== 'function')
}
