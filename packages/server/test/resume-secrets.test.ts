import { randomBytes } from 'node:crypto'
import { CLOSE_CODES, MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import type { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import type { Store } from '../src/cluster/engine'
import { askWith, connect, cut, heard, memory, partsOf, settled, startResumable } from './resume-support'

describe('a secret', () => {
  test('is for one use: when the client has confirmed the next one, it begins anew', async () => {
    await using server = await startResumable()
    const first = await connect(server)
    const next = await first.resume(server.port)
    await next.sync(undefined, true)
    expect((await first.resume(server.port)).session?.resumed).toBe(false)
    expect(next.client.closed, 'nobody else is harmed').toBeNull()
    expect((await next.resume(server.port)).session?.resumed).toBe(true)
  })

  test('is good until the first sync, for a client that CONNECTED did not reach', async () => {
    await using server = await startResumable()
    let session = await connect(server)
    const { sid } = session
    for (let i = 0; i < 3; i++) {
      const lost = await RawClient.open(server.port)
      lost.send(
        { type: MESSAGE_TYPES.CONNECT },
        { nsp: '/', client: session.clientSecret, resume: session.resumeBody() },
      )
      await lost.frame('CONNECTED')
      lost.terminate()
      server.io.to(sid).emit('say', i)
    }
    session = await session.resume(server.port)
    await settled(session)
    expect(session.session).toMatchObject({ resumed: true, recovered: true })
    expect(heard(session)).toEqual(['say(0)', 'say(1)', 'say(2)'])
    expect(partsOf(server).sessions?.size).toBe(0)
  })

  test('that the client never got is void when it has come with the one before', async () => {
    await using server = await startResumable()
    const first = await connect(server)
    const unseen = await first.resume(server.port)
    const next = await first.resume(server.port)
    expect(next.session?.resumed).toBe(true)
    expect((await unseen.resume(server.port)).session?.resumed).toBe(false)
    expect(next.client.closed).toBeNull()
  })

  test('is of no use to another client, and stays good for its own', async () => {
    await using server = await startResumable()
    const first = await connect(server)
    await cut(server, first)
    for (const client of [randomBytes(16).toString('hex'), undefined, '', 5, `${first.clientSecret}0`]) {
      const { frame } = await askWith(server.port, { client, resume: first.resumeBody() })
      expect(frame.type).toBe('CONNECTED')
      expect((frame.body as { session?: object }).session ?? { resumed: false }).toMatchObject({ resumed: false })
    }
    expect((await first.resume(server.port)).session).toMatchObject({ resumed: true, recovered: true })
  })

  test('is of no use in another namespace, and stays good in its own', async () => {
    await using server = await startResumable((io) => void io.of('/other'))
    const first = await connect(server)
    await cut(server, first)
    const { frame } = await askWith(server.port, {
      nsp: '/other',
      client: first.clientSecret,
      resume: first.resumeBody(),
    })
    expect(frame.body).toMatchObject({ session: { resumed: false } })
    expect((await first.resume(server.port)).session).toMatchObject({ resumed: true })
  })

  test.each([
    ['a guessed secret', { secret: randomBytes(24).toString('base64url') }],
    ['an empty secret', { secret: '' }],
    ['a long secret', { secret: 'x'.repeat(5_000) }],
    ['a secret with a nul', { secret: 'a\0b' }],
    ['a number as secret', { secret: 5 }],
    ['no secret', { secret: undefined }],
    ['a negative position', { own: -1 }],
    ['a text as position', { own: '0' }],
    ['half a position', { own: 0.5 }],
    ['no rooms', { rooms: null }],
    ['rooms that are no list', { rooms: { length: 3 } }],
    ['a room without a position', { rooms: [[1]] }],
    ['a negative number', { rooms: [[-1, 0]] }],
  ])('%s begins a new session, and harms nobody', async (_what, replaced) => {
    await using server = await startResumable()
    const first = await connect(server)
    await cut(server, first)
    const anew = await first.resume(server.port, replaced)
    expect(anew.session).toMatchObject({ resumed: false, recovered: false })
    expect(anew.sid).not.toBe(first.sid)
    expect((await first.resume(server.port)).session).toMatchObject({ resumed: true })
    expect(server.faults).toEqual([])
  })

  test.each(['a text', 5, null, [], {}, [1, 2]])('resume of %j begins a new session', async (resume) => {
    await using server = await startResumable()
    const { frame } = await askWith(server.port, { client: randomBytes(16).toString('hex'), resume })
    expect(frame.body).toMatchObject({ session: { resumed: false } })
    expect(server.faults).toEqual([])
  })
})

describe('positions of a client that says what it likes', () => {
  test.each([
    ['huge', Number.MAX_SAFE_INTEGER],
    ['of the future', 7],
  ])('%s ones are taken for the newest', async (_what, position) => {
    await using server = await startResumable((io) =>
      io.on('connection', (socket) => void (socket.recovered || socket.join('room'))),
    )
    const first = await connect(server)
    server.io.to('room').emit('say', 1)
    server.io.to(first.sid).emit('say', 2)
    await settled(first)
    await cut(server, first)
    const rooms = (first.resumeBody().rooms as number[][]).map(([number]) => [number, position])
    const next = await first.resume(server.port, { own: position, rooms })
    expect(next.session).toMatchObject({ resumed: true, own: 1 })
    server.io.to('room').emit('say', 3)
    server.io.to(first.sid).emit('say', 4)
    await settled(next)
    expect(heard(next)).toEqual(['say(3)', 'say(4)'])
    await next.sync([...next.streams.keys()].map((number) => [number, Number.MAX_SAFE_INTEGER]))
    server.io.to(first.sid).emit('say', 5)
    await settled(next)
    expect(heard(next).at(-1)).toBe('say(5)')
    expect(server.faults).toEqual([])
  })

  test('rooms of others, thousands of rooms and one room many times are passed over', async () => {
    await using server = await startResumable()
    const other = await connect(server)
    const first = await connect(server)
    socketsJoin(server.io, other.sid, 'secret')
    server.io.to('secret').emit('say', 'secret')
    await cut(server, first)
    const rooms = [...Array.from({ length: 1_000 }, (_, number) => [number, 0]), [1, 0], [1, 0]]
    const next = await first.resume(server.port, { rooms })
    await next.sync(rooms.map(([number]) => [number as number, 0]))
    expect(heard(next)).toEqual([])
    expect(next.session?.resumed).toBe(true)
    expect(server.faults).toEqual([])
  })

  test('a position in front of the place in a room shows nothing from before it', async () => {
    await using server = await startResumable()
    const other = await connect(server)
    socketsJoin(server.io, other.sid, 'room')
    server.io.to('room').emit('say', 'before')
    const first = await connect(server)
    socketsJoin(server.io, first.sid, 'room')
    await settled(first)
    await cut(server, first)
    const rooms = (first.resumeBody().rooms as number[][]).map(([number]) => [number, 0])
    const next = await first.resume(server.port, { rooms })
    await next.sync(rooms as [number, number][])
    expect(heard(next)).toEqual([])
  })
})

function socketsJoin(io: Awaited<ReturnType<typeof startResumable>>['io'], sid: string, room: string): void {
  io.in(sid).socketsJoin(room)
}

test('a key __proto__ in resume ends the connection as every value with it does, and nobody else', async () => {
  await using server = await startResumable()
  const first = await connect(server)
  await cut(server, first)
  const client = await RawClient.open(server.port)
  const key = Buffer.from('\xa9__proto__', 'latin1')
  // CONNECT { nsp: '/', resume: { __proto__: {} } }
  const body = Buffer.concat([
    Buffer.from([MESSAGE_TYPES.CONNECT, 0x82, 0xa3]),
    Buffer.from('nsp'),
    Buffer.from([0xa1, 0x2f, 0xa6]),
    Buffer.from('resume'),
    Buffer.from([0x81]),
    key,
    Buffer.from([0x80]),
  ])
  client.sendBytes(body)
  expect((await client.close()).code).toBe(CLOSE_CODES.BAD_FRAME)
  expect((await first.resume(server.port)).session?.resumed).toBe(true)
})

test('neither secret is ever given to the store in clear', async () => {
  const { engine } = memory()
  const told: string[] = []
  const { store } = engine
  const watched: Store = {
    // So that it is told of everything.
    capabilities: { isShared: true },
    put: (key, value, ttlMs) => {
      told.push(key, Buffer.from(value).toString('latin1'))
      return store.put(key, value, ttlMs)
    },
    get: (key) => {
      told.push(key)
      return store.get(key)
    },
    take: (key) => {
      told.push(key)
      return store.take(key)
    },
    consume: (...args) => store.consume(...args),
  }
  const { log, bus, directory, nodeId } = engine
  const watching = {
    name: 'watched',
    nodeId,
    log,
    bus,
    directory,
    store: watched,
    start: (events: Parameters<typeof engine.start>[0]) => engine.start(events),
    close: () => engine.close(),
  }
  await using server = await startResumable(() => {}, { engine: watching })
  let session: RawSession = await connect(server)
  const secrets: unknown[] = [session.clientSecret]
  for (let i = 0; i < 3; i++) {
    secrets.push(session.session?.secret)
    await cut(server, session)
    session = await session.resume(server.port)
    await session.sync(undefined, true)
    expect(session.session?.resumed).toBe(true)
  }
  await until(() => told.length > 0, 'the store to be used')
  for (const secret of secrets) expect(told.filter((text) => text.includes(String(secret)))).toEqual([])
})
