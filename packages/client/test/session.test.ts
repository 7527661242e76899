import type { Room } from '@roomcast/client'
import { CLOSE_CODES, MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { type FakeLink, FakeServer } from '../../../test-kit/fake-server'
import { next, until } from '../../../test-kit/wait'
import { handled, notice, refuse, reject, request, requestsOn } from './people-support'
import { record, requestsOf, say, scene, session, startRooms, welcome } from './rooms-support'
import { connect, errorOf, type TestSocket } from './support'

interface Asked {
  readonly client: string
  readonly resume?: { readonly secret: string; readonly own: number; readonly rooms: number[][] }
}

/** What the next CONNECT of a link says. */
async function asked(link: FakeLink): Promise<Asked> {
  return (await link.frame('CONNECT')).body as Asked
}

/** Cuts the link. @returns The next one. */
async function relink(server: FakeServer, link: FakeLink): Promise<FakeLink> {
  link.close(CLOSE_CODES.ABNORMAL)
  return await server.link()
}

async function joined(socket: TestSocket, link: FakeLink, number = 12, name = 'book'): Promise<Room> {
  const promise = socket.join(name)
  link.ack(await request(link, 'join'), { room: number, epoch: 'e', seq: 5, recovered: false })
  return await promise
}

const RESUMED = { resumed: true, recovered: true }

describe('CONNECT', () => {
  test('names the client with a secret, the same on every connection and another one for each socket', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    using other = connect(server.url)
    const first = await asked(pair.link)
    expect(first.client).toMatch(/^[0-9a-f]{32}$/)
    await next(other, 'connect')
    expect((await asked(await server.link())).client).not.toBe(first.client)
    pair.socket.disconnect().connect()
    expect((await asked(await server.link())).client).toBe(first.client)
  })

  test('resumes with the secret and all positions after a lost link', async () => {
    await using server = await startRooms([{ sid: 'one', session: session('s1', { own: 3 }) }])
    using pair = await scene(server)
    const { socket, link } = pair
    expect(await asked(link)).not.toHaveProperty('resume')
    await joined(socket, link)
    notice(link, 'joined', 30, 2)
    notice(link, 'joined', 31, 0)
    notice(link, 'left', 31, null)
    say(link, 12, 6)
    say(link, 0, 4)
    say(link, 77, 4)
    await request(link, 'sync')
    const { resume } = await asked(await relink(server, link))
    const rooms = [
      [12, 6],
      [30, 2],
    ]
    expect(resume).toEqual({ secret: 's1', own: 4, rooms })
  })

  test('keeps the secret over attempts that are not answered, or refused for now', async () => {
    const answers: ((link: FakeLink, frame: Parameters<typeof welcome>[1]) => void)[] = [
      (link, frame) => welcome(link, frame, { session: session('s1') }),
      (link) => link.close(CLOSE_CODES.ABNORMAL),
      (link, frame) => reject(link, frame, 'LOGIN_BUSY', { retryAfterMs: 1 }),
      (link, frame) => welcome(link, frame, { session: session('s2') }),
    ]
    await using server = await FakeServer.start({
      answer: (link, frame) => answers.shift()?.(link, frame),
    })
    using pair = await scene(server)
    const second = await relink(server, pair.link)
    expect((await asked(second)).resume?.secret).toBe('s1')
    const third = await server.link()
    expect((await asked(third)).resume?.secret).toBe('s1')
    const fourth = await server.link()
    expect((await asked(fourth)).resume?.secret).toBe('s1')
    await until(() => pair.socket.connected)
    expect((await asked(await relink(server, fourth))).resume?.secret).toBe('s2')
  })

  test.each<[string, (socket: TestSocket, link: FakeLink) => unknown]>([
    ['the application has disconnected', (socket) => socket.disconnect().connect()],
    [
      'the server has ended the namespace',
      async (socket, link) => {
        const gone = next(socket, 'disconnect')
        link.send({ type: MESSAGE_TYPES.DISCONNECT }, null)
        await gone
        socket.connect()
      },
    ],
    [
      'the server has closed the connection on purpose',
      async (socket, link) => {
        const gone = next(socket, 'disconnect')
        link.close(CLOSE_CODES.REPLACED)
        await gone
        socket.connect()
      },
    ],
    [
      'the user is another one',
      async (_socket, link) => {
        notice(link, 'user', { id: 'bob' }, null)
        await handled(link)
        link.close(CLOSE_CODES.ABNORMAL)
      },
    ],
    [
      'the user has logged out',
      async (socket, link) => {
        const out = socket.logout()
        link.ack(await request(link, 'logout'))
        await out
        link.close(CLOSE_CODES.ABNORMAL)
      },
    ],
  ])('begins anew when %s', async (_why, act) => {
    await using server = await startRooms([{ user: { id: 'ada' }, session: session('s1') }])
    using pair = await scene(server)
    await act(pair.socket, pair.link)
    expect(await asked(await server.link())).not.toHaveProperty('resume')
  })

  test('resumes when only the profile of the user has changed', async () => {
    await using server = await startRooms([{ user: { id: 'ada' }, session: session('s1') }])
    using pair = await scene(server)
    notice(pair.link, 'user', { id: 'ada', name: 'Ada' }, null)
    await handled(pair.link)
    expect((await asked(await relink(server, pair.link))).resume?.secret).toBe('s1')
  })

  test('begins anew when the window is over', async () => {
    await using server = await startRooms([{ session: session('s1', { windowMs: 20 }) }])
    // An auth function decides when CONNECT is sent.
    let give: (() => void) | undefined
    const auth = (callback: (auth: object) => void) => {
      if (give) give = () => callback({})
      else {
        give = () => {}
        callback({})
      }
    }
    using pair = await scene(server, { auth })
    const { socket, link } = pair
    const lost = next(socket, 'disconnect')
    link.close(CLOSE_CODES.ABNORMAL)
    await lost
    const lostAt = performance.now()
    const second = await server.link()
    await until(() => performance.now() > lostAt + 25)
    give?.()
    expect(await asked(second)).not.toHaveProperty('resume')
  })

  test('begins anew in so many rooms that it would be too large, and joins them again', async () => {
    await using server = await startRooms([{ session: session('s1') }])
    using pair = await scene(server)
    const { socket, link } = pair
    await joined(socket, link, 1_000_000)
    for (let n = 0; n < 1_000; n++) notice(link, 'joined', 1_000_001 + n, 1_000_000)
    await handled(link)
    const second = await relink(server, link)
    expect(await asked(second)).not.toHaveProperty('resume')
    expect((await request(second, 'join')).body).toEqual(['join', 'book', null, ['e', 5]])
  })
})

describe('a session that is resumed', () => {
  test('goes on with its id and its streams under their new numbers, and says that it has heard', async () => {
    const again = {
      sid: 'one',
      session: session('s2', { ...RESUMED, own: 0 }),
      rooms: [
        [40, 5, true],
        [41, 2, true],
        [42, 7, true],
      ],
    }
    await using server = await startRooms([{ sid: 'one', session: session('s1') }, again])
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const room = await joined(socket, link)
    const inRoom = record(room)
    room.on('rejoin', (recovered) => inRoom.push(`rejoin ${recovered} ${room.recovered}`))
    room.on('snapshot', () => inRoom.push('snapshot'))
    notice(link, 'joined', 30, 2)
    await handled(link)
    expect(socket.recovered).toBe(false)
    socket.on('connect', () => seen.push(`connect ${socket.id} ${socket.recovered} ${room.isJoined}`))
    const second = await relink(server, link)
    const sync = await request(second, 'sync')
    expect(sync.body).toEqual(['sync', [], false])
    say(second, 40, 6)
    say(second, 41, 3)
    say(second, 42, 8)
    say(second, 0, 1)
    await handled(second)
    expect(seen).toEqual(['connect one true true', 6, 3, 8, 1])
    expect(inRoom).toEqual(['rejoin true true', 6])
    expect(requestsOf(second, 'join')).toEqual([])
    expect((await asked(await relink(server, second))).resume?.secret).toBe('s2')
  })

  test('has a gap where the server says that messages are gone, and a fresh snapshot of a room', async () => {
    const again = {
      session: session('s2', { resumed: true, own: 2 }),
      rooms: [
        [40, 8, false],
        [41, 2, true],
      ],
    }
    await using server = await startRooms([{ session: session('s1') }, again])
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const room = await joined(socket, link)
    room.on('rejoin', (recovered) => seen.push(`rejoin ${recovered} ${room.recovered}`))
    room.on('snapshot', () => seen.push(`snapshot ${room.state} ${room.seq}`))
    notice(link, 'joined', 30, 2)
    await handled(link)
    socket.on('connect', () => seen.push(`connect ${socket.recovered}`))
    const second = await relink(server, link)
    const join = await request(second, 'sync').then(() => request(second, 'join'))
    expect(join.body).toEqual(['join', 'book', null, null])
    say(second, 40, 9)
    second.ack(join, { room: 40, epoch: 'e', seq: 9, recovered: false, state: 'new' })
    notice(second, 'lost', 41, 4)
    say(second, 40, 10)
    await handled(second)
    const told = ['connect false', 'null 1-2 lost', 'book 6-8 lost', 'rejoin false false']
    expect(seen).toEqual([...told, 9, 'snapshot new 9', 'null 3-4 lost', 10])
  })

  test('in another order begins there', async () => {
    const again = { session: session('s2', { resumed: true }), rooms: [[40, 0, false]] }
    await using server = await startRooms([{ session: session('s1') }, again])
    using pair = await scene(server)
    const { seen, link } = pair
    notice(link, 'joined', 30, 7)
    await handled(link)
    const second = await relink(server, link)
    await request(second, 'sync')
    say(second, 40, 1)
    await handled(second)
    expect(seen).toEqual([1])
  })

  test('asks to join rooms again that the socket is not in any more, and closes those that are refused', async () => {
    const again = { session: session('s2', RESUMED), rooms: [null, [41, 2, true]] }
    await using server = await startRooms([{ session: session('s1') }, again])
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const room = await joined(socket, link)
    room.on('closed', (error) => seen.push(error.code, room.isJoined))
    room.on('rejoin', () => seen.push('rejoin'))
    notice(link, 'joined', 30, 2)
    await handled(link)
    const second = await relink(server, link)
    await request(second, 'sync')
    const join = await request(second, 'join')
    expect(seen).toEqual([])
    second.send({ type: MESSAGE_TYPES.ACK_ERROR, ackId: join.ackId }, { code: 'JOIN_REFUSED', message: 'no' })
    await handled(second)
    expect(seen).toEqual(['JOIN_REFUSED', false])
  })

  test('joins rooms again that have no positions, and leaves those that were left meanwhile', async () => {
    const again = { session: session('s2', RESUMED), rooms: [] }
    await using server = await startRooms([{ session: session('s1') }, again])
    using pair = await scene(server)
    const { socket, link } = pair
    const lobby = socket.join('lobby')
    link.ack(await request(link, 'join'), { recovered: false })
    await lobby
    const room = await joined(socket, link)
    const unsure = errorOf(() => socket.join('unsure'))
    await request(link, 'join')
    const lost = next(socket, 'disconnect')
    link.close(CLOSE_CODES.ABNORMAL)
    await lost
    expect((await unsure).code).toBe('DISCONNECTED')
    await room.leave()
    const second = await server.link()
    await request(second, 'sync')
    await handled(second)
    expect(requestsOn(second).slice(1)).toEqual([
      ['leave', 'unsure'],
      ['leave', 'book'],
      ['join', 'lobby', null, null],
    ])
  })

  test('leaves a room that was left meanwhile also if it is joined anew, and joins it then', async () => {
    const again = { session: session('s2', RESUMED), rooms: [[40, 5, true]] }
    await using server = await startRooms([{ session: session('s1') }, again])
    using pair = await scene(server)
    const { socket, link } = pair
    const room = await joined(socket, link)
    const lost = next(socket, 'disconnect')
    link.close(CLOSE_CODES.ABNORMAL)
    await lost
    await room.leave()
    const anew = socket.join('book', 'anew')
    const second = await server.link()
    await request(second, 'sync')
    second.ack(await request(second, 'leave'))
    const join = await request(second, 'join')
    expect(join.body).toEqual(['join', 'book', 'anew', null])
    second.ack(join, { room: 40, epoch: 'e', seq: 6, recovered: false })
    const other = await anew
    expect(other).not.toBe(room)
    const seen = record(other)
    say(second, 40, 7)
    await handled(second)
    expect(seen).toEqual([7])
  })

  test('does not answer what the connection before was asked', async () => {
    await using server = await startRooms([
      { sid: 'one', session: session('s1') },
      { sid: 'one', session: session('s2', RESUMED) },
    ])
    using pair = await scene(server)
    const { socket, link } = pair
    let answer = (_text: string) => {}
    socket.on('ask', (ack: typeof answer) => {
      answer = ack
    })
    link.emit('ask', [], 5)
    await handled(link)
    const second = await relink(server, link)
    await until(() => socket.connected)
    answer('late')
    await handled(second)
    expect(second.frames.filter(({ type }) => type === 'ACK')).toEqual([])
  })

  test('fails the calls of the connection before', async () => {
    await using server = await startRooms([{ session: session('s1') }, { session: session('s2', RESUMED) }])
    using pair = await scene(server)
    const failed = errorOf(() => pair.socket.emitWithAck('m'))
    await pair.link.frame('EVENT')
    await relink(server, pair.link)
    expect((await failed).code).toBe('DISCONNECTED')
  })
})

describe('a session that is not resumed', () => {
  test('begins anew: its streams are gone, its rooms are joined again', async () => {
    const again = { session: session('s2', { own: 3 }), rooms: [[40, 9, true]] }
    await using server = await startRooms([{ session: session('s1') }, again])
    using pair = await scene(server)
    const { socket, seen, link } = pair
    await joined(socket, link)
    notice(link, 'joined', 30, 2)
    await handled(link)
    const second = await relink(server, link)
    const join = await request(second, 'join')
    expect(join.body).toEqual(['join', 'book', null, ['e', 5]])
    refuse(second, join, 'JOIN_REFUSED')
    say(second, 40, 10)
    say(second, 0, 4)
    await handled(second)
    expect(seen).toEqual([10, 4])
    expect(socket.recovered).toBe(false)
    expect(requestsOf(second, 'sync')).toEqual([])
  })
})
