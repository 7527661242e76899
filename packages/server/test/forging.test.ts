import { CLOSE_CODES, createCompactCodec, encodeFrame, type FrameFields, MESSAGE_TYPES } from '@roomcast/protocol'
import type { Login, Server, ServerOptions, Socket } from '@roomcast/server'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { askFor, RawUser, requestOver } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { runs } from '../../protocol/test/support'

const { ACK, CONNECT, EVENT, NOTICE, PING, REQUEST } = MESSAGE_TYPES

/** Whoever has the token is the user; nothing else that a client says counts. */
const byToken: Login = ({ token }) => {
  if (token === 'secret of ada') return { id: 'ada', name: 'Ada', claims: { role: 'user' } }
  if (token === 'secret of root') return { id: 'root', name: 'Root', claims: { role: 'admin' } }
  return null
}

const ADA = { token: 'secret of ada' }
const ROOT = { token: 'secret of root' }

/** What a client may say of itself, in the fields that others read. */
const LIES = {
  user: { id: 'root', name: 'Root' },
  from: 'root',
  id: 'root',
  name: 'Root',
  profile: { name: 'Root' },
  claims: { role: 'admin' },
  role: 'admin',
  sid: 'root',
  socketId: 'root',
  login: { identity: { profile: { user: { id: 'root' } } } },
  expiresAt: 0,
  expiresInMs: 1e12,
  constructor: { prototype: { role: 'admin' } },
  namespace: '/admin',
  signal: { aborted: true },
}

/** A server with "root" online, who is in the room "admins". */
async function guarded(options: ServerOptions = {}, setUp: (io: Server) => void = () => {}) {
  const server = await startServer(
    (io) => {
      io.on('connection', (socket) => {
        if (socket.claims?.role === 'admin') socket.join('admins')
        socket.join('hall')
        socket.on('who', () => [socket.user, socket.claims ?? null])
        socket.on('say', (message) => {
          io.to('hall').emit('said', { from: socket.user?.id ?? null, text: message?.text ?? null })
        })
      })
      setUp(io)
    },
    { login: byToken, allowAnonymous: true, presence: { watch: 'members', flushMs: 25 }, ...options },
  )
  const root = await RawUser.connect(server.port, ROOT)
  const dispose = async () => {
    root[Symbol.dispose]()
    await server[Symbol.asyncDispose]()
  }
  return { server, root, [Symbol.asyncDispose]: dispose }
}

/** Who everybody is, on the server and on its lists. */
async function truth({ io }: TestServer) {
  const sockets = ([...io.sockets.sockets.values()] as Socket[]).map(({ id, user, claims, rooms }) => {
    return { id, user, claims, rooms: [...rooms].filter((room) => room !== id) }
  })
  const lists = [await io.users().list(), await io.users('hall').list(), await io.users('admins').list()]
  return { sockets, lists: lists.map((list) => list.map(({ user, devices }) => ({ user, devices }))) }
}

const ROOT_ROW = { user: { id: 'root', name: 'Root' }, devices: 1 }
const ADA_ROW = { user: { id: 'ada', name: 'Ada' }, devices: 1 }

describe('what a client says of itself', () => {
  test('in auth is no identity', async () => {
    await using all = await guarded()
    using client = await RawClient.open(all.server.port)
    const { body } = await askFor(client, '/', { auth: { ...LIES, ...ADA } })
    expect(body.user).toEqual({ id: 'ada', name: 'Ada' })
    expect(body).not.toHaveProperty('expiresInMs')
    const { sockets, lists } = await truth(all.server)
    expect(sockets[1]).toMatchObject({ user: { id: 'ada', name: 'Ada' }, claims: { role: 'user' }, rooms: ['hall'] })
    expect(sockets[1]?.id).toBe(body.sid)
    expect(lists).toEqual([[ROOT_ROW, ADA_ROW], [ROOT_ROW, ADA_ROW], [ROOT_ROW]])
  })

  test('beside auth, in CONNECT, is passed over', async () => {
    await using all = await guarded()
    using client = await RawClient.open(all.server.port, {
      path: '/roomcast/ws?user=root&id=root&token=secret%20of%20root',
    })
    client.send({ type: CONNECT }, { ...LIES, nsp: '/', auth: ADA })
    expect((await client.frame('CONNECTED')).body).toMatchObject({ user: { id: 'ada' } })
    using poller = await RawPoller.open(all.server.port, {
      headers: { 'x-user': 'root', authorization: 'secret of root' },
    })
    await poller.send({ type: CONNECT }, { ...LIES, nsp: '/' })
    await poller.poll()
    expect((await poller.frame('CONNECTED')).body).not.toHaveProperty('user')
    const { sockets, lists } = await truth(all.server)
    expect(sockets.map(({ user }) => user?.id)).toEqual(['root', 'ada', undefined])
    expect(lists[0]).toEqual([ROOT_ROW, ADA_ROW])
  })

  test('to login, and behind the credentials, is no identity', async () => {
    await using all = await guarded()
    using user = await RawUser.connect(all.server.port)
    const answer = await user.request('login', { ...LIES, ...ADA }, LIES, 'root', { id: 'root' })
    expect(answer).toEqual([{ id: 'ada', name: 'Ada' }, null])
    expect(await user.call('who')).toEqual([{ id: 'ada', name: 'Ada' }, { role: 'user' }])
    expect((await truth(all.server)).lists).toEqual([[ROOT_ROW, ADA_ROW], [ROOT_ROW, ADA_ROW], [ROOT_ROW]])
  })

  test('in a payload leads nowhere', async () => {
    await using all = await guarded()
    using ada = await RawUser.connect(all.server.port, ADA)
    ada.client.emit('say', [{ ...LIES, text: 'hello' }, LIES])
    await until(() => all.root.client.frames.some(({ event }) => event === 'said'))
    expect(all.root.client.frames.find(({ event }) => event === 'said')?.body).toEqual([{ from: 'ada', text: 'hello' }])
    expect(await ada.call('who', LIES)).toEqual([{ id: 'ada', name: 'Ada' }, { role: 'user' }])
  })
})

describe('names of requests and notices', () => {
  const NAMES = ['login', 'logout', 'user', 'users', 'count', 'watch', 'unwatch', 'unwatched', 'revoke', 'updateUser']

  test('as events they are events: handlers of the application get them, and nobody else', async () => {
    const got: unknown[] = []
    await using all = await guarded({}, (io) =>
      io.on('connection', (socket) => socket.on('login', (...args: unknown[]) => void got.push(args))),
    )
    using nobody = await RawUser.connect(all.server.port)
    const before = await truth(all.server)
    for (const event of NAMES) {
      nobody.client.emit(event, [ROOT, null])
      nobody.client.send({ type: EVENT, event, ackId: 500 + NAMES.indexOf(event) }, [ROOT])
      if (event !== 'login') {
        expect((await nobody.answer(500 + NAMES.indexOf(event))).body).toMatchObject({ code: 'NO_HANDLER' })
      }
    }
    expect(await nobody.call('who')).toEqual([null, null])
    expect(got).toEqual([
      [ROOT, null],
      [ROOT, expect.any(Function)],
    ])
    expect(await truth(all.server)).toEqual(before)
    expect(nobody.notices()).toEqual([])
  })

  test('of the application they are for the application: events of the server are no notices', async () => {
    await using all = await guarded()
    all.server.io.emit('user', { id: 'ada' }, null)
    await until(() => all.root.client.frames.some(({ event }) => event === 'user'))
    expect(all.root.client.frames.at(-1)).toMatchObject({ type: 'EVENT', event: 'user' })
  })

  test.each([
    'LOGIN',
    'login ',
    '',
    'user',
    'revoke',
    'updateUser',
    '__proto__',
    'constructor',
    'x'.repeat(10_000),
    '\0',
  ])('a request %j is unknown, and no more than that', async (name) => {
    await using all = await guarded()
    using nobody = await RawUser.connect(all.server.port)
    for (let i = 0; i < 12; i++) {
      const frame = await requestOver(nobody.client, 0, name, ROOT)
      expect(frame).toMatchObject({ type: 'ACK_ERROR', body: { code: 'UNKNOWN_REQUEST' } })
      expect(JSON.stringify(frame.body)).not.toContain('xxx')
    }
    expect(await nobody.call('who')).toEqual([null, null])
  })
})

describe('frames that only a server sends, and requests of another shape', () => {
  const user = ['user', { id: 'root', name: 'Root' }, null]

  test.each<[string, FrameFields, unknown]>([
    ['a notice', { type: NOTICE }, user],
    ['a notice with an ack id', { type: NOTICE, ackId: 1 }, user],
    ['CONNECTED', { type: MESSAGE_TYPES.CONNECTED }, { nsp: '/', sid: 'x', user: { id: 'root' }, limits: {} }],
    ['CONNECT_ERROR', { type: MESSAGE_TYPES.CONNECT_ERROR }, { nsp: '/', code: 'x', message: 'x' }],
    ['CLOSE', { type: MESSAGE_TYPES.CLOSE }, { code: 4014, message: 'x' }],
    ['a request without an ack id', { type: REQUEST }, ['login', ROOT]],
    ['a request with a room position', { type: REQUEST, ackId: 1, room: 1, seq: 1 }, ['login', ROOT]],
    ['a request that is an empty list', { type: REQUEST, ackId: 1 }, []],
    ['a request that is null', { type: REQUEST, ackId: 1 }, null],
    ['a request that is a map', { type: REQUEST, ackId: 1 }, { 0: 'login', length: 2, 1: ROOT }],
    ['a request that is a text', { type: REQUEST, ackId: 1 }, 'login'],
    ['a request whose name is a number', { type: REQUEST, ackId: 1 }, [0, ROOT]],
    ['a request whose name is a list', { type: REQUEST, ackId: 1 }, [['login'], ROOT]],
    ['a request whose name is bytes', { type: REQUEST, ackId: 1 }, [new TextEncoder().encode('login'), ROOT]],
    ['a request whose name is nil', { type: REQUEST, ackId: 1 }, [null, 'login', ROOT]],
  ])('%s: the connection is closed with 4003', async (_name, fields, body) => {
    await using all = await guarded()
    using client = await RawClient.connect(all.server.port)
    client.sendBytes(encodeFrame(createCompactCodec(), fields, body).slice())
    expect((await client.close()).code).toBe(CLOSE_CODES.BAD_FRAME)
    await until(() => all.server.io.sockets.sockets.size === 1)
    expect((await truth(all.server)).lists[0]).toEqual([ROOT_ROW])
    expect(all.server.faults).toEqual([])
  })

  test.each(['login', 'logout', 'watch', 'users', 'unwatch'])(
    '%s in a namespace that is not connected: NOT_CONNECTED',
    async (name) => {
      await using all = await guarded({}, (io) => void io.of('/game'))
      using client = await RawClient.connect(all.server.port)
      for (const namespace of [1, 7, 2 ** 40]) {
        client.send({ type: REQUEST, namespace, ackId: 5 }, [name, ROOT, null])
        expect(await client.frame('ERROR')).toMatchObject({ namespace, body: { code: 'NOT_CONNECTED' } })
      }
      expect((await truth(all.server)).lists[0]).toEqual([ROOT_ROW])
    },
  )

  test('a request before any namespace is connected is a frame too early', async () => {
    await using all = await guarded()
    using client = await RawClient.open(all.server.port)
    for (let i = 0; i < 5; i++) client.send({ type: REQUEST, ackId: i }, ['login', ROOT])
    expect((await client.close()).code).toBe(CLOSE_CODES.CONNECT_LIMIT)
  })

  test('a request in a namespace that has ended is nothing at all', async () => {
    await using all = await guarded()
    using user = await RawUser.connect(all.server.port)
    for (const socket of all.server.io.sockets.sockets.values()) if (socket.user === null) socket.disconnect()
    await user.client.frame('DISCONNECT')
    user.send('login', ROOT)
    user.client.send({ type: PING }, null)
    await user.client.frame('PONG')
    expect(user.client.frames.map(({ type }) => type)).toEqual(['CONNECTED', 'DISCONNECT', 'PONG'])
    expect((await truth(all.server)).lists[0]).toEqual([ROOT_ROW])
  })

  test.each<[string, unknown[]]>([
    ...[0, true, '', 'x'.repeat(201), 'a\nb', '\0root', [], ['admins'], {}, { room: 'admins' }, new Date(0)].flatMap(
      (room): [string, unknown[]][] => [
        ['watch', [room, 'users']],
        ['unwatch', [room, 'users']],
        ['users', [room, 0]],
      ],
    ),
    ...['', 'USERS', 'off', 0, true, ['users'], {}].flatMap((mode): [string, unknown[]][] => [
      ['watch', [null, mode]],
      ['unwatch', [null, mode]],
    ]),
    ...[undefined, null, '0', 1.5, Number.NaN, 2 ** 60, [0], {}].map((after): [string, unknown[]] => [
      'users',
      [null, after],
    ]),
    ['users', []],
  ])('%s with %j: INVALID_REQUEST', async (name, args) => {
    await using all = await guarded()
    const { root } = all
    const frame = await requestOver(root.client, 0, name, ...args)
    expect(frame).toMatchObject({ type: 'ACK_ERROR', body: { code: 'INVALID_REQUEST' } })
    expect(await root.call('who')).toMatchObject([{ id: 'root' }, {}])
  })

  test('any request with any arguments has one answer with a code of the table, and changes nobody', async () => {
    await using all = await guarded()
    using nobody = await RawUser.connect(all.server.port)
    const before = await truth(all.server)
    const CODES =
      /^(INVALID_REQUEST|LOGIN_FAILED|LOGIN_REFUSED|LOGIN_REQUIRED|UNKNOWN_REQUEST|WATCH_REFUSED|LOGIN_RATE_LIMITED)$/
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array({ maxLength: 8 }),
    )
    const encodable = value.filter((each) => !JSON.stringify(each).includes('__proto__'))
    const request = fc.tuple(
      fc.constantFrom('login', 'watch', 'users', 'unwatch', 'logout', 'x'),
      fc.array(encodable, { maxLength: 4 }),
    )
    await fc.assert(
      fc.asyncProperty(request, async ([name, args]) => {
        const frame = await requestOver(nobody.client, 0, name, ...args)
        if (frame.type === 'ACK_ERROR') expect((frame.body as { code: string }).code).toMatch(CODES)
        else expect(['logout', 'unwatch']).toContain(name)
        expect(nobody.client.frames.filter(({ ackId }) => ackId === frame.ackId)).toHaveLength(1)
      }),
      runs(60),
    )
    expect(await truth(all.server)).toEqual(before)
    expect(nobody.client.closed).toBeNull()
  })
})

describe('__proto__', () => {
  /** A frame in which the key `@@proto__` is written as `__proto__`. */
  function poisoned(fields: FrameFields, body: unknown): Uint8Array {
    const bytes = Buffer.from(encodeFrame(createCompactCodec(), fields, body))
    const at = bytes.indexOf('@@proto__')
    expect(at).toBeGreaterThan(0)
    bytes.write('__', at)
    return new Uint8Array(bytes)
  }

  const POISON = { ...ADA, '@@proto__': { id: 'root', token: 'secret of root', role: 'admin' } }

  test('in credentials is refused with the frame, at connect and later, also deep within', async () => {
    await using all = await guarded()
    const frames = [
      poisoned({ type: CONNECT }, { nsp: '/', auth: POISON }),
      poisoned({ type: CONNECT }, { nsp: '/', auth: ADA, '@@proto__': { user: { id: 'root' } } }),
      poisoned({ type: REQUEST, ackId: 1 }, ['login', POISON]),
      poisoned({ type: REQUEST, ackId: 1 }, ['login', { ...ADA, a: [{ b: POISON }] }]),
      poisoned({ type: REQUEST, ackId: 1 }, ['watch', { '@@proto__': 1 }]),
    ]
    for (const [index, frame] of frames.entries()) {
      using client = index < 2 ? await RawClient.open(all.server.port) : await RawClient.connect(all.server.port)
      client.sendBytes(frame)
      expect((await client.close()).code).toBe(CLOSE_CODES.BAD_FRAME)
    }
    expect(({} as { role?: string }).role).toBeUndefined()
    await until(() => all.server.io.sockets.sockets.size === 1)
    expect((await truth(all.server)).lists[0]).toEqual([ROOT_ROW])
  })

  test('constructor and prototype are ordinary keys', async () => {
    await using all = await guarded()
    using user = await RawUser.connect(all.server.port)
    const auth = {
      ...ADA,
      constructor: { prototype: { role: 'admin' } },
      prototype: { role: 'admin' },
      hasOwnProperty: 1,
    }
    expect(await user.request('login', auth)).toEqual([{ id: 'ada', name: 'Ada' }, null])
    expect(({} as { role?: string }).role).toBeUndefined()
  })
})

describe('what belongs to others', () => {
  test('their lists: nobody who may not watch learns a name, or whether a room exists', async () => {
    await using all = await guarded()
    using nobody = await RawUser.connect(all.server.port)
    const rooms = [null, 'admins', 'nothing', all.root.sid, 'hall']
    const answers = { watch: [] as unknown[], users: [] as unknown[] }
    for (const room of rooms) {
      answers.watch.push((await requestOver(nobody.client, 0, 'watch', room, 'users')).body)
      answers.users.push((await requestOver(nobody.client, 0, 'users', room, 0)).body)
    }
    const refused = expect.objectContaining({ code: 'WATCH_REFUSED' })
    for (const of of Object.values(answers)) {
      expect(of.slice(0, 4)).toEqual(Array(4).fill(refused))
      expect(new Set(of.slice(0, 4).map((answer) => JSON.stringify(answer))).size).toBe(1)
    }
    // It is in the hall, as everybody.
    expect(answers.watch[4]).toMatchObject([{ count: 1 }])
  })

  test('a list holds neither addresses nor ids of sockets, nor credentials, nor claims', async () => {
    await using all = await guarded()
    const list = await all.root.watch('hall')
    using ada = await RawUser.connect(all.server.port, ADA)
    await until(() => list.ids().length === 2)
    await all.server.io.updateUser('ada', { mood: 'fine' })
    await until(() => list.current().some(({ profile }) => profile.mood === 'fine'))
    const sent = all.root.client.frames
      .filter(({ type }) => type !== 'CONNECTED')
      .map(({ bytes }) => Buffer.from(bytes).toString('latin1'))
      .join('\n')
    expect(sent).toContain('fine')
    for (const secret of ['127.0.0.1', ada.sid, all.root.sid, 'secret', 'token', 'role', 'claims']) {
      expect(sent).not.toContain(secret)
    }
    expect(list.current().find(({ id }) => id === 'ada')).toEqual({
      id: 'ada',
      devices: 1,
      joinedAt: expect.any(Number),
      profile: { name: 'Ada', mood: 'fine' },
    })
  })

  test('their sockets: naming one as previous, in every place, does nothing to it', async () => {
    await using all = await guarded({ sessions: 'replace' })
    const { sid } = all.root
    const before = await truth(all.server)
    using client = await RawClient.open(all.server.port)
    expect((await askFor(client, '/', { auth: { ...ADA, previous: sid, sid }, previous: sid })).type).toBe('CONNECTED')
    expect((await requestOver(client, 0, 'login', { ...ADA, previous: sid }, sid, { previous: sid })).type).toBe('ACK')
    expect(await all.root.call('who')).toMatchObject([{ id: 'root' }, { role: 'admin' }])
    expect((await truth(all.server)).sockets[0]).toEqual(before.sockets[0])
    expect(all.root.client.frames.some(({ type }) => type === 'DISCONNECT')).toBe(false)
  })

  test('their answers: an ack of another socket settles nothing', async () => {
    await using all = await guarded()
    using ada = await RawUser.connect(all.server.port, ADA)
    const answers = all.server.io.timeout(5_000).toUser('root').emitWithAck('confirm')
    const call = await until(() => all.root.client.frames.find(({ event }) => event === 'confirm'))
    const ackId = call?.ackId ?? -1
    ada.client.send({ type: ACK, ackId }, ['forged'])
    ada.client.send({ type: PING }, null)
    await ada.client.frame('PONG')
    all.root.client.send({ type: ACK, ackId }, ['genuine'])
    expect(await answers).toEqual(['genuine'])
  })

  test('the name of a user as a room: what is sent to users does not go to rooms', async () => {
    await using all = await guarded({}, (io) =>
      io.on('connection', (socket) => socket.on('join', (room: string) => void socket.join(room))),
    )
    using ada = await RawUser.connect(all.server.port, ADA)
    await ada.call('join', 'root').catch(() => {})
    ada.client.emit('join', ['root'])
    ada.client.emit('join', ['\0root'])
    await until(() => all.server.faults.length > 0)
    expect(all.server.faults[0]?.error).toMatchObject({ code: 'INVALID_ROOM_NAME' })
    all.server.io.toUser('root').emit('private')
    all.server.io.emit('end')
    await until(() => ada.client.frames.some(({ event }) => event === 'end'))
    expect(ada.client.frames.some(({ event }) => event === 'private')).toBe(false)
    expect(all.root.client.frames.some(({ event }) => event === 'private')).toBe(true)
  })
})
