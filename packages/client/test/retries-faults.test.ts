import { isRoomcastError } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { createRandom } from '../../../test-kit/random'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { connect } from './support'

const EVENTS = 600

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}

/** A server that answers every event with its number, and the numbers in the order in which they came. */
async function startEcho() {
  const seen: number[] = []
  const server = await startServer((io) => {
    io.on('connection', (socket) => {
      socket.on('m', (n: number) => {
        seen.push(n)
        return n
      })
    })
  })
  return Object.assign(server, { seen })
}

test('a burst of 2,000 emits arrives once and in order, if the outbox has room for it', async () => {
  await using server = await startEcho()
  using client = connect(server.url, { retries: 1, outboxLimit: 2_000 })
  await until(() => client.connected)
  const calls = upTo(2_000).map((n) => (n % 2 ? client.emitWithAck('m', n) : client.emit('m', n)))
  await Promise.all(calls)
  await until(() => server.seen.length >= 2_000)
  expect(server.seen).toEqual(upTo(2_000))
})

test('a burst of 2,000 calls that has no room settles each of them once: those that fit are answered', async () => {
  await using server = await startEcho()
  using client = connect(server.url, { retries: 1 })
  await until(() => client.connected)
  const calls = upTo(2_000).map((n) => client.emitWithAck('m', n))
  const outcomes = await Promise.allSettled(calls)
  const refused = outcomes.filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(1_000)
  for (const { reason } of refused as PromiseRejectedResult[]) expect(reason).toMatchObject({ code: 'OUTBOX_FULL' })
  expect(outcomes.slice(0, 1_000)).toEqual(upTo(1_000).map((value) => ({ status: 'fulfilled', value })))
  expect(server.seen).toEqual(upTo(1_000))
})

test.each([['websocket'], ['polling'], ['polling', 'websocket']])(
  'a link that is cut at random points loses nothing, and each event is handled once, in order: %s %s',
  async (...transports) => {
    const random = createRandom()
    const hint = `SEED=${random.seed}`
    await using server = await startEcho()
    await using proxy = await FaultProxy.start(server.port)
    using client = connect(proxy.url, {
      transports,
      retries: 1_000,
      ackTimeout: 1_000,
      reconnectionDelay: 1,
      reconnectionDelayMax: 3,
      outboxLimit: EVENTS,
    })
    const settled = new Map<number, unknown[]>()
    const errors: unknown[] = []
    client.on('error', (error) => errors.push(isRoomcastError(error) ? error.code : error))
    const arm = () => {
      const how = random.pick(['fin', 'reset'] as const)
      proxy.cutAfter(1 + random.below(4_000), random.pick(['up', 'down'] as const), { how })
    }
    let cuts = 0
    for (const n of upTo(EVENTS)) {
      if (random.chance(0.5)) {
        settled.set(n, [])
        client.timeout(1_000).emit('m', n, (error: unknown, value: unknown) => settled.get(n)?.push(error ?? value))
      } else client.emit('m', n)
      if (n % 10 > 0) continue
      if (random.chance(0.5)) arm()
      if (random.chance(0.3)) {
        proxy.cut(random.pick(['fin', 'reset']))
        cuts++
      }
      if (random.chance(0.05)) client.disconnect().connect()
      // Time for some of it to happen.
      await new Promise((resolve) => setTimeout(resolve, random.below(6)))
    }
    proxy.pass()
    const missing = () => upTo(EVENTS).filter((n) => !server.seen.includes(n))
    await until(() => missing().length === 0, `every event, ${hint}`)
    await until(() => [...settled.values()].every((outcomes) => outcomes.length > 0), `every call to settle, ${hint}`)
    // Behind everything that is still under way.
    await client.emitWithAck('m', EVENTS)
    expect(server.seen, hint).toEqual(upTo(EVENTS + 1))
    expect(
      [...settled].filter(([n, outcomes]) => outcomes.length !== 1 || outcomes[0] !== n),
      hint,
    ).toEqual([])
    expect(errors, hint).toEqual([])
    expect(server.faults, hint).toEqual([])
    // The script has done something.
    expect(proxy.cuts + cuts, hint).toBeGreaterThan(3)
  },
)
