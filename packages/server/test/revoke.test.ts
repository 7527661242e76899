import { CLOSE_CODES, CLOSE_MEANINGS, MESSAGE_TYPES } from '@roomcast/protocol'
import type { Login, LoginContext, Server, ServerOptions, Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { askFor, type RawLink, RawUser, requestOver } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

const { CONNECT, DISCONNECT, PING } = MESSAGE_TYPES
const REVOKED = { code: CLOSE_CODES.REVOKED, message: CLOSE_MEANINGS.REVOKED }
const EXPIRED = { code: CLOSE_CODES.LOGIN_EXPIRED, message: CLOSE_MEANINGS.LOGIN_EXPIRED }

const byId: Login = ({ id, ...profile }) => ({ id, ...profile })

const start = (options: ServerOptions = {}, setUp: (io: Server) => void = () => {}) =>
  startServer(setUp, { login: byId, presence: { graceMs: 60_000, watch: 'members', flushMs: 25 }, ...options })

async function enter(server: TestServer, auth: unknown, nsp = '/') {
  const client = await RawClient.open(server.port)
  const { body } = await askFor(client, nsp, { auth })
  return { client, body, outcome: body.code ?? 'in', [Symbol.dispose]: () => client[Symbol.dispose]() }
}

async function poll(server: TestServer, auth: unknown, nsp = '/'): Promise<RawPoller & RawLink> {
  const poller = (await RawPoller.open(server.port)).start()
  expect((await askFor(poller, nsp, { auth })).type).toBe('CONNECTED')
  return poller
}

/** How the server has closed a link. */
async function closeOf(link: RawClient | RawPoller): Promise<{ code: number; message: string }> {
  if (link instanceof RawClient) {
    const { code, reason } = await link.close()
    return { code, message: reason }
  }
  const frame = await until(() => link.frames.find(({ type }) => type === 'CLOSE'), 'CLOSE')
  return frame?.body as { code: number; message: string }
}

/** The link is there, and the server answers. */
async function expectOpen(client: RawClient): Promise<void> {
  client.send({ type: PING }, null)
  await client.frame('PONG')
  expect(client.closed).toBeNull()
}

async function idsOf(server: TestServer, nsp = '/', room?: string): Promise<string[]> {
  return (await server.io.of(nsp).users(room).list()).map(({ user }) => user.id)
}

/** A login that waits for the test; with `now` it does not. */
function slowLogin() {
  const waiting: (() => void)[] = []
  const contexts: LoginContext[] = []
  const login: Login = async ({ id, now }, context) => {
    contexts.push(context)
    if (!now) await new Promise<void>((resolve) => void waiting.push(resolve))
    return { id }
  }
  /** Lets all go on that wait, when they are so many. */
  const release = async (count: number) => {
    await until(() => waiting.length >= count, `${count} logins`)
    for (const resolve of waiting.splice(0)) resolve()
  }
  return { login, waiting, contexts, release }
}

describe('revoke', () => {
  test('every connection of the user ends within a second, on both transports and in all namespaces; nobody else', async () => {
    const gone: unknown[] = []
    await using server = await start({}, (io) => {
      io.of('/game')
      io.on('connection', (socket) => {
        socket.join('hall')
        socket.on('disconnect', (reason) => void gone.push([socket.user?.id, reason]))
      })
    })
    using one = await enter(server, { id: 'ada', name: 'Ada' })
    using two = await enter(server, { id: 'ada', name: 'Ada' })
    await askFor(two.client, '/game', { auth: { id: 'ada' } })
    using game = await enter(server, { id: 'ada' }, '/game')
    using poller = await poll(server, { id: 'ada', name: 'Ada' })
    using bob = await RawUser.connect(server.port, { id: 'bob' })
    const lists = [await bob.watch(), await bob.watch('hall')]
    const left: string[] = []
    server.io.users().on('leave', ({ user }) => void left.push(user.id))
    const startedAt = performance.now()
    expect(await server.io.revoke({ userId: 'ada' })).toBe(4)
    expect([await idsOf(server), await idsOf(server, '/', 'hall'), await idsOf(server, '/game')]).toEqual([
      ['bob'],
      ['bob'],
      [],
    ])
    for (const link of [one.client, two.client, game.client, poller]) expect(await closeOf(link)).toEqual(REVOKED)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    for (const list of lists) await until(() => list.ids().join() === 'bob')
    expect(left, 'once').toEqual(['ada'])
    expect(gone).toEqual(Array(3).fill(['ada', 'forced server close']))
    await expectOpen(bob.client)
    expect([await server.io.online(['ada']), server.io.sockets.sockets.size]).toEqual([new Set(), 1])
    using other = await enter(server, { id: 'other', name: 'Ada' })
    expect(other.outcome, 'the name is free').toBe('in')
    expect(server.faults).toEqual([])
  })

  test('whoever else is on the same connection goes with it', async () => {
    await using server = await start({}, (io) => void io.of('/game'))
    using client = await RawClient.open(server.port)
    await askFor(client, '/', { auth: { id: 'ada' } })
    await askFor(client, '/game', { auth: { id: 'bob' } })
    using bob = await enter(server, { id: 'bob' }, '/game')
    expect(await server.io.revoke({ userId: 'ada' })).toBe(1)
    expect(await closeOf(client)).toEqual(REVOKED)
    expect((await server.io.of('/game').users().get('bob'))?.devices).toBe(1)
    await expectOpen(bob.client)
  })

  test('a user who is not online: 0, and nothing happens; what can be no id is INVALID_USER', async () => {
    await using server = await start()
    using ada = await enter(server, { id: 'ada' })
    for (const userId of ['bob', 'ADA', 'ada ', '__proto__', 'constructor']) {
      expect(await server.io.revoke({ userId })).toBe(0)
    }
    for (const userId of ['', 7, null, undefined, 'x'.repeat(129)]) {
      expect(await errorOf(server.io.revoke({ userId: userId as string }))).toMatchObject({ code: 'INVALID_USER' })
    }
    await expectOpen(ada.client)
    expect(await idsOf(server)).toEqual(['ada'])
  })

  test('a user who is expected back is expected no more: off all lists, and the name is free', async () => {
    await using server = await start({}, (io) => io.on('connection', (socket) => socket.join('hall')))
    using bob = await RawUser.connect(server.port, { id: 'bob' })
    const list = await bob.watch('hall')
    const ada = await enter(server, { id: 'ada', name: 'Ada' })
    ada.client.terminate()
    await until(() => server.io.sockets.sockets.size === 1)
    expect(await idsOf(server, '/', 'hall')).toEqual(['bob', 'ada'])
    expect(await server.io.revoke({ userId: 'ada' })).toBe(0)
    expect([await idsOf(server), await idsOf(server, '/', 'hall')]).toEqual([['bob'], ['bob']])
    await until(() => list.ids().join() === 'bob')
    using other = await enter(server, { id: 'other', name: 'Ada' })
    expect(other.outcome).toBe('in')
  })

  test('a user whom only a room still expects back is off its list too', async () => {
    await using server = await start({ presence: { graceMs: 0 } }, (io) => {
      io.rooms('game:*', { presence: { graceMs: 60_000 } })
      io.on('connection', (socket) => socket.join('game:1'))
    })
    const ada = await enter(server, { id: 'ada' })
    ada.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    expect([await idsOf(server), await idsOf(server, '/', 'game:1')]).toEqual([[], ['ada']])
    await server.io.revoke({ userId: 'ada' })
    expect(await idsOf(server, '/', 'game:1')).toEqual([])
  })

  test('logins that were under way are void, wherever they are; those that begin later are not', async () => {
    const { login, contexts, release } = slowLogin()
    await using server = await start(
      { login, allowAnonymous: true, loginLimits: { concurrent: 3 } },
      (io) => void io.of('/game'),
    )
    using anonymous = await RawUser.connect(server.port)
    using main = await RawClient.open(server.port)
    using game = await RawClient.open(server.port)
    using bob = await RawClient.open(server.port)
    using queued = await RawClient.open(server.port)
    const later = errorOf(anonymous.request('login', { id: 'ada' }))
    const answers = [
      askFor(main, '/', { auth: { id: 'ada' } }),
      askFor(game, '/game', { auth: { id: 'ada' } }),
      askFor(bob, '/', { auth: { id: 'bob' } }),
      askFor(queued, '/', { auth: { id: 'ada' } }),
    ]
    // All of them are read, and two wait for their turn.
    for (const client of [anonymous.client, main, game, bob, queued]) await expectOpen(client)
    expect(contexts).toHaveLength(3)
    expect(await server.io.revoke({ userId: 'ada' })).toBe(0)
    await release(3)
    await release(2)
    const outcomes = (await Promise.all(answers)).map(({ body }) => body.code ?? body.user)
    expect(outcomes).toEqual(['LOGIN_REFUSED', 'LOGIN_REFUSED', { id: 'bob' }, 'LOGIN_REFUSED'])
    expect(await later).toMatchObject({ code: 'LOGIN_REFUSED' })
    expect([await idsOf(server), await idsOf(server, '/game'), server.faults]).toEqual([['bob'], [], []])
    using fresh = await enter(server, { id: 'ada', now: true })
    expect(fresh.outcome).toBe('in')
    expect(await anonymous.request('login', { id: 'ada', now: true })).toEqual([{ id: 'ada' }, null])
  })

  test('a login whose middleware still thinks is void too', async () => {
    const waiting: (() => void)[] = []
    await using server = await start({}, (io) => io.use((_socket, next) => void waiting.push(() => next())))
    using client = await RawClient.open(server.port)
    const answer = askFor(client, '/', { auth: { id: 'ada' } })
    const pass = await until(() => waiting[0])
    await server.io.revoke({ userId: 'ada' })
    pass?.()
    expect((await answer).body).toMatchObject({ code: 'LOGIN_REFUSED' })
    expect([server.io.sockets.sockets.size, await idsOf(server)]).toEqual([0, []])
  })

  test('a user who is about to become the one that is revoked stays who they are', async () => {
    const { login, release } = slowLogin()
    await using server = await start({ login }, (io) => io.on('connection', (socket) => socket.join('hall')))
    using user = await RawUser.connect(server.port, { id: 'ada', now: true })
    const change = errorOf(user.request('login', { id: 'bob' }))
    await user.request('unwatch', null)
    expect(await server.io.revoke({ userId: 'bob' })).toBe(0)
    await release(1)
    expect(await change).toMatchObject({ code: 'LOGIN_REFUSED' })
    expect([await idsOf(server), await idsOf(server, '/', 'hall')]).toEqual([['ada'], ['ada']])
    await expectOpen(user.client)
  })

  test('a login again that is under way ends with the connection', async () => {
    const { login, contexts, release } = slowLogin()
    await using server = await start({ login })
    using user = await RawUser.connect(server.port, { id: 'ada', now: true })
    user.send('login', { id: 'ada' })
    await until(() => contexts.length === 2)
    expect(await server.io.revoke({ userId: 'ada' })).toBe(1)
    expect(await closeOf(user.client)).toEqual(REVOKED)
    expect(contexts[1]?.signal.aborted).toBe(true)
    await release(1)
    using bob = await enter(server, { id: 'bob', now: true })
    expect([bob.outcome, await idsOf(server), server.faults]).toEqual(['in', ['bob'], []])
  })

  test('from a handler of the user, twice at once, and again', async () => {
    const counts: number[] = []
    await using server = await start({}, (io) =>
      io.on('connection', (socket) =>
        socket.on('end me', async () => {
          counts.push(...(await Promise.all([1, 2].map(() => io.revoke({ userId: socket.user?.id ?? '' })))))
        }),
      ),
    )
    using ada = await enter(server, { id: 'ada' })
    ada.client.emit('end me')
    ada.client.emit('end me')
    expect(await closeOf(ada.client)).toEqual(REVOKED)
    await until(() => counts.length === 2)
    expect([counts, await server.io.revoke({ userId: 'ada' }), server.faults]).toEqual([[1, 0], 0, []])
    using again = await enter(server, { id: 'ada' })
    expect(again.outcome).toBe('in')
  })

  test('listeners of leave and disconnect that act, or throw, keep nobody', async () => {
    await using server = await start({}, (io) => {
      io.users().on('leave', ({ user }) => {
        io.toUser(user.id).emit('bye')
        io.emit('left', user.id)
        throw new Error('leave')
      })
      io.on('connection', (socket) => {
        socket.join('hall')
        socket.on('disconnecting', () => {
          socket.join('another')
          throw new Error('disconnecting')
        })
        socket.on('disconnect', () => socket.join('ghosts'))
      })
    })
    using bob = await enter(server, { id: 'bob' })
    using one = await enter(server, { id: 'ada' })
    using two = await enter(server, { id: 'ada' })
    expect(await server.io.revoke({ userId: 'ada' })).toBe(2)
    expect([await closeOf(one.client), await closeOf(two.client)]).toEqual([REVOKED, REVOKED])
    await until(() => bob.client.frames.some(({ event }) => event === 'left'))
    for (const room of [undefined, 'hall', 'another', 'ghosts']) {
      expect((await idsOf(server, '/', room)).filter((id) => id === 'ada')).toEqual([])
    }
    expect(server.faults.map(({ error }) => (error as Error).message).sort()).toEqual([
      'disconnecting',
      'disconnecting',
      'leave',
    ])
  })

  test('listeners of disconnect are told how the link ended, as with every other end of a link', async () => {
    const details: unknown[] = []
    await using server = await start({}, (io) =>
      io.on('connection', (socket) => socket.on('disconnect', (_reason, more) => void details.push(more))),
    )
    using _ada = await enter(server, { id: 'ada' })
    await server.io.revoke({ userId: 'ada' })
    expect(details).toEqual([REVOKED])
  })

  test('fifty connections', async () => {
    await using server = await start({ maxSessionsPerUser: 100 })
    const clients = await Promise.all(Array.from({ length: 50 }, () => enter(server, { id: 'ada' })))
    expect(await server.io.revoke({ userId: 'ada' })).toBe(50)
    expect([server.io.sockets.sockets.size, await idsOf(server)]).toEqual([0, []])
    for (const { client } of clients) expect(await closeOf(client)).toEqual(REVOKED)
  })
})

describe('a login that ends', () => {
  /** Logs in for `ms` milliseconds; without it for ever. */
  const forMs: Login = ({ id, ms }) => ({ id, ...(ms !== undefined && { expiresAt: Date.now() + ms }) })

  test('credentials that have expired are refused, at connect and later', async () => {
    await using server = await start({ login: forMs, allowAnonymous: true })
    using refused = await enter(server, { id: 'ada', ms: -1 })
    expect(refused.body).toMatchObject({ code: 'LOGIN_EXPIRED' })
    expect(refused.body, 'the same ones will not do later').not.toHaveProperty('data')
    using user = await RawUser.connect(server.port)
    expect(await errorOf(user.request('login', { id: 'ada', ms: 0 }))).toMatchObject({ code: 'LOGIN_EXPIRED' })
    expect([await idsOf(server), server.faults]).toEqual([[], []])
  })

  test.each([
    ['milliseconds', (at: number) => at],
    ['a Date', (at: number) => new Date(at)],
  ])('expiresAt as %s: the client is told how long it has', async (_name, when) => {
    await using server = await start({
      login: ({ id }) => ({ id, expiresAt: when(Date.now() + 60_000) }),
      allowAnonymous: true,
    })
    using ada = await enter(server, { id: 'ada' })
    using user = await RawUser.connect(server.port)
    const [told, expiresInMs] = await user.request('login', { id: 'bob' })
    expect(told).toEqual({ id: 'bob' })
    for (const ms of [ada.body.expiresInMs, expiresInMs]) {
      expect(ms).toBeLessThanOrEqual(60_000)
      expect(ms).toBeGreaterThan(30_000)
      expect(Number.isInteger(ms)).toBe(true)
    }
  })

  test('when the time is over the connection is closed with 4012, on both transports, and not before', async () => {
    const gone: unknown[] = []
    await using server = await start({ login: forMs }, (io) =>
      io.on('connection', (socket) => socket.on('disconnect', (reason, details) => void gone.push([reason, details]))),
    )
    const startedAt = Date.now()
    using client = await enter(server, { id: 'ada', ms: 300 })
    using poller = await poll(server, { id: 'bob', ms: 300 })
    expect(client.body.expiresInMs).toBeLessThanOrEqual(300)
    using stays = await enter(server, { id: 'carol' })
    expect(await closeOf(client.client)).toEqual(EXPIRED)
    expect(Date.now() - startedAt).toBeGreaterThan(290)
    expect(await closeOf(poller)).toEqual(EXPIRED)
    await until(() => gone.length === 2)
    expect(gone).toEqual(Array(2).fill(['forced server close', EXPIRED]))
    expect(await idsOf(server), 'clients come back from it by themselves').toEqual(['ada', 'bob', 'carol'])
    await expectOpen(stays.client)
  })

  test('in one namespace: the connection ends with all it has', async () => {
    await using server = await start({ login: forMs }, (io) => void io.of('/game'))
    using ada = await enter(server, { id: 'ada' })
    const game = await askFor(ada.client, '/game', { auth: { id: 'ada', ms: 200 } })
    expect(game.body.expiresInMs).toBeLessThanOrEqual(200)
    expect(await closeOf(ada.client)).toEqual(EXPIRED)
    expect([server.io.sockets.sockets.size, server.io.of('/game').sockets.size]).toEqual([0, 0])
  })

  test('it is renewed by a login in time, for longer, for less, or for ever', async () => {
    await using server = await start({ login: forMs })
    using longer = await RawUser.connect(server.port, { id: 'a', ms: 400 })
    using ever = await RawUser.connect(server.port, { id: 'b', ms: 400 })
    using less = await RawUser.connect(server.port, { id: 'c', ms: 60_000 })
    const over = Date.now() + 400
    const [, expiresInMs] = await longer.request('login', { id: 'a', ms: 60_000 })
    expect(expiresInMs).toBeGreaterThan(30_000)
    expect(await ever.request('login', { id: 'b' })).toEqual([{ id: 'b' }, null])
    await less.request('login', { id: 'c', ms: 200 })
    expect(await closeOf(less.client)).toEqual(EXPIRED)
    await until(() => Date.now() > over + 100, 'the end of the former logins')
    await expectOpen(longer.client)
    await expectOpen(ever.client)
  })

  test('a login again that is refused changes nothing: the end stays where it was', async () => {
    await using server = await start({
      login: (credentials, context) => (credentials.wrong ? null : forMs(credentials, context)),
    })
    using user = await RawUser.connect(server.port, { id: 'ada', ms: 300 })
    expect(await errorOf(user.request('login', { wrong: true }))).toMatchObject({ code: 'LOGIN_REFUSED' })
    expect(await closeOf(user.client)).toEqual(EXPIRED)
  })

  test('after a logout, as somebody else, or in another namespace, the old end does not count', async () => {
    await using server = await start({ login: forMs, allowAnonymous: true }, (io) => void io.of('/game'))
    using nobody = await RawUser.connect(server.port, { id: 'a', ms: 200 })
    using other = await RawUser.connect(server.port, { id: 'b', ms: 200 })
    using left = await enter(server, { id: 'c' }, '/game')
    const main = await askFor(left.client, '/', { auth: { id: 'c', ms: 200 } })
    const over = Date.now() + 200
    await nobody.request('logout')
    await other.request('login', { id: 'd' })
    left.client.send({ type: DISCONNECT, namespace: main.namespace }, null)
    await until(() => Date.now() > over + 100, 'the end of the former logins')
    for (const client of [nobody.client, other.client, left.client]) await expectOpen(client)
  })

  test('it ends also when it was over before the middleware was done', async () => {
    const waiting: (() => void)[] = []
    await using server = await start({ login: forMs }, (io) =>
      io.use((_socket, next) => void waiting.push(() => next())),
    )
    using client = await RawClient.open(server.port)
    client.send({ type: CONNECT }, { nsp: '/', auth: { id: 'ada', ms: 100 } })
    const over = Date.now() + 100
    const pass = await until(() => waiting[0])
    await until(() => Date.now() > over + 50)
    pass?.()
    expect(await closeOf(client)).toEqual(EXPIRED)
    await until(() => server.io.sockets.sockets.size === 0)
    expect(await server.io.users().get('ada')).toMatchObject({ devices: 0 })
  })

  test('one device ends, the other stays; with new credentials the first is back', async () => {
    await using server = await start({ login: forMs })
    using short = await enter(server, { id: 'ada', ms: 200 })
    using long = await enter(server, { id: 'ada' })
    expect(await closeOf(short.client)).toEqual(EXPIRED)
    expect((await server.io.users().get('ada'))?.devices).toBe(1)
    await expectOpen(long.client)
    using again = await enter(server, { id: 'ada', ms: 60_000 })
    expect(again.outcome).toBe('in')
  })

  test('a date as far away as there is one', async () => {
    await using server = await start({ login: () => ({ id: 'ada', expiresAt: new Date(8.64e15) }) })
    using ada = await enter(server, {})
    expect(ada.body.expiresInMs).toBeGreaterThan(8e15)
    await expectOpen(ada.client)
    expect((await requestOver(ada.client, 0, 'login', {})).type).toBe('ACK')
  })

  test('socket.user is there for the listeners of disconnect', async () => {
    const users: unknown[] = []
    await using server = await start({ login: forMs }, (io) =>
      io.on('connection', (socket: Socket) => socket.on('disconnect', () => void users.push(socket.user))),
    )
    using short = await enter(server, { id: 'ada', ms: 100 })
    await closeOf(short.client)
    await until(() => users.length === 1)
    expect(users).toEqual([{ id: 'ada' }])
  })
})
