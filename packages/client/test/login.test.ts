import { CLOSE_CODES, MESSAGE_TYPES, RoomcastError } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import type { FakeLink } from '../../../test-kit/fake-server'
import type { RawFrame } from '../../../test-kit/raw-client'
import { next, until } from '../../../test-kit/wait'
import { admit, authsOn, handled, notice, refuse, reject, request, requestsOn, startPeople } from './people-support'
import { connect, errorOf, type TestSocket, turns, watchProcess } from './support'

const ADA = { id: 'ada', name: 'Ada' }
const BEN = { id: 'ben', name: 'Ben' }

/** Writes down what a socket fires, with the user that it has then. */
function record(socket: TestSocket): unknown[] {
  const seen: unknown[] = []
  socket.on('user', (user) => seen.push(['user', user?.id ?? null, socket.user?.id ?? null]))
  for (const event of ['connect', 'disconnect'] as const) {
    socket.on(event, () => seen.push([event, socket.user?.id ?? null]))
  }
  return seen
}

/** Admits who gives `{ name }` as auth as that user, and others as nobody. */
function byName(link: FakeLink, frame: RawFrame): void {
  const { auth } = frame.body as { auth?: { name?: string } }
  admit(link, frame, auth?.name ? { user: { id: auth.name } } : {})
}

describe('the user of a socket', () => {
  test('is told by CONNECTED, and the event comes before connect', async () => {
    await using server = await startPeople({ user: ADA })
    using socket = connect(server.url)
    const seen = record(socket)
    expect(socket.user).toBe(null)
    await next(socket, 'connect')
    expect(socket.user).toEqual(ADA)
    expect(seen).toEqual([
      ['user', 'ada', 'ada'],
      ['connect', 'ada'],
    ])
  })

  test('is null for nobody, and that is no event', async () => {
    await using server = await startPeople()
    using socket = connect(server.url)
    const seen = record(socket)
    await next(socket, 'connect')
    expect(seen).toEqual([['connect', null]])
  })

  test('has an event when another field of the profile changes, and none when nothing does', async () => {
    await using server = await startPeople({ user: ADA })
    using socket = connect(server.url)
    await next(socket, 'connect')
    const seen: unknown[] = []
    socket.on('user', (user) => seen.push(user))
    const link = await server.link()
    notice(link, 'user', { ...ADA }, null)
    notice(link, 'user', { ...ADA, points: 1 }, null)
    notice(link, 'user', null, null)
    notice(link, 'user', null, null)
    notice(link, 'of a later version', 1)
    await handled(link)
    expect(seen).toEqual([{ ...ADA, points: 1 }, null])
    expect(socket.user).toBe(null)
  })

  test('stays while the link is lost and comes back, and is null when the socket ends for good', async () => {
    await using server = await startPeople({ user: ADA })
    using socket = connect(server.url)
    const seen = record(socket)
    await next(socket, 'connect')
    const again = next(socket, 'connect')
    ;(await server.link()).close(CLOSE_CODES.ABNORMAL)
    await again
    socket.disconnect()
    expect(seen).toEqual([
      ['user', 'ada', 'ada'],
      ['connect', 'ada'],
      ['disconnect', 'ada'],
      ['connect', 'ada'],
      ['user', null, null],
      ['disconnect', null],
    ])
  })

  test('is another one if the server says so at a reconnect', async () => {
    const users = [ADA, BEN]
    await using server = await startPeople((link, frame) => admit(link, frame, { user: users.shift() ?? {} }))
    using socket = connect(server.url)
    await next(socket, 'connect')
    const seen = record(socket)
    const again = next(socket, 'connect')
    ;(await server.link()).close(CLOSE_CODES.ABNORMAL)
    await again
    expect(seen).toEqual([
      ['disconnect', 'ada'],
      ['user', 'ben', 'ben'],
      ['connect', 'ben'],
    ])
  })

  test('may be heard of by a listener that disconnects: connect is not fired', async () => {
    await using server = await startPeople({ user: ADA })
    using socket = connect(server.url)
    const seen = record(socket)
    socket.once('user', () => socket.disconnect())
    await next(socket, 'disconnect')
    expect(seen).toEqual([
      ['user', 'ada', 'ada'],
      ['user', null, null],
      ['disconnect', null],
    ])
  })

  test('may be heard of by a listener that emits: that goes out before what waited', async () => {
    await using server = await startPeople({ user: ADA })
    using socket = connect(server.url)
    socket.emit('kept')
    socket.once('user', () => socket.emit('join'))
    const link = await server.link()
    await link.frame('EVENT')
    await link.frame('EVENT')
    expect(link.frames.flatMap(({ type, event }) => (type === 'EVENT' ? [event] : []))).toEqual(['join', 'kept'])
  })

  test('has an event whose name the server may use for its own', async () => {
    await using server = await startPeople()
    using socket = connect(server.url)
    await next(socket, 'connect')
    const told = next(socket, 'user')
    ;(await server.link()).emit('user', ['of the application'])
    expect(await told).toEqual(['of the application'])
    expect(socket.user).toBe(null)
  })
})

describe('a login without a connection', () => {
  test('connects with the credentials, and resolves with the user', async () => {
    await using server = await startPeople(byName)
    using socket = connect(server.url, { autoConnect: false })
    const user = await socket.login({ name: 'ada' })
    expect(user).toEqual({ id: 'ada' })
    expect([socket.user, socket.auth, socket.connected]).toEqual([{ id: 'ada' }, { name: 'ada' }, true])
    expect(requestsOn(await server.link())).toEqual([])
  })

  test('takes the place of the credentials that it was about to connect with', async () => {
    await using server = await startPeople(byName)
    using socket = connect(server.url, { auth: { name: 'ada' } })
    expect(await socket.login((answer) => answer({ name: 'ben' }))).toEqual({ id: 'ben' })
    expect(authsOn(server)).toEqual([{ name: 'ben' }])
  })

  test('rejects with the error of the first attempt that fails', async () => {
    await using server = await startPeople((link, frame) => reject(link, frame, 'LOGIN_REFUSED', { left: 2 }))
    using socket = connect(server.url, { autoConnect: false })
    const told = next(socket, 'connect_error')
    const error = await errorOf(() => socket.login({ name: 'ada' }))
    expect(error).toMatchObject({ code: 'LOGIN_REFUSED', data: { left: 2 } })
    expect(await told).toEqual([error])
    expect([socket.active, socket.user]).toEqual([false, null])
  })

  test('rejects when the link cannot be opened, and does not happen later', async () => {
    const gone = await startPeople()
    const { url } = gone
    const { port } = new URL(url)
    await gone[Symbol.asyncDispose]()
    using socket = connect(url, { autoConnect: false })
    expect((await errorOf(() => socket.login({ name: 'ada' }))).code).toBe('TRANSPORT_FAILED')
    expect([socket.active, socket.auth]).toEqual([true, undefined])
    await using server = await startPeople(byName, Number(port))
    const asked = await (await server.link()).frame('CONNECT')
    expect(asked.body).not.toHaveProperty('auth')
  })

  test('that fails leaves the credentials from before', async () => {
    const gone = await startPeople()
    const { url } = gone
    await gone[Symbol.asyncDispose]()
    using socket = connect(url, { autoConnect: false, auth: { name: 'ben' } })
    expect((await errorOf(() => socket.login({ name: 'ada' }))).code).toBe('TRANSPORT_FAILED')
    expect(socket.auth).toEqual({ name: 'ben' })
  })

  test.each(['admitted', 'refused'])('does not take the answer to older credentials for its own: %s', async (fate) => {
    const held: RawFrame[] = []
    await using server = await startPeople((link, frame) => {
      if (held.push(frame) > 1) byName(link, frame)
    })
    using socket = connect(server.url, { auth: { name: 'ada' } })
    const seen = record(socket)
    const errors: unknown[] = []
    socket.on('connect_error', (error) => errors.push(error))
    const link = await server.link()
    const old = await link.frame('CONNECT')
    const login = socket.login({ name: 'ben' })
    if (fate === 'admitted') byName(link, old)
    else reject(link, old, 'LOGIN_REFUSED')
    expect(await login).toEqual({ id: 'ben' })
    expect(errors).toEqual([])
    expect(seen).toEqual([
      ['user', 'ben', 'ben'],
      ['connect', 'ben'],
    ])
    expect(authsOn(server)).toEqual([{ name: 'ada' }, { name: 'ben' }])
    const left = link.frames.filter(({ type }) => type === 'DISCONNECT')
    expect(left).toHaveLength(fate === 'admitted' ? 1 : 0)
  })

  test('does not wait for an auth function that is being asked, and drops its answer', async () => {
    await using server = await startPeople(byName)
    const answers: ((auth: object) => void)[] = []
    using socket = connect(server.url, { auth: (answer) => answers.push(answer) })
    await until(() => answers.length > 0)
    const user = await socket.login({ name: 'ben' })
    answers[0]?.({ name: 'ada' })
    await handled(await server.link())
    expect([user, socket.user, authsOn(server)]).toEqual([{ id: 'ben' }, { id: 'ben' }, [{ name: 'ben' }]])
  })

  test('to a server that has no login is LOGIN_UNAVAILABLE, and the socket is connected', async () => {
    await using server = await startPeople()
    using socket = connect(server.url, { autoConnect: false })
    expect((await errorOf(() => socket.login({ name: 'ada' }))).code).toBe('LOGIN_UNAVAILABLE')
    expect(socket.connected).toBe(true)
  })

  test('that disconnect() ends rejects with DISCONNECTED', async () => {
    await using server = await startPeople(() => {})
    using socket = connect(server.url, { autoConnect: false })
    const failed = errorOf(() => socket.login({ name: 'ada' }))
    await (await server.link()).frame('CONNECT')
    socket.disconnect()
    expect((await failed).code).toBe('DISCONNECTED')
  })

  test('that another login follows rejects with LOGIN_OVERTAKEN, and the later one counts', async () => {
    await using server = await startPeople(byName)
    using socket = connect(server.url, { autoConnect: false })
    const failed = errorOf(() => socket.login({ name: 'ada' }))
    expect(await socket.login({ name: 'ben' })).toEqual({ id: 'ben' })
    expect((await failed).code).toBe('LOGIN_OVERTAKEN')
    expect(socket.auth).toEqual({ name: 'ben' })
  })
})

/** A socket that is connected as nobody, and its link. */
async function connected(server: Awaited<ReturnType<typeof startPeople>>, options = {}) {
  const socket = connect(server.url, options)
  await next(socket, 'connect')
  return { socket, link: await server.link(), [Symbol.dispose]: () => socket.disconnect() }
}

describe('a login of a connected socket', () => {
  test('asks without a new connection, and is repeated at each reconnect', async () => {
    await using server = await startPeople(byName)
    using pair = await connected(server)
    const { socket, link } = pair
    const seen = record(socket)
    const login = socket.login({ name: 'ada' })
    const asked = await request(link, 'login')
    expect(asked.body).toEqual(['login', { name: 'ada' }])
    expect([socket.user, socket.auth]).toEqual([null, undefined])
    link.ack(asked, { id: 'ada' }, null)
    expect(await login).toEqual({ id: 'ada' })
    expect([socket.user, socket.auth]).toEqual([{ id: 'ada' }, { name: 'ada' }])
    const again = next(socket, 'connect')
    link.close(CLOSE_CODES.ABNORMAL)
    await again
    expect(authsOn(server)).toEqual([undefined, { name: 'ada' }])
    expect(seen).toEqual([
      ['user', 'ada', 'ada'],
      ['disconnect', 'ada'],
      ['connect', 'ada'],
    ])
  })

  test('may have a function as credentials, which may answer later and is asked again at a reconnect', async () => {
    await using server = await startPeople(byName)
    using pair = await connected(server)
    const { socket, link } = pair
    let calls = 0
    const auth = (answer: (auth: object) => void) => void setTimeout(answer, 1, { name: `ada ${++calls}` })
    const login = socket.login(auth)
    const asked = await request(link, 'login')
    expect(asked.body).toEqual(['login', { name: 'ada 1' }])
    link.ack(asked, ADA, null)
    expect(await login).toEqual(ADA)
    expect(socket.auth).toBe(auth)
    link.close(CLOSE_CODES.ABNORMAL)
    await next(socket, 'connect')
    expect(authsOn(server)).toEqual([undefined, { name: 'ada 2' }])
  })

  test('that is refused rejects with the error of the server, and nothing has changed', async () => {
    await using server = await startPeople({ user: ADA })
    using pair = await connected(server, { auth: { token: 'old' } })
    const { socket, link } = pair
    const seen = record(socket)
    const failed = errorOf(() => socket.login({ name: 'ben' }))
    refuse(link, await request(link, 'login'), 'NAME_IN_USE')
    expect(await failed).toMatchObject({ code: 'NAME_IN_USE', message: 'told NAME_IN_USE' })
    expect([socket.user, socket.auth, seen]).toEqual([ADA, { token: 'old' }, []])
  })

  test('whose link is lost rejects with DISCONNECTED, and the reconnect has the credentials of before', async () => {
    await using server = await startPeople()
    using pair = await connected(server, { auth: { token: 'old' } })
    const { socket, link } = pair
    const failed = errorOf(() => socket.login({ name: 'ben' }))
    await request(link, 'login')
    link.close(CLOSE_CODES.ABNORMAL)
    expect((await failed).code).toBe('DISCONNECTED')
    await next(socket, 'connect')
    expect(authsOn(server)).toEqual([{ token: 'old' }, { token: 'old' }])
  })

  test('whose link is lost while a function is asked rejects, and what it answers is not sent', async () => {
    await using server = await startPeople()
    using pair = await connected(server)
    const { socket, link } = pair
    const answers: ((auth: object) => void)[] = []
    const failed = errorOf(() => socket.login((answer) => answers.push(answer)))
    link.close(CLOSE_CODES.ABNORMAL)
    expect((await failed).code).toBe('DISCONNECTED')
    await next(socket, 'connect')
    answers[0]?.({ late: true })
    const second = await server.link()
    await handled(second)
    expect([requestsOn(second), authsOn(server)]).toEqual([[], [undefined, undefined]])
  })

  test('whose function fails is AUTH_FAILED, and has its own code if it gave one', async () => {
    using watched = watchProcess()
    await using server = await startPeople()
    using pair = await connected(server)
    const { socket, link } = pair
    const cause = new Error('offline')
    const thrown = await errorOf(() => socket.login(() => Promise.reject(cause)))
    expect([thrown.code, thrown.cause]).toEqual(['AUTH_FAILED', cause])
    const own = errorOf(() =>
      socket.login(() => {
        throw new RoomcastError('CANCELLED', 'no')
      }),
    )
    expect((await own).code).toBe('CANCELLED')
    await turns()
    expect([requestsOn(link), watched.events]).toEqual([[], []])
  })

  test('whose function never answers is ACK_TIMEOUT', async () => {
    await using server = await startPeople()
    using pair = await connected(server, { ackTimeout: 50 })
    expect((await errorOf(() => pair.socket.login(() => {}))).code).toBe('ACK_TIMEOUT')
  })

  test('that cannot be sent rejects with its code, also when the function has answered later', async () => {
    await using server = await startPeople()
    using pair = await connected(server)
    const { socket } = pair
    expect((await errorOf(() => socket.login({ token: 1n }))).code).toBe('NOT_ENCODABLE')
    const later = (answer: (auth: object) => void) => void setTimeout(answer, 1, { bytes: new Uint8Array(2e6) })
    expect((await errorOf(() => socket.login(later))).code).toBe('MESSAGE_TOO_LARGE')
  })

  test.each([
    ['knows no requests', 'UNKNOWN_REQUEST'],
    ['has no login', 'LOGIN_UNAVAILABLE'],
  ])('is refused by a server that %s', async (_, code) => {
    await using server = await startPeople()
    using pair = await connected(server)
    const { socket, link } = pair
    const failed = errorOf(() => socket.login({}))
    refuse(link, await request(link, 'login'), code)
    expect((await failed).code).toBe(code)
  })

  test('that is answered without a user is LOGIN_UNAVAILABLE', async () => {
    await using server = await startPeople()
    using pair = await connected(server)
    const { socket, link } = pair
    const failed = errorOf(() => socket.login({}))
    link.ack(await request(link, 'login'), null)
    expect((await failed).code).toBe('LOGIN_UNAVAILABLE')
    expect(socket.auth).toBe(undefined)
  })

  test('twice at once: the first is overtaken, and the later one counts, also when the first times out', async () => {
    await using server = await startPeople(byName)
    using pair = await connected(server)
    const { socket, link } = pair
    const first = errorOf(() => socket.login({ name: 'ada' }))
    const later = socket.login({ name: 'ben' })
    expect((await first).code).toBe('LOGIN_OVERTAKEN')
    const overtaken = await request(link, 'login')
    link.ack(await request(link, 'login'), BEN, null)
    expect(await later).toEqual(BEN)
    refuse(link, overtaken, 'LOGIN_OVERTAKEN')
    expect([socket.user, socket.auth]).toEqual([BEN, { name: 'ben' }])
  })

  test('twice with the same credentials: what becomes of the first does not take them back', async () => {
    await using server = await startPeople(byName)
    using pair = await connected(server)
    const { socket, link } = pair
    const credentials = (give: (auth: object) => void) => give({ name: 'ben' })
    const first = errorOf(() => socket.login(credentials))
    const later = socket.login(credentials)
    await first
    const overtaken = await request(link, 'login')
    link.ack(await request(link, 'login'), BEN, null)
    await later
    refuse(link, overtaken, 'ACK_TIMEOUT')
    socket.emit('flush')
    await link.frame('EVENT')
    expect(socket.auth).toBe(credentials)
  })

  test('whose function answers after a later login is not sent, and rejects', async () => {
    await using server = await startPeople()
    using pair = await connected(server)
    const { socket, link } = pair
    const answers: ((auth: object) => void)[] = []
    const failed = errorOf(() => socket.login((answer) => answers.push(answer)))
    const login = socket.login({ name: 'ben' })
    answers[0]?.({ name: 'ada' })
    link.ack(await request(link, 'login'), BEN, null)
    expect([await login, (await failed).code]).toEqual([BEN, 'LOGIN_OVERTAKEN'])
    expect(requestsOn(link)).toEqual([['login', { name: 'ben' }]])
  })

  test('may be made in a connect listener: it goes out before what waited', async () => {
    await using server = await startPeople()
    using socket = connect(server.url)
    socket.emit('kept')
    socket.once('connect', () => void socket.login({ name: 'ada' }).catch(() => {}))
    const link = await server.link()
    await link.frame('EVENT')
    expect(link.frames.map(({ type }) => type)).toEqual(['CONNECT', 'REQUEST', 'EVENT'])
  })
})

describe('a logout', () => {
  test('of a connected socket forgets the credentials and asks the server', async () => {
    await using server = await startPeople(byName)
    using pair = await connected(server, { auth: { name: 'ada' } })
    const { socket, link } = pair
    const seen = record(socket)
    let isDone = false
    const logout = socket.logout().then(() => {
      isDone = true
    })
    expect([socket.auth, socket.user]).toEqual([undefined, null])
    const asked = await request(link, 'logout')
    expect([asked.body, isDone]).toEqual([['logout'], false])
    link.ack(asked)
    await logout
    link.close(CLOSE_CODES.ABNORMAL)
    await next(socket, 'connect')
    expect(authsOn(server)).toEqual([{ name: 'ada' }, undefined])
    expect(seen).toEqual([
      ['user', null, null],
      ['disconnect', null],
      ['connect', null],
    ])
  })

  test('may be followed by a DISCONNECT: the server has no place for nobody', async () => {
    await using server = await startPeople({ user: ADA })
    using pair = await connected(server)
    const { socket, link } = pair
    const gone = next(socket, 'disconnect')
    const logout = socket.logout()
    link.ack(await request(link, 'logout'))
    link.send({ type: MESSAGE_TYPES.DISCONNECT }, null)
    await logout
    expect((await gone)[0]).toBe('io server disconnect')
    expect(socket.active).toBe(false)
  })

  test('is done when the link is lost before the answer; that fails leaves the namespace, so that nobody stays logged in', async () => {
    await using server = await startPeople({ user: ADA })
    using pair = await connected(server)
    const { socket, link } = pair
    const lost = socket.logout()
    await request(link, 'logout')
    link.close(CLOSE_CODES.ABNORMAL)
    await lost
    await next(socket, 'connect')
    const again = await server.link()
    const failed = errorOf(() => socket.logout())
    refuse(again, await request(again, 'logout'), 'UNKNOWN_REQUEST')
    expect((await failed).code).toBe('UNKNOWN_REQUEST')
    expect([socket.active, socket.user]).toEqual([false, null])
  })

  test('of a socket without a connection resolves at once', async () => {
    using socket = connect('http://127.0.0.1:1', { autoConnect: false, auth: { name: 'ada' } })
    await socket.logout()
    expect([socket.auth, socket.active]).toEqual([undefined, false])
  })

  test('of a socket that waits for its next attempt lets it go on without credentials', async () => {
    await using server = await startPeople(byName)
    using pair = await connected(server, { auth: { name: 'ada' } })
    const { socket, link } = pair
    const lost = next(socket, 'disconnect')
    link.close(CLOSE_CODES.ABNORMAL)
    await lost
    expect(socket.user).toEqual({ id: 'ada' })
    await socket.logout()
    expect(socket.user).toBe(null)
    await next(socket, 'connect')
    expect([authsOn(server), socket.user]).toEqual([[{ name: 'ada' }, undefined], null])
  })

  test('does not let a CONNECT with credentials that is on its way connect the socket', async () => {
    const held: RawFrame[] = []
    await using server = await startPeople((link, frame) => {
      if (held.push(frame) > 1) byName(link, frame)
    })
    using socket = connect(server.url, { auth: { name: 'ada' } })
    const seen = record(socket)
    const link = await server.link()
    const old = await link.frame('CONNECT')
    await socket.logout()
    byName(link, old)
    await next(socket, 'connect')
    expect(seen).toEqual([['connect', null]])
    expect(authsOn(server)).toEqual([{ name: 'ada' }, undefined])
  })

  test('wins over a login that was asked for before it', async () => {
    await using server = await startPeople()
    using pair = await connected(server)
    const { socket, link } = pair
    const seen = record(socket)
    const login = errorOf(() => socket.login({ name: 'ada' }))
    const logout = socket.logout()
    link.ack(await request(link, 'login'), ADA, null)
    expect((await login).code).toBe('LOGIN_OVERTAKEN')
    expect([socket.user, socket.auth]).toEqual([null, undefined])
    link.ack(await request(link, 'logout'))
    await logout
    expect([socket.user, socket.auth, seen]).toEqual([null, undefined, []])
  })

  test('rejects a login whose credentials were not sent yet', async () => {
    await using server = await startPeople(() => {})
    using socket = connect(server.url, { autoConnect: false })
    const failed = errorOf(() => socket.login({ name: 'ada' }))
    await socket.logout()
    expect((await failed).code).toBe('LOGIN_OVERTAKEN')
  })

  test('may be answered with a login by a listener of user: the requests keep this order', async () => {
    await using server = await startPeople({ user: ADA })
    using pair = await connected(server)
    const { socket, link } = pair
    socket.once('user', () => void socket.login({ guest: true }).catch(() => {}))
    const logout = socket.logout()
    link.ack(await request(link, 'logout'))
    link.ack(await request(link, 'login'), { id: 'guest' }, null)
    await logout
    await until(() => socket.user)
    expect([socket.user, socket.auth]).toEqual([{ id: 'guest' }, { guest: true }])
  })
})
