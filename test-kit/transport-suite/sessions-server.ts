import { Server, type Socket } from '@roomcast/server'
import { FaultProxy } from '../fault-proxy'
import { addRooms } from './rooms-server'

/**
 * A server that keeps sessions, with the rooms of {@link addRooms}, behind a proxy of its own. It finds out soon that a link is gone, on
 * polling too. Its namespace `/rooms` has besides:
 *
 *   get lost room, count, own    cuts all links, and lets nobody in until the server has missed the caller and has said `count` messages
 *                                in the room, and has sent the caller "told" with the numbers below `own`
 *   note and get lost key, value    remembers the value, and cuts all links before it answers
 *   notes of key                 answers with the values of this key so far
 *   take out room                takes the caller out of a room
 */
export class SessionsServer implements AsyncDisposable {
  private readonly io: Server
  private readonly notes = new Map<string, unknown[]>()

  private constructor(
    private readonly proxy: FaultProxy,
    onError: (error: unknown) => void,
  ) {
    // Pages are of another server.
    const cors = { origin: '*' }
    this.io = new Server({ onError, cors, connectionStateRecovery: true, pingInterval: 500, pingTimeout: 500 })
    const say = addRooms(this.io, (socket) => this.welcome(socket, say))
  }

  static async start(onError: (error: unknown) => void): Promise<SessionsServer> {
    const proxy = await FaultProxy.start(0)
    const server = new SessionsServer(proxy, onError)
    await server.io.listen({ port: 0, host: '127.0.0.1' })
    proxy.serverPort = server.io.port
    return server
  }

  get url(): string {
    return this.proxy.url
  }

  /** Connections that it has. */
  get population(): number {
    return this.io.engine.clientsCount
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.io.close()
    await this.proxy[Symbol.asyncDispose]()
  }

  private welcome(socket: Socket, say: ReturnType<typeof addRooms>): void {
    socket.on('get lost', async (room: string, count: number, own: number) => {
      await this.loseLink(socket)
      say(room, count)
      // The socket has ended; its session has not.
      for (let n = 0; n < own; n++) socket.nsp.to(socket.id).emit('told', n)
      this.proxy.pass()
    })
    socket.on('note and get lost', async (key: string, value: unknown) => {
      this.notes.set(key, [...(this.notes.get(key) ?? []), value])
      await this.loseLink(socket)
      this.proxy.pass()
      return value
    })
    socket.on('notes of', (key: string) => this.notes.get(key) ?? [])
    socket.on('take out', (room: string) => socket.leave(room))
  }

  /** Cuts all links, lets no new one through, and waits until the server has missed a socket. */
  private async loseLink(socket: Socket): Promise<void> {
    const isMissed = new Promise((resolve) => socket.on('disconnect', resolve))
    this.proxy.refuse()
    this.proxy.cut()
    await isMissed
  }
}
