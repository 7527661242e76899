import { LIMITS } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { RawPoller } from '../../../test-kit/raw-poller'
import { RawSession } from '../../../test-kit/raw-room'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { arrived, asPolled, chooseRate, enterAll, recordPublishes } from './latest-support'
import {
  type AnySession,
  connectOver,
  LaterEngine,
  makeEngine,
  runtimeOf,
  socketOf,
  startPolicies,
  TRANSPORTS,
} from './room-support'

const authorize = () => true
const key = (event: string, symbol: unknown) => (event === 'quote' ? String(symbol) : undefined)
const book = { authorize, latest: { key, retain: true } }
const merged = {
  authorize,
  latest: {
    key,
    retain: true,
    merge: ([name, older]: unknown[], [, newer]: unknown[]) => [name, { ...Object(older), ...Object(newer) }],
  },
}

/** Arguments of the quotes that have come. */
function quotes({ client }: AnySession): unknown[] {
  return client.frames.filter(({ event }) => event === 'quote').map(({ body }) => body)
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('who joins is given the newest of each value, as ordinary events behind the join, and then what is new', async () => {
    await using server = await startPolicies({ book })
    const { io } = server
    for (const [symbol, price] of [
      ['A', 1],
      ['B', 2],
      ['A', 3],
      ['C', 4],
    ])
      io.to('book').emit('quote', symbol, price)
    io.to('book').emit('news', 'nobody hears it')
    using ada = await connectOver(transport, server.port)
    using bob = await connectOver(transport, server.port)
    await ada.join('book')
    enterAll(server, 'book', bob)
    io.to('book').emit('quote', 'A', 5)
    await arrived(ada, bob)
    for (const session of [ada, bob]) {
      const of = (symbol: string) => quotes(session).filter((args) => (args as unknown[])[0] === symbol)
      expect([of('B'), of('C')]).toEqual([[['B', 2]], [['C', 4]]])
      expect(asPolled(transport, of('A'))).toEqual(
        asPolled(transport, [
          ['A', 3],
          ['A', 5],
        ]),
      )
    }
    const types = ada.client.frames.map(({ type }) => type)
    expect(types.indexOf('ACK')).toBeLessThan(types.indexOf('EVENT'))
    expect(ada.client.frames.some(({ event }) => event === 'news')).toBe(false)
    expect(server.faults).toEqual([])
  })
})

describe('values that a room retains', () => {
  test('come when a room is joined again, on the same connection and on another', async () => {
    await using server = await startPolicies({ book })
    using ada = await RawSession.connect(server.port)
    server.io.to('book').emit('quote', 'A', 1)
    await ada.join('book')
    await ada.join('book')
    await ada.leave('book')
    server.io.to('book').emit('quote', 'A', 2)
    await ada.join('book')
    await arrived(ada)
    expect(quotes(ada)).toEqual([
      ['A', 1],
      ['A', 1],
      ['A', 2],
    ])
  })

  test('come to a session that is resumed, which has missed them', async () => {
    await using server = await startPolicies({ book }, { connectionStateRecovery: true })
    using ada = await RawSession.connect(server.port)
    await ada.join('book')
    server.io.to('book').emit('quote', 'A', 1)
    await arrived(ada)
    ada.client.terminate()
    await until(() => !server.io.sockets.sockets.has(ada.sid), 'the link is lost')
    for (let i = 2; i < 100; i++) server.io.to('book').emit('quote', 'A', i)
    using back = await ada.resume(server.port)
    await arrived(back)
    expect(back.session).toMatchObject({ resumed: true, recovered: true })
    expect(quotes(back)).toEqual([['A', 99]])
  })

  test('are latest values themselves: who joins and is behind gets the newest alone', async () => {
    await using server = await startPolicies({ book })
    using ada = await RawSession.connect(server.port)
    server.io.to('book').emit('quote', 'A', 1)
    const published = recordPublishes(server)
    enterAll(server, 'book', ada)
    server.io.to('book').emit('quote', 'A', 2)
    const [retained, live] = published
    expect(retained?.latest?.id).toBe(live?.latest?.id)
    expect(retained?.latest).not.toBeNull()
  })

  test('are those for exactly this room, named by the rule or by the caller, and not for who was left out', async () => {
    await using server = await startPolicies({ 'book:*': book, plain: { authorize, latest: { key } } })
    const { io } = server
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    const socket = socketOf(server, ada)
    io.to('book:1').latest('own').emit('quote', 'named', 1)
    io.to('book:1').to('book:2').latest('k').emit('quote', 'two rooms', 2)
    io.latest('k').emit('quote', 'everybody', 3)
    io.to('book:1').volatile.emit('quote', 'volatile', 4)
    socket.to('book:1').emit('quote', 'of ada', 5)
    io.to('plain').emit('quote', 'not retained', 6)
    await arrived(ada, bob)
    expect(quotes(ada)).toEqual([['everybody', 3]])
    for (const session of [ada, bob]) for (const room of ['book:1', 'book:2', 'plain']) await session.join(room)
    await arrived(ada, bob)
    expect(quotes(ada)).toEqual([
      ['everybody', 3],
      ['named', 1],
    ])
    expect(quotes(bob)).toEqual([
      ['everybody', 3],
      ['named', 1],
      ['of ada', 5],
    ])
  })

  test('come with the number that the namespace has by now, and go with a namespace that is cleaned up', async () => {
    const { engine } = makeEngine(1_000_000)
    await using before = await startPolicies({}, { engine } as never)
    before.io.of('/first')
    before.io.of('/second').rooms('book', book)
    before.io.of('/second').to('book').emit('quote', 'A', 1)
    // Another server, with the values of the same engine.
    await using server = await startServer(
      (io) => {
        io.of('/second').rooms('book', book)
        io.of(/^\/child/).rooms('book', book)
      },
      { engine, cleanupEmptyChildNamespaces: true } as never,
    )
    using ada = await RawSession.connect(server.port, { nsp: '/second' })
    await ada.join('book')
    await arrived(ada)
    expect(quotes(ada)).toEqual([['A', 1]])
    expect(new Set(ada.client.frames.map(({ namespace }) => namespace))).toEqual(new Set([ada.namespace]))
    using bob = await RawSession.connect(server.port, { nsp: '/child' })
    server.io.of('/child').to('book').emit('quote', 'A', 1)
    expect((await engine.log.retained('/child\0\0latest\0book')).items).toHaveLength(1)
    bob.client.terminate()
    await until(
      async () => (await engine.log.retained('/child\0\0latest\0book')).items.length === 0,
      'it is cleaned up',
    )
  })

  test('are merged, as they are for who is behind', async () => {
    await using server = await startPolicies({ book: merged })
    const { io } = server
    io.to('book').emit('quote', 'A', { bid: 1, ask: 3 })
    io.to('book').emit('quote', 'A', { bid: 2 })
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    await ada.request('join', 'book', null, null, 0.01)
    io.to('book').emit('quote', 'A', { ask: 4 })
    io.to('book').emit('quote', 'A', { ask: 5 })
    io.to('book').emit('quote', 'A', { last: 6 })
    await bob.join('book')
    await chooseRate(ada, 'book', null)
    await arrived(ada, bob)
    expect(quotes(bob)).toEqual([['A', { bid: 2, ask: 5, last: 6 }]])
    expect(quotes(ada)).toEqual([
      ['A', { bid: 2, ask: 3 }],
      ['A', { ask: 4 }],
      ['A', { ask: 5, last: 6 }],
    ])
    expect(server.faults).toEqual([])
  })

  test('of a room without members go after a while, and stay as long as somebody is in it', async () => {
    await using server = await startPolicies({ book: { ...book, history: { ageMs: 100 } } })
    const { io } = server
    const { log } = runtimeOf(server).engine
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    const retained = async () => (await log.retained('/\0\0latest\0book')).items.length
    io.to('book').emit('quote', 'A', 1)
    expect(await retained()).toBe(1)
    await until(async () => (await retained()) === 0, 'they go')
    await ada.join('book')
    io.to('book').emit('quote', 'A', 2)
    // As long as the room before had to lose its own.
    await new Promise((resolve) => setTimeout(resolve, 200))
    await bob.join('book')
    await arrived(bob)
    expect(quotes(bob)).toEqual([['A', 2]])
    await ada.leave('book')
    bob.client.terminate()
    await until(async () => (await retained()) === 0, 'they go again')
  })

  test(`are ${LIMITS.retainedKeys}: then the oldest goes, and the application is told once`, async () => {
    await using server = await startPolicies({ book })
    using ada = await RawSession.connect(server.port)
    for (let i = 0; i < LIMITS.retainedKeys + 10; i++) server.io.to('book').emit('quote', `k${i}`, i)
    await ada.join('book')
    await arrived(ada)
    expect(quotes(ada)).toHaveLength(LIMITS.retainedKeys)
    expect(quotes(ada)[0]).toEqual(['k10', 10])
    expect(server.faults.map(({ context }) => context)).toEqual([{ where: 'room policy', name: 'latest.retain' }])
  })

  test('are within the memory of all, and within what is sent at once; the application is told', async () => {
    const { engine, budget } = makeEngine(400_000)
    await using server = await startPolicies({ 'book:*': book }, { engine, maxOutgoingBytes: 100_000 } as never)
    using ada = await RawSession.connect(server.port)
    const large = 'x'.repeat(10_000)
    for (let i = 0; i < 100; i++) server.io.to('book:1').emit('quote', `k${i}`, large)
    expect(budget.bytes).toBeLessThanOrEqual(400_000)
    await ada.join('book:1')
    await arrived(ada)
    expect(quotes(ada).map((args) => (args as string[])[0])).toEqual(['k96', 'k97', 'k98', 'k99'])
    expect(server.faults.map(({ context }) => context)).toEqual([{ where: 'room policy', name: 'latest.retain' }])
    for (let room = 0; room < 2_000; room++) server.io.to(`book:${room}`).emit('quote', 'k', large)
    expect(budget.bytes).toBeLessThanOrEqual(410_000)
  })

  test.each([
    ['the newer', book],
    ['what they were merged to', merged],
  ])('of an engine that answers later: nothing older behind something newer, but %s', async (_, policy) => {
    const engine = new LaterEngine()
    await using server = await startPolicies({ book: policy }, { engine } as never)
    using ada = await RawSession.connect(server.port)
    const say = (args: object) => server.io.to('book').emit('quote', 'A', args)
    say({ bid: 1 })
    say({ ask: 2 })
    server.io.to('book').emit('quote', 'B', {})
    engine.holds = (what) => what === 'retained'
    enterAll(server, 'book', ada)
    await until(() => engine.waiting.length > 0, 'the engine is asked')
    say({ ask: 3 })
    engine.release()
    await until(() => quotes(ada).some((args) => (args as unknown[])[0] === 'B'), 'the value of B')
    await arrived(ada)
    const own = quotes(ada).filter((args) => (args as unknown[])[0] === 'A')
    expect(own).toEqual(
      policy === book
        ? [['A', { ask: 3 }]]
        : [
            ['A', { ask: 3 }],
            ['A', { bid: 1, ask: 3 }],
          ],
    )
    using bob = await RawSession.connect(server.port)
    enterAll(server, 'book', bob)
    await until(() => quotes(bob).length === 2, 'all values')
    expect(quotes(bob)).toContainEqual(['A', policy === book ? { ask: 3 } : { bid: 1, ask: 3 }])
    expect(server.faults).toEqual([])
  })
})

test('a value that is emitted because another one was too much for somebody is the newer one for who joins, too', async () => {
  await using server = await startPolicies({ book }, { maxOutgoingBytes: 16_384 })
  const { io } = server
  using slow = await RawPoller.connect(server.port)
  const [socket] = [...io.sockets.sockets.values()]
  socket?.join('book')
  socket?.on('disconnect', () => void io.to('book').emit('quote', 'A', 'newer'))
  while (socket?.conn.congestion !== 'over') io.to('book').emit('fill', new Uint8Array(1_024))
  expect(socket?.connected).toBe(true)
  using ada = await RawSession.connect(server.port)
  enterAll(server, 'book', ada)
  io.to('book').emit('quote', 'A', 'the older one')
  expect(socket?.connected).toBe(false)
  using bob = await RawSession.connect(server.port)
  enterAll(server, 'book', bob)
  await arrived(ada, bob)
  expect(quotes(ada).at(-1)).toEqual(['A', 'newer'])
  expect(quotes(bob)).toEqual([['A', 'newer']])
  expect(slow.session).not.toBe('')
})
