import { CLOSE_CODES, MESSAGE_TYPES } from '@roomcast/protocol'
import type { Server, ServerOptions } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { askFor, RawUser, requestOver } from '../../../test-kit/raw-user'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { byId, heldLogin, idsOf, noting, onlySocket } from './login-support'

const { DISCONNECT, PING } = MESSAGE_TYPES

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
