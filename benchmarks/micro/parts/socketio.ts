import { EventEmitter } from 'node:events'
import { Server, type Socket } from 'socket.io'

/** A connection of Engine.IO that takes everything at once. */
class FakeEngineConnection extends EventEmitter {
  readonly protocol = 4
  readonly readyState = 'open'
  readonly remoteAddress = '127.0.0.1'
  readonly request = { headers: { host: '127.0.0.1' }, url: '/socket.io/', connection: {}, _query: { EIO: '4' } }
  readonly transport = { name: 'websocket', writable: true }

  constructor(
    readonly id: string,
    private readonly outgoing: SocketIoOutgoing,
  ) {
    super()
  }

  write(packet: Buffer | string): void {
    this.outgoing.take(packet)
  }

  close(): void {
    throw new Error('the server closed the connection')
  }
}

/** What left a server. */
export class SocketIoOutgoing {
  packets = 0
  bytes = 0
  last: Buffer | string = ''

  /** @param isEncoded  A text becomes bytes, as in the library that writes the WebSocket; else nothing is done with it. */
  constructor(private readonly isEncoded: boolean) {}

  take(packet: Buffer | string): void {
    this.packets++
    if (this.isEncoded && typeof packet === 'string') this.bytes += Buffer.from(packet).length
    this.last = packet
  }
}

/** A client as the server sees it. */
export interface SocketIoLink {
  readonly connection: EventEmitter
  readonly socket: Socket
}

/** A real Socket.IO server, without its engine: packets are handed to its connections, and counted when they leave. */
export class SocketIoParts {
  readonly io = new Server()
  readonly outgoing: SocketIoOutgoing
  private readonly engine = new EventEmitter()
  private connected = 0

  /** @param isEncoded  As for {@link SocketIoOutgoing}. */
  constructor(isEncoded: boolean) {
    this.outgoing = new SocketIoOutgoing(isEncoded)
    // A method for other engines, which takes what has their events.
    this.io.bind(this.engine as never)
  }

  /** Connects a client to the main namespace. */
  async connect(): Promise<SocketIoLink> {
    const connection = new FakeEngineConnection(`engine-${this.connected++}`, this.outgoing)
    const joined = new Promise<Socket>((resolve) => this.io.once('connection', resolve))
    this.engine.emit('connection', connection)
    connection.emit('data', '0')
    return { connection, socket: await joined }
  }

  /** Resolves when `packets` have left since the beginning. */
  async until(packets: number): Promise<void> {
    // Its handlers run in ticks, which a chain of promises would hold up.
    for (let ticks = 0; this.outgoing.packets < packets; ticks++) {
      if (ticks > MOST_TICKS) throw new Error(`${this.outgoing.packets} packets left the server, not ${packets}`)
      await new Promise<void>((resolve) => process.nextTick(resolve))
    }
  }
}

const MOST_TICKS = 1_000
