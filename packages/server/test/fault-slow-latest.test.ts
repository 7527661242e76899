import { expect, test } from 'vitest'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import {
  FILLING,
  followEnds,
  heldOf,
  isInOrder,
  MESSAGE,
  MESSAGE_BYTES,
  MOST_BYTES,
  numbersOf,
  upTo,
} from './fault-slow-support'

const KEYS = 20
const VALUE = 'value'
const AT_ONCE = 16
/** A plain message comes with every so many values. */
const VALUES_PER_MESSAGE = 500

/** Emits values, numbered from 1, and yields now and then so that the loop reads what comes. */
class Ticker {
  last = 0
  messages = 0

  constructor(private readonly server: TestServer) {}

  async emit(values: number): Promise<void> {
    for (let i = 0; i < values; i++) {
      this.last++
      const key = this.last % KEYS
      this.server.io.to('r').latest(`key ${key}`).emit(VALUE, key, this.last, FILLING)
      if (this.last % VALUES_PER_MESSAGE === 0) this.server.io.to('r').emit(MESSAGE, ++this.messages)
      if (this.last % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** What each key has in the end. */
  get finals(): Map<number, number> {
    const numbers = Array.from({ length: KEYS }, (_, i) => this.last - KEYS + 1 + i)
    return new Map(numbers.map((number) => [number % KEYS, number]))
  }
}

/** Numbers of the values that have come, by key. */
function valuesOf({ frames }: RawClient): Map<number, number[]> {
  const values = new Map<number, number[]>()
  for (const { event, body } of frames) {
    if (event !== VALUE) continue
    const [key, number] = body as [number, number]
    values.set(key, [...(values.get(key) ?? []), number])
  }
  return values
}

function finalsOf(client: RawClient): Map<number, number> {
  return new Map([...valuesOf(client)].map(([key, numbers]) => [key, numbers.at(-1) as number]))
}

function hasFinals(client: RawClient, { finals }: Ticker): boolean {
  const has = finalsOf(client)
  return [...finals].every(([key, number]) => has.get(key) === number)
}

test('80 MB of latest values to a client that reads nothing close nothing: it is held the newest of each key, and gets these, and every plain message', async () => {
  await using server = await startServer((io) => io.on('connection', (socket) => void socket.join('r')))
  const ends = followEnds(server)
  using slow = await RawClient.connect(server.port)
  const [socket] = [...server.io.sockets.sockets.values()]
  const ticker = new Ticker(server)
  await ticker.emit(KEYS)
  await until(() => hasFinals(slow, ticker), 'the first values')

  slow.pause()
  let largest = 0
  while (ticker.last * MESSAGE_BYTES < MOST_BYTES) {
    await ticker.emit(VALUES_PER_MESSAGE)
    largest = Math.max(largest, heldOf(server, socket?.id ?? ''))
  }
  expect([...ends]).toEqual([])
  slow.resume()
  await until(() => hasFinals(slow, ticker) && numbersOf(slow).length === ticker.messages, 'the newest of everything')

  expect(finalsOf(slow)).toEqual(ticker.finals)
  for (const numbers of valuesOf(slow).values()) expect(isInOrder(numbers)).toBe(true)
  expect(numbersOf(slow)).toEqual(upTo(ticker.messages))
  const came = [...valuesOf(slow).values()].reduce((sum, { length }) => sum + length, 0)
  // What was on its way when it stopped reading, and one of each key: kernels take up to 8 MB of 80 at the worst.
  expect(came).toBeLessThan(ticker.last / 8)
  expect(largest).toBeLessThan(MOST_BYTES / 8)
  expect(slow.closed).toBe(null)
  expect(server.faults).toEqual([])
})

test('beside a client that reads slowly the others get every value; it gets fewer, in the order of each key, and the last of all', async () => {
  await using server = await startServer((io) => io.on('connection', (socket) => void socket.join('r')))
  await using proxy = await FaultProxy.start(server.port)
  using healthy = await RawClient.connect(server.port)
  using slow = await RawClient.connect(proxy.port)
  proxy.slow(2_000_000, 'down')
  const ticker = new Ticker(server)
  const countOf = (client: RawClient) => [...valuesOf(client).values()].reduce((sum, { length }) => sum + length, 0)
  // As long as the kernel takes everything nobody can say that the client is slow.
  while (ticker.last * MESSAGE_BYTES < MOST_BYTES / 4) {
    await ticker.emit(VALUES_PER_MESSAGE)
    await until(() => countOf(healthy) === ticker.last, 'all values at the healthy client')
  }
  await until(() => hasFinals(slow, ticker) && numbersOf(slow).length === ticker.messages, 'the newest of everything')
  for (const client of [healthy, slow]) {
    expect(finalsOf(client)).toEqual(ticker.finals)
    for (const numbers of valuesOf(client).values()) expect(isInOrder(numbers)).toBe(true)
    expect(numbersOf(client)).toEqual(upTo(ticker.messages))
    expect(client.closed).toBe(null)
  }
  expect(countOf(slow)).toBeLessThan(ticker.last)
  expect(server.faults).toEqual([])
})
