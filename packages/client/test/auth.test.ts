import { Manager } from '@roomcast/client'
import { CLOSE_CODES, RoomcastError } from '@roomcast/protocol'
import { describe, expect, test, vi } from 'vitest'
import { FakeServer } from '../../../test-kit/fake-server'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { connect, connectManager, disposable, QUICK, turns, watchProcess } from './support'

describe('credentials', () => {
  test('may be an object', async () => {
    const seen: unknown[] = []
    await using server = await startServer((io) => {
      io.on('connection', (socket) => seen.push(socket.handshake.auth))
    })
    using socket = connect(server.url, { auth: { token: 'abc', bytes: Uint8Array.of(1, 2) } })
    await next(socket, 'connect')
    expect(seen).toEqual([{ token: 'abc', bytes: Uint8Array.of(1, 2) }])
  })

  test('may be a function, which is asked at each attempt and may answer later', async () => {
    const seen: unknown[] = []
    await using server = await startServer((io) => {
      io.on('connection', (socket) => seen.push(socket.handshake.auth))
    })
    await using proxy = await FaultProxy.start(server.port)
    let calls = 0
    using socket = connect(proxy.url, { auth: (answer) => setTimeout(answer, 1, { call: ++calls }) })
    await next(socket, 'connect')
    const again = next(socket, 'connect')
    proxy.cut()
    await again
    expect(seen).toEqual([{ call: 1 }, { call: 2 }])
  })

  test('of a function that answers twice are sent once', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url, {
      auth: (answer) => {
        answer({ n: 1 })
        answer({ n: 2 })
      },
    })
    await next(socket, 'connect')
    const link = await server.link()
    expect(link.frames.map(({ body }) => body)).toEqual([{ nsp: '/', auth: { n: 1 }, client: expect.any(String) }])
  })

  test('of a function that answers after the link was replaced are not sent on the new one', async () => {
    await using server = await FakeServer.start()
    const answers: ((auth: object) => void)[] = []
    using socket = connect(server.url, { auth: (answer) => answers.push(answer) })
    const first = await server.link()
    await until(() => answers.length === 1)
    first.close(1006)
    await until(() => answers.length === 2)
    answers[0]?.({ late: true })
    answers[1]?.({ late: false })
    await next(socket, 'connect')
    const second = await server.link()
    expect(second.frames.map(({ body }) => body)).toEqual([
      { nsp: '/', auth: { late: false }, client: expect.any(String) },
    ])
  })

  test('of a function that never answers are a connect_error CONNECT_TIMEOUT, and are asked for again', async () => {
    await using server = await startServer()
    let calls = 0
    using socket = connect(server.url, { timeout: 50, auth: (answer) => ++calls > 1 && answer({}) })
    const [error] = await next(socket, 'connect_error')
    expect(error).toMatchObject({ code: 'CONNECT_TIMEOUT' })
    await next(socket, 'connect')
    expect(calls).toBe(2)
  })

  test('that cannot be sent are a final connect_error', async () => {
    await using server = await startServer()
    using socket = connect(server.url, { auth: { token: 1n } })
    const [error] = await next(socket, 'connect_error')
    expect(error).toMatchObject({ code: 'NOT_ENCODABLE' })
    expect(socket.active).toBe(false)
    socket.auth = { token: '1' }
    socket.connect()
    await next(socket, 'connect')
  })
})

/** Two ways to fail, with the same outcome. */
const WAYS = ['throws', 'rejects'] as const

/** An auth function that fails until `limit` calls were made, and answers then. */
function failing(way: (typeof WAYS)[number], limit: number, error: unknown = new Error('offline')) {
  const auth = (answer: (auth: object) => void): unknown => {
    if (++counted.calls > counted.limit) return answer({ call: counted.calls })
    if (way === 'throws') throw error
    return Promise.reject(error)
  }
  const counted = Object.assign(auth, { calls: 0, limit })
  return counted
}

describe('an auth function that fails', () => {
  test.each(WAYS)('is asked again on the same link, and connect_error has AUTH_FAILED: it %s', async (way) => {
    using watched = watchProcess()
    await using server = await FakeServer.start()
    const cause = new Error('offline')
    const auth = failing(way, 3, cause)
    using socket = connect(server.url, { auth })
    const seen: unknown[] = []
    socket.on('connect_error', (error) => seen.push([error.code, error.cause, socket.active, socket.connected]))
    await next(socket, 'connect')
    expect(seen).toEqual(Array(3).fill(['AUTH_FAILED', cause, true, false]))
    expect(server.links).toHaveLength(1)
    const link = await server.link()
    expect(link.frames.map(({ body }) => body)).toEqual([{ nsp: '/', auth: { call: 4 }, client: expect.any(String) }])
    await turns()
    expect(watched.events).toEqual([])
  })

  test.each(WAYS)('with a RoomcastError is final, and connect() asks again: it %s', async (way) => {
    await using server = await startServer()
    const auth = failing(way, 1, new RoomcastError('LOGGED_OUT', 'sign in first', { data: { page: '/login' } }))
    using socket = connect(server.url, { auth })
    const [error] = await next(socket, 'connect_error')
    expect(error).toMatchObject({ code: 'LOGGED_OUT', message: 'sign in first', data: { page: '/login' } })
    expect([socket.active, socket.state]).toEqual([false, 'idle'])
    await until(() => server.io.engine.clientsCount === 0)
    expect(auth.calls).toBe(1)
    socket.connect()
    await next(socket, 'connect')
  })

  test('waits longer and longer, up to reconnectionDelayMax', async () => {
    using _random = { mock: vi.spyOn(Math, 'random').mockReturnValue(1), [Symbol.dispose]: () => vi.restoreAllMocks() }
    await using server = await startServer()
    const times: number[] = []
    using socket = connect(server.url, {
      reconnectionDelay: 20,
      reconnectionDelayMax: 60,
      auth: (answer) => {
        if (times.push(performance.now()) < 5) throw new Error('offline')
        answer({})
      },
    })
    await next(socket, 'connect')
    const pauses = times.slice(1).map((time, i) => time - (times[i] as number))
    // A timer may be a little early.
    for (const [i, bound] of [20, 40, 60, 60].entries()) expect(pauses[i]).toBeGreaterThan(bound - 2)
  })

  test('is not asked again with reconnection false', async () => {
    await using server = await startServer()
    const auth = failing('rejects', 1)
    using socket = connect(server.url, { auth, reconnection: false })
    const [error] = await next(socket, 'connect_error')
    expect(error).toMatchObject({ code: 'AUTH_FAILED' })
    expect(socket.active).toBe(false)
    socket.connect()
    await next(socket, 'connect')
  })

  test('is asked no more than reconnectionAttempts allows; the last connect_error has active false', async () => {
    await using server = await startServer()
    const auth = failing('throws', 100)
    using socket = connect(server.url, { auth, reconnectionAttempts: 2 })
    const seen: unknown[] = []
    socket.on('connect_error', ({ code }) => seen.push([code, socket.active]))
    await until(() => !socket.active && seen.length > 2)
    expect(seen).toEqual([
      ['AUTH_FAILED', true],
      ['AUTH_FAILED', true],
      ['AUTH_FAILED', false],
    ])
    expect(auth.calls).toBe(3)
  })

  test('does not disturb the other namespaces of the connection', async () => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => socket.on('echo', (value: unknown) => value))
      io.of('/a')
      io.of('/b')
    })
    const { manager, socket: opened } = connectManager(server.url)
    using main = opened
    const offline = failing('rejects', 3)
    const logout = failing('throws', 1, new RoomcastError('LOGGED_OUT', 'sign in first'))
    using other = disposable(manager.socket('/a', { auth: offline }))
    using final = disposable(manager.socket('/b', { auth: logout }))
    const seen: string[] = []
    for (const socket of [main, other, final]) {
      socket.on('disconnect', (reason) => seen.push(`${socket.nsp} ${reason}`))
      socket.on('connect_error', ({ code }) => seen.push(`${socket.nsp} ${code}`))
    }
    await Promise.all([next(main, 'connect'), next(other, 'connect')])
    expect(await main.emitWithAck('echo', 1)).toBe(1)
    expect(seen.filter((text) => text.startsWith('/a'))).toEqual(Array(3).fill('/a AUTH_FAILED'))
    expect(seen.filter((text) => !text.startsWith('/a'))).toEqual(['/b LOGGED_OUT'])
    expect([main.connected, other.connected, final.active]).toEqual([true, true, false])
    expect(server.io.engine.clientsCount).toBe(1)
  })

  test('to call back is a CONNECT_TIMEOUT of its namespace alone, and is asked again', async () => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => socket.on('echo', (value: unknown) => value))
      io.of('/a')
    })
    const { manager, socket: opened } = connectManager(server.url, { timeout: 50 })
    using main = opened
    let calls = 0
    using other = disposable(manager.socket('/a', { auth: (answer) => ++calls > 2 && answer({}) }))
    const seen: unknown[] = []
    main.on('disconnect', (reason) => seen.push(reason))
    other.on('connect_error', ({ code }) => seen.push([code, other.active]))
    await next(other, 'connect')
    expect(seen).toEqual(Array(2).fill(['CONNECT_TIMEOUT', true]))
    expect(await main.emitWithAck('echo', 1)).toBe(1)
    expect(server.io.engine.clientsCount).toBe(1)
  })

  test('is not asked any more after disconnect(), in its connect_error or in the pause after it', async () => {
    await using server = await startServer()
    for (const isInside of [true, false]) {
      const auth = failing('throws', 100)
      const { manager, socket: opened } = connectManager(server.url, { auth, reconnectionDelay: 1, autoConnect: false })
      using socket = opened
      using other = disposable(manager.socket('/'))
      if (isInside) socket.once('connect_error', () => socket.disconnect())
      const failed = next(other, 'connect_error')
      socket.connect()
      await failed
      socket.disconnect()
      const { calls } = auth
      auth.limit = 0
      socket.connect()
      await next(socket, 'connect')
      expect(auth.calls).toBe(calls + 1)
    }
  })

  test('is asked once on the next link if the link is lost in the pause', async () => {
    await using server = await FakeServer.start()
    const auth = failing('rejects', 1)
    using socket = connect(server.url, { auth, reconnectionDelay: 5, reconnectionDelayMax: 5 })
    // Lost while it is asked again, over and over.
    auth.limit = 6
    socket.on('connect_error', ({ code }) => {
      if (code === 'AUTH_FAILED' && auth.calls % 2 === 0) server.links.at(-1)?.close(CLOSE_CODES.ABNORMAL)
    })
    await next(socket, 'connect')
    const asked = server.links.flatMap((link) => link.frames.filter(({ type }) => type === 'CONNECT'))
    expect(asked).toHaveLength(1)
    expect(auth.calls).toBe(7)
  })

  test('may be replaced in its connect_error by credentials that work', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url, { auth: failing('throws', 100) })
    socket.once('connect_error', () => {
      socket.auth = { token: 'kept' }
    })
    await next(socket, 'connect')
    expect((await (await server.link()).frame('CONNECT')).body).toEqual({
      nsp: '/',
      auth: { token: 'kept' },
      client: expect.any(String),
    })
  })

  test('may be answered with connect() in connect_error: it is asked once for each link', async () => {
    await using server = await startServer()
    const auth = failing('throws', 50, new RoomcastError('LOGGED_OUT', 'sign in first'))
    const { manager, socket: opened } = connectManager(server.url, { auth })
    using socket = opened
    let opens = 0
    manager.on('open', () => opens++)
    socket.on('connect_error', () => socket.connect())
    await next(socket, 'connect')
    expect([opens, auth.calls]).toEqual([51, 51])
  })

  test('after it has answered is a fault of its own: the socket connects once, without a connect_error', async () => {
    using watched = watchProcess()
    await using server = await FakeServer.start()
    using socket = connect(server.url, {
      auth: async (answer) => {
        answer({ token: 'good' })
        throw new Error('of what came after')
      },
      reconnectionDelay: 0,
      reconnectionDelayMax: 0,
    })
    const seen: string[] = []
    socket.on('connect_error', ({ code }) => seen.push(code))
    socket.on('error', (error) => seen.push(error.message))
    await next(socket, 'connect')
    const link = await server.link()
    link.emit('end')
    await next(socket, 'end')
    expect(link.frames.map(({ type }) => type)).toEqual(['CONNECT'])
    expect(seen).toEqual(['of what came after'])
    expect(watched.events).toEqual([])
  })
})

test('an auth function that takes its time leaves the server the whole timeout', async () => {
  await using server = await FakeServer.start({
    // Not at once, and within the time there is for it.
    answer: (link, frame) => setTimeout(() => link.accept(frame), 300),
  })
  using socket = connect(server.url, { timeout: 500, auth: (answer) => setTimeout(answer, 300, {}) })
  const errors: string[] = []
  socket.on('connect_error', ({ code }) => errors.push(code))
  await next(socket, 'connect')
  expect(errors).toEqual([])
  expect(server.links).toHaveLength(1)
})

describe('a refusal by the middleware', () => {
  test('is final: nothing is asked again by itself, and connect() with another socket.auth works', async () => {
    let asked = 0
    await using server = await startServer((io) => {
      io.use((socket, next) => {
        asked++
        if (socket.handshake.auth.token === 'good') next()
        else next(new Error('bad token'))
      })
    })
    const manager = new Manager(server.url, { ...QUICK, reconnectionDelay: 0, reconnectionDelayMax: 0 })
    using socket = disposable(manager.socket('/', { auth: { token: 'bad' } }))
    await next(socket, 'connect_error')
    expect([socket.active, socket.state]).toEqual([false, 'idle'])
    await until(() => server.io.engine.clientsCount === 0)
    await turns()
    expect(asked).toBe(1)
    socket.auth = (answer: (auth: object) => void) => answer({ token: 'good' })
    socket.connect()
    await next(socket, 'connect')
    expect(asked).toBe(2)
  })
})
