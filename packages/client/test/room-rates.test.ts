import type { Room } from '@roomcast/client'
import { CLOSE_CODES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import type { FakeLink } from '../../../test-kit/fake-server'
import { next, until } from '../../../test-kit/wait'
import { handled, refuse, request } from './people-support'
import { requestsOf, scene, session, startRooms, type Welcome } from './rooms-support'
import { errorOf, type TestSocket } from './support'

/* How often the newest values of a room come, as the client asks for it. */

/** The answer to a `join`. */
function answer(given: object = {}): object {
  return { room: 12, epoch: 'e', seq: 5, recovered: false, ...given }
}

async function joined(socket: TestSocket, link: FakeLink, maxRate?: number): Promise<Room> {
  const asked = socket.join('book', null, { maxRate })
  link.ack(await request(link, 'join'), answer())
  return await asked
}

/** Loses the link. @returns The next one, when the socket is connected again. */
async function reconnected(socket: TestSocket, link: FakeLink, server: { link(): Promise<FakeLink> }) {
  const back = next(socket, 'connect')
  link.close(CLOSE_CODES.ABNORMAL)
  const second = await server.link()
  await back
  return second
}

const RESUMED: Welcome[] = [
  { session: session('s1') },
  { session: session('s2', { resumed: true, recovered: true }), rooms: [[12, 5, true]] },
]

describe('a rate', () => {
  test('goes with the join, behind the position; without one the join is what it was', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link, 10)
    expect(room.maxRate).toBe(10)
    const again = socket.join('book', { depth: 5 })
    link.ack(await request(link, 'join'), answer())
    expect(await again).toBe(room)
    expect(room.maxRate).toBe(undefined)
    expect(requestsOf(link, 'join')).toEqual([
      ['join', 'book', null, null, 10],
      ['join', 'book', { depth: 5 }, null],
    ])
  })

  test('is as before when the room is joined anew in vain', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link, 10)
    const again = errorOf(() => socket.join('book', null, { maxRate: 20 }))
    refuse(link, await request(link, 'join'), 'JOIN_REFUSED')
    expect(await again).toMatchObject({ code: 'JOIN_REFUSED' })
    expect(room.maxRate).toBe(10)
  })

  test('can be chosen later, and taken back', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    expect(room.maxRate).toBe(undefined)
    for (const rate of [0.01, 1_000, 2.5, undefined]) {
      const chosen = room.setMaxRate(rate)
      const asked = await request(link, 'rate')
      expect(asked.body).toEqual(['rate', 'book', rate ?? null])
      link.ack(asked)
      expect(await chosen).toBe(undefined)
      expect(room.maxRate).toBe(rate)
    }
  })

  test('that was chosen last is what the next connection is told, though one before is answered first', async () => {
    await using server = await startRooms(RESUMED)
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const first = room.setMaxRate(5)
    const second = room.setMaxRate(10)
    link.ack(await request(link, 'rate'))
    await first
    expect(room.maxRate).toBe(10)
    const later = await reconnected(socket, link, server)
    await request(later, 'sync')
    expect((await request(later, 'rate')).body).toEqual(['rate', 'book', 10])
    await second
  })

  test.each([0, -1, 0.009, 1_000.1, Number.NaN, Number.POSITIVE_INFINITY, '10', null])(
    'of %s is refused before anything is sent',
    async (given) => {
      await using server = await startRooms()
      using pair = await scene(server)
      const { socket, link } = pair
      const room = await joined(socket, link, 10)
      // The cast: what comes from code without types.
      const rate = given as number
      expect(await errorOf(() => room.setMaxRate(rate))).toMatchObject({ code: 'INVALID_OPTION' })
      expect(await errorOf(() => socket.join('book', null, { maxRate: rate }))).toMatchObject({
        code: 'INVALID_OPTION',
      })
      await handled(link)
      expect([...requestsOf(link, 'rate'), ...requestsOf(link, 'join')]).toHaveLength(1)
      expect(room.maxRate).toBe(10)
    },
  )

  test('that the server refuses leaves what the server goes by, of several too', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link, 10)
    const outcomes = [20, 30].map((rate) => errorOf(() => room.setMaxRate(rate)))
    for (const _ of outcomes) refuse(link, await request(link, 'rate'), 'UNKNOWN_REQUEST')
    expect(await Promise.all(outcomes)).toMatchObject([{ code: 'UNKNOWN_REQUEST' }, { code: 'UNKNOWN_REQUEST' }])
    expect(room.maxRate).toBe(10)
  })

  test('cannot be chosen for a room that was left, or closed', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const left = room.leave()
    link.ack(await request(link, 'leave'))
    await left
    expect(await errorOf(() => room.setMaxRate(5))).toMatchObject({ code: 'JOIN_REFUSED' })
    await handled(link)
    expect(requestsOf(link, 'rate')).toEqual([])
  })
})

describe('a rate on the next connection', () => {
  test('goes with the join that comes by itself', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link, 10)
    const second = await reconnected(socket, link, server)
    expect((await request(second, 'join')).body).toEqual(['join', 'book', null, ['e', 5], 10])
    await handled(second)
    expect(requestsOf(second, 'rate')).toEqual([])
    expect(room.maxRate).toBe(10)
  })

  test('is a request behind a session that is resumed, for rooms that have one', async () => {
    await using server = await startRooms([
      { session: session('s1') },
      {
        session: session('s2', { resumed: true, recovered: true }),
        // The third was taken from it meanwhile: it is joined anew.
        rooms: [[40, 5, true], [41, 5, true], null],
      },
    ])
    using pair = await scene(server)
    const { socket, link } = pair
    const names = ['book', 'plain', 'gone']
    for (const [index, name] of names.entries()) {
      const asked = socket.join(name, null, { maxRate: name === 'plain' ? undefined : 10 })
      link.ack(await request(link, 'join'), answer({ room: index + 1 }))
      await asked
    }
    const second = await reconnected(socket, link, server)
    await until(() => requestsOf(second, 'join').length > 0, 'the join')
    await handled(second)
    const sent = second.frames.filter(({ type }) => type === 'REQUEST').map(({ body }) => body)
    expect(sent).toEqual([
      ['sync', [], false],
      ['rate', 'book', 10],
      ['join', 'gone', null, ['e', 5], 10],
    ])
  })

  test('that is refused there is told of', async () => {
    await using server = await startRooms(RESUMED)
    using pair = await scene(server)
    const { socket, link } = pair
    await joined(socket, link, 10)
    const failed = next(socket, 'error')
    const second = await reconnected(socket, link, server)
    await request(second, 'sync')
    refuse(second, await request(second, 'rate'), 'UNKNOWN_REQUEST')
    expect(await failed).toMatchObject([{ code: 'UNKNOWN_REQUEST' }])
  })

  test('is what was chosen without a connection, or shortly before it was lost', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const chosen = room.setMaxRate(20)
    await request(link, 'rate')
    const lost = next(socket, 'disconnect')
    link.close(CLOSE_CODES.ABNORMAL)
    await lost
    // The next connection is told: it is no failure.
    await chosen
    expect(room.maxRate).toBe(20)
    await room.setMaxRate(30)
    const second = await server.link()
    expect((await request(second, 'join')).body).toEqual(['join', 'book', null, ['e', 5], 30])
    // Behind the join that is on its way.
    const later = room.setMaxRate(undefined)
    const [join, rate] = [second.frames.at(-1), await request(second, 'rate')]
    expect(rate.body).toEqual(['rate', 'book', null])
    if (join) second.ack(join, answer())
    second.ack(rate)
    await later
    expect(room.maxRate).toBe(undefined)
  })
})
