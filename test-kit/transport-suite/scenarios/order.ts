import { until } from '../../wait'
import { equal, range } from '../assert'
import type { Scenario } from '../environment'

const EACH_WAY = 1_000
const BURST = 10_000

/** Order, and much at once. */
export const ORDER: readonly Scenario[] = [
  {
    name: 'keeps the order of 2,000 events of all kinds, up and down at once, and of their answers',
    async run(scope) {
      const socket = await scope.connect()
      const key = `order of ${socket.id}`
      const ticks: number[] = []
      socket.on('tick', (n: number, ...rest: unknown[]) => {
        ticks.push(n)
        const last = rest.at(-1)
        if (typeof last === 'function') last(n)
      })
      const answers: number[] = []
      socket.emit('mixed ticks', EACH_WAY)
      for (const n of range(EACH_WAY)) {
        if (n % 4 === 0) socket.emit('note', key, n, (answer: number) => answers.push(answer))
        else if (n % 4 === 1) socket.volatile.emit('note', key, n)
        else if (n % 4 === 2) socket.emit('note', key, n, undefined, new Uint8Array(n))
        else socket.compress(true).emit('note', key, n)
      }
      equal(await socket.emitWithAck('notes', key), range(EACH_WAY), 'what arrived at the server')
      const called = range(EACH_WAY).filter((n) => n % 4 === 0)
      equal(answers, called, 'answers of the server')
      await until(() => ticks.length >= EACH_WAY, 'all events of the server')
      equal(ticks, range(EACH_WAY), 'what arrived at the client')
      const name = `answers of ${socket.id}`
      await until(async () => (await socket.emitWithAck('count of notes', name)) >= called.length, 'all answers')
      equal(await socket.emitWithAck('notes', name), called, 'answers of the client')
    },
  },
  {
    name: 'carries 10,000 small events in one burst to the server',
    async run(scope) {
      const socket = await scope.connect()
      const key = `burst of ${socket.id}`
      for (const n of range(BURST)) socket.emit('note', key, n)
      const count = (await socket.timeout(60_000).emitWithAck('count of notes', key)) as number
      equal(count, BURST, 'events that arrived')
      // In parts: a list of 10,000 is one more value than a frame may have.
      for (const part of range(10)) {
        const expected = range(BURST / 10).map((n) => part * (BURST / 10) + n)
        equal(await socket.emitWithAck('some notes', key, part * (BURST / 10), BURST / 10), expected, `part ${part}`)
      }
    },
  },
  {
    name: 'carries 10,000 small events in one burst to the client',
    async run(scope) {
      const socket = await scope.connect()
      const ticks: number[] = []
      socket.on('tick', (n: number) => ticks.push(n))
      equal(await socket.timeout(60_000).emitWithAck('ticks', BURST), BURST, 'the answer behind them')
      equal(ticks, range(BURST), 'what arrived')
    },
  },
  {
    name: 'an answer that takes long holds up nothing else',
    async run(scope) {
      const socket = await scope.connect()
      let isAnswered = false
      const slow = socket.timeout(60_000).emitWithAck('park', 'slow')
      slow.then(() => {
        isAnswered = true
      })
      for (const n of range(20)) equal(await socket.emitWithAck('echo', n), n, 'an answer meanwhile')
      equal(await socket.emitWithAck('ticks', 5), 5, 'events meanwhile')
      equal(isAnswered, false, 'the slow one is answered')
      equal(await socket.emitWithAck('unpark', 'slow', 'at last'), true, 'it is there')
      equal(await slow, 'at last', 'the slow answer')
    },
  },
]
