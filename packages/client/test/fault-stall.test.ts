import { expect, test } from 'vitest'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { FaultProcess } from './fault-process'
import { Crowd, collectNumbers, eventually } from './fault-support'

/*
 * A loop that stood still has read nothing: it cannot judge who was silent meanwhile. What an engine's timer makes of
 * it takes longer than its timeout, and is in `fault-real-time.test.ts`.
 */

const TRANSPORTS = ['websocket', 'polling'] as const
const EACH = 10
/** Short against the time that is stood still, and long enough to be kept on a busy machine. */
const QUICK_PINGS = { pingInterval: 500, pingTimeout: 500 }
const STALL_MS = 1_800

function standStill(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('a server that stood still for longer than pingTimeout condemns nobody', async () => {
  await using child = await FaultProcess.start()
  // So that the clients would not even ask while it stands still.
  const port = await child.ask('serve', { pingInterval: 5_000, pingTimeout: 400 })
  using crowd = new Crowd(`http://127.0.0.1:${port}`)
  for (const transport of TRANSPORTS) crowd.add(EACH, { transports: [transport] })
  await until(() => crowd.areConnected, 'all clients')
  await child.ask('stall', 1_500)
  await crowd.echo()
  expect(await child.ask('report')).toEqual([])
  expect(crowd.ends).toEqual([])
})

test('a loop with both in it that stood still in a handler condemns nobody, on either side', async () => {
  const ends: string[] = []
  await using server = await startServer((io) => {
    collectNumbers(io)
    io.on('connection', (socket) => {
      socket.on('disconnect', (reason) => ends.push(reason))
      socket.on('stand still', () => {
        standStill(STALL_MS)
        return true
      })
    })
  }, QUICK_PINGS)
  using crowd = new Crowd(server.url)
  for (const transport of TRANSPORTS) crowd.add(EACH, { transports: [transport] })
  await until(() => crowd.areConnected, 'all clients')
  for (const index of [0, crowd.sockets.length - 1]) {
    await crowd.sockets[index]?.timeout(10_000).emitWithAck('stand still')
    await crowd.echo()
  }
  expect(ends).toEqual([])
  expect(crowd.ends).toEqual([])
  expect(server.faults).toEqual([])
})

test('clients that stood still condemn no server: on WebSocket nothing happens, by polling each comes back once', async () => {
  const ends: string[] = []
  await using server = await startServer((io) => {
    collectNumbers(io)
    io.on('connection', (socket) => {
      const transport = socket.conn.transport.name
      socket.on('disconnect', (reason) => ends.push(`${transport} ${reason}`))
    })
  }, QUICK_PINGS)
  await using child = await FaultProcess.start()
  for (const transport of TRANSPORTS) await child.ask('connect', server.url, transport, EACH)
  using bystanders = new Crowd(server.url)
  for (const transport of TRANSPORTS) bystanders.add(EACH, { transports: [transport] })
  await until(() => bystanders.areConnected, 'the bystanders')

  const before = ends.length
  await child.ask('stall', STALL_MS)
  await eventually(() => server.io.engine.clientsCount === 4 * EACH, 'all to be connected', 10_000)
  await bystanders.echo()
  expect(bystanders.ends).toEqual([])
  // The server is right about these: they have not asked for too long.
  const ended = ends.slice(before)
  expect(ended).toEqual(Array(ended.length).fill('polling ping timeout'))
  expect(ended.length).toBeLessThanOrEqual(EACH)
  // They are told so, and do not find it out by a clock of their own.
  const seen = await child.ask('report')
  expect(seen.filter((end) => end.startsWith('websocket'))).toEqual([])
  expect(seen.length).toBe(ended.length)
})
