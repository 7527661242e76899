import type { Gap, Room, Socket } from '@roomcast/client'
import { until } from '../../wait'
import { check, equal, range } from '../assert'
import { isConnected, type Scenario, Scope } from '../environment'

const newName = (kind: string) => `${kind}:${Math.random().toString(36).slice(2)}`

/** A scenario against the server that keeps sessions. */
function onSessions(name: string, run: (scope: Scope) => Promise<void>): Scenario {
  return {
    name,
    needs: ['cut'],
    async run(scope) {
      const guide = await scope.connect()
      const url = (await guide.emitWithAck('sessions url')) as string
      guide.disconnect()
      const inner = new Scope({ ...scope.environment, url })
      try {
        await run(inner)
      } finally {
        inner.close()
      }
    },
  }
}

/** What a socket and a room have been told, in the order in which it was. */
function record(socket: Socket, room: Room): unknown[] {
  const log: unknown[] = []
  const gap = ({ room, from, to, repaired }: Gap) => log.push(`gap in ${room}, ${from} to ${to}, ${repaired}`)
  socket.on('connect', () => log.push('connect'))
  socket.on('told', (n: number) => log.push(`told ${n}`))
  room.on('said', (n: number) => log.push(n))
  room.on('rejoin', (recovered) => log.push(`rejoin ${recovered}`))
  room.on('snapshot', () => log.push(room.state))
  room.on('gap', gap)
  return log
}

/** Sessions that go on, on another connection. */
export const SESSIONS: readonly Scenario[] = [
  onSessions('a session that is resumed has its id, its rooms and all that it missed, in order', async (scope) => {
    const name = newName('book')
    const socket = await scope.connect('/rooms')
    const room = await socket.join(name)
    const log = record(socket, room)
    const { id } = socket
    equal(socket.recovered, false, 'recovered at first')
    for (const round of range(2)) {
      await socket.emitWithAck('say', name, 2)
      await until(() => log.at(-1) === round * 6 + 1, 'what is said while it is there')
      socket.emit('get lost', name, 4, 2)
      await until(() => log.at(-1) === 'told 1', 'the last that was missed')
      equal(
        [socket.recovered, socket.id === id, room.isJoined, room.seq],
        [true, true, true, round * 6 + 6],
        'the state',
      )
      const first = round * 6
      const missed = [2, 3, 4, 5].map((n) => first + n)
      equal(log.splice(0), [first, first + 1, 'connect', 'rejoin true', ...missed, 'told 0', 'told 1'], 'the log')
    }
    await socket.emitWithAck('say', name, 1)
    await until(() => log.length === 1, 'what is said afterwards')
    equal(log, [12], 'once, and behind all that')
  }),
  onSessions('what a room has lost for good is told: a gap, the state anew, and then what follows', async (scope) => {
    const name = newName('short')
    const socket = await scope.connect('/rooms')
    const room = await socket.join<{ said: number }>(name)
    const log = record(socket, room)
    equal(room.state, { said: 0 }, 'the state at first')
    const { id } = socket
    socket.emit('get lost', name, 10, 0)
    await until(() => log.length >= 4 && socket.connected, 'to be told')
    await socket.emitWithAck('say', name, 1)
    await until(() => log.at(-1) === 10, 'what is said afterwards')
    equal([socket.recovered, room.recovered, socket.id === id], [false, false, true], 'the state')
    const numbers = log.filter((entry) => typeof entry === 'number')
    check(log.includes(`gap in ${name}, 1 to 7, false`), `a gap, in ${log}`)
    equal(numbers, [7, 8, 9, 10], 'numbers that are left, each once and in order')
    equal(room.state, { said: 10 }, 'the state')
    equal(log[0], 'connect', 'the first that is told')
    equal(log[1], 'rejoin false', 'the second')
  }),
  onSessions('a call that takes effect once does so, though its link is lost before the answer', async (scope) => {
    const key = newName('key')
    const socket = await scope.connect('/rooms')
    let disconnects = 0
    socket.on('disconnect', () => disconnects++)
    const first = socket.idempotent.emitWithAck('note and get lost', key, 'first')
    equal(await first, 'first', 'the answer')
    check(disconnects === 1, `the link was lost once, not ${disconnects} times`)
    await isConnected(socket)
    equal(await socket.emitWithAck('notes of', key), ['first'], 'times that it was handled')
  }),
]
