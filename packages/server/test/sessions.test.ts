import { CLOSE_CODES, CLOSE_MEANINGS, MESSAGE_TYPES } from '@roomcast/protocol'
import type { Login, Server, ServerOptions, SessionPolicy, Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { askFor, type RawLink, RawUser, requestOver } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

const REPLACED = { code: CLOSE_CODES.REPLACED, message: CLOSE_MEANINGS.REPLACED }

const byId: Login = ({ id, ...profile }) => ({ id, ...profile })

/** Notes the comings and goings of users of the main namespace. */
async function start(options: ServerOptions = {}, setUp: (io: Server) => void = () => {}) {
  const changes: string[] = []
  const server = await startServer(
    (io) => {
      for (const event of ['join', 'change'] as const) {
        io.users().on(event, ({ user, devices }) => void changes.push(`${event} ${user.id} ${devices}`))
      }
      io.users().on('leave', ({ user }) => void changes.push(`leave ${user.id}`))
      io.on('connection', (socket) => socket.on('who', () => socket.user?.id ?? 'nobody'))
      setUp(io)
    },
    { login: byId, presence: { watch: 'members', flushMs: 25 }, ...options },
  )
  return { server, changes }
}

/** The answer to CONNECT on a new WebSocket, which stays open. */
async function enter(server: TestServer, auth: unknown, previous?: unknown, nsp = '/') {
  const client = await RawClient.open(server.port)
  const answer = await askFor(client, nsp, { auth, previous })
  return { client, answer, code: answer.body.code ?? 'in', [Symbol.dispose]: () => client[Symbol.dispose]() }
}

async function devicesOf(server: TestServer, id: string, nsp = '/'): Promise<number> {
  return (await server.io.of(nsp).users().get(id))?.devices ?? 0
}

const connectPoller = async (port: number): Promise<RawPoller & RawLink> => (await RawPoller.open(port)).start()

/** How a polling session was told that it has ended. */
const closeOf = async (poller: RawPoller) =>
  (await until(() => poller.frames.find(({ type }) => type === 'CLOSE'), 'CLOSE'))?.body

describe('several connections of a user', () => {
  test('three tabs are one entry; one that goes leaves the user online', async () => {
    const { server, changes } = await start()
    await using _ = server
    using ada = await RawUser.connect(server.port, { id: 'ada', name: 'Ada' })
    const list = await ada.watch()
    using bob = await RawUser.connect(server.port, { id: 'bob' })
    using second = await RawUser.connect(server.port, { id: 'bob' })
    await until(() => list.current().find(({ id }) => id === 'bob')?.devices === 2)
    expect(await server.io.users().count()).toBe(2)
    second.disconnect()
    await until(() => list.current().find(({ id }) => id === 'bob')?.devices === 1)
    bob.disconnect()
    await until(() => list.ids().join() === 'ada')
    expect(changes).toEqual(['join ada 1', 'join bob 1', 'change bob 2', 'change bob 1', 'leave bob'])
  })

  test('a device that is thrown out in the moment it joins a room leaves the other one on the list', async () => {
    const { server } = await start({}, (io) =>
      io.on('connection', (socket) => socket.on('enter', () => void socket.join('hall'))),
    )
    await using _ = server
    using first = await RawUser.connect(server.port, { id: 'ada' })
    first.client.emit('enter')
    await until(async () => (await server.io.users('hall').count()) === 1)
    using second = await RawUser.connect(server.port, { id: 'ada' })
    server.io.sockets.adapter.on('join-room', (_room, id) => void server.io.sockets.sockets.get(id)?.disconnect())
    second.client.emit('enter')
    await second.client.frame('DISCONNECT')
    expect(await server.io.users('hall').list()).toMatchObject([{ user: { id: 'ada' }, devices: 1 }])
  })

  test('multi: as many as may, then USER_SESSION_LIMIT; another user is not concerned', async () => {
    const { server, changes } = await start({ maxSessionsPerUser: 2, allowAnonymous: true })
    await using _ = server
    using first = await enter(server, { id: 'ada' })
    using second = await enter(server, { id: 'ada' })
    using third = await enter(server, { id: 'ada' })
    expect([first.code, second.code, third.code]).toEqual(['in', 'in', 'USER_SESSION_LIMIT'])
    expect(third.answer.body).not.toHaveProperty('data')
    using other = await enter(server, { id: 'bob' })
    expect(other.code).toBe('in')
    using user = await RawUser.connect(server.port)
    expect(await errorOf(user.request('login', { id: 'ada' }))).toMatchObject({ code: 'USER_SESSION_LIMIT' })
    expect(await user.call('who')).toBe('nobody')
    expect(changes).toEqual(['join ada 1', 'change ada 2', 'join bob 1'])
    second.client.terminate()
    await until(async () => (await devicesOf(server, 'ada')) === 1)
    expect(await user.request('login', { id: 'ada' })).toEqual([{ id: 'ada' }, null])
    expect(first.client.closed).toBeNull()
  })

  test('the limit is for each namespace', async () => {
    const { server } = await start({ sessions: 'single' }, (io) => void io.of('/game'))
    await using _ = server
    using one = await enter(server, { id: 'ada' })
    expect((await askFor(one.client, '/game', { auth: { id: 'ada' } })).type).toBe('CONNECTED')
    using other = await enter(server, { id: 'ada' }, undefined, '/game')
    expect(other.code).toBe('USER_SESSION_LIMIT')
  })

  test('single: the newcomer is refused, at connect and later, and nothing happens to the first', async () => {
    const { server, changes } = await start({ sessions: 'single', allowAnonymous: true })
    await using _ = server
    using first = await enter(server, { id: 'ada', level: 1 })
    using second = await enter(server, { id: 'ada', level: 2 })
    expect(second.code).toBe('USER_SESSION_LIMIT')
    using user = await RawUser.connect(server.port)
    expect(await errorOf(user.request('login', { id: 'ada', level: 3 }))).toMatchObject({ code: 'USER_SESSION_LIMIT' })
    expect((await server.io.users().get('ada'))?.user).toEqual({ id: 'ada', level: 1 })
    expect(first.client.frames.map(({ type }) => type)).toEqual(['CONNECTED'])
    expect(changes).toEqual(['join ada 1'])
  })

  test('single: a user may log in again, and come back after a link that was lost', async () => {
    const { server, changes } = await start({ sessions: 'single', presence: { graceMs: 60_000 } })
    await using _ = server
    using first = await enter(server, { id: 'ada' })
    expect((await requestOver(first.client, 0, 'login', { id: 'ada', level: 2 })).body).toEqual([
      { id: 'ada', level: 2 },
      null,
    ])
    first.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    using second = await enter(server, { id: 'ada' })
    expect(second.code).toBe('in')
    expect(changes.filter((change) => !change.startsWith('change'))).toEqual(['join ada 1'])
  })
})

describe('replace', () => {
  test('the older connection is closed with 4013, and the user has never been away', async () => {
    const gone: unknown[] = []
    const { server, changes } = await start({ sessions: 'replace' }, (io) =>
      io.on('connection', (socket) =>
        socket.on('disconnect', (reason, details) => void gone.push([reason, details, socket.user])),
      ),
    )
    await using _ = server
    using watcher = await RawUser.connect(server.port, { id: 'watcher' })
    const list = await watcher.watch()
    using first = await enter(server, { id: 'ada' })
    await until(() => list.ids().length === 2)
    using second = await enter(server, { id: 'ada', level: 2 })
    expect(second.code).toBe('in')
    const { code, reason } = await first.client.close()
    expect({ code, message: reason }).toEqual(REPLACED)
    expect(first.client.frames.some(({ type }) => type === 'DISCONNECT')).toBe(false)
    await until(() => list.current().find(({ id }) => id === 'ada')?.profile.level === 2)
    expect(list.frames.flatMap(({ body }) => (body as unknown[][])[5])).toEqual([])
    expect(await devicesOf(server, 'ada')).toBe(1)
    expect(changes.filter((change) => !change.startsWith('change'))).toEqual(['join watcher 1', 'join ada 1'])
    expect(gone).toEqual([['forced server close', REPLACED, { id: 'ada', level: 2 }]])
    expect(second.client.closed).toBeNull()
  })

  test('a connection with another namespace loses this one only, and that one stays usable', async () => {
    const { server } = await start({ sessions: 'replace' }, (io) => void io.of('/game'))
    await using _ = server
    using first = await enter(server, { id: 'ada' })
    const game = await askFor(first.client, '/game', { auth: { id: 'ada' } })
    using second = await enter(server, { id: 'ada' })
    expect(second.code).toBe('in')
    const ended = await first.client.frame('DISCONNECT')
    expect([ended.namespace, ended.body]).toEqual([0, REPLACED])
    // On the way when it ended.
    first.client.emit('late')
    first.client.send({ type: MESSAGE_TYPES.REQUEST, ackId: 9 }, ['logout'])
    expect((await requestOver(first.client, game.namespace, 'users', null, 0)).body).toMatchObject({
      code: 'WATCH_REFUSED',
    })
    expect(first.client.frames.map(({ type }) => type)).toEqual(['CONNECTED', 'CONNECTED', 'DISCONNECT', 'ACK_ERROR'])
    expect([await devicesOf(server, 'ada'), await devicesOf(server, 'ada', '/game')]).toEqual([1, 1])
    // And takes the place back, if it wants: that is for the application to decide.
    expect((await askFor(first.client, '/', { auth: { id: 'ada' } })).type).toBe('CONNECTED')
    expect((await second.client.close()).code).toBe(CLOSE_CODES.REPLACED)
  })

  test('a namespace that is asked for keeps the connection too', async () => {
    let pass = () => {}
    const { server } = await start({ sessions: 'replace' }, (io) =>
      io.of('/slow').use((_socket, next) => {
        pass = next
      }),
    )
    await using _ = server
    using first = await enter(server, { id: 'ada' })
    const slow = askFor(first.client, '/slow', { auth: { id: 'ada' } })
    await until(() => pass.length > 0)
    using _second = await enter(server, { id: 'ada' })
    expect((await first.client.frame('DISCONNECT')).body).toEqual(REPLACED)
    pass()
    expect((await slow).type).toBe('CONNECTED')
  })

  test('a login later takes the place of the older connection too; of a login again it is its own', async () => {
    const { server } = await start({ sessions: 'replace', allowAnonymous: true })
    await using _ = server
    using first = await enter(server, { id: 'ada' })
    using user = await RawUser.connect(server.port)
    expect(await user.request('login', { id: 'ada' })).toEqual([{ id: 'ada' }, null])
    expect((await first.client.close()).code).toBe(CLOSE_CODES.REPLACED)
    expect(await user.request('login', { id: 'ada', level: 2 })).toEqual([{ id: 'ada', level: 2 }, null])
    expect([await user.call('who'), await devicesOf(server, 'ada')]).toEqual(['ada', 1])
  })

  test('who becomes another user takes the place of that one, and leaves the others of the former alone', async () => {
    const { server } = await start({ sessions: 'replace' })
    await using _ = server
    using bob = await enter(server, { id: 'bob' })
    using ada = await enter(server, { id: 'ada' })
    using carol = await enter(server, { id: 'carol' })
    expect((await requestOver(ada.client, 0, 'login', { id: 'bob' })).body).toEqual([{ id: 'bob' }, null])
    expect((await bob.client.close()).code).toBe(CLOSE_CODES.REPLACED)
    expect((await server.io.users().list()).map(({ user, devices }) => [user.id, devices])).toEqual([
      ['bob', 1],
      ['carol', 1],
    ])
    expect([ada.client.closed, carol.client.closed]).toEqual([null, null])
  })

  test('a listener of disconnect that asks is told that the user is online', async () => {
    const seen: unknown[] = []
    const { server } = await start({ sessions: 'replace' }, (io) =>
      io.on('connection', (socket) =>
        socket.on('disconnect', async () => {
          seen.push((await io.online(['ada'])).has('ada'))
          io.toUser('ada').emit('replaced', 'another')
        }),
      ),
    )
    await using _ = server
    using _first = await enter(server, { id: 'ada' })
    using second = await enter(server, { id: 'ada' })
    await until(() => second.client.frames.some(({ event }) => event === 'replaced'))
    expect(seen).toEqual([true])
  })
})

describe('a client that comes back', () => {
  test.each<[SessionPolicy, ServerOptions]>([
    ['single', {}],
    ['replace', {}],
    ['multi', { maxSessionsPerUser: 1 }],
    ['multi', {}],
  ])('takes the place of its former connection under %s, half-open or not', async (sessions, options) => {
    const { server, changes } = await start({ sessions, ...options })
    await using _ = server
    using first = await enter(server, { id: 'ada' })
    using second = await enter(server, { id: 'ada' }, first.answer.body.sid)
    expect(second.code).toBe('in')
    expect(await devicesOf(server, 'ada')).toBe(1)
    const { code, reason } = await first.client.close()
    expect({ code, message: reason }).toEqual(REPLACED)
    expect(changes.filter((change) => !change.startsWith('change'))).toEqual(['join ada 1'])
  })

  test('others of the user stay under multi', async () => {
    const { server } = await start({ maxSessionsPerUser: 2 })
    await using _ = server
    using first = await enter(server, { id: 'ada' })
    using other = await enter(server, { id: 'ada' })
    using again = await enter(server, { id: 'ada' }, first.answer.body.sid)
    expect(again.code).toBe('in')
    await first.client.close()
    expect([other.client.closed, await devicesOf(server, 'ada')]).toEqual([null, 2])
  })

  test.each<[string, (server: TestServer) => Promise<{ client: RawClient; sid: unknown }>]>([
    ['another user', (server) => victim(server, { id: 'bob' })],
    ['nobody', (server) => victim(server, undefined)],
    ['the same user in another namespace', (server) => victim(server, { id: 'ada' }, '/game')],
  ])('naming a socket of %s does nothing to it', async (_name, find) => {
    const { server } = await start({ allowAnonymous: true }, (io) => void io.of('/game'))
    await using _ = server
    const { client, sid } = await find(server)
    using _client = client
    using ada = await enter(server, { id: 'ada' }, sid)
    expect(ada.code).toBe('in')
    using anonymous = await enter(server, undefined, sid)
    expect(anonymous.code).toBe('in')
    client.send({ type: MESSAGE_TYPES.PING }, null)
    await client.frame('PONG')
    expect(client.frames.map(({ type }) => type)).toEqual(['CONNECTED', 'PONG'])
    expect(client.closed).toBeNull()
  })

  test('it is no way around the limit: of another user, unknown, or no text', async () => {
    const { server } = await start({ sessions: 'single' })
    await using _ = server
    using first = await enter(server, { id: 'ada' })
    using bob = await enter(server, { id: 'bob' })
    const { sid } = first.answer.body
    for (const previous of [bob.answer.body.sid, 'nobody', '', 7, [sid], { sid }, `${sid} `, null]) {
      using again = await enter(server, { id: 'ada' }, previous)
      expect(again.code, JSON.stringify(previous)).toBe('USER_SESSION_LIMIT')
    }
    expect([first.client.closed, bob.client.closed]).toEqual([null, null])
  })

  test('a refused login ends nothing, whatever it names', async () => {
    const { server } = await start({ login: ({ id }) => (id ? { id } : null) })
    await using _ = server
    using first = await enter(server, { id: 'ada' })
    using guess = await enter(server, {}, first.answer.body.sid)
    expect([guess.code, first.client.closed, await devicesOf(server, 'ada')]).toEqual(['LOGIN_REFUSED', null, 1])
  })

  test('middleware that refuses it leaves the former where it is', async () => {
    const { server } = await start({ sessions: 'replace' }, (io) =>
      io.use((socket, next) => next(socket.handshake.auth.banned ? new Error('banned') : undefined)),
    )
    await using _ = server
    using first = await enter(server, { id: 'ada' })
    using again = await enter(server, { id: 'ada', banned: true }, first.answer.body.sid)
    expect([again.code, first.client.closed, await devicesOf(server, 'ada')]).toEqual(['CONNECT_REFUSED', null, 1])
  })
})

/** A client whose socket others name. */
async function victim(server: TestServer, auth: unknown, nsp = '/') {
  const { client, answer } = await enter(server, auth, undefined, nsp)
  return { client, sid: answer.body.sid }
}

describe('polling and WebSocket', () => {
  test('single counts both', async () => {
    const { server } = await start({ sessions: 'single' })
    await using _ = server
    using poller = await connectPoller(server.port)
    await askFor(poller, '/', { auth: { id: 'ada' } })
    using web = await enter(server, { id: 'ada' })
    expect(web.code).toBe('USER_SESSION_LIMIT')
    using bob = await enter(server, { id: 'bob' })
    expect(bob.code).toBe('in')
    using other = await connectPoller(server.port)
    expect((await askFor(other, '/', { auth: { id: 'bob' } })).body.code).toBe('USER_SESSION_LIMIT')
  })

  test('replace: a polling session is told with CLOSE, and gives way to a WebSocket and to another session', async () => {
    const { server } = await start({ sessions: 'replace' })
    await using _ = server
    using first = await connectPoller(server.port)
    await askFor(first, '/', { auth: { id: 'ada' } })
    using web = await enter(server, { id: 'ada' })
    expect(await closeOf(first)).toEqual(REPLACED)
    using second = await connectPoller(server.port)
    await askFor(second, '/', { auth: { id: 'ada' } })
    expect((await web.client.close()).code).toBe(CLOSE_CODES.REPLACED)
    using third = await connectPoller(server.port)
    await askFor(third, '/', { auth: { id: 'ada' } })
    expect(await closeOf(second)).toEqual(REPLACED)
    expect(await devicesOf(server, 'ada')).toBe(1)
  })

  test('a polling session that nobody asks any more is replaced by the client that comes back', async () => {
    const { server } = await start({ sessions: 'single' })
    await using _ = server
    using first = await RawPoller.connect(server.port, '/', { id: 'ada' })
    const { sid } = (first.frames[0]?.body as { sid?: string } | undefined) ?? {}
    using second = await enter(server, { id: 'ada' }, sid)
    expect([second.code, await devicesOf(server, 'ada')]).toEqual(['in', 1])
    expect([...server.io.sockets.sockets.keys()]).toEqual([second.answer.body.sid])
  })
})

describe('a connection that moves from polling to a WebSocket', () => {
  /** A polling session, and the WebSocket that it is about to move to. */
  async function moving(server: TestServer, auth: unknown) {
    const poller = await RawPoller.connect(server.port, '/', auth)
    const web = await RawClient.open(server.port)
    const begin = async () => {
      web.send({ type: MESSAGE_TYPES.SWITCH }, { session: poller.session, received: poller.received })
      await web.frame('SWITCHED')
    }
    const complete = async () => {
      web.send({ type: MESSAGE_TYPES.PING }, null)
      await web.frame('PONG')
    }
    const dispose = () => {
      poller[Symbol.dispose]()
      web[Symbol.dispose]()
    }
    return { poller, web, begin, complete, [Symbol.dispose]: dispose }
  }

  test('stays the user, who is never away, and is reached by what is for the user', async () => {
    const { server, changes } = await start({ sessions: 'single' })
    await using _ = server
    using move = await moving(server, { id: 'ada' })
    server.io.toUser('ada').emit('before')
    await move.poller.poll()
    await move.begin()
    server.io.toUser('ada').emit('meanwhile')
    await move.complete()
    server.io.toUser('ada').emit('after')
    await until(() => move.web.frames.some(({ event }) => event === 'after'))
    expect(move.web.frames.map(({ event }) => event).filter(Boolean)).toEqual(['meanwhile', 'after'])
    expect([changes, await devicesOf(server, 'ada')]).toEqual([['join ada 1'], 1])
    using other = await enter(server, { id: 'ada' })
    expect(other.code).toBe('USER_SESSION_LIMIT')
  })

  test('a login that runs meanwhile is answered on the WebSocket, and what waits behind it is handled there', async () => {
    let finish = () => {}
    const { server } = await start({
      allowAnonymous: true,
      login: async ({ id }) => {
        await new Promise<void>((resolve) => {
          finish = resolve
        })
        return { id }
      },
    })
    await using _ = server
    using move = await moving(server, undefined)
    await move.poller.send({ type: MESSAGE_TYPES.REQUEST, ackId: 1 }, ['login', { id: 'ada' }])
    await move.poller.emit('who', [], 2)
    await move.begin()
    await move.complete()
    finish()
    await until(() => move.web.frames.some(({ ackId }) => ackId === 2))
    expect(move.web.frames.filter(({ type }) => type === 'ACK').map(({ body }) => body)).toEqual([
      [{ id: 'ada' }, null],
      ['ada'],
    ])
  })

  test.each<[string, number, (server: TestServer) => Promise<unknown>]>([
    ['replaced', CLOSE_CODES.REPLACED, (server) => enter(server, { id: 'ada' })],
    ['revoked', CLOSE_CODES.REVOKED, ({ io }) => io.revoke({ userId: 'ada' })],
  ])('is %s in the middle of it', async (_name, code, act) => {
    const { server } = await start({ sessions: 'replace' })
    await using _ = server
    using move = await moving(server, { id: 'ada' })
    await move.begin()
    await act(server)
    expect((await move.web.close()).code).toBe(code)
    await until(() => server.io.sockets.sockets.size === (code === CLOSE_CODES.REPLACED ? 1 : 0))
    expect(await devicesOf(server, 'ada')).toBe(server.io.sockets.sockets.size)
    server.io.disconnectSockets(true)
  })
})

describe('fifty connections of one user at once', () => {
  test.each<[string, ServerOptions, number]>([
    ['single', { sessions: 'single' }, 1],
    ['replace', { sessions: 'replace' }, 1],
    ['multi', { maxSessionsPerUser: 7 }, 7],
  ])('under %s', async (sessions, options, left) => {
    const { server, changes } = await start({
      ...options,
      // Logins end in another order than they begin in.
      login: async ({ id, n }) => {
        await new Promise((resolve) => setTimeout(resolve, (n * 7) % 10))
        return { id }
      },
    })
    await using _ = server
    const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.open(server.port)))
    const answers = await Promise.all(clients.map((client, n) => askFor(client, '/', { auth: { id: 'ada', n } })))
    const admitted = answers.filter(({ type }) => type === 'CONNECTED').length
    expect(admitted).toBe(sessions === 'replace' ? 50 : left)
    await until(() => clients.filter(({ closed }) => closed).length === (sessions === 'replace' ? 49 : 0))
    for (const { closed } of clients) if (closed) expect(closed.code).toBe(CLOSE_CODES.REPLACED)
    expect([server.io.sockets.sockets.size, await devicesOf(server, 'ada')]).toEqual([left, left])
    expect(changes.filter((change) => !change.startsWith('change'))).toEqual(['join ada 1'])
    const sockets = [...server.io.sockets.sockets.values()] as Socket[]
    expect(sockets.every(({ user }) => user?.id === 'ada')).toBe(true)
    for (const client of clients) client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    expect(server.faults).toEqual([])
  })
})
