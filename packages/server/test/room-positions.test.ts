import { createCompactCodec, type ValueCodec } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import {
  type AnySession,
  connectOver,
  drained,
  enter,
  eventsOf,
  runtimeOf,
  socketOf,
  startRooms,
  TRANSPORTS,
} from './room-support'

/** Positions and what came at them, in order of arrival. */
const seen = (stream: { received: readonly { position: number; args: readonly unknown[] }[] }) =>
  stream.received.map(({ position, args }) => [position, args[0]])

describe.each(TRANSPORTS)('over %s', (transport) => {
  const connect = (port: number, options = {}) => connectOver(transport, port, options)

  test('each room counts its messages by itself, from where the client was put in', async () => {
    await using server = await startRooms()
    using ada = await connect(server.port)
    using bob = await connect(server.port)
    const red = await enter(server, ada, 'red')
    server.io.to('red').emit('m', 1)
    const blue = await enter(server, ada, 'blue')
    const late = await enter(server, bob, 'red')
    for (let i = 2; i < 6; i++) server.io.to(i % 2 ? 'red' : 'blue').emit('m', i)
    await drained(ada, bob)
    expect(red.begin).toBe(0)
    expect(seen(red)).toEqual([
      [1, 1],
      [2, 3],
      [3, 5],
    ])
    expect(seen(blue)).toEqual([
      [1, 2],
      [2, 4],
    ])
    expect(late.begin).toBe(1)
    expect(late.room).toBe(red.room)
    expect(seen(late)).toEqual([
      [2, 3],
      [3, 5],
    ])
  })

  test('a volatile message has no position, and takes none', async () => {
    await using server = await startRooms()
    using ada = await connect(server.port)
    const stream = await enter(server, ada, 'red')
    server.io.to('red').emit('m', 1)
    server.io.to('red').volatile.emit('v', 2)
    server.io.to('red').emit('m', 3)
    await drained(ada)
    expect(seen(stream)).toEqual([
      [1, 1],
      [2, 3],
    ])
    expect(eventsOf(ada, 'v')).toEqual([[2]])
  })

  test('who is left out by id, by room and by user has the position skipped', async () => {
    await using server = await startRooms(undefined, { login: ({ id }: { id: string }) => ({ id }) })
    using ada = await connect(server.port, { auth: { id: 'ada' } })
    using bob = await connect(server.port, { auth: { id: 'bob' } })
    const first = await enter(server, ada, 'red')
    const second = await enter(server, bob, 'red')
    const mods = await enter(server, bob, 'mods')
    socketOf(server, ada).to('red').emit('m', 'not to Ada')
    server.io.to('red').except('mods').emit('m', 'not to mods')
    server.io.to('red').exceptUser('ada').emit('m', 'not to the user')
    server.io.to('red').except([ada.sid, bob.sid]).emit('m', 'to nobody')
    server.io.to('red').emit('m', 'to all')
    await drained(ada, bob)
    expect(seen(first)).toEqual([
      [2, 'not to mods'],
      [5, 'to all'],
    ])
    expect(first.skips).toEqual([
      { from: 1, to: 1 },
      { from: 3, to: 3 },
      { from: 4, to: 4 },
    ])
    expect(seen(second)).toEqual([
      [1, 'not to Ada'],
      [3, 'not to the user'],
      [5, 'to all'],
    ])
    expect([first.position, second.position, mods.position]).toEqual([5, 5, 0])
    expect([first.gaps, second.gaps]).toEqual([[], []])
  })

  test('a message for several rooms comes once, and the other rooms skip it', async () => {
    await using server = await startRooms()
    using ada = await connect(server.port)
    using bob = await connect(server.port)
    using eve = await connect(server.port)
    const [a, b, c] = [await enter(server, ada, 'a'), await enter(server, ada, 'b'), await enter(server, ada, 'c')]
    const second = await enter(server, bob, 'b')
    const third = await enter(server, eve, 'c')
    server.io.to('a').to('b').to('c').emit('m', 1)
    server.io.to(['c', 'b']).except('a').emit('m', 2)
    await drained(ada, bob, eve)
    expect([seen(a), seen(b), seen(c)]).toEqual([[[1, 1]], [], []])
    expect([a.position, b.position, c.position]).toEqual([1, 2, 2])
    expect(seen(second)).toEqual([
      [1, 1],
      [2, 2],
    ])
    expect(seen(third)).toEqual([
      [1, 1],
      [2, 2],
    ])
  })

  test('a room without history, an own id and a user beside a room with positions: each gets it once', async () => {
    await using server = await startRooms((io) => void io.rooms('plain', { history: false }), {
      login: ({ id }: { id: string }) => ({ id }),
    })
    using ada = await connect(server.port, { auth: { id: 'ada' } })
    using bob = await connect(server.port, { auth: { id: 'bob' } })
    const stream = await enter(server, ada, 'red')
    socketOf(server, ada).join('plain')
    socketOf(server, bob).join('plain')
    server.io.to('red').to('plain').emit('m', 1)
    server.io.to(ada.sid).to('red').to(bob.sid).emit('m', 2)
    server.io.to('red').toUser(['ada', 'bob']).emit('m', 3)
    server.io.to('plain').emit('m', 4)
    await drained(ada, bob)
    expect(eventsOf(ada, 'm')).toEqual([[1], [2], [3], [4]])
    expect(eventsOf(bob, 'm')).toEqual([[1], [2], [3], [4]])
    expect(seen(stream)).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ])
    expect(bob.notices('joined')).toEqual([])
  })

  test('a room that was left is not heard of any more, and goes on counting for whoever comes back', async () => {
    await using server = await startRooms()
    using ada = await connect(server.port)
    using bob = await connect(server.port)
    const first = await enter(server, ada, 'red')
    await enter(server, bob, 'red')
    server.io.to('red').emit('m', 1)
    socketOf(server, ada).leave('red')
    server.io.to('red').emit('m', 2)
    const again = await enter(server, ada, 'red')
    server.io.to('red').emit('m', 3)
    await drained(ada)
    expect(seen(first)).toEqual([[1, 1]])
    expect(ada.ended).toEqual([first])
    expect(again.begin).toBe(2)
    expect(seen(again)).toEqual([[3, 3]])
  })

  test('a room that was empty for a moment goes on with its number and its positions', async () => {
    await using server = await startRooms()
    using ada = await connect(server.port)
    const first = await enter(server, ada, 'red')
    server.io.to('red').emit('m', 1)
    socketOf(server, ada).leave('red')
    server.io.to('red').emit('m', 2)
    const again = await enter(server, ada, 'red')
    server.io.to('red').emit('m', 3)
    await drained(ada)
    expect(again.room).toBe(first.room)
    expect(again.begin).toBe(2)
    expect(seen(again)).toEqual([[3, 3]])
  })
})

test('a room whose history has ended has a new number and a new order', async () => {
  await using server = await startRooms(
    (io) => void io.rooms('short', { history: { ageMs: 50 }, authorize: () => true }),
  )
  using ada = await RawSession.connect(server.port)
  const { streams } = runtimeOf(server)
  const first = await ada.join('short')
  server.io.to('short').emit('m', 1)
  await ada.leave('short')
  expect(streams.size).toBe(1)
  await until(() => streams.size === 0, 'the stream is closed')
  const again = await ada.join('short')
  expect(again.room).not.toBe(first.room)
  expect(again.epoch).not.toBe(first.epoch)
  expect(again.seq).toBe(0)
})

test('two rooms of the same name in two namespaces have nothing in common', async () => {
  await using server = await startRooms(
    (io) => void io.of('/other').rooms('*', { history: true, authorize: () => true }),
  )
  using ada = await RawSession.connect(server.port)
  using bob = await RawSession.connect(server.port, { nsp: '/other' })
  const mine = await ada.join('red')
  const other = await bob.join('red')
  expect(other.room).not.toBe(mine.room)
  expect(other.epoch).not.toBe(mine.epoch)
  server.io.to('red').emit('m', 1)
  server.io.of('/other').to('red').emit('m', 2)
  await drained(ada, bob)
  expect(seen(ada.stream('red'))).toEqual([[1, 1]])
  expect(seen(bob.stream('red'))).toEqual([[1, 2]])
})

test('a message with a position is encoded once and published once, and everybody gets the same bytes', async () => {
  const encoded: unknown[] = []
  const inner = createCompactCodec()
  const codec: ValueCodec = {
    ...inner,
    encode: (value, reserve) => {
      encoded.push(value)
      return inner.encode(value, reserve)
    },
  }
  await using server = await startRooms((io) => io.on('connection', (socket) => socket.join('red')), { codec })
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawSession.connect(server.port)))
  await until(() => clients.every((client) => client.notices('joined').length === 1))
  const { turn } = runtimeOf(server)
  const published: string[] = []
  const { publish } = turn.publisher
  turn.publisher = {
    publish: (topic, ...rest) => {
      published.push(topic)
      publish(topic, ...rest)
    },
  }
  encoded.length = 0
  server.io.to('red').emit('m', 1)
  server.io
    .to('red')
    .except((clients[0] as RawSession).sid)
    .emit('m', 2)
  expect(encoded.filter((value) => Array.isArray(value) && value[0] !== 'skip')).toEqual([[1], [2]])
  expect(published).toEqual(['0:red', (clients[0] as RawSession).sid, '0:red'])
  await drained(...clients)
  for (const [message, count] of [
    [1, 20],
    [2, 19],
  ]) {
    const copies = clients.flatMap(({ client }) =>
      client.frames.filter(({ event, body }) => event === 'm' && (body as unknown[])[0] === message),
    )
    expect(copies).toHaveLength(count as number)
    expect(new Set(copies.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).size).toBe(1)
  }
  for (const client of clients) client[Symbol.dispose]()
})

describe('notices come before the messages that they are about', () => {
  /** The kinds of frames about rooms, in the order in which they came. */
  const order = (session: AnySession) =>
    session.client.frames.flatMap(({ type, event, body }) => {
      if (type === 'EVENT') return [`${event} ${(body as unknown[])[0]}`]
      return type === 'NOTICE' ? [String((body as unknown[])[0])] : []
    })

  test('also when a listener of the adapter emits, at a join and at a leave', async () => {
    await using server = await startRooms()
    using ada = await RawSession.connect(server.port)
    const { adapter } = server.io.sockets
    for (const event of ['create-room', 'join-room', 'leave-room', 'delete-room'] as const) {
      adapter.on(event, (room: string) => void server.io.to(room).emit(event, 1))
    }
    socketOf(server, ada).join('red')
    server.io.to('red').emit('m', 1)
    socketOf(server, ada).leave('red')
    await drained(ada)
    expect(order(ada)).toEqual(['joined', 'create-room 1', 'join-room 1', 'm 1', 'left'])
  })

  test('also within the handler of an event, amid frames that wait for the end of the turn', async () => {
    await using server = await startRooms((io) =>
      io.on('connection', (socket) =>
        socket.on('enter', (other: string) => {
          io.to('red').emit('m', 1)
          socket.join('red')
          io.to('red').emit('m', 2)
          io.sockets.sockets.get(other)?.join('red')
          io.to('red').emit('m', 3)
          socket.leave('red')
          io.to('red').emit('m', 4)
          socket.join('red')
          io.to('red').emit('m', 5)
        }),
      ),
    )
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    await ada.emit('enter', bob.sid)
    await drained(ada)
    await drained(bob)
    expect(order(ada)).toEqual(['joined', 'm 2', 'm 3', 'left', 'joined', 'm 5'])
    expect(order(bob)).toEqual(['joined', 'm 3', 'm 4', 'm 5'])
    for (const { streams } of [ada, bob]) for (const stream of streams.values()) expect(stream.gaps).toEqual([])
  })

  test('a listener that takes the socket out at once leaves it out, and it hears so', async () => {
    await using server = await startRooms()
    using ada = await RawSession.connect(server.port)
    server.io.sockets.adapter.on('join-room', (room, id) => server.io.sockets.sockets.get(id)?.leave(room))
    socketOf(server, ada).join('red')
    server.io.to('red').emit('m', 1)
    await drained(ada)
    expect(order(ada)).toEqual(['joined', 'left'])
  })
})
