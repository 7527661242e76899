import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { RawPoller } from '../../../test-kit/raw-poller'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import { askWith, connect, cut, memory, partsOf, settled, socketOf, startResumable } from './resume-support'

const LOST = (session: RawSession) => [...session.streams.values()].flatMap(({ losts }) => losts)

describe('what a session may take', () => {
  test('is over after the window', async () => {
    await using server = await startResumable(() => {}, { connectionStateRecovery: { maxDisconnectionDuration: 50 } })
    const first = await connect(server)
    expect(first.session?.windowMs).toBe(50)
    await cut(server, first)
    await until(() => partsOf(server).sessions?.size === 0, 'the end of the session')
    const next = await first.resume(server.port)
    expect(next.session).toMatchObject({ resumed: false, recovered: false })
  })

  test('is a place among maxSessions: the oldest goes', async () => {
    await using server = await startResumable(() => {}, { connectionStateRecovery: { maxSessions: 2 } })
    const all = [await connect(server), await connect(server), await connect(server)]
    for (const each of all) await cut(server, each)
    expect(partsOf(server).sessions?.size).toBe(2)
    const resumed = []
    for (const each of all) resumed.push((await each.resume(server.port)).session?.resumed)
    expect(resumed).toEqual([false, true, true])
  })

  test('is memory that all share: what is gone is told, in each stream, and never recovered', async () => {
    await using server = await startResumable(
      (io) => io.on('connection', (socket) => void (socket.recovered || socket.join('room'))),
      { maxHistoryBytes: 65_536 },
    )
    const first = await connect(server)
    await cut(server, first)
    const text = 'x'.repeat(1_000)
    for (let i = 0; i < 100; i++) {
      server.io.to('room').emit('say', i, text)
      server.io.to(first.sid).emit('say', i, text)
      server.io.emit('say', i, text)
    }
    const next = await first.resume(server.port)
    await settled(next)
    expect(next.session).toMatchObject({ resumed: true, recovered: false })
    expect(socketOf(server, next).recovered).toBe(false)
    expect(LOST(next)).toHaveLength(3)
    for (const { position, missing, duplicates } of next.streams.values()) {
      expect([position, missing, duplicates]).toEqual([100, [], 0])
    }
    expect(partsOf(server).sessions?.size).toBe(0)
  })

  test('a room of which something is gone is told so alone', async () => {
    await using server = await startResumable((io) => {
      io.rooms('short', { history: { messages: 2 } })
      io.on('connection', (socket) => void (socket.recovered || socket.join(['short', 'long'])))
    })
    const first = await connect(server)
    const [, short, long] = [...first.streams.keys()].filter((number) => number > 0) as number[]
    await cut(server, first)
    for (let i = 1; i <= 5; i++) {
      server.io.to('short').emit('say', `short ${i}`)
      server.io.to('long').emit('say', `long ${i}`)
    }
    const next = await first.resume(server.port)
    await settled(next)
    expect(next.session?.recovered).toBe(false)
    expect(next.rooms.find((entry) => entry?.[0] === short)?.[2]).toBe(false)
    expect(next.rooms.find((entry) => entry?.[0] === long)?.[2]).toBe(true)
    expect(next.stream(short as number).losts).toEqual([{ from: 1, to: 3 }])
    expect(next.stream(short as number).delivered).toHaveLength(2)
    expect(next.stream(long as number).delivered).toHaveLength(5)
  })

  test('one message that is larger than the ring is told to be lost', async () => {
    await using server = await startResumable(() => {}, { connectionStateRecovery: { history: { bytes: 100 } } })
    const first = await connect(server)
    await cut(server, first)
    server.io.to(first.sid).emit('say', 'x'.repeat(200))
    server.io.emit('say', 'x'.repeat(200))
    const next = await first.resume(server.port)
    await settled(next)
    expect(next.session?.recovered).toBe(false)
    expect(LOST(next)).toHaveLength(2)
  })
})

describe('a replay that is larger than half of maxOutgoingBytes', () => {
  test('of one stream is told to be lost, and does not cut the client', async () => {
    await using server = await startResumable(() => {}, { maxOutgoingBytes: 20_000 })
    const first = await connect(server)
    await cut(server, first)
    for (let i = 0; i < 30; i++) server.io.to(first.sid).emit('say', 'x'.repeat(1_000))
    const next = await first.resume(server.port)
    await settled(next)
    expect(next.session).toMatchObject({ resumed: true, recovered: false })
    expect(LOST(next)).toEqual([{ from: 1, to: 30 }])
    expect(next.client.closed).toBeNull()
  })

  test.each([
    ['with one large message each', 20_000],
    ['with none that is large', 4_000],
  ])('of many rooms, %s, does not cut the client, however often it comes', async (_how, size) => {
    const rooms = Array.from({ length: 40 }, (_, i) => `room ${i}`)
    await using server = await startResumable(
      (io) => io.on('connection', (socket) => void (socket.recovered || socket.join(rooms))),
      { maxOutgoingBytes: 65_536 },
    )
    const first = await connect(server)
    await cut(server, first)
    for (const room of rooms) server.io.to(room).emit('say', 'x'.repeat(size))
    using poller = await RawPoller.open(server.port)
    // It asks for nothing until the server has answered.
    const connecting = RawSession.over(poller, {
      client: first.clientSecret,
      resume: first.resumeBody(),
    })
    await until(() => server.io.sockets.sockets.size === 1 || server.io.engine.clientsCount === 0, 'the answer')
    poller.start()
    const next = await connecting
    expect(next.session).toMatchObject({ resumed: true, recovered: false })
    const bytes = poller.frames.reduce((sum, frame) => sum + frame.bytes.length, 0)
    expect(bytes).toBeLessThan(65_536)
    expect(poller.ended).toBeNull()
  })
})

test('a store that takes nothing more refuses nobody', async () => {
  const { engine } = memory()
  const full = memory(3_000).engine.store
  const { log, bus, directory, nodeId } = engine
  const shared = {
    name: 'full',
    nodeId,
    log,
    bus,
    directory,
    // Of an engine with several nodes: keys of live sessions are in it too.
    store: {
      capabilities: { isShared: true },
      put: full.put.bind(full),
      get: full.get.bind(full),
      take: full.take.bind(full),
      consume: full.consume.bind(full),
    },
    start: engine.start.bind(engine),
    close: engine.close.bind(engine),
  }
  await using server = await startResumable(() => {}, { engine: shared })
  const body = () => ({ client: randomBytes(16).toString('hex') })
  const answers = []
  for (let i = 0; i < 10; i++) {
    const { frame, client } = await askWith(server.port, body())
    answers.push(frame.type)
    server.io.emit('say', i)
    await until(() => client.frames.some(({ event }) => event === 'say'), 'an event')
  }
  expect(answers).toEqual(Array.from({ length: 10 }, () => 'CONNECTED'))
  expect(server.faults.length).toBeGreaterThan(0)
})

describe('nothing stays behind', () => {
  test('of namespaces that a pattern has made, when nobody is awaited there any more', async () => {
    await using server = await startResumable((io) => void io.of(/^\/made/), {
      connectionStateRecovery: { maxDisconnectionDuration: 300 },
    })
    const registry = (server.io as unknown as { namespaces: { get(name: string): unknown } }).namespaces
    const first = await connect(server, { nsp: '/made' })
    await cut(server, first, '/made')
    expect(registry.get('/made')).toBeDefined()
    const next = await first.resume(server.port)
    expect(next.session?.resumed).toBe(true)
    await cut(server, next, '/made')
    await until(() => registry.get('/made') === undefined, 'the namespace to go')
    const anew = await next.resume(server.port)
    expect(anew.session?.resumed).toBe(false)
  })

  test('when the server closes: no session, no deadline', async () => {
    const server = await startResumable((io) => io.on('connection', (socket) => socket.join('room')))
    const away = await connect(server)
    const here = await connect(server)
    await cut(server, away)
    server.io.to('room').emit('say', 1)
    server.io.emit('say', 1)
    server.io.to(away.sid).emit('say', 1)
    await settled(here)
    const { wheel, sessions } = partsOf(server)
    await server.io.close()
    await until(() => here.client.closed, 'the link to be closed')
    expect(sessions?.size).toBe(0)
    expect(wheel.size).toBe(0)
  })

  test('of rooms that sessions were put into while they were away', async () => {
    await using server = await startResumable(() => {}, {
      connectionStateRecovery: { maxDisconnectionDuration: 50, history: { ageMs: 50 } },
    })
    const first = await connect(server)
    await cut(server, first)
    server.io.in(first.sid).socketsJoin(['a', 'b'])
    server.io.to('a').emit('say', 1)
    const { sessions, streams } = partsOf(server)
    await until(() => sessions?.size === 0, 'the end of the session')
    await until(() => streams.size === 0, 'the end of its streams')
  })

  test('of 5,000 sessions that came and went', async () => {
    const { engine, budget } = memory()
    await using server = await startResumable(
      (io) => io.on('connection', (socket) => void (socket.recovered || socket.join(`room ${socket.id}`))),
      {
        engine,
        maxHistoryBytes: 65_536,
        connectionStateRecovery: { maxDisconnectionDuration: 50, history: { ageMs: 50 } },
      },
    )
    const { sessions, wheel, streams } = partsOf(server)
    await cut(server, await connect(server))
    const COUNT = 5_000
    const AT_ONCE = 50
    for (let done = 0; done < COUNT; done += AT_ONCE) {
      const batch = await Promise.all(Array.from({ length: AT_ONCE }, () => RawSession.connect(server.port)))
      for (const { sid } of batch) server.io.to([sid, `room ${sid}`]).emit('say', sid)
      for (const { client } of batch) client.terminate()
    }
    await until(() => server.io.sockets.sockets.size === 0, 'all to be gone')
    await until(() => sessions?.size === 0, 'the end of all sessions')
    await until(() => streams.size <= 1, 'the end of all streams')
    await until(() => engine.log.size <= 1, 'the end of all logs')
    expect(engine.store.bytes).toBe(0)
    expect(budget.bytes).toBeLessThan(1_000)
    await until(() => wheel.size <= 1, 'the end of all deadlines')
    expect(sessions?.inNamespace(0).size).toBe(0)
  }, 60_000)
})
