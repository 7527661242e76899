import { describe, expect, test } from 'vitest'
import { RawSession, type SyncEntry } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import {
  type AnySession,
  codeOf,
  connectOver,
  drained,
  enter,
  eventsOf,
  runtimeOf,
  socketOf,
  startPolicies,
  startRooms,
  TRANSPORTS,
} from './room-support'

const authorize = () => true

/** What a request brings: notices, and messages as `position value`, without the answer. */
async function broughtBy(session: AnySession, entries: readonly SyncEntry[], all = false): Promise<unknown[]> {
  const { frames } = session.client
  await drained(session)
  const from = frames.length
  await session.request('sync', entries, all)
  const positions = new Map<unknown, number>()
  for (const { received } of session.streams.values()) {
    for (const { position, args } of received) positions.set(args[0], position)
  }
  return frames.slice(from).flatMap(({ type, body }) => {
    if (type === 'NOTICE') return [body]
    return type === 'EVENT' ? [`${positions.get((body as unknown[])[0])} ${(body as unknown[])[0]}`] : []
  })
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('what is behind a position comes again, up to where it was asked for', async () => {
    await using server = await startRooms()
    using ada = await connectOver(transport, server.port)
    const { room = 0 } = await ada.join('red')
    socketOf(server, ada).join('mods')
    for (let i = 1; i <= 8; i++) {
      if (i === 4 || i === 5) server.io.to('red').except('mods').emit('m', `m${i}`)
      else server.io.to('red').emit('m', `m${i}`)
    }
    expect(await broughtBy(ada, [[room, 2]])).toEqual(['3 m3', ['skip', room, 4, 5], '6 m6', '7 m7', '8 m8'])
    expect(await broughtBy(ada, [[room, 2, 6]])).toEqual(['3 m3', ['skip', room, 4, 5], '6 m6'])
    expect(await broughtBy(ada, [[room, 3, 4]])).toEqual([['skip', room, 4, 4]])
    expect(await broughtBy(ada, [[room, 7, 100]])).toEqual(['8 m8'])
    for (const after of [8, 9, Number.MAX_SAFE_INTEGER]) expect(await broughtBy(ada, [[room, after]])).toEqual([])
    expect(await broughtBy(ada, [[room, 6, 2]])).toEqual([])
  })

  test('a room that the client does not know is announced, with everything since it joined', async () => {
    await using server = await startRooms()
    using ada = await connectOver(transport, server.port)
    server.io.to('red').emit('m', 'before')
    const red = await enter(server, ada, 'red')
    const blue = await enter(server, ada, 'blue')
    server.io.to('red').emit('m', 'red 2')
    server.io.to('blue').emit('m', 'blue 1')
    expect(await broughtBy(ada, [[red.room, null]])).toEqual([['joined', red.room, 1], '2 red 2'])
    expect(await broughtBy(ada, [[red.room, 2]], true)).toEqual([['joined', blue.room, 0], '1 blue 1'])
    expect(await broughtBy(ada, [], true)).toEqual([
      ['joined', red.room, 1],
      '2 red 2',
      ['joined', blue.room, 0],
      '1 blue 1',
    ])
    expect(
      await broughtBy(ada, [
        [red.room, 2],
        [blue.room, 1],
      ]),
    ).toEqual([])
  })

  test('a room that the socket is not in has ended', async () => {
    await using server = await startRooms()
    using ada = await connectOver(transport, server.port)
    using bob = await connectOver(transport, server.port)
    const foreign = await enter(server, bob, 'red')
    server.io.to('red').emit('m', 'secret')
    const left = [0, foreign.room, 4_711, Number.MAX_SAFE_INTEGER]
    expect(
      await broughtBy(
        ada,
        left.map((number) => [number, 0]),
      ),
    ).toEqual(left.map((number) => ['left', number, null]))
    expect(await broughtBy(ada, [[foreign.room, null]])).toEqual([['left', foreign.room, null]])
  })

  test('more than a client can take comes in rounds, and they end', async () => {
    await using server = await startRooms(undefined, { maxOutgoingBytes: 8_192 })
    using ada = await connectOver(transport, server.port)
    using bob = await connectOver(transport, server.port)
    const rooms = ['a', 'b', 'c']
    for (const room of rooms) {
      await ada.join(room)
      for (let i = 1; i <= 40; i++) {
        server.io.to(room).emit('m', i, 'x'.repeat(i === 20 ? 6_000 : 100))
        await drained(ada)
      }
    }
    for (const room of rooms) await bob.join(room)
    const entries = new Map(rooms.map((room) => [ada.stream(room).room, 0]))
    const before = ada.client.frames.length
    let rounds = 0
    for (; [...entries.values()].some((position) => position < 40); rounds++) {
      const from = ada.client.frames.length
      await ada.sync([...entries].filter(([, position]) => position < 40))
      const events = ada.client.frames.slice(from).filter(({ type }) => type === 'EVENT')
      expect(events.length, `round ${rounds}`).toBeGreaterThan(0)
      expect(events.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(12_000)
      for (const { body } of events) {
        const [number = 0] = [...entries].find(([, position]) => position < 40) ?? []
        const [value] = body as [number]
        const room = [...entries.keys()].find((each) => entries.get(each) === value - 1) ?? number
        entries.set(room, value)
      }
    }
    expect(rounds).toBeGreaterThan(3)
    expect(ada.client.frames.slice(before).filter(({ type }) => type === 'EVENT')).toHaveLength(120)
    expect(ada.client.closed ?? null).toBeNull()
  })
})

test('what is gone is said to be lost, and the rest comes', async () => {
  await using server = await startPolicies({ red: { history: { messages: 3 }, authorize } })
  using ada = await RawSession.connect(server.port)
  const { room = 0 } = await ada.join('red')
  for (let i = 1; i <= 8; i++) server.io.to('red').emit('m', `m${i}`)
  expect(await broughtBy(ada, [[room, 2]])).toEqual([['lost', room, 5], '6 m6', '7 m7', '8 m8'])
  expect(await broughtBy(ada, [[room, 2, 4]])).toEqual([['lost', room, 4]])
  expect(await broughtBy(ada, [[room, 5]])).toEqual(['6 m6', '7 m7', '8 m8'])
  server.io.to('red').emit('m', 'm9')
  expect(await broughtBy(ada, [[room, null]])).toEqual([['joined', room, 0], ['lost', room, 6], '7 m7', '8 m8', '9 m9'])
})

test('a stream is sent once, however often it is named', async () => {
  await using server = await startRooms()
  using ada = await RawSession.connect(server.port)
  const { room = 0 } = await ada.join('red')
  for (let i = 1; i <= 3; i++) server.io.to('red').emit('m', `m${i}`)
  const entries: SyncEntry[] = Array.from({ length: 2_000 }, (_, i) => [room, i % 3])
  expect(await broughtBy(ada, [...entries, [room, 2]], true)).toEqual(['3 m3'])
  const unknown = Array.from({ length: 2_000 }, (_, i): SyncEntry => [1_000 + i, 1])
  expect(await broughtBy(ada, unknown)).toHaveLength(2_000)
})

test('a list of another shape is refused, and harms nothing', async () => {
  await using server = await startRooms()
  using ada = await RawSession.connect(server.port)
  const bad = [
    [],
    [null],
    [{}],
    ['1'],
    [[1]],
    [[[]]],
    [[[1]]],
    [[['1', 1]]],
    [[[-1, 1]]],
    [[[1, -1]]],
    [[[1, 1.5]]],
    [[[1, 1, -1]]],
    [[[1, 1, 'end']]],
    [[[1, 1], null]],
  ]
  for (const args of bad) expect([args, await codeOf(ada.request('sync', ...args))]).toEqual([args, 'INVALID_REQUEST'])
  expect(ada.client.closed).toBeNull()
  expect(server.faults).toEqual([])
})

test('asking 10,000 times leaves nothing behind', async () => {
  // It asks as fast as it can.
  await using server = await startRooms(undefined, { connectionStateRecovery: true, rateLimits: false })
  using ada = await RawSession.connect(server.port)
  const { room = 0 } = await ada.join('red')
  const { tracking } = socketOf(server, ada)
  const before = [
    tracking?.places.length,
    tracking?.client?.joined.size,
    tracking?.client?.joining.size,
    runtimeOf(server).streams.size,
  ]
  for (let i = 0; i < 100; i++) {
    const asked = Array.from({ length: 100 }, (_, n) =>
      ada.sendRequest(
        'sync',
        [
          [room, 0],
          [n + 100, null],
          [0, 0],
        ],
        true,
      ),
    )
    await until(async () => ada.answers((await Promise.all(asked)).at(-1) as number).length === 1)
  }
  const after = [
    tracking?.places.length,
    tracking?.client?.joined.size,
    tracking?.client?.joining.size,
    runtimeOf(server).streams.size,
  ]
  expect(after).toEqual(before)
})

describe('a client whose frames were lost', () => {
  test('gets everything of a room that it was taken out of, before it hears so', async () => {
    await using server = await startRooms(undefined, { connectionStateRecovery: true })
    using ada = await RawSession.connect(server.port)
    const { room = 0 } = await ada.join('red')
    for (let i = 1; i <= 5; i++) server.io.to('red').emit('m', `m${i}`)
    socketOf(server, ada).leave('red')
    await drained(ada)
    // 3 has come, 4 and 5 and that it has left have not.
    const { frames } = ada.client
    const from = frames.length
    await ada.sync([[room, 1, 2]])
    expect(frames.slice(from).map(({ type }) => type)).toEqual(['EVENT', 'ACK'])
    const rest = frames.length
    await ada.sync([[room, 3]])
    expect(frames.slice(rest).map(({ type, body }) => (body as unknown[])[0] ?? type)).toEqual([
      'm4',
      'm5',
      'left',
      'ACK',
    ])
  })

  test('is told where a room goes on that it was taken out of and put into again', async () => {
    await using server = await startRooms(undefined, { connectionStateRecovery: true })
    using ada = await RawSession.connect(server.port)
    const { room } = await enter(server, ada, 'red')
    server.io.to('red').emit('m', 1)
    socketOf(server, ada).leave('red')
    server.io.to('red').emit('m', 2)
    socketOf(server, ada).join('red')
    server.io.to('red').emit('m', 3)
    await drained(ada)
    const from = ada.client.frames.length
    // `left` and `joined` were lost: without them the client waits for 2 for ever.
    await ada.sync([[room, 1]])
    const notices = ada.client.frames.slice(from).filter(({ type }) => type === 'NOTICE')
    expect(notices.map(({ body }) => body)).toContainEqual(['joined', room, 2])
  })

  test('gets what was for one of its rooms, also when it has joined another one since', async () => {
    await using server = await startRooms()
    using ada = await RawSession.connect(server.port)
    const blue = await enter(server, ada, 'blue')
    server.io.to(['red', 'blue']).emit('m', 'for blue as well')
    socketOf(server, ada).join('red')
    expect(await broughtBy(ada, [[blue.room, 0]])).toEqual(['1 for blue as well'])
  })

  test('gets what it missed of one room, also when it comes back to another one first', async () => {
    await using server = await startRooms()
    using ada = await RawSession.connect(server.port)
    const { epoch } = await ada.join('blue')
    ada.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    server.io.to(['red', 'blue']).emit('m', 'for blue as well')
    using again = await RawSession.connect(server.port)
    await again.join('red')
    expect(await again.join('blue', null, [epoch, 0])).toMatchObject({ seq: 0, recovered: true })
    await drained(again)
    expect(again.stream('blue').received.map(({ args }) => args[0])).toEqual(['for blue as well'])
  })

  test.each([[['red', 'blue']], [['blue', 'red']]])(
    'gets once what was for two rooms that it comes back to: %s',
    async (order) => {
      await using server = await startRooms()
      using ada = await RawSession.connect(server.port)
      const positions = new Map<string, unknown>()
      for (const room of order) positions.set(room, [(await ada.join(room)).epoch, 0])
      ada.client.terminate()
      await until(() => server.io.sockets.sockets.size === 0)
      server.io.to(['red', 'blue']).emit('m', 'for both')
      using again = await RawSession.connect(server.port)
      for (const room of order)
        expect(await again.join(room, null, positions.get(room))).toMatchObject({ recovered: true })
      await drained(again)
      expect(eventsOf(again, 'm')).toEqual([['for both']])
    },
  )
})

describe('a session without a link', () => {
  test('gets what a room is sent that the server puts it into, also if it is alone there', async () => {
    await using server = await startRooms(undefined, { connectionStateRecovery: true })
    const ada = await RawSession.connect(server.port)
    await drained(ada)
    ada.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    server.io.in(ada.sid).socketsJoin('red')
    server.io.to('red').emit('m', 'in red')
    using again = await ada.resume(server.port)
    await drained(again)
    expect(socketOf(server, again).rooms.has('red')).toBe(true)
    // Or it is told that something is missing.
    if (again.session?.recovered) expect(eventsOf(again, 'm')).toEqual([['in red']])
  })

  test('gets what is for its user, also if it is for a room without history as well', async () => {
    await using server = await startPolicies(
      { plain: { history: false } },
      { connectionStateRecovery: true, login: ({ id }: { id: string }) => ({ id }) },
    )
    const ada = await RawSession.connect(server.port, { auth: { id: 'ada' } })
    socketOf(server, ada).join('plain')
    await drained(ada)
    ada.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    server.io.to('plain').toUser('ada').emit('m', 'for Ada')
    using again = await ada.resume(server.port)
    await drained(again)
    if (again.session?.recovered) expect(eventsOf(again, 'm')).toEqual([['for Ada']])
  })
})
