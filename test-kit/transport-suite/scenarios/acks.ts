import { RoomcastError, type Socket } from '@roomcast/client'
import { check, equal, failsWith, range } from '../assert'
import type { Scenario } from '../environment'

/** Lets the server call the client, and returns what it got. */
const call = (socket: Socket, event: string, ms: number, ...args: unknown[]) =>
  socket.emitWithAck('call', event, ms, ...args) as Promise<{ results?: unknown; code?: string; message?: string }>

/** Calls and their answers, both ways. */
export const ACKS: readonly Scenario[] = [
  {
    name: 'answers of the server arrive at the ack and at emitWithAck, with all their values',
    async run(scope) {
      const socket = await scope.connect()
      const results = await new Promise((resolve) => {
        socket.emit('echo', 1, 'two', [3], (...args: unknown[]) => resolve(args))
      })
      equal(results, [1, 'two', [3]], 'of an ack')
      equal(await socket.emitWithAck('echo', { a: 1 }, 2), { a: 1 }, 'of emitWithAck')
      equal(await socket.emitWithAck('echo'), undefined, 'of emitWithAck, without a value')
      const timed = await new Promise((resolve) => {
        socket.timeout(10_000).emit('echo', 5, (...args: unknown[]) => resolve(args))
      })
      equal(timed, [null, 5], 'with a timeout')
    },
  },
  {
    name: '250 calls at once are all answered, each with its own answer',
    async run(scope) {
      const socket = await scope.connect()
      const answers = await Promise.all(range(250).map((n) => socket.emitWithAck('echo', n)))
      equal(answers, range(250), 'the answers')
    },
  },
  {
    name: 'errors of handlers of the server arrive with their code and data, and tell nothing else',
    async run(scope) {
      const socket = await scope.connect()
      const error = (await failsWith(
        'OUT_OF_STOCK',
        () => socket.emitWithAck('fail with a code'),
        'a code',
      )) as RoomcastError
      equal([error.message, error.data], ['none left', { left: 0 }], 'message and data')
      for (const event of ['fail', 'fail later']) {
        const plain = await failsWith('HANDLER_FAILED', () => socket.emitWithAck(event), event)
        check(!plain.message.includes('on purpose'), 'the text stays on the server')
      }
      await failsWith('NO_HANDLER', () => socket.emitWithAck('nobody listens'), 'no handler')
      equal(await socket.emitWithAck('echo', 'well'), 'well', 'an echo')
    },
  },
  {
    name: 'a call without an answer fails with ACK_TIMEOUT, and an answer that is late is passed over',
    async run(scope) {
      const socket = await scope.connect()
      await failsWith('ACK_TIMEOUT', () => socket.timeout(50).emitWithAck('never'), 'never answered')
      await failsWith('ACK_TIMEOUT', () => socket.timeout(50).emitWithAck('park', 'late'), 'answered late')
      equal(await socket.emitWithAck('unpark', 'late', 'too late'), true, 'it is there')
      equal(await socket.emitWithAck('echo', 'well'), 'well', 'an echo')
      equal(socket.connected, true, 'still connected')
    },
  },
  {
    name: 'the server is answered by acks, returned values and promises of the client',
    async run(scope) {
      const socket = await scope.connect()
      socket.on('returns', (n: number) => n + 1)
      socket.on('promises', async (n: number) => {
        await null
        return n + 2
      })
      socket.on('acks', (n: number, ack: (n: number) => void) => ack(n + 3))
      socket.on('bytes', (bytes: Uint8Array) => bytes)
      equal(await call(socket, 'returns', 10_000, 1), { results: 2 }, 'a returned value')
      equal(await call(socket, 'promises', 10_000, 1), { results: 3 }, 'a promise')
      equal(await call(socket, 'acks', 10_000, 1), { results: 4 }, 'an ack')
      equal(await call(socket, 'bytes', 10_000, Uint8Array.of(7)), { results: Uint8Array.of(7) }, 'bytes')
    },
  },
  {
    name: 'the server is told of errors, missing handlers and silence of the client',
    async run(scope) {
      const socket = await scope.connect()
      socket.on('error', () => {})
      socket.on('throws', () => {
        throw new Error('secret')
      })
      socket.on('throws a code', () => {
        throw new RoomcastError('BUSY', 'not now')
      })
      socket.on('silent', (_ack: unknown) => {})
      const failed = await call(socket, 'throws', 10_000)
      equal(failed.code, 'HANDLER_FAILED', 'an error')
      check(!failed.message?.includes('secret'), 'the text stays with the client')
      equal((await call(socket, 'throws a code', 10_000)).code, 'BUSY', 'an error with a code')
      equal((await call(socket, 'nobody listens', 10_000)).code, 'NO_HANDLER', 'no handler')
      equal((await call(socket, 'silent', 50)).code, 'ACK_TIMEOUT', 'silence')
    },
  },
  {
    name: 'calls within calls, both ways, do not wait for each other',
    async run(scope) {
      const socket = await scope.connect()
      socket.on('deeper', async (depth: number): Promise<number> => {
        if (depth === 0) return 0
        const { results } = await call(socket, 'deeper', 10_000, depth - 1)
        return (results as number) + 1
      })
      equal(await call(socket, 'deeper', 10_000, 8), { results: 8 }, 'the sum of all answers')
    },
  },
]
