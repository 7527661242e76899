import { CLOSE_CODES, MESSAGE_TYPES, RoomcastError } from '@roomcast/protocol'
import type { Login, LoginContext, Server, ServerOptions, Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { askFor, type RawLink, RawUser, requestOver } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

const { CONNECT, DISCONNECT, PING, REQUEST } = MESSAGE_TYPES

/** Anybody who says who they are; `wrong` is refused. */
const byId: Login = ({ id, wrong, ...profile }) => {
  if (wrong) throw new RoomcastError('LOGIN_REFUSED', 'wrong password', { data: { left: 2 } })
  return { id, ...profile }
}

/** The answer to CONNECT on a connection of its own. */
async function ask(port: number, auth?: unknown, nsp = '/'): Promise<{ type: string; body: Record<string, unknown> }> {
  using client = await RawClient.open(port)
  const { type, body } = await askFor(client, nsp, { auth })
  return { type, body }
}

/** The only socket of a namespace. */
function onlySocket(server: TestServer, nsp = '/'): Socket {
  const sockets = [...server.io.of(nsp).sockets.values()] as Socket[]
  expect(sockets).toHaveLength(1)
  return sockets[0] as Socket
}

async function idsOf(server: TestServer, room?: string): Promise<string[]> {
  return (await server.io.users(room).list()).map(({ user }) => user.id)
}

/** A login that is answered by the test, call by call. */
function heldLogin() {
  const calls: {
    credentials: Record<string, unknown>
    context: LoginContext
    resolve: (user: unknown) => void
    reject: (error: unknown) => void
  }[] = []
  const login = ((credentials, context) =>
    new Promise<never>((resolve, reject) => {
      calls.push({ credentials, context, resolve: resolve as (user: unknown) => void, reject })
    })) as Login
  /** The call with this number, from 0, when it has come. */
  const call = async (index: number) => (await until(() => calls[index], `login ${index}`)) as (typeof calls)[number]
  return { login, calls, call }
}

describe('login at connect', () => {
  test('the user is in CONNECTED, in socket.user, in middleware and in the connection handler', async () => {
    const seen: unknown[] = []
    await using server = await startServer(
      (io) => {
        io.use((socket, next) => {
          seen.push(socket.user)
          next()
        })
        io.on('connection', (socket) => seen.push(socket.user))
      },
      { login: byId },
    )
    const { type, body } = await ask(server.port, { id: 'ada', name: 'Ada' })
    expect(type).toBe('CONNECTED')
    expect(body.user).toEqual({ id: 'ada', name: 'Ada' })
    expect(seen).toEqual([
      { id: 'ada', name: 'Ada' },
      { id: 'ada', name: 'Ada' },
    ])
  })

  test('claims stay on the server', async () => {
    await using server = await startServer(() => {}, {
      login: ({ id }) => ({ id, claims: { role: 'admin' } }),
      presence: { watch: 'members' },
    })
    using user = await RawUser.connect(server.port, { id: 'ada' })
    expect(onlySocket(server).claims).toEqual({ role: 'admin' })
    expect((await user.watch()).current()).toMatchObject([{ id: 'ada', profile: {} }])
    expect(await server.io.users().list()).toMatchObject([{ user: { id: 'ada' } }])
    const sent = user.client.frames.map(({ bytes }) => Buffer.from(bytes).toString('latin1')).join()
    expect(sent).not.toMatch(/admin|role|claims/)
  })

  test('a coded refusal reaches the client, and nobody is connected; it may ask again on the same connection', async () => {
    const admitted: unknown[] = []
    await using server = await startServer((io) => io.on('connection', ({ user }) => void admitted.push(user)), {
      login: byId,
    })
    using client = await RawClient.open(server.port)
    const { type, body } = await askFor(client, '/', { auth: { id: 'ada', wrong: true } })
    expect(type).toBe('CONNECT_ERROR')
    expect(body).toEqual({ nsp: '/', code: 'LOGIN_REFUSED', message: 'wrong password', data: { left: 2 } })
    expect([admitted, server.faults, await idsOf(server)]).toEqual([[], [], []])
    expect((await askFor(client, '/', { auth: { id: 'ada' } })).body.user).toEqual({ id: 'ada' })
    expect(admitted).toEqual([{ id: 'ada' }])
  })

  test('data of a refusal that cannot be sent is left out, and the refusal comes all the same', async () => {
    await using server = await startServer(() => {}, {
      login: () => {
        throw new RoomcastError('BANNED', 'until tomorrow', { data: { until: () => {} } })
      },
    })
    expect((await ask(server.port, {})).body).toEqual({ nsp: '/', code: 'BANNED', message: 'until tomorrow' })
  })

  test.each([undefined, null])('credentials %s are none: LOGIN_REQUIRED, and the login is not asked', async (auth) => {
    const { login, calls } = heldLogin()
    await using server = await startServer(() => {}, { login })
    const { type, body } = await ask(server.port, auth)
    expect([type, body.code]).toEqual(['CONNECT_ERROR', 'LOGIN_REQUIRED'])
    expect(server.io.sockets.sockets.size).toBe(0)
    const anonymous = await startServer(() => {}, { login, allowAnonymous: true })
    const { body: admitted } = await ask(anonymous.port, auth)
    expect(admitted.sid).toBeTypeOf('string')
    expect('user' in admitted || 'expiresInMs' in admitted).toBe(false)
    await anonymous.io.close()
    expect(calls).toEqual([])
  })

  test.each([false, 0, '', [], {}])('%j are credentials, for the login to judge', async (auth) => {
    const asked: unknown[] = []
    await using server = await startServer(() => {}, {
      login: (credentials) => {
        asked.push(credentials)
        return { id: 'ada' }
      },
    })
    expect((await ask(server.port, auth)).body.user).toEqual({ id: 'ada' })
    expect(asked).toEqual([auth])
  })

  test.each([
    ['null', () => null],
    ['undefined', () => undefined],
    ['a promise of null', async () => null],
  ])('a login that returns %s refuses', async (_name, login) => {
    await using server = await startServer(() => {}, { login: login as Login })
    const { type, body } = await ask(server.port, { id: 'ada' })
    expect([type, body.code]).toEqual(['CONNECT_ERROR', 'LOGIN_REFUSED'])
    expect(server.faults).toEqual([])
  })

  test.each([
    ['throws an Error', () => Promise.reject(new Error('secret'))],
    ['throws at once', () => fail(new Error('secret'))],
    ['throws a text', () => fail('secret')],
    ['throws undefined', () => fail(undefined)],
    ['rejects with null', () => Promise.reject(null)],
  ])('a login that %s is a fault: reported once, and the client may try again', async (_name, login) => {
    await using server = await startServer(() => {}, { login: login as Login })
    using client = await RawClient.open(server.port)
    const answer = await askFor(client, '/', { auth: { id: 'ada' } })
    expect(answer.body).toMatchObject({ code: 'LOGIN_FAILED', data: { retryAfterMs: expect.any(Number) } })
    expect(Buffer.from(answer.bytes).toString('latin1')).not.toContain('secret')
    expect(server.faults).toHaveLength(1)
    const [{ error, context }] = server.faults as [(typeof server.faults)[0]]
    expect(error instanceof Error ? error.message : (error ?? 'nothing')).toMatch(/^secret$|^nothing$/)
    expect(context).toMatchObject({ where: 'login', name: '/', socketId: expect.any(String) })
  })

  test('a login that never settles: LOGIN_TIMEOUT, its signal is aborted, and what it says later is void', async () => {
    const { login, call } = heldLogin()
    await using server = await startServer(() => {}, { login, loginTimeout: 100 })
    using client = await RawClient.open(server.port)
    const { type, body } = await askFor(client, '/', { auth: { id: 'ada' } })
    expect(type).toBe('CONNECT_ERROR')
    expect(body).toMatchObject({ code: 'LOGIN_TIMEOUT', data: { retryAfterMs: expect.any(Number) } })
    const { context, resolve } = await call(0)
    expect(context.signal.aborted).toBe(true)
    resolve({ id: 'ada' })
    const again = askFor(client, '/', { auth: { id: 'bob' } })
    ;(await call(1)).resolve({ id: 'bob' })
    expect((await again).body.user).toEqual({ id: 'bob' })
    expect([await idsOf(server), server.faults]).toEqual([['bob'], []])
  })

  test.each([
    ['answers', { id: 'ada' }, null],
    ['fails', null, new Error('aborted')],
  ])(
    'the client goes while the login runs, which %s then: nobody is admitted, and no fault',
    async (_name, user, error) => {
      const { login, call } = heldLogin()
      await using server = await startServer((io) => io.on('connection', () => expect.unreachable()), { login })
      const client = await RawClient.open(server.port)
      client.send({ type: CONNECT }, { nsp: '/', auth: { id: 'ada' } })
      const { context, resolve, reject } = await call(0)
      expect(context.signal.aborted).toBe(false)
      client.terminate()
      await until(() => context.signal.aborted, 'the signal')
      if (error) reject(error)
      else resolve(user)
      // The next login is behind whatever follows of the first.
      const other = ask(server.port, { id: 'bob' })
      ;(await call(1)).reject(new RoomcastError('LOGIN_REFUSED', 'no'))
      await other
      expect([server.io.sockets.sockets.size, await idsOf(server), server.faults]).toEqual([0, [], []])
    },
  )

  test('the server closes while logins run, at connect and later: their signals are aborted, and nothing happens', async () => {
    const { login, calls, call } = heldLogin()
    const server = await startServer(() => {}, { login, allowAnonymous: true, loginLimits: { concurrent: 2 } })
    using user = await RawUser.connect(server.port)
    using client = await RawClient.open(server.port)
    user.send('login', { id: 'ada' })
    await call(0)
    client.send({ type: CONNECT }, { nsp: '/', auth: { id: 'bob' } })
    await call(1)
    using queued = await RawClient.open(server.port)
    queued.send({ type: CONNECT }, { nsp: '/', auth: { id: 'carol' } })
    await server.io.close()
    await until(() => calls.every(({ context }) => context.signal.aborted), 'the signals')
    for (const { resolve, credentials } of calls) resolve(credentials)
    expect((await client.close()).code).toBe(CLOSE_CODES.SERVER_SHUTDOWN)
    expect([calls.length, await idsOf(server), server.io.sockets.sockets.size, server.faults]).toEqual([2, [], 0, []])
  })

  test('what the login is told', async () => {
    const { login, call } = heldLogin()
    await using server = await startServer(() => {}, { login })
    using client = await RawClient.open(server.port, { headers: { 'X-Tenant': 'acme' } })
    const connected = askFor(client, '/', { auth: { id: 'ada', n: 1 } })
    const first = await call(0)
    expect(first.credentials).toEqual({ id: 'ada', n: 1 })
    const { signal, ...context } = first.context
    expect(context).toMatchObject({
      namespace: '/',
      socketId: expect.any(String),
      address: '127.0.0.1',
      headers: { 'x-tenant': 'acme' },
      user: null,
    })
    expect(signal).toBeInstanceOf(AbortSignal)
    first.resolve({ id: 'ada' })
    expect((await connected).body.sid).toBe(context.socketId)
    const refreshed = requestOver(client, 0, 'login', { id: 'ada', n: 2 })
    const second = await call(1)
    expect(second.context).toMatchObject({ user: { id: 'ada' }, socketId: context.socketId })
    second.resolve({ id: 'ada' })
    await refreshed
  })

  test('a user whom the middleware refuses was never there, and the name is free', async () => {
    const changes: string[] = []
    await using server = await startServer(
      (io) => {
        io.use((socket, next) => next(socket.user?.id === 'mallory' ? new Error('banned') : undefined))
        io.users().on('join', ({ user }) => void changes.push(`join ${user.id}`))
        io.users().on('leave', ({ user }) => void changes.push(`leave ${user.id}`))
      },
      { login: byId },
    )
    const refused = await ask(server.port, { id: 'mallory', name: 'Ada' })
    expect(refused.body).toMatchObject({ code: 'CONNECT_REFUSED', message: 'banned' })
    using client = await RawClient.open(server.port)
    expect((await askFor(client, '/', { auth: { id: 'ada', name: 'Ada' } })).type).toBe('CONNECTED')
    expect([changes, await idsOf(server)]).toEqual([['join ada'], ['ada']])
  })

  test('while the middleware thinks the user is not listed yet', async () => {
    const waiting: (() => void)[] = []
    await using server = await startServer((io) => io.use((_socket, next) => void waiting.push(next)), { login: byId })
    using client = await RawClient.open(server.port)
    const answer = askFor(client, '/', { auth: { id: 'ada' } })
    const pass = await until(() => waiting[0])
    expect([await idsOf(server), (await server.io.online(['ada'])).size]).toEqual([[], 0])
    pass?.()
    await answer
    expect(await idsOf(server)).toEqual(['ada'])
  })

  test('who listens to the list may answer a newcomer: that comes behind CONNECTED', async () => {
    await using server = await startServer(
      (io) => io.users().on('join', ({ user }) => void io.toUser(user.id).emit('welcome', user.id)),
      { login: byId },
    )
    using client = await RawClient.open(server.port)
    client.send({ type: CONNECT }, { nsp: '/', auth: { id: 'ada' } })
    await until(() => client.frames.some(({ type }) => type === 'CONNECTED'))
    await until(() => client.frames.some(({ event }) => event === 'welcome'))
    expect(client.frames.map(({ type }) => type)).toEqual(['CONNECTED', 'EVENT'])
  })

  test('who listens to the list may throw a newcomer out: nobody stays on any list', async () => {
    await using server = await startServer(
      (io) => io.users().on('join', ({ user }) => void io.revoke({ userId: user.id })),
      { login: byId },
    )
    using client = await RawClient.open(server.port)
    client.send({ type: CONNECT }, { nsp: '/', auth: { id: 'ada' } })
    expect((await client.close()).code).toBe(CLOSE_CODES.REVOKED)
    expect([server.io.sockets.sockets.size, await idsOf(server)]).toEqual([0, []])
  })

  test('a client that is cut by the very answer to its CONNECT leaves nobody on any list', async () => {
    await using server = await startServer((io) => void io.of('/game'), {
      login: byId,
      maxOutgoingBytes: 16_384,
      presence: { graceMs: 0 },
    })
    const ada = { id: 'ada', name: 'Ada' }
    const cutOff = async () => {
      using poller = await RawPoller.connect(server.port, '/', ada)
      // More than may be outstanding, even for a moment: the next frame is one too many.
      onlySocket(server).emit('m', new Uint8Array(100_000))
      await poller.send({ type: CONNECT }, { nsp: '/game', auth: ada })
      await until(() => server.io.sockets.sockets.size === 0, 'the cut')
    }
    const game = server.io.of('/game')
    await cutOff()
    expect([game.sockets.size, await game.users().count()]).toEqual([0, 0])
    expect((await ask(server.port, { id: 'other', name: 'Ada' }, '/game')).type, 'the name is free').toBe('CONNECTED')
    await until(() => game.sockets.size === 0)
    using device = await RawClient.open(server.port)
    await askFor(device, '/game', { auth: ada })
    await cutOff()
    expect([game.sockets.size, (await game.users().list()).map(({ devices }) => devices)]).toEqual([1, [1]])
  })
})

describe('what the login returns', () => {
  const cyclic: Record<string, unknown> = { id: 'ada' }
  cyclic.self = cyclic

  test.each<[string, unknown]>([
    ['a number', 7],
    ['a text', 'ada'],
    ['true', true],
    ['an object without an id', { name: 'Ada' }],
    ['a list', ['ada']],
    ['an id that is a number', { id: 7 }],
    ['an empty id', { id: '' }],
    ['an id of 129 bytes', { id: `${'é'.repeat(64)}x` }],
    ['an id with a control character', { id: 'a\0da' }],
    ['a profile of 1,025 bytes', { id: 'ada', t: 'x'.repeat(1_019) }],
    ['a function in the profile', { id: 'ada', save: () => {} }],
    ['a profile with a cycle', cyclic],
    ['a bigint in the profile', { id: 'ada', account: 7n }],
    ['a Map in the profile', { id: 'ada', roles: new Map() }],
    ['a profile with __proto__', JSON.parse('{"id":"ada","__proto__":{"admin":true}}')],
    ['an expiresAt that is NaN', { id: 'ada', expiresAt: Number.NaN }],
    ['an expiresAt that is a text', { id: 'ada', expiresAt: 'tomorrow' }],
    ['an expiresAt that is no date', { id: 'ada', expiresAt: new Date('tomorrow') }],
    ['an expiresAt that is a symbol', { id: 'ada', expiresAt: Symbol('soon') }],
  ])('%s is no user: a fault of the server', async (_name, result) => {
    await using server = await startServer(() => {}, { login: (() => result) as unknown as Login })
    const { type, body } = await ask(server.port, {})
    expect([type, body.code]).toEqual(['CONNECT_ERROR', 'LOGIN_FAILED'])
    expect(body.data).toEqual({ retryAfterMs: expect.any(Number) })
    expect(server.faults).toHaveLength(1)
    expect(server.faults[0]?.context.where).toBe('login')
    expect([server.io.sockets.sockets.size, await idsOf(server)]).toEqual([0, []])
  })

  test.each<[string, Record<string, unknown>]>([
    ['an id of 128 bytes', { id: 'é'.repeat(64) }],
    ['a profile of 1,024 bytes', { id: 'ada', t: 'x'.repeat(1_018) }],
    ['keys that objects have anyway', { id: 'ada', constructor: 'c', toString: 't', hasOwnProperty: 1 }],
    [
      'values of all kinds',
      { id: 'ada', at: new Date(5), avatar: new Uint8Array([1]), tags: ['a', null], deep: { x: 1 } },
    ],
  ])('%s is fine', async (_name, user) => {
    await using server = await startServer(() => {}, { login: () => user as { id: string } })
    using client = await RawClient.open(server.port)
    const { body } = await askFor(client, '/', { auth: {} })
    expect(body.user).toEqual(user)
    expect(onlySocket(server).user).toEqual(user)
    expect((await server.io.users().list()).map((entry) => entry.user)).toEqual([user])
  })

  test.each<[string, () => unknown]>([
    ['another user', () => ({ id: 'root', name: 'Root' })],
    ['a text', () => 'root'],
    ['a list', () => ['root']],
    ['nothing', () => null],
  ])('a toJSON that makes %s of it changes neither the id nor the shape', async (_name, toJSON) => {
    await using server = await startServer(() => {}, {
      login: () => ({ id: 'ada', toJSON }),
      presence: { watch: 'members' },
    })
    using client = await RawClient.open(server.port)
    const { type, body } = await askFor(client, '/', { auth: {} })
    if (type === 'CONNECT_ERROR') return expect(body.code).toBe('LOGIN_FAILED')
    expect(body.user).toMatchObject({ id: 'ada' })
    expect(await idsOf(server)).toEqual(['ada'])
    const [answer] = (await requestOver(client, 0, 'watch', null, 'users')).body as [{ users: unknown[][] }]
    expect(answer.users[0]?.[0]).toBe('ada')
    expect(Object.prototype.toString.call(answer.users[0]?.[3])).toBe('[object Object]')
  })

  test.each([Number.POSITIVE_INFINITY, undefined, null])('expiresAt %s never comes', async (expiresAt) => {
    await using server = await startServer(() => {}, { login: (() => ({ id: 'ada', expiresAt })) as Login })
    using client = await RawClient.open(server.port)
    const { type, body } = await askFor(client, '/', { auth: {} })
    expect(type).toBe('CONNECTED')
    expect(body).not.toHaveProperty('expiresInMs')
    expect(await idsOf(server)).toEqual(['ada'])
    client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
  })

  test('what the application does with its object later changes nothing, and socket.user is not writable', async () => {
    const record = { id: 'ada', name: 'Ada', tags: ['a'], claims: { role: 'user' } }
    await using server = await startServer(() => {}, { login: () => record })
    using client = await RawClient.open(server.port)
    await askFor(client, '/', { auth: {} })
    record.id = 'root'
    record.name = 'Root'
    record.tags.push('admin')
    const user = { id: 'ada', name: 'Ada', tags: ['a'] }
    const socket = onlySocket(server)
    expect(socket.user).toEqual(user)
    expect(await server.io.users().get('ada')).toMatchObject({ user })
    expect(() => Object.assign(socket.user as object, { id: 'root' })).toThrow(TypeError)
    expect(() => Object.assign(socket, { user: { id: 'root' } })).toThrow(TypeError)
    expect(socket.user).toEqual(user)
    // Claims are the application's own.
    expect(socket.claims).toBe(record.claims)
  })

  test('a name is brought into its normal form, and null is no name', async () => {
    await using server = await startServer(() => {}, { login: byId })
    using client = await RawClient.open(server.port)
    const { body } = await askFor(client, '/', { auth: { id: 'ada', name: '  Ａda\u00a0 Lovelace ' } })
    expect(body.user).toEqual({ id: 'ada', name: 'Ada Lovelace' })
    expect(onlySocket(server).user).toEqual({ id: 'ada', name: 'Ada Lovelace' })
    expect(await requestOver(client, 0, 'login', { id: 'ada', name: null })).toMatchObject({
      body: [{ id: 'ada' }, null],
    })
  })

  test.each([
    ['a number', 7],
    ['nothing', '  '],
    ['a zero-width space', 'Ad\u200ba'],
    ['a direction override', '\u202eadA'],
    ['65 bytes', 'x'.repeat(65)],
  ])('a name that is %s: INVALID_NAME, for the person who chose it', async (_name, name) => {
    await using server = await startServer(() => {}, { login: byId, allowAnonymous: true })
    expect((await ask(server.port, { id: 'ada', name })).body).toMatchObject({ code: 'INVALID_NAME' })
    using user = await RawUser.connect(server.port)
    expect(await errorOf(user.request('login', { id: 'ada', name }))).toMatchObject({ code: 'INVALID_NAME' })
    expect([server.faults, onlySocket(server).user, await idsOf(server)]).toEqual([[], null, []])
  })
})

describe('namespaces', () => {
  const asGuest: Login = ({ nick }) => ({ id: `guest-${nick}` })

  test('a namespace may have a login of its own, or none', async () => {
    await using server = await startServer(
      (io) => {
        io.of('/guests').useLogin(asGuest)
        io.of('/open').useLogin(null)
      },
      { login: byId },
    )
    using client = await RawClient.open(server.port)
    expect((await askFor(client, '/', { auth: { id: 'ada' } })).body.user).toEqual({ id: 'ada' })
    const guests = await askFor(client, '/guests', { auth: { nick: 'x' } })
    expect(guests.body.user).toEqual({ id: 'guest-x' })
    const open = await askFor(client, '/open', { auth: { id: 'ada' } })
    expect([open.type, 'user' in open.body]).toEqual(['CONNECTED', false])
    const refused = await requestOver(client, open.namespace, 'login', { id: 'ada' })
    expect(refused.body).toMatchObject({ code: 'LOGIN_UNAVAILABLE' })
    // Nobody has to be somebody there, so a logout ends nothing.
    expect(await requestOver(client, open.namespace, 'logout')).toMatchObject({ type: 'ACK', body: [] })
    expect(server.io.of('/open').sockets.size).toBe(1)

    expect(await requestOver(client, guests.namespace, 'login', { nick: 'y' })).toMatchObject({
      body: [{ id: 'guest-y' }, null],
    })
    expect(onlySocket(server).user, 'the other one is who it was').toEqual({ id: 'ada' })
    expect(await idsOf(server)).toEqual(['ada'])
    expect((await server.io.of('/guests').users().list()).map(({ user }) => user.id)).toEqual(['guest-y'])
    expect(await requestOver(client, guests.namespace, 'logout')).toMatchObject({ body: [] })
    await until(() =>
      client.frames.some(({ type, namespace }) => type === 'DISCONNECT' && namespace === guests.namespace),
    )
    expect([client.closed, onlySocket(server).user]).toEqual([null, { id: 'ada' }])
  })

  test('a server without a login may have a namespace with one', async () => {
    await using server = await startServer((io) => io.of('/members').useLogin(byId))
    using client = await RawClient.open(server.port)
    const main = await askFor(client, '/', { auth: { id: 'ada' } })
    expect([main.type, 'user' in main.body]).toEqual(['CONNECTED', false])
    expect((await requestOver(client, 0, 'login', { id: 'ada' })).body).toMatchObject({ code: 'LOGIN_UNAVAILABLE' })
    expect((await askFor(client, '/members')).body).toMatchObject({ code: 'LOGIN_REQUIRED' })
    expect((await askFor(client, '/members', { auth: { id: 'ada' } })).body.user).toEqual({ id: 'ada' })
    expect(onlySocket(server).user).toBeNull()
  })

  test.each<[string, (io: Server) => ReturnType<Server['of']>]>([
    ['a RegExp', (io) => io.of(/^\/team-/) as never],
    ['a function', (io) => io.of((name, _auth, next) => next(null, name.startsWith('/team-'))) as never],
  ])('the children of %s have the login of their parent', async (_name, of) => {
    await using server = await startServer((io) => of(io).useLogin(asGuest), { login: byId })
    using client = await RawClient.open(server.port)
    expect((await askFor(client, '/team-1')).body).toMatchObject({ code: 'LOGIN_REQUIRED' })
    expect((await askFor(client, '/team-1', { auth: { nick: 'x' } })).body.user).toEqual({ id: 'guest-x' })
    expect((await askFor(client, '/team-2', { auth: { nick: 'x' } })).body.user).toEqual({ id: 'guest-x' })
    expect((await askFor(client, '/', { auth: { id: 'ada' } })).body.user).toEqual({ id: 'ada' })
  })

  test('a parent without a login of its own leaves its children that of the server; null is everybody', async () => {
    await using server = await startServer(
      (io) => {
        io.of(/^\/a-/)
        io.of(/^\/b-/).useLogin(null)
      },
      { login: byId },
    )
    expect((await ask(server.port, undefined, '/a-1')).body).toMatchObject({ code: 'LOGIN_REQUIRED' })
    expect((await ask(server.port, { id: 'ada' }, '/a-1')).body.user).toEqual({ id: 'ada' })
    expect((await ask(server.port, undefined, '/b-1')).type).toBe('CONNECTED')
  })
})

describe('login later', () => {
  test('an anonymous socket becomes a user, keeps its rooms, and is listed in them', async () => {
    const events: unknown[] = []
    await using server = await startServer(
      (io) => {
        io.on('connection', (socket) => socket.join('hall'))
        io.on('login', (socket, before) => void events.push(['login', socket.user, before]))
        io.on('logout', (socket, user) => void events.push(['logout', socket.user, user]))
      },
      { login: byId, allowAnonymous: true },
    )
    using user = await RawUser.connect(server.port)
    const socket = onlySocket(server)
    expect([socket.user, socket.claims, await idsOf(server), await idsOf(server, 'hall')]).toEqual([
      null,
      undefined,
      [],
      [],
    ])
    expect(await user.request('login', { id: 'ada' })).toEqual([{ id: 'ada' }, null])
    expect(socket.user).toEqual({ id: 'ada' })
    expect([...socket.rooms]).toEqual([socket.id, 'hall'])
    expect([await idsOf(server), await idsOf(server, 'hall')]).toEqual([['ada'], ['ada']])
    expect(events).toEqual([['login', { id: 'ada' }, null]])
    expect(await errorOf(user.request('login', { id: 'ada', wrong: true }))).toMatchObject({ code: 'LOGIN_REFUSED' })
    expect([socket.user, [...socket.rooms]]).toEqual([{ id: 'ada' }, [socket.id, 'hall']])
  })

  test('faults, refusals and timeouts are answered as at connect', async () => {
    const { login, call } = heldLogin()
    await using server = await startServer(() => {}, { login, allowAnonymous: true, loginTimeout: 150 })
    using user = await RawUser.connect(server.port)
    const outcomes: [(index: number) => Promise<void>, object][] = [
      [async (index) => (await call(index)).reject(new Error('secret')), { code: 'LOGIN_FAILED' }],
      [async (index) => (await call(index)).resolve({}), { code: 'LOGIN_FAILED' }],
      [async (index) => (await call(index)).resolve(null), { code: 'LOGIN_REFUSED', data: undefined }],
      [async () => {}, { code: 'LOGIN_TIMEOUT', data: { retryAfterMs: expect.any(Number) } }],
    ]
    for (const [index, [settle, expected]] of outcomes.entries()) {
      const answer = errorOf(user.request('login', {}))
      await settle(index)
      const error = await answer
      expect(error).toMatchObject(expected)
      expect(error.message).not.toContain('secret')
    }
    expect((await call(3)).context.signal.aborted).toBe(true)
    ;(await call(3)).resolve({ id: 'late' })
    expect(server.faults.map(({ context }) => context.where)).toEqual(['login', 'login'])
    const other = user.request('login', {})
    ;(await call(4)).resolve({ id: 'ada' })
    expect(await other).toEqual([{ id: 'ada' }, null])
    expect(await idsOf(server)).toEqual(['ada'])
  })

  test('credentials may be anything; without any the login is not asked', async () => {
    const asked: unknown[] = []
    await using server = await startServer(() => {}, {
      login: (credentials) => {
        asked.push(credentials)
        return null
      },
      allowAnonymous: true,
    })
    using user = await RawUser.connect(server.port)
    for (const args of [[], [null]]) {
      expect(await errorOf(user.request('login', ...args))).toMatchObject({ code: 'LOGIN_REQUIRED' })
    }
    for (const args of [[0], ['text'], [[1, [2]]], [{ a: 1 }, 'more']]) {
      expect(await errorOf(user.request('login', ...args))).toMatchObject({ code: 'LOGIN_REFUSED' })
    }
    expect(asked).toEqual([0, 'text', [1, [2]], { a: 1 }])
  })

  test('on a server without a login: LOGIN_UNAVAILABLE; a logout does nothing', async () => {
    await using server = await startServer((io) => io.on('logout', () => expect.unreachable()))
    using user = await RawUser.connect(server.port, { id: 'ada' })
    expect(await errorOf(user.request('login', { id: 'ada' }))).toMatchObject({ code: 'LOGIN_UNAVAILABLE' })
    expect(await user.request('logout')).toEqual([])
    expect([onlySocket(server).user, user.client.closed]).toEqual([null, null])
  })

  test('the client leaves the namespace, or goes, while its login runs: the signal is aborted, and nobody comes', async () => {
    const { login, call } = heldLogin()
    await using server = await startServer((io) => io.on('login', () => expect.unreachable()), {
      login,
      allowAnonymous: true,
    })
    const leave = [
      (client: RawClient) => client.send({ type: DISCONNECT }, null),
      (client: RawClient) => client.terminate(),
      () => onlySocket(server).disconnect(),
    ]
    for (const [index, go] of leave.entries()) {
      using user = await RawUser.connect(server.port)
      user.send('login', { id: 'ada' })
      const { context, resolve } = await call(index)
      go(user.client)
      await until(() => context.signal.aborted, 'the signal')
      resolve({ id: 'ada' })
      await until(() => server.io.sockets.sockets.size === 0)
    }
    expect([await idsOf(server), server.faults]).toEqual([[], []])
  })
})

/** A server whose handler notes who says what, and calls of a client that is anonymous at first. */
async function noting(options: ServerOptions) {
  const said: string[] = []
  const server = await startServer(
    (io) => {
      io.on('connection', (socket) => {
        socket.on('say', (text) => void said.push(`${socket.user?.id ?? 'nobody'}: ${text}`))
        socket.on('who', () => socket.user?.id ?? 'nobody')
      })
    },
    { allowAnonymous: true, ...options },
  )
  return { server, said }
}

describe('frames behind a login', () => {
  test('of an anonymous socket they wait, and are handled in order as the user', async () => {
    const { login, call } = heldLogin()
    const { server, said } = await noting({ login, presence: { watch: 'members' } })
    await using _ = server
    using user = await RawUser.connect(server.port)
    user.client.emit('say', ['before'])
    const loggedIn = user.request('login', { id: 'ada' })
    user.client.emit('say', ['one'])
    user.client.emit('who', [], 500)
    const list = user.watch()
    user.client.emit('say', ['two'])
    const { resolve } = await call(0)
    await until(() => said.length > 0)
    // Another round trip of the connection: everything has arrived, and waits.
    user.client.send({ type: PING }, null)
    await user.client.frame('PONG')
    expect(said).toEqual(['nobody: before'])
    resolve({ id: 'ada' })
    expect(await loggedIn).toEqual([{ id: 'ada' }, null])
    expect(await user.answer(500)).toMatchObject({ body: ['ada'] })
    expect((await list).ids()).toEqual(['ada'])
    expect(said).toEqual(['nobody: before', 'ada: one', 'ada: two'])
    const acks = user.client.frames.filter(({ type }) => type === 'ACK').map(({ ackId }) => ackId)
    expect(acks, 'the login is answered first').toEqual([0, 500, 1])
  })

  test('when the login is refused they are handled all the same, as nobody', async () => {
    const { server, said } = await noting({ login: async (credentials, context) => byId(credentials, context) })
    await using _ = server
    using user = await RawUser.connect(server.port)
    user.send('login', { id: 'ada', wrong: true })
    user.client.emit('say', ['one'])
    expect(await user.answer(0)).toMatchObject({ type: 'ACK_ERROR', body: { code: 'LOGIN_REFUSED' } })
    await until(() => said.length === 1)
    expect(said).toEqual(['nobody: one'])
  })

  test('a second login behind a first that was refused lets what is behind it wait again', async () => {
    const { login, call, calls } = heldLogin()
    const { server, said } = await noting({ login })
    await using _ = server
    using user = await RawUser.connect(server.port)
    user.send('login', { n: 1 })
    user.client.emit('say', ['one'])
    user.send('login', { n: 2 })
    user.client.emit('say', ['two'])
    user.client.emit('say', ['three'])
    const first = await call(0)
    user.client.send({ type: PING }, null)
    await user.client.frame('PONG')
    expect(calls, 'the second has its turn behind the event').toHaveLength(1)
    first.resolve(null)
    const second = await call(1)
    expect(second.credentials).toEqual({ n: 2 })
    expect(said).toEqual(['nobody: one'])
    user.client.emit('say', ['four'])
    user.client.send({ type: PING }, null)
    await user.client.frame('PONG')
    expect(said).toEqual(['nobody: one'])
    second.resolve({ id: 'bob' })
    await until(() => said.length === 4)
    expect(said).toEqual(['nobody: one', 'bob: two', 'bob: three', 'bob: four'])
  })

  test('login, event, logout, event, login, event: each event is that of who it was then', async () => {
    const { server, said } = await noting({ login: async (credentials, context) => byId(credentials, context) })
    await using _ = server
    using user = await RawUser.connect(server.port)
    user.send('login', { id: 'ada' })
    user.client.emit('say', ['one'])
    user.send('logout')
    user.client.emit('say', ['two'])
    user.send('login', { id: 'bob' })
    user.client.emit('say', ['three'])
    await until(() => said.length === 3)
    expect(said).toEqual(['ada: one', 'nobody: two', 'bob: three'])
  })

  test('while a user logs in again nothing waits', async () => {
    const { login, call } = heldLogin()
    const { server, said } = await noting({ login })
    await using _ = server
    using client = await RawClient.open(server.port)
    const connected = askFor(client, '/', { auth: {} })
    ;(await call(0)).resolve({ id: 'ada' })
    await connected
    const refreshed = requestOver(client, 0, 'login', {})
    const { resolve } = await call(1)
    client.emit('say', ['at once'])
    await until(() => said.length === 1)
    resolve({ id: 'ada', level: 2 })
    expect((await refreshed).body).toEqual([{ id: 'ada', level: 2 }, null])
    expect(said).toEqual(['ada: at once'])
  })

  test('a second login of a user while one runs takes its place', async () => {
    const { login, call } = heldLogin()
    const { server } = await noting({ login })
    await using _ = server
    using user = await RawUser.connect(server.port)
    const logIn = user.request('login', {})
    ;(await call(0)).resolve({ id: 'ada' })
    await logIn
    const first = errorOf(user.request('login', { n: 1 }))
    const { context, resolve } = await call(1)
    const second = user.request('login', { n: 2 })
    expect(await first).toMatchObject({ code: 'LOGIN_OVERTAKEN' })
    expect(context.signal.aborted).toBe(true)
    // One at a time: a login that goes on although nobody waits for it holds up the next.
    resolve({ id: 'mallory' })
    const later = await call(2)
    expect(later.context.signal.aborted).toBe(false)
    later.resolve({ id: 'ada', n: 2 })
    expect(await second).toEqual([{ id: 'ada', n: 2 }, null])
    expect(await idsOf(server)).toEqual(['ada'])
  })

  test('a logout while a login runs makes that void', async () => {
    const { login, call } = heldLogin()
    const { server } = await noting({ login })
    await using _ = server
    using user = await RawUser.connect(server.port)
    const logIn = user.request('login', {})
    ;(await call(0)).resolve({ id: 'ada' })
    await logIn
    const again = errorOf(user.request('login', { n: 1 }))
    const { resolve, context } = await call(1)
    expect(await user.request('logout')).toEqual([])
    expect(context.signal.aborted).toBe(true)
    resolve({ id: 'ada' })
    expect(await again).toMatchObject({ code: 'LOGIN_OVERTAKEN' })
    expect([onlySocket(server).user, await idsOf(server)]).toEqual([null, []])
  })

  test('more than may wait: the connection is closed, and the login is given up', async () => {
    const { login, call } = heldLogin()
    const { server, said } = await noting({ login })
    await using _ = server
    using user = await RawUser.connect(server.port)
    user.send('login', { id: 'ada' })
    for (let i = 0; i <= 2_048; i++) user.client.emit('say', [i])
    expect((await user.client.close()).code).toBe(CLOSE_CODES.HELD_LIMIT)
    const { context, resolve } = await call(0)
    await until(() => context.signal.aborted)
    resolve({ id: 'ada' })
    await until(() => server.io.sockets.sockets.size === 0)
    expect([said, await idsOf(server), server.faults]).toEqual([[], [], []])
  })

  test('a chain of logins does not let more wait than may', async () => {
    const { login, call } = heldLogin()
    const { server, said } = await noting({ login })
    await using _ = server
    using user = await RawUser.connect(server.port)
    user.send('login', { n: 1 })
    user.send('login', { n: 2 })
    for (let i = 0; i < 2_047; i++) user.client.emit('say', [i])
    ;(await call(0)).resolve(null)
    await call(1)
    user.client.emit('say', [2_047])
    user.client.send({ type: PING }, null)
    await user.client.frame('PONG')
    expect([user.client.closed, said]).toEqual([null, []])
    user.client.emit('say', [2_048])
    expect((await user.client.close()).code).toBe(CLOSE_CODES.HELD_LIMIT)
  })

  test('a login while an asynchronous connection handler runs has its turn behind it', async () => {
    const { login, call, calls } = heldLogin()
    const starting: (() => void)[] = []
    const said: string[] = []
    await using server = await startServer(
      (io) => {
        io.on('connection', async (socket) => {
          await new Promise<void>((resolve) => void starting.push(resolve))
          socket.on('say', (text) => void said.push(`${socket.user?.id}: ${text}`))
        })
      },
      { login, allowAnonymous: true },
    )
    using user = await RawUser.connect(server.port)
    const loggedIn = user.request('login', { id: 'ada' })
    user.client.emit('say', ['one'])
    user.client.send({ type: PING }, null)
    await user.client.frame('PONG')
    expect(calls).toHaveLength(0)
    starting[0]?.()
    ;(await call(0)).resolve({ id: 'ada' })
    await loggedIn
    await until(() => said.length === 1)
    expect(said).toEqual(['ada: one'])
  })
})

describe('logout', () => {
  test('the rooms are left, the watches have ended, and what comes later is anonymous', async () => {
    const log: unknown[] = []
    await using server = await startServer(
      (io) => {
        io.on('connection', (socket) => {
          socket.join(['red', 'blue'])
          socket.on('who', () => socket.user)
        })
        io.on('logout', (socket, user) => void log.push([socket.user, user, [...socket.rooms]]))
        io.users('red').on('leave', ({ user }) => void log.push(`${user.id} left red`))
      },
      { login: byId, allowAnonymous: true, presence: { watch: 'members' } },
    )
    using user = await RawUser.connect(server.port, { id: 'ada', name: 'Ada' })
    const socket = onlySocket(server)
    await user.watch('red')
    await user.watch()
    user.send('logout')
    user.client.emit('who', [], 500)
    expect(await user.answer(500)).toMatchObject({ body: [null] })
    expect(log).toHaveLength(2)
    expect(log).toEqual(expect.arrayContaining(['ada left red', [null, { id: 'ada', name: 'Ada' }, [socket.id]]]))
    expect([...socket.rooms], 'its own room stays').toEqual([socket.id])
    expect(user.notices('unwatched').map(([room]) => room)).toEqual(expect.arrayContaining(['red', null]))
    expect([await idsOf(server), await idsOf(server, 'red')]).toEqual([[], []])
    expect(socket.claims).toBeUndefined()
    server.io.to(socket.id).emit('still', 1)
    server.io.to('red').emit('never')
    server.io.toUser('ada').emit('never')
    server.io.emit('everybody')
    await until(() => user.client.frames.some(({ event }) => event === 'everybody'))
    expect(user.client.frames.map(({ event }) => event).filter(Boolean)).toEqual(['still', 'everybody'])
    // Nobody is nobody already.
    expect(await user.request('logout')).toEqual([])
    expect(log).toHaveLength(2)
  })

  test('a room that others have joined by the id of the socket forgets the user too', async () => {
    await using server = await startServer(() => {}, { login: byId, allowAnonymous: true })
    using user = await RawUser.connect(server.port)
    const socket = onlySocket(server)
    using _bob = await RawUser.connect(server.port, { id: 'bob' })
    server.io.toUser('bob').socketsJoin(socket.id)
    await user.request('login', { id: 'ada' })
    await user.request('logout')
    expect(await idsOf(server, socket.id)).toEqual(['bob'])
    await user.request('login', { id: 'carol' })
    user.disconnect()
    await until(() => server.io.sockets.sockets.size === 1)
    expect(await idsOf(server, socket.id)).toEqual(['bob'])
  })

  test('where anonymous sockets have no place the namespace ends, after the answer', async () => {
    const gone: unknown[] = []
    await using server = await startServer(
      (io) => {
        io.of('/game')
        io.on('connection', (socket) => socket.on('disconnect', (reason) => void gone.push(reason)))
      },
      { login: byId },
    )
    using user = await RawUser.connect(server.port, { id: 'ada' })
    const game = await askFor(user.client, '/game', { auth: { id: 'ada' } })
    user.send('logout')
    user.client.emit('too late')
    await user.client.frame('DISCONNECT')
    expect(user.client.frames.map(({ type }) => type).slice(-2)).toEqual(['ACK', 'DISCONNECT'])
    expect([gone, server.io.sockets.sockets.size, await idsOf(server)]).toEqual([
      ['server namespace disconnect'],
      0,
      [],
    ])
    expect(await requestOver(user.client, game.namespace, 'nothing')).toMatchObject({
      body: { code: 'UNKNOWN_REQUEST' },
    })
    expect((await askFor(user.client, '/', { auth: { id: 'bob' } })).body.user).toEqual({ id: 'bob' })
  })

  test('a listener of logout that throws is a fault, and the logout goes on', async () => {
    await using server = await startServer(
      (io) =>
        io.on('logout', () => {
          throw new Error('listener')
        }),
      { login: byId, allowAnonymous: true },
    )
    using user = await RawUser.connect(server.port, { id: 'ada' })
    expect(await user.request('logout')).toEqual([])
    expect(server.faults.map(({ context }) => context.where)).toEqual(['listener'])
  })
})

describe('becoming somebody else', () => {
  /** Notes logins, logouts, and comings and goings; every socket joins "hall" when it connects. */
  async function changing(options: ServerOptions = {}) {
    const log: unknown[] = []
    const server = await startServer(
      (io) => {
        io.on('connection', (socket) => socket.join('hall'))
        io.on('login', ({ user }, before) => void log.push(['login', user?.id, before?.id]))
        io.on('logout', (socket, user) => void log.push(['logout', user.id, [...socket.rooms].includes('hall')]))
      },
      { login: byId, presence: { watch: 'members', flushMs: 25 }, ...options },
    )
    return { server, log }
  }

  test('the rooms are left and the watches end; logout, then login', async () => {
    const { server, log } = await changing()
    await using _ = server
    using user = await RawUser.connect(server.port, { id: 'ada' })
    await user.watch('hall')
    expect(await user.request('login', { id: 'bob' })).toEqual([{ id: 'bob' }, null])
    const socket = onlySocket(server)
    expect([socket.user, [...socket.rooms]]).toEqual([{ id: 'bob' }, [socket.id]])
    expect([await idsOf(server), await idsOf(server, 'hall')]).toEqual([['bob'], []])
    expect(user.notices('unwatched')).toEqual([['hall', 'users', 'WATCH_REFUSED', expect.any(String)]])
    expect(log).toEqual([
      ['logout', 'ada', false],
      ['login', 'bob', 'ada'],
    ])
  })

  test.each<[string, string, ServerOptions, object]>([
    ['the name is taken', 'NAME_IN_USE', {}, { id: 'new', name: 'Carol' }],
    ['there are sessions enough', 'USER_SESSION_LIMIT', { sessions: 'single' }, { id: 'carol', name: 'Carol' }],
    ['the credentials are wrong', 'LOGIN_REFUSED', {}, { id: 'new', wrong: true }],
    ['the name is invalid', 'INVALID_NAME', {}, { id: 'new', name: '\u200b' }],
    ['it has expired', 'LOGIN_EXPIRED', {}, { id: 'new', expiresAt: 1 }],
  ])('when that is refused because %s everything is as it was', async (_name, code, options, credentials) => {
    const { server, log } = await changing(options)
    await using _ = server
    using user = await RawUser.connect(server.port, { id: 'ada', name: 'Ada' })
    const socket = onlySocket(server)
    using carol = await RawUser.connect(server.port, { id: 'carol', name: 'Carol' })
    const list = await user.watch('hall')
    expect(await errorOf(user.request('login', credentials))).toMatchObject({ code })
    expect([socket.user, [...socket.rooms]]).toEqual([{ id: 'ada', name: 'Ada' }, [socket.id, 'hall']])
    expect([await idsOf(server), await idsOf(server, 'hall')]).toEqual([
      ['ada', 'carol'],
      ['ada', 'carol'],
    ])
    expect([log, user.notices('unwatched')]).toEqual([[], []])
    using _dan = await RawUser.connect(server.port, { id: 'dan' })
    await until(() => list.ids().join() === 'ada,carol,dan', 'the watch, which goes on')
    expect([user.client.closed, carol.client.closed]).toEqual([null, null])
  })

  test('a guest may log in to an account and keep the name', async () => {
    const { server } = await changing()
    await using _ = server
    using user = await RawUser.connect(server.port, { id: 'guest-1', name: 'Ada' })
    expect(await user.request('login', { id: 'ada', name: 'Ada' })).toEqual([{ id: 'ada', name: 'Ada' }, null])
    expect(await idsOf(server)).toEqual(['ada'])
  })

  test('another device of the guest still has the name: then it is taken', async () => {
    const { server } = await changing()
    await using _ = server
    using user = await RawUser.connect(server.port, { id: 'guest-1', name: 'Ada' })
    using _second = await RawUser.connect(server.port, { id: 'guest-1', name: 'Ada' })
    expect(await errorOf(user.request('login', { id: 'ada', name: 'Ada' }))).toMatchObject({ code: 'NAME_IN_USE' })
    expect(await idsOf(server)).toEqual(['guest-1'])
  })

  test.each<[string, (io: Server) => void]>([
    ['logout', (io) => io.on('logout', (socket) => void socket.disconnect())],
    ['login', (io) => io.on('login', (socket) => void socket.disconnect())],
    ['the list', (io) => io.users().on('leave', () => io.disconnectSockets())],
    [
      'the list, of comings',
      (io) => io.users().on('join', ({ user }) => void (user.id === 'bob' && io.disconnectSockets())),
    ],
    ['rooms', (io) => io.sockets.adapter.on('leave-room', (room) => void (room === 'hall' && io.disconnectSockets()))],
  ])('a listener of %s that ends the socket meanwhile: nobody stays on any list', async (_name, listen) => {
    await using server = await startServer(
      (io) => {
        io.on('connection', (socket) => socket.join('hall'))
        listen(io)
      },
      { login: byId },
    )
    using user = await RawUser.connect(server.port, { id: 'ada' })
    user.send('login', { id: 'bob' })
    await user.client.frame('DISCONNECT')
    expect([server.io.sockets.sockets.size, await idsOf(server), await idsOf(server, 'hall')]).toEqual([0, [], []])
    expect((await askFor(user.client, '/', { auth: { id: 'bob' } })).type).toBe('CONNECTED')
  })

  test('rooms that a listener of logout joins are joined as the new user, who is on their lists', async () => {
    await using server = await startServer((io) => io.on('logout', (socket) => void socket.join('lobby')), {
      login: byId,
    })
    using user = await RawUser.connect(server.port, { id: 'ada' })
    await user.request('login', { id: 'bob' })
    const socket = onlySocket(server)
    expect([[...socket.rooms], await idsOf(server, 'lobby')]).toEqual([[socket.id, 'lobby'], ['bob']])
    await user.request('login', { id: 'carol' })
    expect(await idsOf(server, 'lobby')).toEqual(['carol'])
  })

  test('the same user again keeps the rooms, has the new profile and claims, and is no event', async () => {
    const { server, log } = await changing()
    await using _ = server
    using user = await RawUser.connect(server.port, { id: 'ada', level: 1, claims: { role: 'user' } })
    const socket = onlySocket(server)
    const list = await user.watch('hall')
    expect(await user.request('login', { id: 'ada', level: 2, claims: { role: 'admin' } })).toEqual([
      { id: 'ada', level: 2 },
      null,
    ])
    expect([socket.user, socket.claims, [...socket.rooms]]).toEqual([
      { id: 'ada', level: 2 },
      { role: 'admin' },
      [socket.id, 'hall'],
    ])
    await until(() => list.current()[0]?.profile.level === 2)
    expect(list.current()).toMatchObject([{ id: 'ada', devices: 1 }])
    expect([log, user.notices('unwatched')]).toEqual([[], []])
  })
})

describe('over polling', () => {
  const connect = async (port: number): Promise<RawPoller & RawLink> => (await RawPoller.open(port)).start()

  test('at connect: the user, a refusal, and no credentials', async () => {
    await using server = await startServer(() => {}, { login: byId })
    using poller = await connect(server.port)
    expect((await askFor(poller, '/')).body).toMatchObject({ code: 'LOGIN_REQUIRED' })
    expect((await askFor(poller, '/', { auth: { wrong: true } })).body).toMatchObject({ data: { left: 2 } })
    expect((await askFor(poller, '/', { auth: { id: 'ada' } })).body.user).toEqual({ id: 'ada' })
    expect(onlySocket(server).user).toEqual({ id: 'ada' })
  })

  test('later: events behind the login wait; then logout', async () => {
    const { login, call } = heldLogin()
    const { server, said } = await noting({ login })
    await using _ = server
    using poller = await connect(server.port)
    await askFor(poller, '/')
    await poller.send({ type: REQUEST, ackId: 1 }, ['login', { id: 'ada' }])
    await poller.emit('say', ['one'])
    const { context, resolve } = await call(0)
    expect([context.address, said]).toEqual(['127.0.0.1', []])
    resolve({ id: 'ada' })
    await until(() => said.length === 1)
    expect(said).toEqual(['ada: one'])
    expect(poller.frames.find(({ ackId }) => ackId === 1) ?? (await poller.frame('ACK'))).toMatchObject({
      body: [{ id: 'ada' }, null],
    })
    expect(await requestOver(poller, 0, 'logout')).toMatchObject({ type: 'ACK', body: [] })
    expect([onlySocket(server).user, await idsOf(server)]).toEqual([null, []])
  })

  test('a session that is left while its login runs', async () => {
    const { login, call } = heldLogin()
    await using server = await startServer(() => {}, { login })
    using poller = await connect(server.port)
    await poller.send({ type: CONNECT }, { nsp: '/', auth: { id: 'ada' } })
    const { context, resolve } = await call(0)
    await poller.request({ method: 'DELETE' })
    await until(() => context.signal.aborted)
    resolve({ id: 'ada' })
    await until(() => server.io.engine.clientsCount === 0)
    expect([server.io.sockets.sockets.size, await idsOf(server), server.faults]).toEqual([0, [], []])
  })
})

function fail(error: unknown): never {
  throw error
}
