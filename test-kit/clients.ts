import { type ClientOptions, type Socket as ClientSocket, io } from '@roomcast/client'
import { isRoomcastError, type RoomcastError } from '@roomcast/protocol'
import type { Namespace, Socket } from '@roomcast/server'
import type { TestServer } from './server'
import { until } from './wait'

/** A socket that closes itself at the end of the scope. */
export type TestSocket = ClientSocket & Disposable

/** Connects on a connection of its own that does not come back by itself. */
export function connect(url: string, options: ClientOptions = {}): TestSocket {
  const socket = io(url, { forceNew: true, reconnection: false, ...options })
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.disconnect() })
}

/** A client and its counterpart on the server. */
export interface Pair extends Disposable {
  readonly client: ClientSocket
  readonly socket: Socket
  /** What the client was sent, acks aside: name and arguments of each event, in order. */
  readonly received: unknown[][]
  /** Waits for `event`, which has to be the last thing emitted, and returns the names of all events before it. */
  eventsBefore(event: string): Promise<string[]>
}

/** Connects to a namespace of the server, and waits until it is admitted. */
export async function pair(server: TestServer, options: ClientOptions & { nsp?: string } = {}): Promise<Pair> {
  const { nsp = '/', ...rest } = options
  const client = connect(`${server.url}${nsp === '/' ? '' : nsp}`, rest)
  const received: unknown[][] = []
  client.onAny((event, ...args) => received.push([event, ...args]))
  // Not before: asking for a namespace creates it.
  await until(() => client.connected, `a connection to ${nsp}`)
  const namespace: Namespace = server.io.of(nsp)
  const socket = await until(() => namespace.sockets.get(client.id ?? ''), `a socket in ${nsp}`)
  return {
    client,
    socket: socket as Socket,
    received,
    async eventsBefore(event) {
      await until(() => received.some(([name]) => name === event), `event "${event}"`)
      const names = received.map(([name]) => name as string)
      return names.slice(0, names.indexOf(event))
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  }
}

/** Up to four pairs, typed as four so that a test may take what it asked for. */
type Pairs = Disposable & readonly [Pair, Pair, Pair, Pair]

/** Several {@link pair}s, connected one after the other. */
export async function pairs(server: TestServer, count: 1 | 2 | 3 | 4): Promise<Pairs> {
  const all: Pair[] = []
  while (all.length < count) all.push(await pair(server))
  const dispose = () => {
    for (const one of all) one[Symbol.dispose]()
  }
  return Object.assign(all as unknown as readonly [Pair, Pair, Pair, Pair], { [Symbol.dispose]: dispose })
}

/** The RoomcastError that `run` throws, or that it rejects with; fails for anything else. */
export async function errorOf(run: Promise<unknown> | (() => unknown)): Promise<RoomcastError> {
  let result: unknown
  try {
    result = await (typeof run === 'function' ? run() : run)
  } catch (error) {
    if (isRoomcastError(error)) return error
    throw new Error(`threw something else: ${error}`, { cause: error })
  }
  throw new Error(`did not throw, gave ${JSON.stringify(result)}`)
}
