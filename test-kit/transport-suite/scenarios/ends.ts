import type { DisconnectDetails, Socket } from '@roomcast/client'
import { next, until } from '../../wait'
import { check, equal, failsWith, range } from '../assert'
import { isConnected, type Scenario } from '../environment'

/** Ends of sockets and of links, and the way back. */
export const ENDS: readonly Scenario[] = [
  {
    name: 'disconnect() ends at once here, and soon at the server, behind all that was emitted',
    async run(scope) {
      const socket = await scope.connect()
      const witness = await scope.connect()
      const id = socket.id as string
      const ended = next(socket, 'disconnect')
      for (const n of range(100)) socket.emit('note', id, n)
      const pending = failsWith('DISCONNECTED', () => socket.emitWithAck('never'), 'a call that waits')
      socket.disconnect()
      equal([socket.connected, socket.active, socket.id], [false, false, undefined], 'the state')
      equal((await ended)[0], 'io client disconnect', 'the reason')
      await pending
      await until(() => witness.emitWithAck('end of', id), 'the end at the server')
      equal(await witness.emitWithAck('end of', id), 'client namespace disconnect', 'the reason of the server')
      equal(await witness.emitWithAck('notes', id), range(100), 'what arrived')
    },
  },
  {
    name: 'disconnect() of the server ends the socket, behind all that it emitted, and connect() comes back',
    async run(scope) {
      const socket = await scope.connect()
      const words: string[] = []
      socket.on('word', (word: string) => words.push(word))
      const ended = next(socket, 'disconnect')
      socket.emit('farewell', ['good', 'bye'], false)
      equal((await ended)[0], 'io server disconnect', 'the reason')
      equal(words, ['good', 'bye'], 'what arrived')
      equal([socket.connected, socket.active], [false, false], 'the state')
      socket.connect()
      await isConnected(socket)
      equal(await socket.emitWithAck('echo', 'back'), 'back', 'an echo')
    },
  },
  {
    name: 'a kick ends the connection, behind all that was emitted, and the client stays away',
    async run(scope) {
      const socket = await scope.connect()
      const words: string[] = []
      socket.on('word', (word: string) => words.push(word))
      const ended = next(socket, 'disconnect')
      socket.emit('farewell', range(50).map(String), true)
      equal((await ended)[0], 'io server disconnect', 'the reason')
      equal(words, range(50).map(String), 'what arrived')
      equal([socket.connected, socket.active], [false, false], 'the state')
      await until(async () => (await scope.environment.control.population()) === 0, 'the end of the connection')
      socket.connect()
      await isConnected(socket)
      equal(await socket.emitWithAck('echo', 'back'), 'back', 'an echo')
    },
  },
  {
    name: 'comes back after its links were cut, and everything emitted meanwhile arrives once and in order',
    needs: ['cut'],
    async run(scope) {
      const { control, transport } = scope.environment
      const socket = await scope.connect()
      const id = socket.id as string
      let disconnects = 0
      socket.on('disconnect', () => disconnects++)
      for (const round of range(5)) {
        const before = disconnects
        await control.cut()
        // A session of polling does not end with its links. On a WebSocket, what is sent before it is known to have
        // ended is lost.
        if (transport === 'websocket') await until(() => disconnects === before + 1, 'the end of the link')
        for (const n of range(20)) socket.emit('note', id, round * 20 + n)
        await until(() => socket.connected, 'to be connected again')
        equal(await socket.emitWithAck('echo', round), round, 'an echo')
      }
      equal(await socket.emitWithAck('notes', id), range(100), 'what arrived')
      if (transport === 'polling') equal([disconnects, socket.id], [0, id], 'disconnects and the id')
      else check(socket.id !== id, 'it has another id')
      await until(async () => (await control.population()) === 1, 'one connection at the server')
    },
  },
  {
    name: 'a call whose link is cut settles once, and was handled once if it was answered',
    needs: ['cut'],
    async run(scope) {
      const { control } = scope.environment
      const socket = await scope.connect()
      let settled = 0
      const answered: number[] = []
      const key = `calls of ${socket.id}`
      for (const n of range(60)) {
        socket.timeout(5_000).emit('note', key, n, (error: Error | null) => {
          settled++
          if (error === null) answered.push(n)
        })
        if (n % 20 === 10) await control.cut()
      }
      await until(() => settled >= 60, 'all calls to settle')
      await isConnected(socket)
      const arrived = (await socket.emitWithAck('notes', key)) as number[]
      equal(settled, 60, 'times that an ack was called')
      equal(new Set(arrived).size, arrived.length, 'calls that arrived, each once')
      for (const n of answered) check(arrived.includes(n), `call ${n}, which was answered, was handled`)
    },
  },
  {
    name: 'comes back after a restart of the server, as somebody new, and what waited is sent',
    needs: ['restart'],
    async run(scope) {
      const { control, transport } = scope.environment
      const socket = await scope.connect()
      const { id } = socket
      const ended = next(socket, 'disconnect')
      const restarted = control.restart()
      const [reason, details] = (await ended) as [string, DisconnectDetails]
      equal(reason, 'transport close', 'the reason')
      // A client of polling that was just between two requests learns from the next one that its session is unknown.
      check(details.code === 1012 || (transport === 'polling' && details.code === 4009), `code is ${details.code}`)
      equal([socket.connected, socket.active], [false, true], 'the state')
      for (const n of range(20)) socket.emit('note', 'restart', n)
      await restarted
      await isConnected(socket)
      check(socket.id !== id, 'it has another id')
      equal(await socket.emitWithAck('notes', 'restart'), range(20), 'what waited')
      equal(await socket.emitWithAck('transport'), transport, 'the transport')
    },
  },
  {
    name: 'asks the auth function at each attempt',
    needs: ['restart'],
    async run(scope) {
      let asked = 0
      const auth = (callback: (auth: object) => void) => callback({ attempt: ++asked })
      const socket: Socket = await scope.connect('', { auth })
      equal(await socket.emitWithAck('auth'), { attempt: 1 }, 'the first time')
      const ended = next(socket, 'disconnect')
      await scope.environment.control.restart()
      await ended
      await isConnected(socket)
      equal(await socket.emitWithAck('auth'), { attempt: asked }, 'after a restart')
      check(asked >= 2, 'it was asked again')
      const before = asked
      socket.disconnect().connect()
      await isConnected(socket)
      equal(await socket.emitWithAck('auth'), { attempt: before + 1 }, 'after connect()')
    },
  },
]
