import type { Room } from '@roomcast/client'
import { CLOSE_CODES, LIMITS } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import type { FakeLink, FakeServer } from '../../../test-kit/fake-server'
import { next, until } from '../../../test-kit/wait'
import { handled, notice, refuse, request, requestsOn } from './people-support'
import { asMessage, kept, record, requestsOf, say, scene, startRooms } from './rooms-support'
import { errorOf, type TestSocket } from './support'

/** The answer to a `join`. */
function answer(seq: number, given: object = {}): object {
  return { room: 12, epoch: 'e', seq, recovered: false, ...given }
}

async function joined(socket: TestSocket, link: FakeLink, name = 'book', body: object = answer(5)): Promise<Room> {
  const asked = socket.join(name, 'params')
  link.ack(await request(link, 'join'), body)
  return await asked
}

/** Writes down what a room tells, with what it shows then. */
function recordAll(room: Room): unknown[] {
  const seen = record(room)
  room.on('rejoin', (recovered) => seen.push(`rejoin ${recovered} ${room.recovered} ${room.isJoined} ${room.seq}`))
  room.on('snapshot', () => seen.push(`snapshot ${room.state} ${room.messages.length} ${room.seq}`))
  room.on('closed', (error) => seen.push(`closed ${error.code} ${room.isJoined}`))
  return seen
}

/** Cuts the link. @returns The next one. */
async function relink(server: FakeServer, link: FakeLink): Promise<FakeLink> {
  link.close(CLOSE_CODES.ABNORMAL)
  return await server.link()
}

describe('a room after a reconnect', () => {
  test('is joined again with params and position, before anything else is sent, and goes on there', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const seen = recordAll(room)
    say(link, 12, 6)
    await handled(link)
    const lost = next(socket, 'disconnect')
    link.close(CLOSE_CODES.ABNORMAL)
    await lost
    expect(room).toMatchObject({ isJoined: false, seq: 6 })
    socket.on('connect', () => socket.emit('hello'))
    const second = await server.link()
    const join = await request(second, 'join')
    expect(join.body).toEqual(['join', 'book', 'params', ['e', 6]])
    second.ack(join, answer(6, { room: 40, recovered: true }))
    say(second, 40, 7, 8)
    await handled(second)
    expect(seen).toEqual([6, 'rejoin true true true 6', 7, 8])
    expect(second.frames.map(({ type }) => type).slice(0, 3)).toEqual(['CONNECT', 'REQUEST', 'EVENT'])
  })

  test('that was not recovered shows its new state, with a gap if the order is the same', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen: atSocket, link } = pair
    const room = await joined(socket, link)
    const seen = recordAll(room)
    const second = await relink(server, link)
    second.ack(await request(second, 'join'), answer(9, { room: 40, state: 'new', messages: [kept(9)] }))
    say(second, 40, 10)
    await handled(second)
    expect(seen).toEqual(['rejoin false false true 9', 'book 6-9 lost', 'snapshot new 1 9', 10])
    expect(atSocket).toEqual(['book 6-9 lost', 10])
    expect(room.messages).toEqual([asMessage(9)])
    expect(requestsOf(second, 'join')).toHaveLength(1)
  })

  test('in another order has no numbers to tell', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const seen = recordAll(await joined(socket, link))
    const second = await relink(server, link)
    second.ack(await request(second, 'join'), answer(2, { epoch: 'other', room: 40 }))
    say(second, 40, 3)
    await handled(second)
    expect(seen).toEqual(['rejoin false false true 2', 'snapshot undefined 0 2', 3])
  })

  test('without positions is joined again as if for the first time', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link, 'lobby', { recovered: false, state: 1 })
    const seen = recordAll(room)
    const second = await relink(server, link)
    const join = await request(second, 'join')
    expect(join.body).toEqual(['join', 'lobby', 'params', null])
    second.ack(join, { recovered: false, state: 2 })
    await handled(second)
    expect(seen).toEqual(['rejoin false false true undefined', 'snapshot 2 0 undefined'])
  })

  test.each([['JOIN_REFUSED'], ['NO_SEAT']])(
    'is closed if it is refused with %s, and not asked for again',
    async (code) => {
      await using server = await startRooms()
      using pair = await scene(server)
      const { socket, link } = pair
      const seen = recordAll(await joined(socket, link))
      const second = await relink(server, link)
      refuse(second, await request(second, 'join'), code)
      await handled(second)
      expect(seen).toEqual([`closed ${code} false`])
      const third = await relink(server, second)
      await until(() => socket.connected)
      await handled(third)
      expect(requestsOn(third)).toEqual([])
    },
  )

  test('is asked for again where no answer comes, and closed when none comes for long', async () => {
    await using server = await startRooms()
    using pair = await scene(server, { ackTimeout: 20 })
    const { socket, link } = pair
    const seen = recordAll(await joined(socket, link))
    const second = await relink(server, link)
    for (let n = 0; n < 5; n++) await request(second, 'join')
    await until(() => seen.length > 0)
    expect(seen).toEqual(['closed ACK_TIMEOUT false'])
  })

  test('is joined again after disconnect() and connect() too', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const seen = recordAll(await joined(socket, link))
    socket.disconnect().connect()
    const second = await server.link()
    const join = await request(second, 'join')
    expect(join.body).toEqual(['join', 'book', 'params', ['e', 5]])
    second.ack(join, answer(5, { recovered: true }))
    await handled(second)
    expect(seen).toEqual(['rejoin true true true 5'])
  })

  test('is not joined again if it was left meanwhile', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const lost = next(socket, 'disconnect')
    link.close(CLOSE_CODES.ABNORMAL)
    await lost
    await room.leave()
    const second = await server.link()
    await until(() => socket.connected)
    await handled(second)
    expect(requestsOn(second)).toEqual([])
  })

  test('may be left by a listener while it is told of', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const seen = recordAll(room)
    room.on('rejoin', () => void room.leave())
    const second = await relink(server, link)
    second.ack(await request(second, 'join'), answer(9))
    await request(second, 'leave')
    await handled(second)
    expect(seen).toEqual(['rejoin false false true 9', 'book 6-9 lost'])
  })

  test('whose gap was open goes on behind what it has received', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const seen = recordAll(await joined(socket, link))
    say(link, 12, 6, 9)
    await request(link, 'sync')
    const second = await relink(server, link)
    const join = await request(second, 'join')
    expect(join.body).toEqual(['join', 'book', 'params', ['e', 6]])
    second.ack(join, answer(6, { recovered: true }))
    say(second, 12, 7, 8, 9)
    await handled(second)
    expect(seen).toEqual([6, 'rejoin true true true 6', 7, 8, 9])
  })
})

test('many rooms are joined again some at a time, all of them', async () => {
  await using server = await startRooms()
  using pair = await scene(server)
  const { socket, link } = pair
  const names = Array.from({ length: 100 }, (_, n) => `room ${n}`)
  const rooms = await Promise.all(
    names.map(async (name, n) => {
      const asked = socket.join(name)
      link.ack(await request(link, 'join'), answer(0, { room: n + 1 }))
      return await asked
    }),
  )
  const second = await relink(server, link)
  await until(() => requestsOf(second, 'join').length > 0)
  await handled(second)
  expect(requestsOf(second, 'join')).toHaveLength(32)
  for (let n = 0; n < 100; n++) second.ack(await request(second, 'join'), answer(0, { room: n + 1, recovered: true }))
  await handled(second)
  expect(rooms.every(({ isJoined }) => isJoined)).toBe(true)
  expect(new Set(requestsOf(second, 'join').map(([, name]) => name))).toEqual(new Set(names))
})

test('a room is asked for also where the application has taken all places for calls', async () => {
  await using server = await startRooms()
  using pair = await scene(server)
  const { socket, link } = pair
  await joined(socket, link)
  for (let n = 0; n < LIMITS.pendingAcks; n++) socket.timeout(60_000).emit('m', n, () => {})
  expect((await errorOf(() => socket.join('other'))).code).toBe('TOO_MANY_PENDING_ACKS')
  say(link, 12, 7)
  await request(link, 'sync')
  notice(link, 'lost', 12, 9)
  await request(link, 'join')
})
