import type { Server } from '@roomcast/server'
import { expect } from 'vitest'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { collectNumbers, connect, follow, ImpatientProxy, Numbers, Sender, sideBySide } from './fault-support'

/*
 * Proxies that reset links on which nothing goes for a while, or that have lived for a while. The times are a tenth of
 * what is usual.
 */

const TRANSPORTS = ['websocket', 'polling'] as const

async function wait(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

/** Heartbeats that come more often than the proxy looks. */
async function beatsKeepItOpen(transport: string): Promise<void> {
  await using server = await startServer(collectNumbers, { pingInterval: 400, pingTimeout: 2_000 })
  await using proxy = await ImpatientProxy.start(server.port, { idleMs: 1_500 })
  using socket = connect(proxy.url, { transports: [transport] })
  const story = follow(socket)
  await until(() => socket.connected)
  await wait(4_000)
  await socket.timeout(5_000).emitWithAck('echo', 1)
  expect(story).toEqual({ connects: 1, ends: [] })
  // HTTP connections that nobody uses any more may be cut; this one is used.
  if (transport === 'websocket') expect(proxy.cuts).toBe(0)
}

/** Heartbeats that come less often. */
async function idleLinksAreCut(transport: string): Promise<void> {
  await using server = await startServer(collectNumbers, { pingInterval: 2_000, pingTimeout: 2_000 })
  await using proxy = await ImpatientProxy.start(server.port, { idleMs: 200 })
  using socket = connect(proxy.url, { transports: [transport] })
  const story = follow(socket)
  await until(() => proxy.cuts >= 4, 'some cuts')
  // Called while there is a link or none: it comes through when there is one.
  for (let i = 0; i < 5; i++) {
    const isAnswered = () =>
      socket
        .timeout(3_000)
        .emitWithAck('echo', i)
        .then(
          () => true,
          () => false,
        )
    await until(isAnswered, `call ${i}`)
  }
  expect(story.ends.filter((end) => end !== 'transport close 1006')).toEqual([])
  await until(() => server.io.sockets.sockets.size <= 1, 'no ghost')
}

const LIVES = 5

/** Counts for everybody, over and over. */
function counting(io: Server): { readonly stop: () => void } {
  let count = 0
  const timer = setInterval(() => io.emit('down', count++), 5)
  return { stop: () => clearInterval(timer) }
}

/** Every link is cut after a while, whatever goes over it. */
async function oldLinksAreCut(transport: string): Promise<void> {
  let received = new Map<string, Numbers>()
  await using server = await startServer((io) => {
    received = collectNumbers(io)
  })
  await using proxy = await ImpatientProxy.start(server.port, { lifeMs: 400 })
  using socket = connect(proxy.url, { transports: [transport] })
  const story = follow(socket)
  const down = new Numbers()
  socket.on('down', (value: number) => down.take(value))
  const { stop } = counting(server.io)
  const sender = new Sender(socket, 'up')
  await until(() => proxy.cuts >= LIVES && down.last > 100, 'some cuts')
  sender.stop()
  stop()
  await until(
    async () =>
      socket
        .timeout(1_000)
        .emitWithAck('echo', 1)
        .catch(() => false),
    'an answer',
  )
  const up = received.get('up')
  console.log(`${transport}, every link cut after 400 ms: ${proxy.cuts} cuts, ${story.ends.length} reconnects`)
  // At most once, and in order, whatever happens.
  expect(up?.faults).toEqual([])
  expect(down.faults).toEqual([])
  if (transport === 'polling') {
    // A request that is cut is sent again: nobody notices.
    expect(story).toEqual({ connects: 1, ends: [] })
    expect(up).toMatchObject({ gaps: 0, last: sender.count - 1 })
  }
}

/** The same, with events that are sent until they are answered. */
async function retriesAreAtLeastOnce(transport: string): Promise<void> {
  const handled = new Map<number, number>()
  await using server = await startServer((io) => {
    io.on('connection', (socket) => {
      socket.on('n', (value: number) => {
        handled.set(value, (handled.get(value) ?? 0) + 1)
        return value
      })
    })
  })
  await using proxy = await ImpatientProxy.start(server.port, { lifeMs: 300 })
  using socket = connect(proxy.url, { transports: [transport], retries: 50, ackTimeout: 2_000 })
  const answers: Promise<unknown>[] = []
  while (proxy.cuts < LIVES) {
    answers.push(socket.emitWithAck('n', answers.length))
    await wait(5)
  }
  expect(await Promise.all(answers)).toEqual(answers.map((_, i) => i))
  expect(handled.size).toBe(answers.length)
  // Each at its first try in the order of the calls: a Map keeps it.
  expect([...handled.keys()]).toEqual(answers.map((_, i) => i))
  if (transport === 'polling') expect([...handled.values()].every((times) => times === 1)).toBe(true)
}

sideBySide(
  40_000,
  Object.fromEntries(
    TRANSPORTS.flatMap((transport) => [
      [`heartbeats keep a ${transport} link open that a proxy would cut when idle`, () => beatsKeepItOpen(transport)],
      [`a ${transport} client behind a proxy that cuts idle links stays usable`, () => idleLinksAreCut(transport)],
      [`a ${transport} link cut every 400 ms: at most once, in order`, () => oldLinksAreCut(transport)],
      [`a ${transport} link cut every 300 ms, with retries: at least once`, () => retriesAreAtLeastOnce(transport)],
    ]),
  ),
)
