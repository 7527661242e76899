import type { Login, NamePolicy, Server, ServerOptions, Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { askFor, type RawLink, RawUser, requestOver } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

const byId: Login = ({ id, ...profile }) => ({ id, ...profile })

const start = (options: ServerOptions = {}, setUp: (io: Server) => void = () => {}) =>
  startServer(setUp, { login: byId, presence: { watch: 'members', flushMs: 25 }, ...options })

/** Asks for a namespace on a new WebSocket. @returns The name that the user got, or the code of the refusal. */
async function enter(server: TestServer, auth: unknown, nsp = '/') {
  const client = await RawClient.open(server.port)
  const { body } = await askFor(client, nsp, { auth })
  const user = body.user as { name?: string } | undefined
  return { client, body, outcome: user?.name ?? body.code ?? 'in', [Symbol.dispose]: () => client[Symbol.dispose]() }
}

/** The sockets of a user. */
function socketsOf(server: TestServer, id: string): Socket[] {
  return ([...server.io.sockets.sockets.values()] as Socket[]).filter(({ user }) => user?.id === id)
}

async function userOf(server: TestServer, id: string): Promise<unknown> {
  return (await server.io.users().get(id))?.user
}

describe('updateUser', () => {
  test('all devices of the user are told, and nobody else; socket.user and all lists are new', async () => {
    const changes: unknown[] = []
    await using server = await start({}, (io) => {
      io.on('connection', (socket) => socket.join('hall'))
      io.users('hall').on('change', ({ user }) => void changes.push(user))
    })
    using first = await RawUser.connect(server.port, { id: 'ada', name: 'Ada', level: 1 })
    using second = await RawUser.connect(server.port, { id: 'ada', name: 'Ada', level: 1 })
    using bob = await RawUser.connect(server.port, { id: 'bob' })
    const lists = [await bob.watch(), await bob.watch('hall')]
    changes.length = 0
    const user = { id: 'ada', name: 'Countess', title: 'Lady' }
    expect(await server.io.updateUser('ada', { name: ' Countess ', title: 'Lady', level: undefined })).toEqual(user)
    for (const device of [first, second]) {
      await until(() => device.notices('user').length === 1)
      expect(device.notices('user')).toEqual([[user, null]])
    }
    const [one, two] = socketsOf(server, 'ada') as [Socket, Socket]
    expect(one.user).toEqual(user)
    expect(one.user, 'one object for all devices').toBe(two.user)
    const { id, ...profile } = user
    for (const list of lists) {
      await until(() => list.current().some((row) => row.id === id && row.profile.title === 'Lady'))
      expect(list.current()[0]).toMatchObject({ id, profile, devices: 2 })
    }
    expect([await userOf(server, 'ada'), changes]).toEqual([user, [user]])
    expect(bob.notices('user')).toEqual([])
  })

  test('the notice says how long the login of that device holds', async () => {
    await using server = await start({ login: ({ id, ms }) => ({ id, ...(ms && { expiresAt: Date.now() + ms }) }) })
    using short = await RawUser.connect(server.port, { id: 'ada', ms: 60_000 })
    using long = await RawUser.connect(server.port, { id: 'ada' })
    await server.io.updateUser('ada', { level: 2 })
    await until(() => short.notices('user').length + long.notices('user').length === 2)
    const [[user, expiresInMs]] = short.notices('user') as [[unknown, number]]
    expect(user).toEqual({ id: 'ada', level: 2 })
    expect(expiresInMs).toBeGreaterThan(1_000)
    expect(expiresInMs).toBeLessThanOrEqual(60_000)
    expect(long.notices('user')).toEqual([[{ id: 'ada', level: 2 }, null]])
  })

  test('the id cannot be changed', async () => {
    await using server = await start()
    using ada = await enter(server, { id: 'ada' })
    expect(await server.io.updateUser('ada', { id: 'root', level: 2 } as never)).toEqual({ id: 'ada', level: 2 })
    expect([ada.body.user, await userOf(server, 'root')]).toEqual([{ id: 'ada' }, undefined])
  })

  test.each<[string, string, Record<string, unknown>]>([
    ['NAME_IN_USE', 'ada', { name: 'BOB' }],
    ['INVALID_NAME', 'ada', { name: 'A\u200bda' }],
    ['INVALID_NAME', 'ada', { name: 7 }],
    ['INVALID_USER', 'ada', { text: 'x'.repeat(1_024) }],
    ['INVALID_USER', 'ada', { save: () => {} }],
    ['INVALID_USER', 'ada', JSON.parse('{"__proto__":{"admin":true}}')],
    ['USER_NOT_ONLINE', 'carol', { name: 'Carol' }],
    ['USER_NOT_ONLINE', '', {}],
    ['USER_NOT_ONLINE', '__proto__', {}],
  ])('%s leaves everything as it was', async (code, id, changes) => {
    const events: unknown[] = []
    await using server = await start({}, (io) => io.users().on('change', (entry) => void events.push(entry)))
    using ada = await RawUser.connect(server.port, { id: 'ada', name: 'Ada', level: 1 })
    using _bob = await RawUser.connect(server.port, { id: 'bob', name: 'Bob' })
    expect(await errorOf(server.io.updateUser(id, { level: 2, ...changes }))).toMatchObject({ code })
    const user = { id: 'ada', name: 'Ada', level: 1 }
    expect([socketsOf(server, 'ada')[0]?.user, await userOf(server, 'ada'), events]).toEqual([user, user, []])
    using other = await enter(server, { id: 'other', name: 'ADA' })
    expect(other.outcome, 'the name is still taken').toBe('NAME_IN_USE')
    await server.io.updateUser('ada', { level: 3 })
    await until(() => ada.notices('user').length > 0)
    expect(ada.notices('user')).toEqual([[{ ...user, level: 3 }, null]])
  })

  test('claims and expiresAt are no fields of a profile here either: nobody is shown them by mistake', async () => {
    await using server = await start()
    using ada = await RawUser.connect(server.port, { id: 'ada', claims: { role: 'user' } })
    const list = await ada.watch()
    await server.io.updateUser('ada', { claims: { role: 'admin' }, expiresAt: 1 }).catch(() => {})
    await server.io.updateUser('ada', { level: 2 })
    await until(() => list.current()[0]?.profile.level === 2)
    expect(list.current()[0]?.profile).toEqual({ level: 2 })
    expect(await userOf(server, 'ada')).toEqual({ id: 'ada', level: 2 })
  })

  test('holds for one namespace', async () => {
    await using server = await start({}, (io) => void io.of('/game'))
    using ada = await enter(server, { id: 'ada' })
    await askFor(ada.client, '/game', { auth: { id: 'ada' } })
    await server.io.of('/game').updateUser('ada', { level: 2 })
    await until(() => ada.client.frames.some(({ type }) => type === 'NOTICE'))
    expect(ada.client.frames.filter(({ type }) => type === 'NOTICE').map(({ namespace }) => namespace)).not.toContain(0)
    expect([await userOf(server, 'ada'), (await server.io.of('/game').users().get('ada'))?.user]).toEqual([
      { id: 'ada' },
      { id: 'ada', level: 2 },
    ])
  })

  test('reaches a user who is expected back', async () => {
    await using server = await start({ presence: { graceMs: 60_000 } })
    const first = await enter(server, { id: 'ada', name: 'Ada' })
    first.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    expect(await server.io.updateUser('ada', { level: 2 })).toEqual({ id: 'ada', name: 'Ada', level: 2 })
    expect(await userOf(server, 'ada')).toEqual({ id: 'ada', name: 'Ada', level: 2 })
  })
})

describe('one profile for all devices', () => {
  test('the newest login says what it is; the others are told, and a login that changes nothing is no news', async () => {
    await using server = await start()
    using first = await RawUser.connect(server.port, { id: 'ada', level: 1, tags: ['a'] })
    using second = await RawUser.connect(server.port, { id: 'ada', level: 2, tags: ['a'] })
    await until(() => first.notices('user').length === 1)
    expect(first.notices('user')).toEqual([[{ id: 'ada', level: 2, tags: ['a'] }, null]])
    using third = await RawUser.connect(server.port, { id: 'ada', level: 2, tags: ['a'] })
    await third.request('login', { id: 'ada', level: 2, tags: ['a'] })
    await second.request('login', { id: 'ada', level: 3, tags: ['a'] })
    await until(() => first.notices('user').length === 2 && third.notices('user').length === 1)
    expect(second.notices('user'), 'who logs in has the answer').toEqual([])
    expect(new Set(socketsOf(server, 'ada').map(({ user }) => user)).size).toBe(1)
    expect(socketsOf(server, 'ada')).toHaveLength(3)
  })

  test('claims are those of each device', async () => {
    await using server = await start()
    using _first = await RawUser.connect(server.port, { id: 'ada', claims: { role: 'user' } })
    using _second = await RawUser.connect(server.port, { id: 'ada', claims: { role: 'admin' } })
    expect(socketsOf(server, 'ada').map(({ claims }) => claims)).toEqual([{ role: 'user' }, { role: 'admin' }])
  })
})

describe('names', () => {
  const named = (inUse: NamePolicy, options: ServerOptions = {}) => start({ names: { inUse }, ...options })

  test.each(['ADA', 'ａｄａ', ' Ada  ', 'a\u0064a'])('refuse: %s is Ada', async (name) => {
    await using server = await named('refuse', { allowAnonymous: true })
    using ada = await enter(server, { id: 'ada', name: 'Ada' })
    using other = await enter(server, { id: 'other', name })
    expect([ada.outcome, other.outcome]).toEqual(['Ada', 'NAME_IN_USE'])
    expect(other.body, 'a verdict: nobody tries again by themselves').not.toHaveProperty('data')
    using user = await RawUser.connect(server.port)
    expect(await errorOf(user.request('login', { id: 'other', name }))).toMatchObject({ code: 'NAME_IN_USE' })
    expect(await user.request('login', { id: 'other', name: `${name} II` })).toMatchObject([{ id: 'other' }, null])
    expect(await errorOf(server.io.updateUser('other', { name }))).toMatchObject({ code: 'NAME_IN_USE' })
  })

  test('letters of other scripts are others; another device of the user may have the name, in any form', async () => {
    await using server = await named('refuse')
    using _ada = await enter(server, { id: 'ada', name: 'Ada' })
    using second = await enter(server, { id: 'ada', name: 'ADA' })
    using cyrillic = await enter(server, { id: 'cyrillic', name: '\u0410d\u0430' })
    expect([second.outcome, cyrillic.outcome]).toEqual(['ADA', '\u0410d\u0430'])
    expect(await userOf(server, 'ada')).toEqual({ id: 'ada', name: 'ADA' })
    expect(await server.io.updateUser('ada', { name: 'aDa' })).toEqual({ id: 'ada', name: 'aDa' })
  })

  test('who has no name takes none', async () => {
    await using server = await named('refuse')
    using first = await enter(server, { id: 'a' })
    using second = await enter(server, { id: 'b', name: null })
    expect([first.outcome, second.outcome]).toEqual(['in', 'in'])
  })

  test('number: a newcomer gets a number behind the name, and is told; another login with the plain name changes nothing', async () => {
    await using server = await named('number')
    using first = await enter(server, { id: '1', name: 'Ada' })
    using natural = await enter(server, { id: 'n', name: 'Ada 3' })
    using second = await enter(server, { id: '2', name: 'ADA' })
    using third = await enter(server, { id: '3', name: 'Ada' })
    expect([first, natural, second, third].map(({ outcome }) => outcome)).toEqual(['Ada', 'Ada 3', 'ADA 2', 'Ada 4'])
    expect(socketsOf(server, '3')[0]?.user).toEqual({ id: '3', name: 'Ada 4' })
    expect(await userOf(server, '3')).toEqual({ id: '3', name: 'Ada 4' })
    using user = await RawUser.connect(server.port, { id: '2', name: 'ADA' })
    expect(await user.request('login', { id: '2', name: 'ADA' })).toEqual([{ id: '2', name: 'ADA 2' }, null])
    expect(second.client.frames.some(({ type }) => type === 'NOTICE')).toBe(false)
    expect(await server.io.updateUser('n', { name: 'ada' })).toEqual({ id: 'n', name: 'ada 3' })
  })

  test('number: two hundred users of one name have two hundred names', async () => {
    await using server = await named('number')
    const clients = await Promise.all(Array.from({ length: 200 }, () => RawClient.open(server.port)))
    const bodies = await Promise.all(
      clients.map(async (client, n) => (await askFor(client, '/', { auth: { id: `u${n}`, name: 'Ada' } })).body),
    )
    const names = bodies.map(({ user }) => (user as { name: string }).name)
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(200)
    for (const name of names) expect(name).toMatch(/^Ada( \d+)?$/)
    for (const client of clients) client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
  })

  test.each([
    ['a name of 64 bytes', { name: 'x'.repeat(64) }],
    ['a name of 64 bytes that ends in wide letters', { name: 'é'.repeat(32) }],
    ['a profile of 1,024 bytes', { name: 'Ada', text: 'x'.repeat(1_005) }],
  ])('number: %s has no room for one; that is the matter of the name, not of the user', async (_name, profile) => {
    await using server = await named('number')
    using first = await enter(server, { id: '1', ...profile })
    expect(first.outcome).toBe(profile.name)
    using second = await enter(server, { id: '2', ...profile })
    if (second.body.code !== 'NAME_IN_USE') {
      expect(second.body).toMatchObject({ user: { id: '2', name: expect.stringMatching(/ 2$/) } })
      expect(Buffer.byteLength(second.outcome as string)).toBeLessThanOrEqual(64)
    }
    expect(server.faults).toEqual([])
  })

  test('allow: everybody may have it', async () => {
    await using server = await named('allow')
    using first = await enter(server, { id: '1', name: 'Ada' })
    using second = await enter(server, { id: '2', name: 'Ada' })
    expect([first.outcome, second.outcome]).toEqual(['Ada', 'Ada'])
    expect(await server.io.updateUser('1', { name: 'ADA' })).toMatchObject({ name: 'ADA' })
  })

  test('each namespace has its own', async () => {
    await using server = await start({}, (io) => void io.of('/game'))
    using _ada = await enter(server, { id: 'ada', name: 'Ada' })
    using other = await enter(server, { id: 'other', name: 'Ada' }, '/game')
    expect(other.outcome).toBe('Ada')
  })

  test('a name is free after a logout, after leaving, and after a kick', async () => {
    await using server = await named('refuse', { allowAnonymous: true, presence: { graceMs: 60_000 } })
    const leave: ((user: RawUser) => unknown)[] = [
      (user) => user.request('logout'),
      (user) => user.disconnect(),
      () => socketsOf(server, 'ada')[0]?.disconnect(),
      (user) => user.request('login', { id: 'somebody else' }),
    ]
    for (const go of leave) {
      using user = await RawUser.connect(server.port, { id: 'ada', name: 'Ada' })
      await go(user)
      await until(async () => (await userOf(server, 'ada')) === undefined)
      using other = await enter(server, { id: 'other', name: 'Ada' })
      expect(other.outcome, String(go)).toBe('Ada')
      server.io.disconnectSockets()
      await until(() => server.io.sockets.sockets.size === 0)
    }
  })

  test('a name is kept for those who are expected back, and free when they are not any more', async () => {
    await using server = await named('refuse', { presence: { graceMs: 400 } })
    const first = await enter(server, { id: 'ada', name: 'Ada' })
    first.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    // Who is first depends on nobody's speed: either the user is still expected, or the name is free.
    const early = await enter(server, { id: 'other', name: 'Ada' })
    if (await userOf(server, 'ada')) expect(early.outcome).toBe('NAME_IN_USE')
    early.client.terminate()
    await until(async () => (await userOf(server, 'ada')) === undefined, 'the end of the grace')
    await until(async () => (await userOf(server, 'other')) === undefined, 'the end of the other grace')
    using other = await enter(server, { id: 'third', name: 'Ada' })
    expect(other.outcome).toBe('Ada')
  })

  test('a user who comes back within the grace has the name', async () => {
    await using server = await named('refuse', { presence: { graceMs: 60_000 } })
    const first = await enter(server, { id: 'ada', name: 'Ada' })
    first.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    using other = await enter(server, { id: 'other', name: 'Ada' })
    using back = await enter(server, { id: 'ada', name: 'Ada' })
    expect([other.outcome, back.outcome]).toEqual(['NAME_IN_USE', 'Ada'])
  })

  test('a new name frees the old one, however it came; what was refused takes none', async () => {
    await using server = await named('refuse', { sessions: 'single' })
    using ada = await enter(server, { id: 'ada', name: 'Ada' })
    using refused = await enter(server, { id: 'ada', name: 'Countess' })
    expect(refused.outcome).toBe('USER_SESSION_LIMIT')
    using countess = await enter(server, { id: 'c', name: 'Countess' })
    expect(countess.outcome, 'not taken by a login that was refused').toBe('Countess')
    await server.io.updateUser('ada', { name: 'Lovelace' })
    using second = await enter(server, { id: '2', name: 'Ada' })
    expect(second.outcome).toBe('Ada')
    expect(await errorOf(server.io.updateUser('ada', { name: 'Ada' }))).toMatchObject({ code: 'NAME_IN_USE' })
    expect((await requestOver(ada.client, 0, 'login', { id: 'ada', name: 'Byron' })).body).toMatchObject([
      { name: 'Byron' },
      null,
    ])
    using third = await enter(server, { id: '3', name: 'Lovelace' })
    expect(third.outcome).toBe('Lovelace')
    await server.io.updateUser('ada', { name: undefined })
    using fourth = await enter(server, { id: '4', name: 'Byron' })
    expect(fourth.outcome).toBe('Byron')
  })

  test('under replace the newcomer may bring another name, and the old one is free', async () => {
    await using server = await named('refuse', { sessions: 'replace' })
    using _first = await enter(server, { id: 'ada', name: 'Ada' })
    using second = await enter(server, { id: 'ada', name: 'Lovelace' })
    using other = await enter(server, { id: 'other', name: 'Ada' })
    expect([second.outcome, other.outcome]).toEqual(['Lovelace', 'Ada'])
  })
})

/** Events that a client has received before "end". */
async function receivedBy(link: RawLink): Promise<unknown[]> {
  await until(() => link.frames.some(({ event }) => event === 'end'), 'the end')
  return link.frames.filter(({ type, event }) => type === 'EVENT' && event !== 'end').map(({ event }) => event)
}

describe('toUser and exceptUser', () => {
  /** Ada with a WebSocket and a polling session, Bob, and somebody anonymous; all of them in "hall". */
  async function crowd() {
    const server = await start({ allowAnonymous: true }, (io) =>
      io.on('connection', (socket) => {
        socket.join(['hall', 'stage'])
        socket.on('tell', (how: string) => {
          if (how === 'user') socket.broadcast.toUser('ada').emit(how)
          else if (how === 'both') socket.to('hall').exceptUser('bob').emit(how)
        })
      }),
    )
    const web = await RawUser.connect(server.port, { id: 'ada' })
    const poller: RawPoller & RawLink = (await RawPoller.open(server.port)).start()
    await askFor(poller, '/', { auth: { id: 'ada' } })
    const bob = await RawUser.connect(server.port, { id: 'bob' })
    const nobody = await RawUser.connect(server.port)
    const links = { web: web.client, poller, bob: bob.client, nobody: nobody.client }
    const dispose = async () => {
      await poller.request({ method: 'DELETE' })
      for (const link of Object.values(links)) link[Symbol.dispose]()
      await server[Symbol.asyncDispose]()
    }
    return { server, web, links, [Symbol.asyncDispose]: dispose }
  }

  test.each<[string, (io: Server) => void, string]>([
    ['toUser: all devices', (io) => io.toUser('ada').emit('e'), 'web poller'],
    ['toUser of several, one of them twice', (io) => io.toUser(['ada', 'bob', 'ada']).emit('e'), 'web poller bob'],
    ['toUser twice', (io) => io.toUser('bob').toUser('ada').emit('e'), 'web poller bob'],
    ['with a room that they are in', (io) => io.to('hall').toUser('ada').emit('e'), 'web poller bob nobody'],
    ['with a room of nobody', (io) => io.to('empty').toUser('ada').emit('e'), 'web poller'],
    ['except a room that they are in', (io) => io.toUser('ada').except('hall').emit('e'), ''],
    ['except another user', (io) => io.toUser(['ada', 'bob']).exceptUser('ada').emit('e'), 'bob'],
    ['exceptUser: everybody else', (io) => io.exceptUser('ada').emit('e'), 'bob nobody'],
    ['exceptUser of several', (io) => io.exceptUser(['ada', 'bob']).emit('e'), 'nobody'],
    ['a room without a user', (io) => io.to(['hall', 'stage']).exceptUser('bob').emit('e'), 'web poller nobody'],
    ['without somebody unknown', (io) => io.exceptUser('carol').emit('e'), 'web poller bob nobody'],
    ['to somebody unknown', (io) => io.toUser('carol').emit('e'), ''],
    ['volatile', (io) => io.volatile.toUser('bob').emit('e'), 'bob'],
    ['a room of that name is another thing', (io) => io.toUser('hall').emit('e'), ''],
    ['a user of that name is another thing', (io) => io.to('ada').emit('e'), ''],
  ])('%s', async (_name, emit, expected) => {
    await using all = await crowd()
    emit(all.server.io)
    all.server.io.emit('end')
    const reached: string[] = []
    for (const [name, link] of Object.entries(all.links)) {
      const events = await receivedBy(link)
      if (events.length > 0) reached.push(name)
      expect(events.length, `${name}: once`).toBeLessThanOrEqual(1)
    }
    expect(reached.join(' ')).toBe(expected)
  })

  test('of a socket: its own other devices, and never itself', async () => {
    await using all = await crowd()
    all.web.client.emit('tell', ['user'])
    all.links.bob.emit('tell', ['user'])
    all.links.nobody.emit('tell', ['both'])
    await until(() => all.links.poller.frames.filter(({ type }) => type === 'EVENT').length === 3)
    all.server.io.emit('end')
    const received = Object.entries(all.links).map(async ([name, link]) => [name, (await receivedBy(link)).sort()])
    expect(Object.fromEntries(await Promise.all(received))).toEqual({
      web: ['both', 'user'],
      poller: ['both', 'user', 'user'],
      bob: [],
      nobody: [],
    })
  })

  test('answers, sockets and rooms of users', async () => {
    await using all = await crowd()
    const { io } = all.server
    expect((await io.toUser('ada').fetchSockets()).map(({ user }) => user)).toEqual([{ id: 'ada' }, { id: 'ada' }])
    io.toUser('ada').socketsJoin('vip')
    expect(io.sockets.adapter.rooms.get('vip')?.size).toBe(2)
    expect((await io.users('vip').list()).map(({ user, devices }) => [user.id, devices])).toEqual([['ada', 2]])
    io.toUser('ada').disconnectSockets()
    await until(() => all.web.client.frames.some(({ type }) => type === 'DISCONNECT'))
    expect(await io.users().get('ada')).toBeUndefined()
    expect(await io.toUser('ada').emitWithAck('anybody')).toEqual([])
  })

  test('in the order of everything else', async () => {
    await using all = await crowd()
    const { io } = all.server
    for (let i = 0; i < 5; i++) {
      io.toUser('ada').emit(`user ${i}`)
      io.to('hall').emit(`room ${i}`)
      io.emit(`all ${i}`)
    }
    io.emit('end')
    const expected = [0, 1, 2, 3, 4].flatMap((i) => [`user ${i}`, `room ${i}`, `all ${i}`])
    expect(await receivedBy(all.links.web)).toEqual(expected)
    expect(await receivedBy(all.links.poller)).toEqual(expected)
  })

  test('who has logged out, or is somebody else, is not meant any more; who has logged in is', async () => {
    await using all = await crowd()
    await all.web.request('login', { id: 'bob' })
    await requestOver(all.links.nobody, 0, 'login', { id: 'ada' })
    await requestOver(all.links.poller, 0, 'logout')
    all.server.io.toUser('ada').emit('ada')
    all.server.io.exceptUser('bob').emit('not bob')
    all.server.io.emit('end')
    const received = Object.entries(all.links).map(async ([name, link]) => [name, await receivedBy(link)])
    expect(Object.fromEntries(await Promise.all(received))).toEqual({
      web: [],
      poller: ['not bob'],
      bob: [],
      nobody: ['ada', 'not bob'],
    })
  })

  test('of a pattern of namespaces: in every child', async () => {
    await using server = await start({}, (io) => void io.of(/^\/team-/))
    const teams = server.io.of(/^\/club-/)
    using one = await RawUser.over(await RawClient.open(server.port), '/club-1', { auth: { id: 'ada' } })
    using two = await RawUser.over(await RawClient.open(server.port), '/club-2', { auth: { id: 'ada' } })
    using bob = await RawUser.over(await RawClient.open(server.port), '/club-2', { auth: { id: 'bob' } })
    teams.toUser('ada').emit('e')
    teams.emit('end')
    const received = [one, two, bob].map(({ client }) => receivedBy(client))
    expect(await Promise.all(received)).toEqual([['e'], ['e'], []])
  })

  test.each([7, null, undefined, ['ada', 7], {}])('%j is no id: INVALID_USER', async (id) => {
    await using server = await start()
    for (const call of [() => server.io.toUser(id as string), () => server.io.exceptUser(id as string)]) {
      expect(await errorOf(call)).toMatchObject({ code: 'INVALID_USER' })
    }
  })

  test.each(['', '\0ada', 'ada\0', 'x'.repeat(1_000), '__proto__', '*'])('%j is nobody', async (id) => {
    await using all = await crowd()
    all.server.io.toUser(id).emit('e')
    all.server.io.emit('end')
    expect(await receivedBy(all.links.web)).toEqual([])
  })
})

describe('online', () => {
  test('who is there or expected back, in this namespace', async () => {
    await using server = await start(
      { presence: { graceMs: 60_000 }, allowAnonymous: true },
      (io) => void io.of('/game'),
    )
    using _ada = await enter(server, { id: 'ada' })
    using bob = await enter(server, { id: 'bob' })
    using carol = await RawUser.connect(server.port, { id: 'carol' })
    using _nobody = await enter(server, undefined)
    bob.client.terminate()
    await carol.request('logout')
    await until(() => socketsOf(server, 'bob').length === 0)
    const ids = ['ada', 'bob', 'carol', 'dan', 'ada', '__proto__']
    expect(await server.io.online(ids)).toEqual(new Set(['ada', 'bob']))
    expect(await server.io.of('/game').online(ids)).toEqual(new Set())
    expect(await server.io.online([])).toEqual(new Set())
  })
})
