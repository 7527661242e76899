import { CLOSE_CODES, MESSAGE_TYPES, RoomcastError } from '@roomcast/protocol'
import type { Login, Server } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { askFor, type RawLink, RawUser, requestOver } from '../../../test-kit/raw-user'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { ask, byId, fail, heldLogin, idsOf, noting, onlySocket } from './login-support'

const { CONNECT, PING, REQUEST } = MESSAGE_TYPES

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

  test.each([
    ['admitted', undefined, 'CONNECTED'],
    ['refused by the middleware', new Error('no'), 'CONNECT_ERROR'],
  ])(
    'the signal of a login that has answered stays: when the user is %s, and when the client goes',
    async (_what, refusal, type) => {
      const { login, call } = heldLogin()
      await using server = await startServer((io) => io.use((_socket, next) => next(refusal)), { login })
      const client = await RawClient.open(server.port)
      const answer = askFor(client, '/', { auth: { id: 'ada' } })
      const { context, resolve } = await call(0)
      resolve({ id: 'ada' })
      expect((await answer).type).toBe(type)
      // Another round trip: whatever follows the answer has been done.
      client.send({ type: PING }, null)
      await client.frame('PONG')
      expect(context.signal.aborted).toBe(false)
      client.terminate()
      await until(() => server.io.engine.clientsCount === 0, 'the end of the link')
      // Behind whatever follows of the first.
      const other = ask(server.port, { id: 'bob' })
      ;(await call(1)).reject(new RoomcastError('LOGIN_REFUSED', 'no'))
      await other
      expect(context.signal.aborted).toBe(false)
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
