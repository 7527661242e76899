import { LIMITS, RoomcastError } from '@roomcast/protocol'
import type { WatchRule } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { RawUser } from '../../../test-kit/raw-user'
import type { TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { answerTo, codeOf, decision, member, OPEN, socketOf, startPeople, watches } from './watching-support'

describe('who may watch', () => {
  test('nobody, unless a policy says so; and the answer does not tell what there is', async () => {
    await using server = await startPeople({ presence: {} })
    using ada = await member(server, 'ada', 'lobby')
    using anonymous = await RawUser.connect(server.port)
    const refusal = { code: 'WATCH_REFUSED', message: expect.any(String) }
    const answers = []
    for (const user of [ada, anonymous]) {
      for (const room of [null, 'lobby', 'no such room', 'x'.repeat(200), ada.sid]) {
        for (const mode of ['users', 'count']) answers.push(await answerTo(user, 'watch', room, mode))
        answers.push(await answerTo(user, 'users', room, 0))
      }
    }
    for (const answer of answers) expect(answer).toEqual(refusal)
    expect(watches(server)).toBe(0)
  })

  test('members: those in the room; for everybody, those who are logged in', async () => {
    await using server = await startPeople({ presence: { watch: 'members' } })
    using ada = await member(server, 'ada', 'lobby')
    using bob = await member(server, 'bob', 'secret')
    using anonymous = await RawUser.connect(server.port)
    expect((await ada.watch('lobby')).ids()).toEqual(['ada'])
    expect((await ada.watch()).ids()).toEqual(['ada', 'bob'])
    const refused = await answerTo(ada, 'watch', 'secret', 'users')
    expect(refused).toEqual({ code: 'WATCH_REFUSED', message: expect.any(String) })
    expect(await answerTo(ada, 'watch', 'no such room', 'users')).toEqual(refused)
    expect(await answerTo(ada, 'watch', bob.sid, 'users')).toEqual(refused)
    expect(await answerTo(anonymous, 'watch', null, 'users')).toEqual(refused)
    expect(await answerTo(anonymous, 'watch', 'lobby', 'users')).toEqual(refused)
    await anonymous.call('join', 'lobby')
    expect((await anonymous.watch('lobby')).ids()).toEqual(['ada'])
    // Another tab in the room does not count.
    using tab = await member(server, 'ada')
    expect(await answerTo(tab, 'watch', 'lobby', 'users')).toEqual(refused)
  })

  test('a rule is given the socket and the room', async () => {
    const asked: unknown[] = []
    const watch: WatchRule = ({ id, user, claims, data, rooms }, room) => {
      asked.push([id, user, claims, data, [...rooms], room])
      return room === 'lobby' && claims.isAdmin
    }
    await using server = await startPeople(
      { presence: { watch }, login: ({ id }) => ({ id, claims: { isAdmin: id === 'root' } }) },
      (io) => io.on('connection', (socket) => void Object.assign(socket.data, { n: 1 })),
    )
    using root = await member(server, 'root', 'x')
    using ada = await member(server, 'ada')
    expect(await answerTo(root, 'watch', 'lobby', 'users')).toMatchObject([{ count: 0 }])
    expect(await codeOf(answerTo(root, 'watch', null, 'users'))).toBe('WATCH_REFUSED')
    expect(await codeOf(answerTo(ada, 'watch', 'lobby', 'users'))).toBe('WATCH_REFUSED')
    expect(asked).toEqual([
      [root.sid, { id: 'root' }, { isAdmin: true }, { n: 1 }, [root.sid, 'x'], 'lobby'],
      [root.sid, { id: 'root' }, { isAdmin: true }, { n: 1 }, [root.sid, 'x'], null],
      [ada.sid, { id: 'ada' }, { isAdmin: false }, { n: 1 }, [ada.sid], 'lobby'],
    ])
  })

  test.each([
    ['true', () => true, true],
    ['a promise of true', async () => true, true],
    // biome-ignore lint/suspicious/noThenProperty: a thenable
    ['a thenable of true', () => ({ then: (done: (value: unknown) => void) => done(true) }), true],
    ['false', () => false, false],
    ['undefined', () => undefined, false],
    ['1', () => 1, false],
    ["'yes'", () => 'yes', false],
    ['an object', () => ({}), false],
    ['a promise of 1', async () => 1, false],
    ['a promise of an object', async () => ({ allowed: true }), false],
  ])('a rule that returns %s', async (_what, rule, isAllowed) => {
    await using server = await startPeople({ presence: { watch: rule as unknown as WatchRule } })
    using ada = await member(server, 'ada')
    const answer = await answerTo(ada, 'watch', null, 'users')
    if (isAllowed) expect(answer).toMatchObject([{ mode: 'users', version: 0, count: 1 }])
    else expect(answer).toEqual({ code: 'WATCH_REFUSED', message: expect.any(String) })
    expect(watches(server)).toBe(isAllowed ? 1 : 0)
    expect(server.faults).toEqual([])
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('mine')
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
    [
      'throws a verdict of its own',
      () => {
        throw new RoomcastError('NOT_FRIENDS', 'mine')
      },
    ],
    [
      'is a thenable that throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: a thenable
        then: () => {
          throw new Error('mine')
        },
      }),
    ],
  ])('a rule that %s allows nothing, is reported, and tells the client nothing', async (_what, rule) => {
    await using server = await startPeople({ presence: { watch: rule as unknown as WatchRule } })
    using ada = await member(server, 'ada')
    expect(await answerTo(ada, 'watch', 'lobby', 'users')).toEqual({
      code: 'WATCH_REFUSED',
      message: expect.not.stringContaining('mine'),
    })
    expect(server.faults).toMatchObject([
      { error: { message: 'mine' }, context: { where: 'watch rule', name: 'lobby', socketId: ada.sid } },
    ])
  })
})

describe('while a rule decides', () => {
  async function deciding(wanted: { login?: unknown } = {}) {
    const { promise, decide } = decision<boolean>()
    const server = await startPeople({ presence: { ...OPEN, watch: () => promise } })
    const user = await RawUser.connect(server.port, 'login' in wanted ? wanted.login : { id: 'ada' })
    const answer = user.send('watch', 'lobby', 'users')
    // The request is with the rule: what is sent behind it has been handled.
    await user.call('join', 'lobby')
    return { server, user, decide, answer }
  }

  test.each([
    [
      'the link is lost',
      async (user: RawUser, server: TestServer) => {
        user.client.terminate()
        await until(() => server.io.sockets.sockets.size === 0)
      },
    ],
    [
      'the client leaves the namespace',
      async (user: RawUser, server: TestServer) => {
        user.disconnect()
        await until(() => server.io.sockets.sockets.size === 0)
      },
    ],
    [
      'the socket is kicked',
      async (_user: RawUser, server: TestServer) => {
        server.io.disconnectSockets()
      },
    ],
  ])('%s: nothing is left', async (_what, run) => {
    const { server, user, decide } = await deciding()
    await run(user, server)
    decide(true)
    await Promise.resolve()
    using other = await member(server, 'bob', 'lobby')
    expect(other.notices()).toEqual([])
    expect(watches(server)).toBe(0)
    expect(user.notices('users')).toEqual([])
    expect(server.faults).toEqual([])
    await server[Symbol.asyncDispose]()
  })

  test.each([
    ['logs out', { id: 'ada' }, (user: RawUser) => user.request('logout')],
    ['becomes another', { id: 'ada' }, (user: RawUser) => user.request('login', { id: 'bob' })],
    ['becomes somebody', undefined, (user: RawUser) => user.request('login', { id: 'bob' })],
  ])('the socket %s: the rule was asked about somebody else', async (_what, login, run) => {
    const { server, user, decide, answer } = await deciding({ login })
    await run(user)
    decide(true)
    expect((await user.answer(answer)).body).toMatchObject({ code: 'WATCH_REFUSED' })
    expect(watches(server)).toBe(0)
    await server[Symbol.asyncDispose]()
    user.client.terminate()
  })

  test('a login again as the same user changes nothing', async () => {
    const { server, user, decide, answer } = await deciding()
    await user.request('login', { id: 'ada', name: 'Ada' })
    decide(true)
    expect((await user.answer(answer)).body).toMatchObject([{ mode: 'users', count: 1 }])
    await server[Symbol.asyncDispose]()
    user.client.terminate()
  })

  test('the client has had enough: an unwatch behind the watch ends it', async () => {
    const { server, user, decide, answer } = await deciding()
    const unwatched = user.send('unwatch', 'lobby', 'users')
    await user.answer(unwatched)
    decide(true)
    await user.answer(answer)
    expect(watches(server)).toBe(0)
    await server[Symbol.asyncDispose]()
    user.client.terminate()
  })

  test('rules that never decide keep nothing but their answers waiting', async () => {
    await using server = await startPeople({ presence: { watch: () => new Promise<boolean>(() => {}) } })
    using ada = await member(server, 'ada')
    for (let i = 0; i < 100; i++) ada.send('watch', `room ${i}`, 'users')
    expect(await ada.call('join', 'lobby')).toBe(true)
    expect(watches(server)).toBe(0)
  })
})

describe('how many lists a socket may watch', () => {
  const limit = LIMITS.watchesPerSocket

  test('32, of those that are there', async () => {
    await using server = await startPeople()
    using ada = await member(server, 'ada')
    for (let i = 0; i < limit; i++) await ada.watch(`room ${i}`)
    const refused = { code: 'TOO_MANY_WATCHES', message: expect.any(String) }
    expect(await answerTo(ada, 'watch', 'one more', 'users')).toEqual(refused)
    expect(await answerTo(ada, 'watch', 'room 0', 'count')).toEqual(refused)
    expect(await answerTo(ada, 'watch', null, 'users')).toEqual(refused)
    using other = await member(server, 'bob')
    await other.watch('one more')
    await ada.request('unwatch', 'room 3', 'users')
    await ada.watch('one more')
    expect(await answerTo(ada, 'watch', 'room 3', 'users')).toEqual(refused)
    await ada.request('logout')
    for (let i = 0; i < limit; i++) await ada.watch(`room ${i}`)
    expect(watches(server)).toBe(limit + 1)
  })

  test('one that is watched already may be asked for again, as after a missing version', async () => {
    await using server = await startPeople()
    using ada = await member(server, 'ada')
    for (let i = 0; i < limit; i++) await ada.watch(`room ${i}`)
    expect(await answerTo(ada, 'watch', 'room 0', 'users')).toMatchObject([{ mode: 'users' }])
    expect(watches(server)).toBe(limit)
  })

  test('however many ask at once', async () => {
    const { promise, decide } = decision<boolean>()
    await using server = await startPeople({ presence: { watch: () => promise } })
    using ada = await member(server, 'ada')
    const answers = Array.from({ length: 3 * limit }, (_, i) => ada.answer(ada.send('watch', `room ${i}`, 'users')))
    await ada.call('join', 'x')
    decide(true)
    const refused = (await Promise.all(answers)).filter(({ type }) => type === 'ACK_ERROR')
    expect(refused).toHaveLength(2 * limit)
    expect(watches(server)).toBe(limit)
  })
})

describe('how a watch ends', () => {
  const unwatched = (room: string | null, mode = 'users') => [room, mode, 'WATCH_REFUSED', expect.any(String)]

  /** Nothing of a list comes any more: another watcher is told of a change, and this one is not. */
  async function expectSilence(server: TestServer, user: RawUser, room: string | null): Promise<void> {
    const isOfRoom = (notice: unknown[]) => ['users', 'count'].includes(notice[0] as string) && notice[1] === room
    const before = user.notices().filter(isOfRoom).length
    using other = await member(server, `other ${Math.random()}`, ...(room === null ? [] : [room]))
    const list = await other.watch(room)
    using late = await member(server, `late ${Math.random()}`, ...(room === null ? [] : [room]))
    await until(() => list.frames.length > 0, 'the other watcher to be told')
    expect(late.client.closed).toBeNull()
    await user.call('join', 'somewhere')
    expect(user.notices().filter(isOfRoom)).toHaveLength(before)
  }

  test.each([
    ['it leaves', (user: RawUser) => user.call('leave', 'lobby')],
    ['it is taken out', (user: RawUser, server: TestServer) => server.io.in(user.sid).socketsLeave('lobby')],
  ])('members of a room: %s', async (_what, run) => {
    await using server = await startPeople({ presence: { ...OPEN, watch: 'members' } })
    using ada = await member(server, 'ada', 'lobby', 'other')
    using _tab = await member(server, 'ada', 'lobby')
    await ada.watch('lobby')
    await ada.request('watch', 'lobby', 'count')
    const other = await ada.watch('other')
    const everybody = await ada.watch()
    await run(ada, server)
    await until(() => ada.notices('unwatched').length === 2)
    expect(ada.notices('unwatched')).toEqual([unwatched('lobby'), unwatched('lobby', 'count')])
    expect(watches(server)).toBe(2)
    await expectSilence(server, ada, 'lobby')
    using _bob = await member(server, 'bob', 'other')
    await until(() => other.ids().includes('bob') && everybody.ids().includes('bob'))
    expect(await codeOf(answerTo(ada, 'watch', 'lobby', 'users'))).toBe('WATCH_REFUSED')
  })

  test.each([
    ['logs out', (user: RawUser) => user.request('logout')],
    ['becomes another', (user: RawUser) => user.request('login', { id: 'eve' })],
  ])('a socket that %s: all of them', async (_what, run) => {
    await using server = await startPeople({ presence: { ...OPEN, watch: 'members' } }, (io) =>
      io.rooms('open', { presence: { watch: () => true } }),
    )
    using ada = await member(server, 'ada', 'lobby')
    for (const room of ['lobby', 'open', null]) await ada.watch(room)
    await ada.request('watch', 'open', 'count')
    await run(ada)
    const notices = ada.notices('unwatched')
    expect(notices).toHaveLength(4)
    for (const expected of [unwatched('lobby'), unwatched('open'), unwatched('open', 'count'), unwatched(null)])
      expect(notices).toContainEqual(expected)
    expect(watches(server)).toBe(0)
    await expectSilence(server, ada, 'open')
  })

  test('of an anonymous socket that becomes somebody, and of somebody who logs in again: not at all', async () => {
    await using server = await startPeople()
    using user = await RawUser.connect(server.port)
    const list = await user.watch('lobby')
    await user.request('login', { id: 'ada' })
    await user.request('login', { id: 'ada', name: 'Ada' })
    using _bob = await member(server, 'bob', 'lobby')
    await until(() => list.ids().join() === 'bob')
    expect(user.notices('unwatched')).toEqual([])
  })

  test('with the namespace, without a word behind its end', async () => {
    await using server = await startPeople({ presence: { ...OPEN, watch: 'members' } }, (io) => io.of('/other'))
    using ada = await member(server, 'ada', 'lobby')
    const other = await RawUser.over(ada.client, '/other', { auth: { id: 'ada' } })
    for (const room of ['lobby', null]) await ada.watch(room)
    socketOf(server, ada).disconnect()
    using _bob = await member(server, 'bob', 'lobby')
    await other.request('unwatch', null, 'users')
    const ofMain = ada.client.frames.filter(({ namespace }) => namespace === 0)
    expect(ofMain.at(-1)?.type).toBe('DISCONNECT')
    expect(watches(server)).toBe(0)
  })

  test('unwatch: of one list in one mode, and of nothing', async () => {
    await using server = await startPeople()
    using ada = await member(server, 'ada', 'lobby')
    await ada.watch('lobby')
    await ada.request('watch', 'lobby', 'count')
    expect(await answerTo(ada, 'unwatch', 'lobby', 'users')).toEqual([])
    expect(await answerTo(ada, 'unwatch', 'lobby', 'users')).toEqual([])
    expect(await answerTo(ada, 'unwatch', 'no such room', 'users')).toEqual([])
    expect(await answerTo(ada, 'unwatch', null, 'count')).toEqual([])
    using bob = await member(server, 'bob', 'lobby')
    expect(await answerTo(bob, 'unwatch', 'lobby', 'count')).toEqual([])
    await until(() => ada.notices('count').length > 0)
    expect(ada.notices('count')).toEqual([['lobby', 1, 2]])
    expect(ada.notices('users')).toEqual([])
    await ada.request('unwatch', 'lobby', 'count')
    await expectSilence(server, ada, 'lobby')
    expect(ada.notices('unwatched')).toEqual([])
  })

  test('watched twice, each change comes once', async () => {
    await using server = await startPeople()
    using ada = await member(server, 'ada', 'lobby')
    await ada.watch('lobby')
    const list = await ada.watch('lobby')
    using bob = await member(server, 'bob', 'lobby')
    await until(() => list.ids().length === 2)
    expect(list.frames).toHaveLength(1)
    await bob.call('leave', 'lobby')
    await until(() => list.ids().length === 1)
    expect(list.frames).toHaveLength(2)
    await ada.request('unwatch', 'lobby', 'users')
    expect(watches(server)).toBe(0)
  })

  test('in another namespace it is another list', async () => {
    await using server = await startPeople({}, (io) => {
      io.of('/other').on('connection', (socket) => socket.join('lobby'))
    })
    using ada = await member(server, 'ada', 'lobby')
    const main = await ada.watch('lobby')
    const other = await RawUser.over(ada.client, '/other', { auth: { id: 'eve' } })
    const list = await other.watch('lobby')
    expect([main.ids(), list.ids()]).toEqual([['ada'], ['eve']])
    using bob = await member(server, 'bob', 'lobby')
    await until(() => main.ids().length === 2)
    await RawUser.over(bob.client, '/other', { auth: { id: 'bob' } })
    await until(() => list.ids().length === 2)
    expect([main.ids(), list.ids()]).toEqual([
      ['ada', 'bob'],
      ['bob', 'eve'],
    ])
    other.disconnect()
    using _carl = await member(server, 'carl', 'lobby')
    await until(() => main.ids().length === 3)
  })
})

describe('numbers only', () => {
  test('asked for by the client: one notice for many changes, none for no change', async () => {
    await using server = await startPeople({ presence: { ...OPEN, flushMs: 100 } })
    using watcher = await RawUser.connect(server.port)
    expect(await watcher.request('watch', 'lobby', 'count')).toEqual([
      { mode: 'count', version: 0, count: 0, users: [] },
    ])
    const users = await Promise.all(Array.from({ length: 10 }, (_, i) => member(server, `user${i}`)))
    server.io.socketsJoin('lobby')
    await until(() => watcher.notices('count').length > 0)
    expect(watcher.notices('count')).toEqual([['lobby', 1, 10]])
    server.io.socketsLeave('lobby')
    server.io.socketsJoin('lobby')
    await server.io.updateUser('user1', { name: 'x' })
    using marker = await RawUser.connect(server.port)
    await marker.request('watch', 'marker', 'count')
    server.io.in(users[0]?.sid as string).socketsJoin('marker')
    await until(() => marker.notices('count').length > 0)
    await watcher.call('join', 'x')
    expect(watcher.notices('count')).toEqual([['lobby', 1, 10]])
    expect(watcher.notices('users')).toEqual([])
    for (const { client } of users) client.terminate()
  })

  test('a number that changes back between two notices is right for those who came between', async () => {
    await using server = await startPeople({ presence: { ...OPEN, flushMs: 200 } })
    using first = await RawUser.connect(server.port)
    await first.request('watch', 'lobby', 'count')
    using ada = await member(server, 'ada', 'lobby')
    using second = await RawUser.connect(server.port)
    const [{ count }] = (await second.request('watch', 'lobby', 'count')) as [{ count: number }]
    await ada.call('leave', 'lobby')
    const latest = (user: RawUser, before: number) => (user.notices('count').at(-1)?.[2] as number) ?? before
    // Something that is told later than this would have been.
    using marker = await RawUser.connect(server.port)
    await marker.request('watch', 'marker', 'count')
    await ada.call('join', 'marker')
    await until(() => marker.notices('count').length > 0)
    await second.call('join', 'x')
    expect([latest(first, 0), latest(second, count)]).toEqual([0, 0])
  })

  test('a list that changes back between two notices has the right number for those who came between', async () => {
    await using server = await startPeople({ presence: { ...OPEN, flushMs: 200 } })
    const big = 'x'.repeat(900)
    const many = await Promise.all(
      Array.from({ length: 160 }, (_, i) => RawUser.connect(server.port, { id: `user${i}`, big })),
    )
    server.io.socketsJoin('lobby')
    using first = await RawUser.connect(server.port)
    await first.watch('lobby')
    using ada = await member(server, 'ada', 'lobby')
    using second = await RawUser.connect(server.port)
    const [{ count, next }] = (await second.request('watch', 'lobby', 'users')) as [{ count: number; next: number }]
    expect([count, next]).toEqual([161, expect.any(Number)])
    await ada.call('leave', 'lobby')
    using marker = await RawUser.connect(server.port)
    await marker.request('watch', 'marker', 'count')
    await ada.call('join', 'marker')
    await until(() => marker.notices('count').length > 0)
    await second.call('join', 'x')
    const told = second.notices('users').at(-1)?.[2] ?? count
    expect(told).toBe(160)
    for (const { client } of many) client.terminate()
  })

  test('by policy, whatever the client asks for', async () => {
    await using server = await startPeople({}, (io) =>
      io.rooms('hall', { presence: { mode: 'count', watch: 'members' } }),
    )
    using ada = await member(server, 'ada', 'hall')
    for (const mode of ['users', 'count', undefined]) {
      expect(await ada.request('watch', 'hall', mode)).toEqual([{ mode: 'count', version: 0, count: 1, users: [] }])
    }
    expect(watches(server)).toBe(1)
    expect(await codeOf(answerTo(ada, 'users', 'hall', 0))).toBe('WATCH_REFUSED')
    using _bob = await member(server, 'bob', 'hall')
    await until(() => ada.notices('count').length > 0)
    expect(ada.notices('count')).toEqual([['hall', 1, 2]])
    await ada.call('leave', 'hall')
    expect(ada.notices('unwatched')).toEqual([['hall', 'count', 'WATCH_REFUSED', expect.any(String)]])
    expect(ada.notices('users')).toEqual([])
  })

  test('by policy: an unwatch behind the watch, which cannot know the mode yet, ends it', async () => {
    await using server = await startPeople({}, (io) => io.rooms('hall', { presence: { mode: 'count' } }))
    using ada = await member(server, 'ada')
    const answer = ada.send('watch', 'hall', 'users')
    await ada.request('unwatch', 'hall', 'users')
    expect(await ada.answer(answer)).toMatchObject({ type: 'ACK', body: [{ mode: 'count' }] })
    expect(watches(server)).toBe(0)
  })
})

describe('requests that are malformed', () => {
  test('are answered with INVALID_REQUEST, and nothing else happens', async () => {
    await using server = await startPeople()
    using ada = await member(server, 'ada')
    await ada.watch()
    const rooms = ['', 42, true, {}, ['lobby'], 'x'.repeat(201), 'a\u0000b', 'a\nb', Number.NaN, new Uint8Array(3)]
    for (const room of rooms) {
      expect(await codeOf(answerTo(ada, 'watch', room, 'users')), `watch ${String(room)}`).toBe('INVALID_REQUEST')
      expect(await codeOf(answerTo(ada, 'unwatch', room, 'users')), `unwatch ${String(room)}`).toBe('INVALID_REQUEST')
      expect(await codeOf(answerTo(ada, 'users', room, 0)), `users ${String(room)}`).toBe('INVALID_REQUEST')
    }
    for (const mode of ['all', '', 1, {}, ['users'], true]) {
      expect(await codeOf(answerTo(ada, 'watch', null, mode))).toBe('INVALID_REQUEST')
      expect(await codeOf(answerTo(ada, 'unwatch', null, mode))).toBe('INVALID_REQUEST')
    }
    for (const after of [undefined, null, 'x', '1', 1.5, Number.NaN, Number.POSITIVE_INFINITY, {}, [1]]) {
      expect(await codeOf(answerTo(ada, 'users', null, after)), `after ${String(after)}`).toBe('INVALID_REQUEST')
    }
    expect(await codeOf(answerTo(ada, 'no such request'))).toBe('UNKNOWN_REQUEST')
    for (const name of ['constructor', '__proto__', 'hasOwnProperty', '']) {
      expect(await codeOf(answerTo(ada, name, null))).toBe('UNKNOWN_REQUEST')
    }
    expect(watches(server)).toBe(1)
    expect(server.faults).toEqual([])
    expect(ada.client.closed).toBeNull()
  })

  test('a place before the first is none', async () => {
    await using server = await startPeople()
    using ada = await member(server, 'ada')
    await ada.watch()
    expect(await codeOf(answerTo(ada, 'users', null, -1))).toBe('INVALID_REQUEST')
  })

  test('arguments that are left out, or too many', async () => {
    await using server = await startPeople()
    using ada = await member(server, 'ada')
    expect(await ada.request('watch')).toMatchObject([{ mode: 'users', count: 1 }])
    expect(await ada.request('watch', null, 'users', 'and', 'more')).toMatchObject([{ mode: 'users', count: 1 }])
    expect(await ada.request('users', null, 1, 2, 3)).toEqual([[], null])
    expect(await ada.request('users', null, Number.MAX_SAFE_INTEGER)).toEqual([[], null])
    expect(await ada.request('unwatch')).toEqual([])
    expect(watches(server)).toBe(0)
  })

  test('pages of a list that is not watched', async () => {
    await using server = await startPeople()
    using ada = await member(server, 'ada', 'lobby')
    expect(await codeOf(answerTo(ada, 'users', 'lobby', 0))).toBe('WATCH_REFUSED')
    await ada.watch('lobby')
    using bob = await member(server, 'bob', 'lobby')
    expect(await codeOf(answerTo(bob, 'users', 'lobby', 0))).toBe('WATCH_REFUSED')
    await ada.request('unwatch', 'lobby', 'users')
    expect(await codeOf(answerTo(ada, 'users', 'lobby', 0))).toBe('WATCH_REFUSED')
    await ada.request('watch', 'lobby', 'count')
    expect(await codeOf(answerTo(ada, 'users', 'lobby', 0))).toBe('WATCH_REFUSED')
  })
})
