import type { Server } from '@roomcast/server'
import { expect, test } from 'vitest'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { Crowd, collectNumbers, eventually } from './fault-support'
import { freePort, startServerOn } from './support'

const MIXED: readonly (readonly string[])[] = [['websocket'], ['polling'], ['polling', 'websocket']]
/** Clients of each transport alike; `STORM=3000` for a large one. */
const STORM = Number(process.env.STORM ?? 300)

/** A server with rooms, as clients come and go. */
function setUp(io: Server): void {
  collectNumbers(io)
  io.on('connection', (socket) => {
    socket.join('all')
  })
}

for (const how of ['closed', 'cut'] as const) {
  test(`a server that is ${how} and starts again on its port gets its clients back, each in a new session`, async () => {
    const port = await freePort()
    const first = await startServerOn(port, setUp)
    // In front of the clients only when the server is to be gone without a word.
    await using proxy = await FaultProxy.start(port)
    using crowd = new Crowd(how === 'cut' ? proxy.url : first.url)
    for (const transports of MIXED) crowd.add(5, { transports })
    await until(() => crowd.areConnected, 'all clients')
    await crowd.echo()
    const ids = crowd.sockets.map(({ id }) => id)
    if (how === 'cut') {
      proxy.refuse()
      proxy.cut()
    }
    await first.close()
    await until(() => crowd.ends.length === crowd.sockets.length, 'all clients to notice')
    for (const end of crowd.ends) expect(end).toBe(how === 'cut' ? 'transport close 1006' : 'transport close 1012')
    // What is asked for meanwhile waits.
    const answers = crowd.sockets.map((socket, i) => socket.emitWithAck('n', `${i}`, i))

    await using second = await startServerOn(port, setUp)
    proxy.pass()
    expect(await Promise.all(answers)).toEqual(crowd.sockets.map((_, i) => i))
    await until(() => second.engine.clientsCount === crowd.sockets.length, 'all connections')
    expect(new Set([...ids, ...crowd.sockets.map(({ id }) => id)]).size).toBe(ids.length * 2)
    expect(crowd.stories.every(({ connects }) => connects === 2)).toBe(true)
  })
}

test(`${STORM} clients that are cut at once come back, all of them`, { timeout: 60_000 }, async () => {
  await using server = await startServer(setUp)
  await using proxy = await FaultProxy.start(server.port)
  // The delays of the product, shorter: the storm is what they are there for.
  using crowd = new Crowd(proxy.url, { reconnectionDelay: 500, reconnectionDelayMax: 2_000 })
  let failures = 0
  for (const transports of MIXED) crowd.add(STORM / MIXED.length, { transports })
  for (const socket of crowd.sockets) socket.on('connect_error', () => failures++)
  await eventually(() => crowd.areConnected, 'all clients', 20_000)
  await crowd.echo()
  await eventually(() => server.io.engine.clientsCount === STORM, 'no connection that is left over', 20_000)

  const at = performance.now()
  proxy.refuse()
  proxy.cut()
  await until(() => crowd.ends.length > STORM / 2, 'the clients to notice')
  failures = 0
  proxy.pass()
  await eventually(() => crowd.areConnected, 'all clients to be back', 30_000)
  await crowd.echo(20_000)
  console.log(`${STORM} clients back after ${(performance.now() - at).toFixed(0)} ms, ${failures} failed attempts`)
  await eventually(() => server.io.engine.clientsCount === STORM, 'no ghost', 20_000)
  expect(server.io.sockets.sockets.size).toBe(STORM)
  expect(server.io.sockets.adapter.rooms.get('all')?.size).toBe(STORM)
  expect(server.faults).toEqual([])
})
