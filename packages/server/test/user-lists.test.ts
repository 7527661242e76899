import { LIMITS, RoomcastError } from '@roomcast/protocol'
import type { Namespace } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { createRandom } from '../../../test-kit/random'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { RawUser } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import {
  ids,
  kept,
  lose,
  member,
  NEVER_MS,
  NOTHING,
  record,
  SHORT_MS,
  serve,
  socketOf,
  startPeople,
} from './user-lists-support'

describe('a user is one entry', () => {
  test('with profile, devices and time, in order of arrival', async () => {
    await using server = await startPeople()
    const from = Date.now()
    using _ada = await RawUser.connect(server.port, { id: 'ada', name: 'Ada', tags: ['x', { y: 1 }] })
    using _bob = await RawUser.connect(server.port, { id: 'bob' })
    using _tab = await RawUser.connect(server.port, { id: 'ada', name: 'Ada', tags: ['x', { y: 1 }] })
    const list = await server.io.users().list()
    expect(list).toEqual([
      { user: { id: 'ada', name: 'Ada', tags: ['x', { y: 1 }] }, devices: 2, joinedAt: expect.any(Number) },
      { user: { id: 'bob' }, devices: 1, joinedAt: expect.any(Number) },
    ])
    const [first, second] = list.map(({ joinedAt }) => joinedAt) as [number, number]
    expect(first).toBeGreaterThanOrEqual(from)
    expect(second).toBeGreaterThanOrEqual(first)
    expect(Date.now()).toBeGreaterThanOrEqual(second)
    expect(await server.io.users().get('ada')).toEqual(list[0])
    expect(await server.io.users().get('eve')).toBeUndefined()
    expect(await server.io.users().count()).toBe(2)
    expect(await server.io.online(['eve', 'bob', 'ada'])).toEqual(new Set(['bob', 'ada']))
  })

  test('three tabs join once and leave once', async () => {
    await using server = await startPeople()
    const everybody = record(server.io.users())
    const lobby = record(server.io.users('lobby'))
    using one = await member(server, 'ada', 'lobby')
    using two = await member(server, 'ada', 'lobby')
    using three = await member(server, 'ada', 'lobby')
    const joined = ['join ada 1', 'change ada 2', 'change ada 3']
    expect([everybody, lobby]).toEqual([joined, joined])
    await two.call('leave', 'lobby')
    three.disconnect()
    await until(() => lobby.length === 5)
    await one.call('leave', 'lobby')
    expect(lobby).toEqual([...joined, 'change ada 2', 'change ada 1', 'leave ada 0'])
    expect(everybody).toEqual([...joined, 'change ada 2'])
    one.disconnect()
    two.disconnect()
    await until(() => everybody.length === 6)
    expect(everybody.slice(-2)).toEqual(['change ada 1', 'leave ada 0'])
    expect(kept(server.io)).toEqual(NOTHING)
  })

  test('a socket that joins a room again counts once', async () => {
    await using server = await startPeople()
    const lobby = record(server.io.users('lobby'))
    using ada = await member(server, 'ada', 'lobby', 'lobby')
    server.io.socketsJoin(['lobby', 'lobby'])
    expect(lobby).toEqual(['join ada 1'])
    await ada.call('leave', 'lobby')
    await ada.call('leave', 'lobby')
    expect(lobby).toEqual(['join ada 1', 'leave ada 0'])
  })

  test('lists of rooms and of everybody are apart, and so are namespaces', async () => {
    await using server = await startPeople({}, (io) => serve(io.of('/other')))
    using _ada = await member(server, 'ada', 'a', 'b')
    using bob = await member(server, 'bob', 'b')
    const other = await RawUser.over(bob.client, '/other', { auth: { id: 'bob', name: 'Other' } })
    await other.call('join', 'a')
    const all = async (io: Pick<Namespace, 'users'>) =>
      Promise.all([undefined, 'a', 'b', 'nobody is here'].map((room) => ids(io.users(room))))
    expect(await all(server.io.sockets)).toEqual([['ada', 'bob'], ['ada'], ['ada', 'bob'], []])
    expect(await all(server.io.of('/other'))).toEqual([['bob'], ['bob'], [], []])
    other.disconnect()
    await until(async () => (await server.io.of('/other').users().count()) === 0)
    expect(await all(server.io.sockets)).toEqual([['ada', 'bob'], ['ada'], ['ada', 'bob'], []])
    expect(await server.io.of('/other').users('a').count()).toBe(0)
    expect(server.io.users('a').room).toBe('a')
    expect(server.io.users().room).toBeNull()
    expect(() => server.io.users('')).toThrow(expect.objectContaining({ code: 'INVALID_ROOM_NAME' }))
  })

  test('rooms joined in a middleware, in the connection handler and by others', async () => {
    await using server = await startPeople({}, (io) => {
      io.use((socket, next) => {
        socket.join('early')
        next()
      })
      io.on('connection', (socket) => socket.join('at once'))
    })
    using _ada = await member(server, 'ada')
    server.io.to('at once').socketsJoin('by others')
    for (const room of ['early', 'at once', 'by others']) expect(await ids(server.io.users(room))).toEqual(['ada'])
  })

  test('the room of a socket id lists those who joined it, and its owner as little as before', async () => {
    await using server = await startPeople()
    using one = await member(server, 'ada')
    expect(await server.io.users(one.sid).list()).toEqual([])
    const room = one.sid
    using two = await member(server, 'ada', room)
    using bob = await member(server, 'bob', room)
    await lose(server, one)
    expect(socketOf(server, two).rooms.has(room)).toBe(true)
    expect(await ids(server.io.users(room))).toEqual(['ada', 'bob'])
    await two.call('leave', room)
    await bob.call('leave', room)
    expect(await ids(server.io.users(room))).toEqual([])
    expect(kept(server.io)).toMatchObject({ lists: 0 })
  })
})

describe('anonymous sockets are not listed', () => {
  test('until they log in: then in the rooms they are in already', async () => {
    await using server = await startPeople()
    using anonymous = await RawUser.connect(server.port)
    for (const room of ['a', 'b', 'c']) await anonymous.call('join', room)
    await anonymous.call('leave', 'b')
    expect(await server.io.users().count()).toBe(0)
    expect(await server.io.users('a').count()).toBe(0)
    await anonymous.request('login', { id: 'ada' })
    for (const room of [undefined, 'a', 'c']) expect(await ids(server.io.users(room))).toEqual(['ada'])
    expect(await ids(server.io.users('b'))).toEqual([])
    await anonymous.request('login', { id: 'ada' })
    expect(await server.io.users('a').list()).toMatchObject([{ devices: 1 }])
    await anonymous.call('leave', 'a')
    expect(await ids(server.io.users('a'))).toEqual([])
  })

  test('and from the logout on, at once and everywhere', async () => {
    await using server = await startPeople()
    using ada = await member(server, 'ada', 'a', 'b')
    const told = [server.io.users(), server.io.users('a'), server.io.users('b')].map(record)
    await ada.request('logout')
    expect(told).toEqual([['leave ada 0'], ['leave ada 0'], ['leave ada 0']])
    expect([...socketOf(server, ada).rooms]).toEqual([ada.sid])
    await ada.call('join', 'a')
    expect(await server.io.users('a').count()).toBe(0)
    expect(kept(server.io)).toEqual(NOTHING)
  })

  test('who becomes another leaves as one, and is the other nowhere but in the namespace', async () => {
    await using server = await startPeople()
    using ada = await member(server, 'ada', 'a')
    using _tab = await member(server, 'ada', 'a')
    const told = [record(server.io.users()), record(server.io.users('a'))]
    await ada.request('login', { id: 'bob' })
    expect(told).toEqual([['change ada 1', 'join bob 1'], ['change ada 1']])
    expect(await ids(server.io.users('a'))).toEqual(['ada'])
    await ada.call('join', 'a')
    expect(await ids(server.io.users('a'))).toEqual(['ada', 'bob'])
  })
})

describe('who is known to leave is off at once', () => {
  const everywhere = (run: (server: TestServer, user: RawUser) => unknown) => ({ rooms: [undefined, 'a', 'b'], run })
  test.each([
    ['leave', { rooms: ['a'], run: (_, user) => user.call('leave', 'a') }],
    ['taken out of the room', { rooms: ['a'], run: ({ io }) => io.in('a').socketsLeave('a') }],
    ['kicked from the namespace', everywhere((server, user) => void socketOf(server, user).disconnect())],
    ['kicked from the connection', everywhere((server, user) => void socketOf(server, user).disconnect(true))],
    ['all kicked', everywhere(({ io }) => io.disconnectSockets(true))],
    ['DISCONNECT', everywhere((_, user) => user.disconnect())],
    ['logout', everywhere((_, user) => user.request('logout'))],
    ['revoke', everywhere(({ io }) => io.revoke({ userId: 'ada' }))],
    ['a close with 1000', everywhere((_, user) => user.client.closeWith(1000))],
  ] satisfies [string, { rooms: (string | undefined)[]; run: (server: TestServer, user: RawUser) => unknown }][])(
    '%s',
    async (_what, { rooms, run }) => {
      await using server = await startPeople()
      using ada = await member(server, 'ada', 'a', 'b')
      const told = rooms.map((room) => record(server.io.users(room)))
      await run(server, ada)
      await until(() => told.every((events) => events.length > 0), 'all lists to tell it')
      for (const events of told) expect(events).toEqual(['leave ada 0'])
      for (const room of rooms) expect(await server.io.users(room).count()).toBe(0)
    },
  )

  test('revoked while expected back', async () => {
    await using server = await startPeople()
    using ada = await member(server, 'ada', 'a')
    const told = [record(server.io.users()), record(server.io.users('a'))]
    await lose(server, ada)
    expect(await server.io.users('a').count()).toBe(1)
    await server.io.revoke({ userId: 'ada' })
    expect(told).toEqual([['leave ada 0'], ['leave ada 0']])
    expect(kept(server.io)).toEqual(NOTHING)
  })

  test('revoked while expected back in a room only', async () => {
    await using server = await startPeople({ presence: { graceMs: SHORT_MS } }, (io) =>
      io.rooms('long', { presence: { graceMs: NEVER_MS } }),
    )
    using ada = await member(server, 'ada', 'long')
    const everybody = record(server.io.users())
    const long = record(server.io.users('long'))
    await lose(server, ada)
    await until(() => everybody.includes('leave ada 0'))
    expect(await ids(server.io.users('long'))).toEqual(['ada'])
    await server.io.revoke({ userId: 'ada' })
    expect(long).toEqual(['leave ada 0'])
    expect(kept(server.io)).toEqual(NOTHING)
  })

  test('revoked after they were back in the namespace, and expected back in a room', async () => {
    await using server = await startPeople({ presence: { graceMs: SHORT_MS } }, (io) =>
      io.rooms('long', { presence: { graceMs: NEVER_MS } }),
    )
    using ada = await member(server, 'ada', 'long')
    const everybody = record(server.io.users())
    const long = record(server.io.users('long'))
    await lose(server, ada)
    await until(() => everybody.includes('leave ada 0'))
    using _back = await member(server, 'ada')
    await server.io.revoke({ userId: 'ada' })
    expect(await ids(server.io.users('long'))).toEqual([])
    expect(long).toEqual(['leave ada 0'])
  })
})

describe('who is lost is off after the grace', () => {
  test.each([
    ['without a close frame', (user: RawUser) => user.client.terminate()],
    ['with 1001, a page that is left', (user: RawUser) => user.client.closeWith(1001)],
    ['a frame that breaks the protocol', (user: RawUser) => user.client.sendText('{}')],
  ])('%s', async (_what, cut) => {
    await using server = await startPeople({ presence: { graceMs: SHORT_MS } }, (io) =>
      io.rooms('long', { presence: { graceMs: NEVER_MS } }).rooms('none', { presence: { graceMs: 0 } }),
    )
    using ada = await member(server, 'ada', 'a', 'long', 'none')
    const [everybody, a, long, none] = [undefined, 'a', 'long', 'none'].map((room) => record(server.io.users(room)))
    const at = performance.now()
    await lose(server, ada, () => cut(ada))
    expect(none).toEqual(['leave ada 0'])
    expect(await server.io.users('long').list()).toMatchObject([{ user: { id: 'ada' }, devices: 0 }])
    await until(() => everybody?.length === 1 && a?.length === 1, 'the grace to end')
    expect(performance.now() - at).toBeGreaterThanOrEqual(SHORT_MS)
    expect([everybody, a, long]).toEqual([['leave ada 0'], ['leave ada 0'], []])
    expect(kept(server.io)).toMatchObject({ deadlines: 1, listed: 0, lists: 1 })
  })

  test('a polling client that asks no more', async () => {
    await using server = await startPeople({ pingInterval: 100, pingTimeout: 100, presence: { graceMs: SHORT_MS } })
    const everybody = record(server.io.users())
    using poller = await RawPoller.connect(server.port, '/', { id: 'ada' })
    expect(everybody).toEqual(['join ada 1'])
    poller.abandon()
    await until(() => everybody.length === 2)
    expect(everybody).toEqual(['join ada 1', 'leave ada 0'])
  })

  test('back in time they have neither left nor joined', async () => {
    await using server = await startPeople({}, (io) => io.rooms('none', { presence: { graceMs: 0 } }))
    using ada = await member(server, 'ada', 'a', 'none')
    const before = [await server.io.users().get('ada'), await server.io.users('a').get('ada')]
    const lists = [record(server.io.users()), record(server.io.users('a'))]
    const none = record(server.io.users('none'))
    const { deadlines } = kept(server.io)
    for (let reload = 0; reload < 3; reload++) {
      await lose(server, ada)
      expect(kept(server.io).deadlines).toBe(deadlines + 2)
      using _back = await member(server, 'ada', 'a', 'none')
      expect(kept(server.io).deadlines, 'nothing is waited for').toBe(deadlines)
      expect([await server.io.users().get('ada'), await server.io.users('a').get('ada')]).toEqual(before)
      await lose(server, _back)
    }
    expect(lists).toEqual([[], []])
    expect(none.slice(0, 3)).toEqual(['leave ada 0', 'join ada 1', 'leave ada 0'])
  })

  test('back before the server has seen that the link is lost, they have neither left nor joined', async () => {
    await using server = await startPeople()
    using ada = await member(server, 'ada', 'a')
    const before = await server.io.users('a').get('ada')
    const lists = [record(server.io.users()), record(server.io.users('a'))]
    using back = await RawUser.over(await RawClient.open(server.port), '/', {
      auth: { id: 'ada' },
      previous: ada.sid,
    })
    await ada.client.close()
    await back.call('join', 'a')
    expect(lists.flat().filter((event) => !event.startsWith('change'))).toEqual([])
    expect(await server.io.users('a').get('ada')).toEqual(before)
    expect(server.io.sockets.sockets.size).toBe(1)
  })

  test('of three tabs one is loaded again', async () => {
    await using server = await startPeople()
    using _one = await member(server, 'ada', 'a')
    using two = await member(server, 'ada', 'a')
    using _three = await member(server, 'ada', 'a')
    const before = await server.io.users('a').list()
    const { deadlines } = kept(server.io)
    const lists = [record(server.io.users()), record(server.io.users('a'))]
    await lose(server, two)
    expect(kept(server.io).deadlines).toBe(deadlines)
    using _back = await member(server, 'ada', 'a')
    expect(lists).toEqual([
      ['change ada 2', 'change ada 3'],
      ['change ada 2', 'change ada 3'],
    ])
    expect(await server.io.users('a').list()).toEqual(before)
  })

  test('back in the namespace but not in the room: off the room after its grace', async () => {
    await using server = await startPeople({}, (io) => io.rooms('a', { presence: { graceMs: SHORT_MS } }))
    using ada = await member(server, 'ada', 'a')
    const a = record(server.io.users('a'))
    await lose(server, ada)
    using _back = await member(server, 'ada')
    await until(() => a.length > 0)
    expect(a).toEqual(['leave ada 0'])
    expect(kept(server.io)).toMatchObject({ listed: 1, lists: 0 })
  })

  test('back after the grace of the namespace, but not of the room, with another profile', async () => {
    await using server = await startPeople({ presence: { graceMs: SHORT_MS } }, (io) =>
      io.rooms('long', { presence: { graceMs: NEVER_MS, flushMs: 0, watch: () => true } }),
    )
    using watcher = await RawUser.connect(server.port)
    const watched = await watcher.watch('long')
    using ada = await RawUser.connect(server.port, { id: 'ada', name: 'Ada', color: 'red' })
    await ada.call('join', 'long')
    const before = await server.io.users('long').get('ada')
    const everybody = record(server.io.users())
    const long = record(server.io.users('long'))
    await lose(server, ada)
    await until(() => everybody.length === 1)
    using back = await RawUser.connect(server.port, { id: 'ada', name: 'Ada Lovelace' })
    await back.call('join', 'long')
    expect(everybody).toEqual(['leave ada 0', 'join ada 1'])
    expect(long).toEqual(['change ada 0'])
    const now = await server.io.users('long').get('ada')
    expect(now).toEqual({ ...before, user: { id: 'ada', name: 'Ada Lovelace' } })
    await until(() => watched.current()[0]?.profile.name === 'Ada Lovelace')
    expect(watched.current()).toEqual([
      { id: 'ada', devices: 1, joinedAt: before?.joinedAt, profile: { name: 'Ada Lovelace' } },
    ])
    // From here on it is one account again: a change of the profile reaches the room too.
    await server.io.updateUser('ada', { color: 'blue' })
    expect(await server.io.users('long').get('ada')).toMatchObject({ user: { color: 'blue' } })
    await back.call('leave', 'long')
    back.disconnect()
    await until(() => everybody.length === 4)
    watcher.disconnect()
    await until(() => kept(server.io).watching === 0)
    expect(kept(server.io)).toEqual(NOTHING)
  })

  test('a profile that is changed while they are away is theirs when they are back', async () => {
    await using server = await startPeople()
    using ada = await RawUser.connect(server.port, { id: 'ada', name: 'Ada' })
    await ada.call('join', 'a')
    const a = record(server.io.users('a'))
    await lose(server, ada)
    await server.io.updateUser('ada', { status: 'away' })
    expect(await server.io.users('a').list()).toMatchObject([{ user: { name: 'Ada', status: 'away' } }])
    using _back = await RawUser.connect(server.port, { id: 'ada', name: 'Ada B' })
    expect(await server.io.users('a').list()).toMatchObject([{ user: { id: 'ada', name: 'Ada B' } }])
    expect(a).toEqual(['change ada 0', 'change ada 0'])
  })

  test('the last user of a namespace of a pattern, too', async () => {
    await using server = await startPeople({}, (io) => {
      const games = io.of(/^\/game-\d$/)
      serve(games)
    })
    const enter = async () => {
      const client = await RawClient.open(server.port)
      const user = await RawUser.over(client, '/game-1', { auth: { id: 'ada' } })
      await user.call('join', 'table')
      return user
    }
    using ada = await enter()
    const game = server.io.of('/game-1')
    const before = await game.users('table').get('ada')
    const told = [record(game.users()), record(game.users('table'))]
    ada.client.terminate()
    await until(() => game.sockets.size === 0)
    using _back = await enter()
    expect(await server.io.of('/game-1').users('table').get('ada')).toEqual(before)
    expect(told).toEqual([[], []])
  })
})

describe('profiles', () => {
  test('updateUser and a new login change all lists once, and only those the user is on', async () => {
    await using server = await startPeople()
    using ada = await RawUser.connect(server.port, { id: 'ada', name: 'Ada', mood: 'fine' })
    using _tab = await RawUser.connect(server.port, { id: 'ada', name: 'Ada', mood: 'fine' })
    await ada.call('join', 'a')
    using _bob = await member(server, 'bob', 'b')
    const told = [undefined, 'a', 'b'].map((room) => record(server.io.users(room)))
    expect(await server.io.updateUser('ada', { mood: undefined, color: 'red' })).toEqual({
      id: 'ada',
      name: 'Ada',
      color: 'red',
    })
    expect(told).toEqual([['change ada 2'], ['change ada 1'], []])
    await ada.request('login', { id: 'ada', name: 'Ada', color: 'red' })
    expect(told).toEqual([['change ada 2'], ['change ada 1'], []])
    await ada.request('login', { id: 'ada', name: 'Adele' })
    expect(told).toEqual([['change ada 2', 'change ada 2'], ['change ada 1', 'change ada 1'], []])
    expect(await server.io.users('a').get('ada')).toMatchObject({ user: { id: 'ada', name: 'Adele' } })
    expect(await errorOf(server.io.updateUser('eve', {}))).toMatchObject({ code: 'USER_NOT_ONLINE' })
    expect(await errorOf(server.io.updateUser('ada', { big: 'x'.repeat(LIMITS.profileBytes) }))).toMatchObject({
      code: 'INVALID_USER',
    })
    expect(told[0]).toHaveLength(2)
  })

  test('one that fits into a login fits into a list, however deep it is', async () => {
    const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)])
    await using server = await startPeople({ onError: () => {}, presence: { watch: () => true } })
    for (let depth = 8; depth <= 16; depth++) {
      let user: RawUser | null = null
      try {
        user = await RawUser.over(await RawClient.open(server.port), '/', { auth: { id: 'deep', nested: nest(depth) } })
      } catch (error) {
        // Refused is as good: then nobody has to be sent it.
        expect(error).toBeInstanceOf(RoomcastError)
      }
      if (user === null) continue
      using reader = await RawUser.connect(server.port)
      expect((await reader.watch()).ids(), `a profile of depth ${depth}`).toEqual(['deep'])
      await reader.request('unwatch', null, 'users')
      user.disconnect()
      await until(async () => (await server.io.users().count()) === 0)
    }
  })
})

describe('without a login', () => {
  test('lists are empty, and nothing breaks', async () => {
    await using server = await startServer((io) => serve(io.sockets), { presence: { watch: () => true } })
    const told = record(server.io.users('a'))
    using somebody = await RawUser.connect(server.port, { id: 'ada' })
    await somebody.call('join', 'a')
    expect((await somebody.watch('a')).current()).toEqual([])
    expect((await somebody.watch()).current()).toEqual([])
    expect(await server.io.users('a').list()).toEqual([])
    expect(await server.io.users().page()).toEqual({ users: [], next: undefined })
    expect(await server.io.online(['ada'])).toEqual(new Set())
    expect(await server.io.revoke({ userId: 'ada' })).toBe(0)
    expect(await errorOf(server.io.updateUser('ada', {}))).toMatchObject({ code: 'USER_NOT_ONLINE' })
    await somebody.call('leave', 'a')
    somebody.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    expect([told, server.faults]).toEqual([[], []])
    expect(kept(server.io)).toEqual(NOTHING)
  })

  test('a namespace without one, on a server that has one', async () => {
    await using server = await startPeople({}, (io) => serve(io.of('/open').useLogin(null)))
    using client = await RawClient.open(server.port)
    const user = await RawUser.over(client, '/open', { auth: { id: 'ada' } })
    await user.call('join', 'a')
    expect(await server.io.of('/open').users('a').list()).toEqual([])
    expect(await server.io.of('/open').users().list()).toEqual([])
  })
})

test('when everybody is gone nothing of them is left', async () => {
  const random = createRandom()
  await using server = await startPeople({ presence: { graceMs: SHORT_MS, watch: () => true, flushMs: 0 } }, (io) => {
    io.rooms('r3', { presence: { graceMs: 2 * SHORT_MS } }).rooms('r4', { presence: { mode: 'count' } })
    serve(io.of('/other'))
    serve(io.of(/^\/game-\d$/))
  })
  const rooms = ['r0', 'r1', 'r2', 'r3', 'r4']
  for (let round = 0; round < 3; round++) {
    const users = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const client = await RawClient.open(server.port)
        const auth = i % 10 === 0 ? undefined : { id: `user${i % 40}`, name: `Name ${i % 40}` }
        const nsp = ['/', '/other', '/game-1', '/game-2'][i % 4]
        const user = await RawUser.over(client, nsp, { auth })
        for (const room of rooms) if (random.chance(0.5)) await user.call('join', room)
        for (const room of [null, ...rooms, 'empty']) if (random.chance(0.4)) await user.request('watch', room, 'users')
        if (random.chance(0.2)) await user.request('logout')
        return user
      }),
    )
    expect(kept(server.io)).toMatchObject({ lists: expect.any(Number) })
    expect(kept(server.io).watching).toBeGreaterThan(0)
    for (const user of users) {
      const how = random.below(4)
      if (how === 0) user.disconnect()
      else if (how === 1) user.client.closeWith(1001)
      else user.client.terminate()
    }
    const { namespaces } = server.io as unknown as { namespaces: { all(): Namespace[] } }
    await until(() => namespaces.all().every(({ sockets }) => sockets.size === 0), 'the last socket to be gone')
    // Links without a namespace are left alone; what is waited for is for users.
    await until(() => kept(server.io).deadlines === 0, 'the last deadline')
    const { app } = server.io as unknown as { app: { numSubscribers(topic: string): number } }
    for (let namespace = 0; namespace < 4; namespace++) {
      for (const mode of ['users', 'count']) {
        for (const room of ['', 'empty', ...rooms])
          expect(app.numSubscribers(`${namespace}${mode}:${room}`), `SEED=${random.seed}`).toBe(0)
      }
    }
    for (const { client } of users) client.terminate()
    await until(() => server.io.engine.clientsCount === 0)
    expect(kept(server.io), `SEED=${random.seed}`).toEqual(NOTHING)
  }
  expect(server.faults).toEqual([])
})
