import type { Room } from '@roomcast/client'
import { CLOSE_CODES, LIMITS } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import type { FakeLink } from '../../../test-kit/fake-server'
import { next, until } from '../../../test-kit/wait'
import { handled, notice, refuse, request, requestsOn, together } from './people-support'
import { record, requestsOf, say, scene, session, startRooms } from './rooms-support'
import { errorOf, type TestSocket } from './support'

/** The answer to a `join`. */
function answer(seq: number, given: object = {}): object {
  return { room: 12, epoch: 'e', seq, recovered: false, ...given }
}

async function joined(socket: TestSocket, link: FakeLink): Promise<Room> {
  const asked = socket.join('book')
  link.ack(await request(link, 'join'), answer(5))
  return await asked
}

const RESUMED = session('s2', { resumed: true, recovered: true })

describe('a room with a loss', () => {
  test.each([
    ['resumed', [{ session: session('s1') }, { session: RESUMED, rooms: [[40, 8, true]] }]],
    ['joined again', [{}]],
  ])('of which the link is lost before the new snapshot asks for that again when it is %s', async (_how, answers) => {
    await using server = await startRooms(answers)
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const rejoined: unknown[] = []
    room.on('rejoin', (recovered) => rejoined.push(recovered))
    notice(link, 'lost', 12, 8)
    await request(link, 'join')
    link.close(CLOSE_CODES.ABNORMAL)
    const second = await server.link()
    const isJoin = () => requestsOf(second, 'join').length > 0
    await until(isJoin, 'a join without a position')
    expect(requestsOf(second, 'join')).toEqual([['join', 'book', null, null]])
    const join = second.frames.find(({ body }) => Array.isArray(body) && body[0] === 'join')
    if (join) second.ack(join, answer(9, { room: 40, state: 'new' }))
    await handled(second)
    expect(room).toMatchObject({ state: 'new', isJoined: true })
    expect(rejoined).toEqual([false])
  })

  test('has new snapshots ever more slowly while one loss follows the other', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    await joined(socket, link)
    notice(link, 'lost', 12, 8)
    link.ack(await request(link, 'join'), answer(8))
    const since = performance.now()
    for (let seq = 9; seq < 30; seq++) {
      notice(link, 'lost', 12, seq)
      await handled(link)
    }
    expect(requestsOf(link, 'join')).toHaveLength(2)
    link.ack(await request(link, 'join'), answer(30))
    expect(performance.now() - since).toBeGreaterThan(1_500)
    notice(link, 'lost', 12, 40)
    await handled(link)
    link.close(CLOSE_CODES.ABNORMAL)
    // Another connection is another beginning.
    await request(await server.link(), 'join')
  })
})

describe('a room that is closed', () => {
  test('because no new snapshot is given is left', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const room = await joined(socket, link)
    notice(link, 'lost', 12, 8)
    refuse(link, await request(link, 'join'), 'HANDLER_FAILED')
    await next(room, 'closed')
    const leave = await request(link, 'leave')
    expect(leave.body).toEqual(['leave', 'book'])
    say(link, 12, 9)
    link.ack(leave)
    await handled(link)
    expect(seen).toEqual(['book 6-8 lost', 9])
    // The stream has ended with the answer.
    say(link, 12, 10)
    expect((await request(link, 'sync')).body).toEqual(['sync', [[12, null]], false])
  })

  test('while it is asked for is left when the answer comes, unless somebody joins it', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    await joined(socket, link)
    notice(link, 'lost', 12, 8)
    const first = await request(link, 'join')
    notice(link, 'left', 12, 'book')
    link.ack(first, answer(8))
    await request(link, 'leave')
    const room = await joined(socket, link)
    notice(link, 'lost', 12, 8)
    const second = await request(link, 'join')
    notice(link, 'left', 12, 'book')
    await next(room, 'closed')
    const anew = socket.join('book')
    link.ack(second, answer(8))
    link.ack(await request(link, 'join'), answer(9))
    await anew
    await handled(link)
    expect(requestsOf(link, 'leave')).toHaveLength(1)
  })
})

test('a leave without an answer is not made up for in the next session if the room was joined anew', async () => {
  await using server = await startRooms([{ session: session('s1') }, { session: RESUMED, rooms: [[40, 5, true]] }])
  using pair = await scene(server)
  const { socket, link } = pair
  const room = await joined(socket, link)
  const left = room.leave()
  await request(link, 'leave')
  const anew = await joined(socket, link)
  link.close(CLOSE_CODES.ABNORMAL)
  await left
  const second = await server.link()
  await until(() => anew.isJoined)
  await handled(second)
  expect(requestsOf(second, 'leave')).toEqual([])
})

test('a leave that is made up for ends the stream with its answer', async () => {
  await using server = await startRooms([{ session: session('s1') }, { session: RESUMED, rooms: [[40, 5, true]] }])
  using pair = await scene(server)
  const { socket, link } = pair
  const room = await joined(socket, link)
  const left = room.leave()
  await request(link, 'leave')
  link.close(CLOSE_CODES.ABNORMAL)
  await left
  const second = await server.link()
  await request(second, 'sync')
  second.ack(await request(second, 'leave'))
  say(second, 40, 6)
  expect((await request(second, 'sync')).body).toEqual(['sync', [[40, null]], false])
})

test('what is held of a room of unknown beginning is dropped when the room is left', async () => {
  await using server = await startRooms()
  using pair = await scene(server)
  const { seen, link } = pair
  say(link, 12, 1_000)
  await request(link, 'sync')
  notice(link, 'left', 12, null)
  await handled(link)
  expect(seen).toEqual([])
})

test('thousands of messages in one go behind the answer to join all come to the room', async () => {
  await using server = await startRooms()
  using pair = await scene(server)
  const { socket, link } = pair
  const asked = socket.join('book').then(record)
  const join = await request(link, 'join')
  const seqs = Array.from({ length: 5 * LIMITS.heldRoomMessages }, (_, n) => n + 1)
  together(link, () => {
    link.ack(join, answer(0))
    say(link, 12, ...seqs)
  })
  const inRoom = await asked
  await handled(link)
  expect(inRoom).toEqual(seqs)
})

test.each([0, -1, Number.NaN, 2 ** 31])(
  'join with a timeout of %d is refused, and nothing is sent',
  async (timeout) => {
    await using server = await startRooms()
    using pair = await scene(server)
    expect((await errorOf(() => pair.socket.join('book', null, { timeout }))).code).toBe('INVALID_OPTION')
    await handled(pair.link)
    expect(requestsOn(pair.link)).toEqual([])
  },
)

test('what a listener emits for a message that was held is kept when the link is lost', async () => {
  await using server = await startRooms()
  using pair = await scene(server)
  const { socket, link } = pair
  socket.on('m', (n: number) => socket.emit('heard', n))
  const asked = socket.join('book')
  const join = await request(link, 'join')
  together(link, () => {
    link.ack(join, answer(5))
    say(link, 12, 6)
    // The client ends the link, at once.
    link.sendBytes(Uint8Array.of(255))
  })
  await asked
  await until(() => !socket.connected)
  socket.connect()
  const second = await server.link()
  expect((await second.frame('EVENT')).body).toEqual([6])
})
