import type { Room } from '@roomcast/client'
import { CLOSE_CODES, LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import type { FakeLink } from '../../../test-kit/fake-server'
import { next, until } from '../../../test-kit/wait'
import { handled, notice, refuse, request, requestsOn, together } from './people-support'
import { asMessage, kept, record, requestsOf, say, scene, startRooms } from './rooms-support'
import { connect, errorOf, type TestSocket } from './support'

/** The answer to a `join`. */
function answer(seq: number, given: object = {}): object {
  return { room: 12, epoch: 'e', seq, recovered: false, ...given }
}

/** A room that is joined. */
async function joined(socket: TestSocket, link: FakeLink, seq = 5, name = 'book', given: object = {}): Promise<Room> {
  const asked = socket.join(name)
  link.ack(await request(link, 'join'), answer(seq, given))
  return await asked
}

describe('join', () => {
  test('asks for a room with params, and resolves with what the server shows of it', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const asked = socket.join<{ bid: number }>('book', { depth: 2 })
    const join = await request(link, 'join')
    expect(join.body).toEqual(['join', 'book', { depth: 2 }, null])
    link.ack(join, answer(7, { state: { bid: 3 }, messages: [kept(6), kept(7, 'trade', [1, 'x'])] }))
    const room = await asked
    expect(room).toMatchObject({ name: 'book', params: { depth: 2 }, isJoined: true, recovered: true, seq: 7 })
    expect(room.state?.bid).toBe(3)
    expect(room.messages).toEqual([asMessage(6), asMessage(7, 'trade', [1, 'x'])])
  })

  test('works for a room without positions, whose events come to the socket alone', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const asked = socket.join('lobby')
    link.ack(await request(link, 'join'), { recovered: false, state: 'open' })
    const room = await asked
    expect(room).toMatchObject({ isJoined: true, seq: undefined, state: 'open', messages: [] })
    const inRoom = record(room)
    link.emit('m', [1])
    await handled(link)
    expect([seen, inRoom]).toEqual([[1], []])
    notice(link, 'left', null, 'lobby')
    expect((await next(room, 'closed'))[0]).toMatchObject({ code: 'JOIN_REFUSED' })
    expect(room.isJoined).toBe(false)
  })

  test.each([['JOIN_REFUSED'], ['TOO_MANY_ROOMS'], ['NO_SEAT']])(
    'rejects with %s of the server, and its data',
    async (code) => {
      await using server = await startRooms()
      using pair = await scene(server)
      const { socket, link } = pair
      const failed = errorOf(() => socket.join('book'))
      const { ackId } = await request(link, 'join')
      link.send({ type: MESSAGE_TYPES.ACK_ERROR, ackId }, { code, message: 'no', data: { left: 0 } })
      expect(await failed).toMatchObject({ code, data: { left: 0 } })
      await handled(link)
      expect(requestsOn(link)).toHaveLength(1)
    },
  )

  test.each([[''], ['x'.repeat(201)], ['a\nb'], [7]])('refuses %j as a name, and sends nothing', async (name) => {
    await using server = await startRooms()
    using pair = await scene(server)
    expect((await errorOf(() => pair.socket.join(name as string))).code).toBe('INVALID_ROOM_NAME')
    await handled(pair.link)
    expect(requestsOn(pair.link)).toEqual([])
  })

  test('rejects params that the wire cannot carry', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    expect((await errorOf(() => pair.socket.join('book', () => {}))).code).toBe('NOT_ENCODABLE')
  })

  test('that is not answered fails with ACK_TIMEOUT, and leaves the room', async () => {
    await using server = await startRooms()
    using pair = await scene(server, { ackTimeout: 60_000 })
    const { socket, link } = pair
    expect((await errorOf(() => socket.join('book', null, { timeout: 20 }))).code).toBe('ACK_TIMEOUT')
    await handled(link)
    expect(requestsOn(link)).toEqual([
      ['join', 'book', null, null],
      ['leave', 'book'],
    ])
  })

  test('that is not answered leaves nothing that others have joined, or are about to', async () => {
    await using server = await startRooms()
    using pair = await scene(server, { ackTimeout: 60_000 })
    const { socket, link } = pair
    const failed = errorOf(() => socket.join('book', null, { timeout: 20 }))
    await request(link, 'join')
    const second = socket.join('book')
    expect((await failed).code).toBe('ACK_TIMEOUT')
    link.ack(await request(link, 'join'), answer(5))
    await second
    expect((await errorOf(() => socket.join('book', null, { timeout: 20 }))).code).toBe('ACK_TIMEOUT')
    await handled(link)
    expect(requestsOf(link, 'leave')).toEqual([])
  })

  test('before the connection is there waits for it, as long as it may', async () => {
    await using server = await startRooms()
    using socket = connect(server.url, { autoConnect: false })
    expect((await errorOf(() => socket.join('book', null, { timeout: 10 }))).code).toBe('ACK_TIMEOUT')
    const asked = socket.join('book')
    socket.connect()
    const link = await server.link()
    link.ack(await request(link, 'join'), answer(5))
    expect((await asked).seq).toBe(5)
    expect(requestsOn(link)).toHaveLength(1)
  })

  test('fails with DISCONNECTED if the link is lost meanwhile, or the socket disconnects', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const lost = errorOf(() => socket.join('book'))
    await request(link, 'join')
    link.close(CLOSE_CODES.ABNORMAL)
    expect((await lost).code).toBe('DISCONNECTED')
    const second = await server.link()
    await until(() => socket.connected)
    const left = errorOf(() => socket.join('book'))
    await request(second, 'join')
    socket.disconnect()
    expect((await left).code).toBe('DISCONNECTED')
    expect(requestsOf(second, 'join')).toHaveLength(1)
  })

  test('of a room that is joined asks anew, and has the same room with what is new', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const news: unknown[] = []
    room.on('snapshot', () => news.push(room.state))
    const again = socket.join('book', 'more')
    link.ack(await request(link, 'join'), answer(5, { state: 2 }))
    expect(await again).toBe(room)
    expect(news).toEqual([2])
    expect(room).toMatchObject({ params: 'more', recovered: true, seq: 5 })
  })

  test.each([
    ['in messages', answer(5, { messages: 7 })],
    ['in one of them', answer(5, { messages: [[1, 2, Uint8Array.of(255)]] })],
    ['that is no event', answer(5, { messages: [[1, 2, Uint8Array.of(10, 0xc0)]] })],
    ['without a frame', answer(5, { messages: [[1, 2]] })],
  ])('closes the link for a malformed answer: %s', async (_where, body) => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const failed = errorOf(() => socket.join('book'))
    link.ack(await request(link, 'join'), body)
    expect((await failed).code).toBe('BAD_FRAME')
    expect((await link.end()).code).toBe(CLOSE_CODES.BAD_FRAME)
  })
})

describe('between the answer to join and the listeners', () => {
  test('no message is lost, however many functions are between, and all of them come in one go', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const outer = async () => {
      const inner = async () => await socket.join('book')
      const room = await inner()
      await null
      return room
    }
    const asked = outer()
    const join = await request(link, 'join')
    link.emit('m', ['before'])
    together(link, () => {
      link.ack(join, answer(5))
      say(link, 12, 6)
      link.emit('m', ['direct'])
      say(link, 12, 7)
    })
    const room = await asked
    await Promise.resolve()
    expect(seen).toEqual(['before'])
    const inRoom = record(room)
    await handled(link)
    expect(inRoom).toEqual([6, 7])
    expect(seen).toEqual(['before', 6, 'direct', 7])
  })

  test('what was held comes before the disconnect if the link is lost', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    socket.on('disconnect', () => seen.push('disconnect'))
    const asked = socket.join('book').then(record)
    const join = await request(link, 'join')
    together(link, () => {
      link.ack(join, answer(5))
      say(link, 12, 6)
      link.close(CLOSE_CODES.SERVER_SHUTDOWN)
    })
    const inRoom = await asked
    await until(() => seen.includes('disconnect'))
    expect([seen, inRoom]).toEqual([[6, 'disconnect'], [6]])
  })

  test('what was held is dropped if the application disconnects', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const asked = socket.join('book').then(() => socket.disconnect())
    const join = await request(link, 'join')
    together(link, () => {
      link.ack(join, answer(5))
      say(link, 12, 6)
    })
    await asked
    await link.end()
    expect(seen).toEqual([])
  })

  test('more than a client holds is not held: the caller has had the time', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const asked = socket.join('book')
    const join = await request(link, 'join')
    const seqs = Array.from({ length: LIMITS.heldRoomMessages + 50 }, (_, n) => n + 1)
    together(link, () => {
      link.ack(join, answer(0))
      say(link, 12, ...seqs)
    })
    const room = await asked
    await handled(link)
    expect(seen).toEqual(seqs)
    expect(room.seq).toBe(seqs.length)
  })

  test('a malformed answer among what was held closes the link, and nothing behind it is delivered', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const room = await joined(socket, link)
    const asked = socket.join('other')
    const failed = errorOf(() => room.history())
    const join = await request(link, 'join')
    const history = await request(link, 'history')
    together(link, () => {
      link.ack(join, answer(0, { room: 13 }))
      say(link, 13, 1)
      link.ack(history, [7])
      say(link, 13, 2)
    })
    await asked
    expect((await failed).code).toBe('BAD_FRAME')
    expect((await link.end()).code).toBe(CLOSE_CODES.BAD_FRAME)
    expect(seen).toEqual([1])
  })

  test('several joins in one go hold each for itself', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const rooms = ['a', 'b', 'c'].map((name) => socket.join(name).then(record))
    const joins = [await request(link, 'join'), await request(link, 'join'), await request(link, 'join')]
    together(link, () => {
      joins.forEach((join, n) => {
        link.ack(join, answer(0, { room: n + 1 }))
        say(link, n + 1, 1, 2)
      })
    })
    const seen = await Promise.all(rooms)
    await handled(link)
    expect(seen).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
  })
})

describe('the events of a room', () => {
  test('come to it behind the listeners of the socket, and only its own', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const order: unknown[] = []
    room.on('m', (n: number) => void order.push(['room', n]))
    socket.on('m', (n: number) => void order.push(['socket', n]))
    const onOnce = (n: number) => void order.push(['once', n])
    room.once('m', onOnce)
    say(link, 12, 6, 7)
    notice(link, 'joined', 13, 0)
    say(link, 13, 1)
    await handled(link)
    const expected = [
      ['socket', 6],
      ['room', 6],
      ['once', 6],
      ['socket', 7],
      ['room', 7],
      ['socket', 1],
    ]
    expect(order).toEqual(expected)
    expect(room.seq).toBe(7)
    room.off('m')
    say(link, 12, 8)
    await handled(link)
    expect(order.slice(expected.length)).toEqual([['socket', 8]])
  })

  test('that throw are reported at the socket, and end nothing', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const errors: unknown[] = []
    socket.on('error', (error) => errors.push(error.message))
    room.on('m', () => {
      throw new Error('faulty')
    })
    room.on('gap', () => {
      throw new Error('faulty too')
    })
    const seen = record(room)
    say(link, 12, 6)
    notice(link, 'lost', 12, 8)
    await handled(link)
    expect(seen).toEqual([6, 'book 7-8 lost'])
    expect(errors).toEqual(['faulty', 'faulty too'])
  })

  test('of the application cannot look like those of the library', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const seen: unknown[] = []
    socket.off('gap')
    for (const event of ['gap', 'snapshot', 'rejoin', 'closed'] as const) {
      room.on(event, () => seen.push('of the room'))
      socket.on(event, () => void seen.push(event))
    }
    ;['gap', 'snapshot', 'rejoin', 'closed'].forEach((event, n) => {
      link.send({ type: MESSAGE_TYPES.EVENT, event, room: 12, seq: 6 + n }, [])
    })
    await handled(link)
    expect(seen).toEqual(['gap', 'snapshot', 'rejoin', 'closed'])
  })

  test('that are missing and repaired are told of at the room too, with its name', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const inRoom = record(await joined(socket, link))
    say(link, 12, 8)
    await request(link, 'sync')
    say(link, 12, 6, 7)
    await handled(link)
    expect(inRoom).toEqual([6, 7, 'book 6-7 repaired', 8])
    expect(seen).toEqual(inRoom)
  })

  test('that are lost make the client ask for a new snapshot, from which the room goes on', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const seen = record(room)
    room.on('snapshot', () => seen.push(['snapshot', room.state, room.messages, room.seq]))
    notice(link, 'lost', 12, 8)
    say(link, 12, 9)
    const join = await request(link, 'join')
    expect(join.body).toEqual(['join', 'book', null, null])
    say(link, 12, 10)
    link.ack(join, answer(10, { state: 'fresh', messages: [kept(10)] }))
    say(link, 12, 11)
    await handled(link)
    expect(seen).toEqual(['book 6-8 lost', 9, 10, ['snapshot', 'fresh', [asMessage(10)], 10], 11])
    expect(room).toMatchObject({ isJoined: true, recovered: true })
  })

  test('that are lost twice before the answer need one snapshot, those behind it another', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    notice(link, 'lost', 12, 8)
    notice(link, 'lost', 12, 10)
    const join = await request(link, 'join')
    await handled(link)
    link.ack(join, answer(10, { state: 1 }))
    await handled(link)
    expect(requestsOf(link, 'join')).toHaveLength(2)
    notice(link, 'lost', 12, 12)
    link.ack(await request(link, 'join'), answer(12, { state: 2 }))
    await handled(link)
    expect(room).toMatchObject({ state: 2, seq: 12 })
    expect(requestsOf(link, 'join')).toHaveLength(3)
  })

  test('whose snapshot is refused then end with the error', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    notice(link, 'lost', 12, 8)
    refuse(link, await request(link, 'join'), 'JOIN_REFUSED')
    expect((await next(room, 'closed'))[0]).toMatchObject({ code: 'JOIN_REFUSED' })
    expect(room.isJoined).toBe(false)
  })
})

describe('history', () => {
  test('reads the last messages, or those in front of a position', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const last = room.history()
    const first = await request(link, 'history')
    expect(first.body).toEqual(['history', 'book', 100, null])
    link.ack(first, [kept(4), kept(5)])
    expect(await last).toEqual([asMessage(4), asMessage(5)])
    const older = room.history({ limit: 2, before: 4 })
    const second = await request(link, 'history')
    expect(second.body).toEqual(['history', 'book', 2, 4])
    link.ack(second, [])
    expect(await older).toEqual([])
  })

  test('rejects with what the server says, and closes the link for what is malformed', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const refused = errorOf(() => room.history())
    refuse(link, await request(link, 'history'), 'HISTORY_REFUSED')
    expect((await refused).code).toBe('HISTORY_REFUSED')
    const malformed = errorOf(() => room.history())
    link.ack(await request(link, 'history'), [7])
    expect((await malformed).code).toBe('BAD_FRAME')
    expect((await link.end()).code).toBe(CLOSE_CODES.BAD_FRAME)
  })
})

describe('leave', () => {
  test('ends the room: at once for its listeners, with the answer for the socket', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const room = await joined(socket, link)
    const inRoom = record(room)
    room.on('closed', () => inRoom.push('closed'))
    const left = room.leave()
    expect(room.isJoined).toBe(false)
    const leave = await request(link, 'leave')
    expect(leave.body).toEqual(['leave', 'book'])
    say(link, 12, 6)
    link.ack(leave)
    await left
    await handled(link)
    expect([seen, inRoom]).toEqual([[6], []])
    await room.leave()
    link.close(CLOSE_CODES.ABNORMAL)
    const second = await server.link()
    await until(() => socket.connected)
    await handled(second)
    expect(requestsOn(second)).toEqual([])
  })

  test('while a join is under way wins, and a join after it is new', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const again = errorOf(() => socket.join('book'))
    const left = room.leave()
    const anew = socket.join('book')
    link.ack(await request(link, 'join'), answer(5))
    link.ack(await request(link, 'leave'))
    link.ack(await request(link, 'join'), answer(6))
    expect((await again).code).toBe('JOIN_REFUSED')
    await left
    const other = await anew
    expect(other).not.toBe(room)
    const seen = record(other)
    say(link, 12, 7)
    await handled(link)
    expect(seen).toEqual([7])
    expect([room.isJoined, other.isJoined]).toEqual([false, true])
  })

  test('by the server closes the room, whose last messages are delivered before', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const seen = record(room)
    room.on('closed', (error) => seen.push(error.code, room.isJoined))
    say(link, 12, 6, 8)
    notice(link, 'left', 12, 'book')
    await handled(link)
    expect(seen).toEqual([6, 'book 7-7 lost', 8, 'JOIN_REFUSED', false])
  })
})
