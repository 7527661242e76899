import type { Socket } from '@roomcast/client'
import { next, until } from '../../wait'
import { equal, failsWith, range } from '../assert'
import { isConnected, optionsFor, type Scenario, TRANSPORTS } from '../environment'

const NAMESPACES = 20

/** Joins rooms. */
const join = (socket: Socket, ...rooms: string[]) => socket.emitWithAck('join', rooms)

/** What a socket hears of an event, in order. */
function listenFor(socket: Socket, event: string): unknown[][] {
  const heard: unknown[][] = []
  socket.on(event, (...args: unknown[]) => heard.push(args))
  return heard
}

/** Sends everybody a question, so that everything that was sent before has arrived at them. */
async function settle(sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) await socket.emitWithAck('echo')
}

/** A sender, two members of room "r" of which the second is in "x" too, and one who is in no room. */
async function fourIn(open: (n: number) => Promise<Socket>) {
  const four = (await Promise.all(range(4).map(open))) as [Socket, Socket, Socket, Socket]
  const heard = four.map((socket) => listenFor(socket, 'news')) as [unknown[][], unknown[][], unknown[][], unknown[][]]
  await join(four[0], 'r')
  await join(four[1], 'r')
  await join(four[2], 'r', 'x')
  return { four, heard }
}

async function expectRooms(open: (n: number) => Promise<Socket>): Promise<void> {
  const { four, heard } = await fourIn(open)
  const sender = four[0]
  const bytes = Uint8Array.of(1, 2, 3)
  for (const n of range(50)) await sender.emitWithAck('broadcast', 'r', [], 'news', n, bytes)
  await sender.emitWithAck('broadcast', 'r', ['x'], 'news', 'not for x')
  await sender.emitWithAck('to others', 'r', 'news', 'not for me')
  await four[1].emitWithAck('leave', 'r')
  await sender.emitWithAck('broadcast', 'r', [], 'news', 'last')
  await settle(four)
  const all = range(50).map((n) => [n, bytes])
  equal(heard[0], [...all, ['not for x'], ['last']], 'the sender')
  equal(heard[1], [...all, ['not for x'], ['not for me']], 'who left')
  equal(heard[2], [...all, ['not for me'], ['last']], 'who is in x')
  equal(heard[3], [], 'who is in no room')
}

/** Namespaces, rooms, and events that may be dropped. */
export const NAMESPACES_SCENARIOS: readonly Scenario[] = [
  {
    name: `${NAMESPACES} namespaces share one connection and do not mix`,
    async run(scope) {
      const sockets = range(NAMESPACES).map((n) => scope.share(`/n-${n}`))
      const heard = sockets.map((socket) => listenFor(socket, 'tick'))
      for (const socket of sockets) await isConnected(socket)
      const first = sockets[0] as Socket
      equal(new Set(sockets.map(({ io }) => io)).size, 1, 'managers')
      equal(await first.emitWithAck('connections'), 1, 'connections of the server')
      for (const round of range(10)) {
        for (const socket of sockets) socket.emit('note', `of ${socket.nsp}`, round)
      }
      for (const [n, socket] of sockets.entries()) {
        equal(await socket.emitWithAck('notes', `of ${socket.nsp}`), range(10), `what arrived in ${socket.nsp}`)
        equal(await socket.emitWithAck('ticks', n), n, `an answer in ${socket.nsp}`)
      }
      for (const [n, ticks] of heard.entries()) equal(ticks.length, n, `ticks of namespace ${n}`)
      first.disconnect()
      for (const socket of sockets.slice(1)) equal(await socket.emitWithAck('echo', 1), 1, 'the others')
      first.connect()
      await isConnected(first)
      equal(await first.emitWithAck('connections'), 1, 'connections of the server')
    },
  },
  {
    name: 'a namespace that nobody defined is refused, and others of the connection stay',
    async run(scope) {
      const socket = scope.share('/n-1')
      await isConnected(socket)
      const other = scope.share('/nowhere')
      const [error] = (await next(other, 'connect_error')) as [{ code: string }]
      equal([error.code, other.active], ['INVALID_NAMESPACE', false], 'the refusal')
      equal(await socket.emitWithAck('echo', 'well'), 'well', 'an echo')
    },
  },
  {
    name: 'a room hears what is sent to it, once and in order, but those who are excepted',
    run: (scope) => expectRooms(() => scope.connect()),
  },
  {
    name: 'a room hears the same over all transports',
    needs: ['mixed transports'],
    run: (scope) =>
      expectRooms((n) => {
        const { transport } = scope.environment
        const other = TRANSPORTS.find((name) => name !== transport) ?? transport
        return scope.connect('', optionsFor(n % 2 === 0 ? transport : other))
      }),
  },
  {
    name: 'volatile events arrive while connected, and are dropped while not',
    async run(scope) {
      const socket = scope.open('', { autoConnect: false })
      const heard = listenFor(socket, 'news')
      socket.volatile.emit('note', 'volatile', 'dropped')
      await failsWith('DISCONNECTED', () => socket.volatile.emitWithAck('echo'), 'a volatile call')
      socket.connect()
      await isConnected(socket)
      for (const n of range(20)) socket.volatile.emit('note', 'volatile', n)
      equal(await socket.volatile.emitWithAck('notes', 'volatile'), range(20), 'what arrived')
      socket.emit('send volatile', 'news', 'perhaps')
      await until(() => heard.length === 1, 'a volatile event of the server')
    },
  },
]
