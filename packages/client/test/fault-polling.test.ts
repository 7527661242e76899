import { describe, expect, test } from 'vitest'
import { HttpFaultProxy } from '../../../test-kit/http-fault'
import { createRandom } from '../../../test-kit/random'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { collectNumbers, connect, follow, Numbers, type Story } from './fault-support'
import type { TestSocket } from './support'

/*
 * What networks and proxies do to single requests of the polling transport: every event has one effect, in its place,
 * and the connection stays the same one.
 */

interface Setup extends AsyncDisposable {
  readonly server: TestServer
  readonly proxy: HttpFaultProxy
  readonly socket: TestSocket
  readonly story: Story
  /** What the server was sent. */
  readonly up: Numbers
  /** What the client was sent. */
  readonly down: Numbers
}

async function setUp(pings: { pingInterval?: number; pingTimeout?: number } = {}): Promise<Setup> {
  let numbers = new Map<string, Numbers>()
  const server = await startServer((io) => {
    numbers = collectNumbers(io)
    io.on('connection', (socket) => {
      socket.join('all')
    })
  }, pings)
  const proxy = await HttpFaultProxy.start(server.port)
  const socket = connect(proxy.url, { transports: ['polling'] })
  const story = follow(socket)
  const down = new Numbers()
  socket.on('down', (value: number) => down.take(value))
  await until(() => socket.connected, 'a connection')
  await socket.emitWithAck('n', 'up', 0)
  return {
    server,
    proxy,
    socket,
    story,
    up: numbers.get('up') as Numbers,
    down,
    async [Symbol.asyncDispose]() {
      socket.disconnect()
      proxy.pass()
      await until(() => server.io.engine.clientsCount === 0, 'the good-bye')
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Numbers both ways, one after the other, so that there are many requests. */
async function talk({ server, socket, up, down }: Setup, rounds: number): Promise<void> {
  const from = { up: up.last + 1, down: down.last + 1 }
  for (let i = 0; i < rounds; i++) {
    server.io.to('all').emit('down', from.down + i)
    await socket.timeout(9_000).emitWithAck('n', 'up', from.up + i)
  }
  await until(() => down.last === from.down + rounds - 1, 'what the server sent last')
  expect(up).toEqual(expect.objectContaining({ faults: [], gaps: 0, last: from.up + rounds - 1 }))
  expect(down).toEqual(expect.objectContaining({ faults: [], gaps: 0 }))
}

const UNHARMED: Story = { connects: 1, ends: [] }

describe('requests that come twice', () => {
  for (const when of ['together', 'before', 'after', 'late'] as const) {
    test(`${when}: every event has one effect`, async () => {
      await using setup = await setUp()
      setup.proxy.duplicatePosts(when)
      await talk(setup, 30)
      expect(setup.story).toEqual(UNHARMED)
      await until(() => setup.proxy.duplicates.length >= 25, 'the duplicates')
      // Handled already: the answer is that of the first.
      expect(new Set(setup.proxy.duplicates)).toEqual(new Set([204]))
      expect(setup.server.faults).toEqual([])
    })
  }

  test('a session that is asked for twice leaves no second connection behind', async () => {
    await using server = await startServer(() => {}, { connectTimeout: 300 })
    await using proxy = await HttpFaultProxy.start(server.port)
    proxy.duplicatePosts('together', 'POST', 1)
    using socket = connect(proxy.url, { transports: ['polling'] })
    await until(() => socket.connected)
    await until(() => server.io.engine.clientsCount === 1, 'one connection')
    expect(server.io.sockets.sockets.size).toBe(1)
    socket.disconnect()
    await until(() => server.io.engine.clientsCount === 0, 'the good-bye')
  })
})

describe('requests and answers that are lost', () => {
  const FAULTS: Readonly<Record<string, (proxy: HttpFaultProxy) => void>> = {
    'answers to GET': (proxy) => proxy.loseAnswer('GET'),
    'answers to POST': (proxy) => proxy.loseAnswer('POST'),
    'answers to GET, three in a row': (proxy) => proxy.loseAnswer('GET', 3),
    'answers to POST, three in a row': (proxy) => proxy.loseAnswer('POST', 3),
    'answers to GET, cut at byte 1': (proxy) => proxy.cutAnswer('GET', 1),
    'answers to GET, cut at byte 9': (proxy) => proxy.cutAnswer('GET', 9),
    GETs: (proxy) => proxy.loseRequest('GET'),
    POSTs: (proxy) => proxy.loseRequest('POST'),
    'GETs that a gateway answers with 502': (proxy) => proxy.failRequests(502, 'GET'),
    'POSTs that a gateway answers with 504': (proxy) => proxy.failRequests(504, 'POST'),
    'answers to GET that come late': (proxy) => proxy.reorderAnswers('GET'),
    'answers to POST that come late': (proxy) => proxy.reorderAnswers('POST'),
  }

  for (const [what, fault] of Object.entries(FAULTS)) {
    test.concurrent(`${what}: everything comes once and in order, without a reconnect`, async ({ expect }) => {
      await using setup = await setUp()
      for (let i = 0; i < 3; i++) {
        fault(setup.proxy)
        await talk(setup, 3)
      }
      expect(setup.story).toEqual(UNHARMED)
      expect(setup.server.faults).toEqual([])
    })
  }

  test('all of it at random, with numbers both ways at full speed', async () => {
    const random = createRandom()
    await using setup = await setUp()
    const { proxy, socket, server, up, down } = setup
    const hint = `SEED=${random.seed}`
    const faults = Object.values(FAULTS).filter((_, index) => index < 2 || index > 3)
    let sent = 0
    for (let i = 0; i < 60; i++) {
      // Two in a row at most: with four the client would rightly give up.
      if (random.chance(0.3)) {
        proxy.pass()
        random.pick(faults)(proxy)
      }
      for (let k = random.below(20); k >= 0; k--) {
        sent++
        socket.emit('n', 'up', sent)
        server.io.to('all').emit('down', sent)
      }
      if (random.chance(0.5)) await socket.timeout(9_000).emitWithAck('echo', i)
    }
    proxy.pass()
    await socket.timeout(9_000).emitWithAck('echo', 'last')
    await until(() => down.last === sent, 'what the server sent last')
    expect(up, hint).toMatchObject({ faults: [], gaps: 0, last: sent })
    // The numbers of the server begin with 1.
    expect(down, hint).toMatchObject({ faults: [], gaps: 1 })
    expect(setup.story, hint).toEqual(UNHARMED)
  })
})

describe('a proxy that holds answers back', () => {
  for (const bytes of [1_024, 65_536, Number.POSITIVE_INFINITY]) {
    test(`until ${bytes} bytes or the end: usable by polling within 5 s`, async () => {
      let received = new Map<string, Numbers>()
      await using server = await startServer((io) => {
        received = collectNumbers(io)
      })
      await using proxy = await HttpFaultProxy.start(server.port)
      proxy.bufferAnswers(bytes)
      proxy.refuseUpgrade()
      const before = performance.now()
      using socket = connect(proxy.url)
      for (let i = 0; i < 20; i++) expect(await socket.timeout(5_000).emitWithAck('n', 'n', i)).toBe(i)
      const took = performance.now() - before
      console.log(`answers held back until ${bytes} bytes: 20 calls answered after ${took.toFixed(0)} ms`)
      expect(took).toBeLessThan(5_000)
      expect(received.get('n')).toMatchObject({ faults: [], gaps: 0, last: 19 })
      socket.disconnect()
      await until(() => server.io.engine.clientsCount === 0, 'the good-bye')
    })
  }
})
