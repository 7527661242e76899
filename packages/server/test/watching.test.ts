import { LIMITS, MESSAGE_TYPES, RoomcastError } from '@roomcast/protocol'
import type { Login, Server, ServerOptions, Socket, WatchRule } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../../test-kit/random'
import { RawClient, type RawFrame } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { type RawLink, RawUser } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

/** Anybody who says who they are. */
const byId: Login = ({ id, ...profile }) => ({ id, ...profile })

/** Longer than any test. */
const NEVER_MS = 600_000

/** Everybody may watch everything, and is told at once. */
const OPEN = { watch: () => true, flushMs: 0, graceMs: NEVER_MS } as const

function startPeople(options: ServerOptions = {}, setUp: (io: Server) => void = () => {}): Promise<TestServer> {
  return startServer(
    (io) => {
      io.on('connection', (socket) => {
        socket.on('join', (room: string) => {
          socket.join(room)
          return true
        })
        socket.on('leave', (room: string) => {
          socket.leave(room)
          return true
        })
      })
      setUp(io)
    },
    { login: byId, allowAnonymous: true, presence: OPEN, ...options },
  )
}

/** A user who has joined rooms. */
async function member(server: TestServer, id: string, ...rooms: string[]): Promise<RawUser> {
  const user = await RawUser.connect(server.port, { id })
  for (const room of rooms) await user.call('join', room)
  return user
}

function socketOf(server: TestServer, user: RawUser): Socket {
  return server.io.sockets.sockets.get(user.sid) as Socket
}

/** Body of the answer to a request, refusals included. */
async function answerTo(user: RawUser<RawLink>, name: string, ...args: unknown[]): Promise<unknown> {
  const { type, body } = await user.answer(user.send(name, ...args))
  return type === 'ACK' ? body : { ...(body as object) }
}

const codeOf = async (answer: Promise<unknown>) => ((await answer) as { code?: string }).code

/** How many lists the sockets of a server watch. */
function watches(server: TestServer): number {
  const { people } = server.io.sockets as unknown as {
    people: { known: { watches: { bySocket: Map<unknown, Set<unknown>> } } }
  }
  return [...people.known.watches.bySocket.values()].reduce((sum, feeds) => sum + feeds.size, 0)
}

/** Something that is decided later. */
function decision<Value>() {
  let decide: (value: Value) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const promise = new Promise<Value>((resolve, reject) => {
    decide = resolve
    fail = reject
  })
  return { promise, decide, fail }
}

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

describe('snapshots and frames', () => {
  test('who joins and leaves between two frames was never there', async () => {
    await using server = await startPeople({ presence: { ...OPEN, flushMs: 100 } })
    using watcher = await RawUser.connect(server.port)
    const list = await watcher.watch('lobby')
    using eve = await member(server, 'eve')
    for (let i = 0; i < 3; i++) {
      socketOf(server, eve).join('lobby')
      socketOf(server, eve).leave('lobby')
    }
    using _ada = await member(server, 'ada', 'lobby')
    await until(() => list.ids().includes('ada'))
    const bytes = list.frames.map(({ bytes }) => Buffer.from(bytes).toString('latin1')).join()
    expect(bytes).not.toContain('eve')
  })

  test('who leaves and joins again between two frames is there, with the new time', async () => {
    await using server = await startPeople({ presence: { ...OPEN, flushMs: 100 } })
    using ada = await member(server, 'ada', 'lobby')
    using watcher = await RawUser.connect(server.port)
    const list = await watcher.watch('lobby')
    await server.io.updateUser('ada', { n: 1 })
    socketOf(server, ada).leave('lobby')
    await until(() => Date.now() > (list.current()[0]?.joinedAt ?? 0))
    socketOf(server, ada).join('lobby')
    await until(() => list.frames.length > 0)
    const entry = await server.io.users('lobby').get('ada')
    expect(list.current()).toEqual([{ id: 'ada', devices: 1, joinedAt: entry?.joinedAt, profile: { n: 1 } }])
  })

  test('who is in the snapshot and leaves before the next frame is no ghost', async () => {
    await using server = await startPeople({ presence: { ...OPEN, flushMs: 200 } })
    using first = await RawUser.connect(server.port)
    const early = await first.watch('lobby')
    using eve = await member(server, 'eve', 'lobby')
    using second = await RawUser.connect(server.port)
    const late = await second.watch('lobby')
    expect(late.ids()).toEqual(['eve'])
    await eve.call('leave', 'lobby')
    using _ada = await member(server, 'ada', 'lobby')
    await until(() => early.ids().join() === 'ada' && late.ids().join() === 'ada')
  })

  test('no hole and no ghost under load: 200 watchers come while users come and go all the time', async () => {
    const random = createRandom()
    await using server = await startPeople({ presence: { ...OPEN, flushMs: 25 } })
    const users = await Promise.all(Array.from({ length: 80 }, (_, i) => member(server, `user${i}`)))
    const sockets = users.map((user) => socketOf(server, user))
    let isOver = false
    let hasEnded = false
    let steps = 0
    const write = () => {
      for (let i = random.below(40); i > 0; i--) {
        const socket = random.pick(sockets)
        if (random.chance(0.5)) socket.join('lobby')
        else socket.leave('lobby')
        if (random.chance(0.1)) server.io.updateUser(socket.user?.id as string, { n: steps }).catch(() => {})
        steps++
      }
      if (!isOver || steps < 2_000) setTimeout(write, random.below(4))
      else hasEnded = true
    }
    write()
    const lists = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const watcher = await RawUser.connect(server.port)
        const list = await watcher.watch('lobby')
        if (i % 5 === 0) {
          await watcher.request('unwatch', 'lobby', 'users')
          return { watcher, list: await watcher.watch('lobby') }
        }
        return { watcher, list }
      }),
    )
    isOver = true
    const truth = async () =>
      (await server.io.users('lobby').list())
        .map(({ user: { id, ...profile }, devices, joinedAt }) => ({ id, devices, joinedAt, profile }))
        .sort((a, b) => a.id.localeCompare(b.id))
    await until(() => hasEnded, 'the writer to end')
    const expected = JSON.stringify(await truth())
    for (const { list } of lists) {
      const current = () => JSON.stringify(list.current().sort((a, b) => a.id.localeCompare(b.id)))
      await until(() => current() === expected, `the list of a watcher, SEED=${random.seed}`)
    }
    for (const { watcher } of lists) watcher.client.terminate()
    for (const { client } of users) client.terminate()
  })
})

/** Values of a body as the gate counts them. */
function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Date || ArrayBuffer.isView(value)) return 1
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countValues(item), 1)
  return Object.values(value).reduce((sum: number, item) => sum + 1 + countValues(item), 1)
}

/** No frame with rows is larger than the limits say, but for what stands around the rows. */
function expectSmallFrames(frames: readonly RawFrame[]): number {
  let largest = 0
  for (const { bytes, body } of frames) {
    expect(bytes.length).toBeLessThan(LIMITS.presenceFrameBytes + 300)
    expect(countValues(body)).toBeLessThan(LIMITS.presenceFrameValues + 20)
    largest = Math.max(largest, bytes.length)
  }
  return largest
}

/** Answers to `watch` and `users`, and the notices. */
const listFrames = (frames: readonly RawFrame[]) => frames.filter(({ type }) => type === 'ACK' || type === 'NOTICE')

/** Connects users, a few at a time. */
async function crowd(server: TestServer, size: number, profileOf: (i: number) => object): Promise<RawUser[]> {
  const users: RawUser[] = []
  for (let i = 0; i < size; i += 250) {
    const count = Math.min(250, size - i)
    const batch = Array.from({ length: count }, (_, j) => RawUser.connect(server.port, profileOf(i + j)))
    users.push(...(await Promise.all(batch)))
  }
  return users
}

describe('large lists', () => {
  test('3,000 users with profiles of 200 bytes: in pages, while some come and go', async () => {
    await using server = await startPeople({ presence: { ...OPEN, graceMs: 0 } })
    const text = 'p'.repeat(180)
    const users = await crowd(server, 3_000, (i) => ({ id: `user${i}`, text, n: i }))
    server.io.socketsJoin('lobby')
    using watcher = await RawUser.connect(server.port)
    const reading = watcher.watch('lobby')
    // While it reads: some leave from every page, some come, some change.
    for (let i = 0; i < 60; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      const socket = socketOf(server, users[(i * 49) % 3_000] as RawUser)
      if (i % 3 === 0) socket.leave('lobby')
      else if (i % 3 === 1) await server.io.updateUser(socket.user?.id as string, { n: -i })
      else {
        socket.leave('lobby')
        socket.join('lobby')
      }
    }
    const list = await reading
    const truth = async () =>
      (await server.io.users('lobby').list())
        .map(({ user: { id, ...profile }, devices, joinedAt }) => ({ id, devices, joinedAt, profile }))
        .sort((a, b) => a.id.localeCompare(b.id))
    const settled = async () => {
      const expected = JSON.stringify(await truth())
      await until(
        () => JSON.stringify(list.current().sort((a, b) => a.id.localeCompare(b.id))) === expected,
        'the list',
      )
    }
    await settled()
    const pages = listFrames(watcher.client.frames).filter(({ type }) => type === 'ACK')
    expect(pages.length).toBeGreaterThan(4)
    expect(expectSmallFrames(pages)).toBeGreaterThan(100_000)
    // All leave at once, and all come at once.
    server.io.socketsLeave('lobby')
    await settled()
    expect(list.ids()).toEqual([])
    server.io.socketsJoin('lobby')
    await settled()
    expect(list.ids()).toHaveLength(3_000)
    expectSmallFrames(list.frames)
    for (const { client } of users) client.terminate()
    await until(() => list.ids().length === 0, 'the list to be empty')
    expectSmallFrames(list.frames)
  }, 60_000)

  test.each([
    ['many small values', 60, (i: number) => ({ id: `user${i}`, list: Array.from({ length: 1_000 }, () => 1) })],
    ['as many bytes as may be', 300, (i: number) => ({ id: `user${i}`, text: 'x'.repeat(1_000) })],
    ['long ids of letters that take three bytes', 500, (i: number) => ({ id: `${'Ж'.repeat(40)}一二三${i}` })],
    [
      'fields of every kind',
      300,
      (i: number) => ({
        id: `user${i}`,
        name: `User ${i}`,
        at: new Date(i),
        bytes: new Uint8Array(20),
        nothing: null,
        deep: { a: [{ b: [{ c: 1 }] }], 'a key': -1.5 },
        empty: [{}, [], ''],
      }),
    ],
  ])(
    '%s',
    async (_what, size, profileOf) => {
      await using server = await startPeople({ presence: { ...OPEN, graceMs: 0 } })
      const users = await crowd(server, size, profileOf)
      using watcher = await RawUser.connect(server.port)
      const lobby = await watcher.watch('lobby')
      const everybody = await watcher.watch()
      expect(everybody.ids()).toHaveLength(size)
      server.io.socketsJoin('lobby')
      await until(() => lobby.ids().length === size)
      expect(lobby.current().map(({ id, profile }) => ({ id, ...profile }))).toEqual(
        (await server.io.users('lobby').list()).map(({ user }) => user),
      )
      server.io.socketsLeave('lobby')
      await until(() => lobby.ids().length === 0)
      expectSmallFrames(listFrames(watcher.client.frames))
      for (const { client } of users) client.terminate()
      await until(() => everybody.ids().length === 0)
      expectSmallFrames(listFrames(watcher.client.frames))
    },
    60_000,
  )
})

describe('over polling', () => {
  test('a watcher is told the same', async () => {
    await using server = await startPeople()
    using poller = (await RawPoller.open(server.port)).start()
    const watcher = await RawUser.over(poller, '/', { auth: { id: 'poll' } })
    using other = await RawUser.connect(server.port)
    const lists = [await watcher.watch('lobby'), await other.watch('lobby')]
    const count = await watcher.request('watch', null, 'count')
    expect(count).toMatchObject([{ mode: 'count', count: 1 }])
    using ada = await member(server, 'ada', 'lobby')
    await watcher.call('join', 'lobby')
    await server.io.updateUser('ada', { name: 'Ada' })
    await until(() => lists.every((list) => list.current().some(({ profile }) => profile.name === 'Ada')))
    await until(() => lists.every((list) => list.ids().join() === 'ada,poll'))
    await ada.call('leave', 'lobby')
    await until(() => lists.every((list) => list.ids().join() === 'poll'))
    await until(() => watcher.notices('count').length > 0)
    await watcher.request('unwatch', 'lobby', 'users')
    const { topics } = server.io as unknown as { topics: { size: number } }
    await watcher.request('unwatch', null, 'count')
    expect(watches(server)).toBe(1)
    // Its own topic and that of the room it is in, perhaps.
    expect(topics.size).toBeLessThanOrEqual(2)
  })

  test('a watcher that moves to a WebSocket misses nothing, and can end it there', async () => {
    await using server = await startPeople({ presence: { ...OPEN, watch: 'members' } })
    using poller = (await RawPoller.open(server.port)).start()
    // One link, whatever carries it: what came over polling, then what came over the WebSocket.
    let webSocket: RawClient | null = null
    const link: RawLink = {
      get frames() {
        const moved = webSocket?.frames.filter(({ type }) => type !== 'SWITCHED') ?? []
        return [...poller.frames, ...moved]
      },
      send: (fields, body) => (webSocket ?? poller).send(fields, body),
    }
    const watcher = await RawUser.over(link, '/', { auth: { id: 'mover' } })
    await watcher.call('join', 'lobby')
    const users = await Promise.all(Array.from({ length: 30 }, (_, i) => member(server, `user${i}`)))
    const sockets = users.map((user) => socketOf(server, user))
    let isOver = false
    const write = () => {
      const socket = sockets[Math.floor(Math.random() * sockets.length)] as Socket
      if (socket.rooms.has('lobby')) socket.leave('lobby')
      else socket.join('lobby')
      if (!isOver) setTimeout(write, 1)
    }
    write()
    const list = await watcher.watch('lobby')
    const everybody = await watcher.watch()
    await until(() => list.frames.length > 3)
    // Of two GETs the earlier is answered without frames; then none is held, and what was received is known.
    poller.pause()
    await poller.poll()
    using client = await RawClient.open(server.port)
    client.send({ type: MESSAGE_TYPES.SWITCH }, { session: poller.session, received: poller.received })
    await client.frame('SWITCHED')
    webSocket = client
    client.send({ type: MESSAGE_TYPES.PING }, null)
    await client.frame('PONG')
    expect([...server.io.sockets.sockets.values()].filter(({ conn }) => conn.transport.name === 'polling')).toEqual([])
    const moved = list.frames.length
    await until(() => list.frames.length > moved + 5)
    isOver = true
    await until(async () => {
      const { length } = list.frames
      const truth = (await server.io.users('lobby').list()).map(({ user }) => user.id as string).sort()
      return list.ids().join() === truth.join() && length === list.frames.length
    }, 'the list to be right')
    using _late = await member(server, 'late', 'lobby')
    await until(() => list.ids().includes('late') && everybody.ids().includes('late'))
    await watcher.call('leave', 'lobby')
    await until(() => watcher.notices('unwatched').length === 1)
    expect(watches(server)).toBe(1)
    client.closeWith(1000)
    await until(() => watches(server) === 0)
    for (const user of users) user.client.terminate()
  })
})

test('what a watcher gets holds no address, no socket id, no credentials and no claims', async () => {
  const secrets = ['claim-3f9a', 'token-77b1', 'data-5e2c', 'header-11aa', '127.0.0.1', '0000:ffff', 'x-secret']
  await using server = await startPeople(
    {
      login: ({ id, name }) => ({ id, name, claims: { role: 'claim-3f9a' }, expiresAt: Date.now() + 3_600_000 }),
    },
    (io) => io.on('connection', (socket) => void Object.assign(socket.data, { note: 'data-5e2c' })),
  )
  using watcher = await RawUser.connect(server.port, { id: 'watcher' })
  for (const room of [null, 'lobby']) await watcher.watch(room)
  await watcher.request('watch', 'lobby', 'count')
  const sids: string[] = []
  for (let round = 0; round < 3; round++) {
    const options = { headers: { 'x-secret': 'header-11aa', 'user-agent': 'header-11aa' } }
    using ada = await RawUser.connect(server.port, { id: 'ada', name: 'Ada', token: 'token-77b1' }, options)
    sids.push(ada.sid)
    await ada.call('join', 'lobby')
    await server.io.updateUser('ada', { name: `Ada ${round}` })
    await ada.request('login', { id: 'bob', token: 'token-77b1' })
    await ada.call('join', 'lobby')
    await until(() => watcher.notices('users').some((notice) => JSON.stringify(notice).includes('bob')))
  }
  expect(JSON.stringify(await answerTo(watcher, 'watch', 'lobby', 'users'))).toContain('bob')
  // Its own end of the login is in CONNECTED, and in nothing else.
  const frames = watcher.client.frames.filter(({ type }) => type !== 'CONNECTED')
  expect(frames.length).toBeGreaterThan(5)
  for (const { bytes, body } of frames) {
    const text = Buffer.from(bytes).toString('latin1')
    for (const secret of [...secrets, ...sids, watcher.sid]) expect(text).not.toContain(secret)
    // Rows have four fields at most.
    expect(JSON.stringify(body)).not.toMatch(/claims|expires|token|address|sid/)
  }
})
