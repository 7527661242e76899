import { io, isRoomcastError, Manager } from '@roomcast/client'
import { CLOSE_CODES, REFUSAL_SUBPROTOCOL, RoomcastError } from '@roomcast/protocol'
import type { Socket as ServerSocket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { FakeServer } from '../../../test-kit/fake-server'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { Manager as BaseManager } from '../src/manager/manager'
import { pollingTransport } from '../src/transport/polling'
import type { TransportEvents } from '../src/transport/transport'
import { connect, connectManager, disposable, errorOf, freePort, QUICK, startServerOn, turns } from './support'

describe('a connection', () => {
  test('begins disconnected, fires connect once, and has an id while it is connected', async () => {
    await using server = await startServer()
    using socket = connect(server.url)
    expect(socket).toMatchObject({ connected: false, disconnected: true, active: true, recovered: false, nsp: '/' })
    expect(socket.id).toBeUndefined()
    let connects = 0
    socket.on('connect', () => connects++)
    await next(socket, 'connect')
    expect(socket).toMatchObject({ connected: true, disconnected: false, active: true })
    expect(server.io.sockets.sockets.has(socket.id as string)).toBe(true)
    socket.connect().open()
    await turns()
    expect(connects).toBe(1)
    socket.disconnect()
    expect(socket).toMatchObject({ connected: false, disconnected: true, active: false })
    expect(socket.id).toBeUndefined()
  })

  test('takes the namespace from the path of the URL', async () => {
    await using server = await startServer((io) => {
      io.of('/chat/été')
    })
    using socket = connect(`${server.url}/chat/été`)
    await next(socket, 'connect')
    expect(socket.nsp).toBe('/chat/été')
    expect(server.io.of('/chat/été').sockets.has(socket.id as string)).toBe(true)
  })

  test.each(['http', 'ws'])('can be asked for with a URL of the scheme %s', async (scheme) => {
    await using server = await startServer()
    using socket = connect(server.url.replace('http', scheme))
    await next(socket, 'connect')
  })

  test('carries the query of the URL and of the option; the option wins', async () => {
    const sockets: ServerSocket[] = []
    await using server = await startServer((io) => {
      io.of('/news').on('connection', (socket) => sockets.push(socket))
    })
    using socket = connect(`${server.url}/news?a=1&b=two%20words`, { query: { b: 'ü&=', c: '3' } })
    await next(socket, 'connect')
    expect({ ...sockets[0]?.handshake.query }).toEqual({ a: '1', b: 'ü&=', c: '3' })
  })

  test('uses the path and the headers it was given', async () => {
    const sockets: ServerSocket[] = []
    await using server = await startServer((io) => io.on('connection', (socket) => sockets.push(socket)), {
      path: '/live/rooms',
    })
    using socket = connect(server.url, { path: '/live/rooms/', extraHeaders: { 'x-trace': 'abc' } })
    await next(socket, 'connect')
    expect(sockets[0]?.handshake.headers['x-trace']).toBe('abc')
  })

  test('waits for connect() with autoConnect false', async () => {
    await using server = await startServer()
    using socket = connect(server.url, { autoConnect: false })
    using other = connect(server.url)
    await next(other, 'connect')
    expect(socket).toMatchObject({ active: false, connected: false })
    expect(server.io.engine.clientsCount).toBe(1)
    expect(socket.connect()).toBe(socket)
    expect(socket.active).toBe(true)
    await next(socket, 'connect')
  })
})

describe('a refusal by the server', () => {
  test('reaches connect_error with its code, message and data, and is final', async () => {
    await using server = await startServer((io) => {
      io.use((socket, next) => {
        if (socket.handshake.auth?.token === 'good') next()
        else next(new RoomcastError('BAD_TOKEN', 'the token has expired', { data: { since: new Date(0) } }))
      })
    })
    const { manager, socket: opened } = connectManager(server.url, { auth: { token: 'old' } })
    using socket = opened
    let attempts = 0
    manager.on('reconnect_attempt', () => attempts++)
    const [error] = await next(socket, 'connect_error')
    expect(error).toMatchObject({ code: 'BAD_TOKEN', message: 'the token has expired', data: { since: new Date(0) } })
    expect(isRoomcastError(error)).toBe(true)
    expect(socket).toMatchObject({ active: false, connected: false })
    await until(() => server.io.engine.clientsCount === 0, 'the link to close with its last socket')
    socket.auth = { token: 'good' }
    socket.connect()
    await next(socket, 'connect')
    expect(attempts).toBe(0)
  })

  test('of an Error keeps message and data, with the code CONNECT_REFUSED', async () => {
    await using server = await startServer((io) => {
      io.use((_socket, next) => next(Object.assign(new Error('not you'), { data: { retry: false } })))
    })
    using socket = connect(server.url)
    const [error] = await next(socket, 'connect_error')
    expect(error).toMatchObject({ code: 'CONNECT_REFUSED', message: 'not you', data: { retry: false } })
  })

  test('does not disturb the other namespaces of the connection', async () => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => socket.on('echo', (value: unknown) => value))
    })
    const { manager, socket: opened } = connectManager(server.url)
    using socket = opened
    await next(socket, 'connect')
    const nowhere = manager.socket('/nowhere')
    const [error] = await next(nowhere, 'connect_error')
    expect(error).toMatchObject({ code: 'INVALID_NAMESPACE' })
    expect(nowhere.active).toBe(false)
    expect(await socket.emitWithAck('echo', 1)).toBe(1)
  })

  test('may be answered with connect() in the connect_error listener', async () => {
    await using server = await startServer((io) => {
      io.use((socket, next) => (socket.handshake.auth.n < 3 ? next(new Error('again')) : next()))
    })
    using socket = connect(server.url, { auth: { n: 1 } })
    socket.on('connect_error', () => {
      socket.auth = { n: (socket.auth as { n: number }).n + 1 }
      socket.connect()
    })
    await next(socket, 'connect')
    expect(socket.auth).toEqual({ n: 3 })
  })
})

describe('a server that is down', () => {
  test('is tried again until it is there', async () => {
    const port = await freePort()
    using socket = connect(`http://127.0.0.1:${port}`)
    const [error] = await next(socket, 'connect_error')
    expect(error).toMatchObject({ code: 'TRANSPORT_FAILED' })
    expect(socket).toMatchObject({ active: true, connected: false })
    await next(socket, 'connect_error')
    const connected = next(socket, 'connect')
    await using _server = await startServerOn(port)
    await connected
  })

  test('is not tried again with reconnection false', async () => {
    const port = await freePort()
    const { manager, socket: opened } = connectManager(`http://127.0.0.1:${port}`, { reconnection: false })
    using socket = opened
    let attempts = 0
    manager.on('reconnect_attempt', () => attempts++)
    await next(socket, 'connect_error')
    expect(socket.active).toBe(false)
    await using _server = await startServerOn(port)
    socket.connect()
    await next(socket, 'connect')
    expect(attempts).toBe(0)
  })

  test('can be given up with disconnect(), and a listener of connect_error may do it', async () => {
    const port = await freePort()
    const { manager, socket: opened } = connectManager(`http://127.0.0.1:${port}`)
    using socket = opened
    let attempts = 0
    manager.on('reconnect_attempt', () => attempts++)
    socket.once('connect_error', () => socket.disconnect())
    await next(socket, 'connect_error')
    expect(socket.active).toBe(false)
    await using _server = await startServerOn(port)
    socket.connect()
    await next(socket, 'connect')
    expect(attempts).toBe(0)
  })

  test('that refuses the upgrade is a failed attempt', async () => {
    let isOpen = false
    await using server = await startServer(() => {}, { allowRequest: async () => isOpen })
    using socket = connect(server.url)
    const [error] = await next(socket, 'connect_error')
    expect(error).toMatchObject({ code: 'TRANSPORT_FAILED' })
    expect(socket.active).toBe(true)
    isOpen = true
    await next(socket, 'connect')
  })
})

describe('a server without a common version', () => {
  const code = CLOSE_CODES.UNSUPPORTED_VERSION

  test('that says so with close 4001 is a final connect_error', async () => {
    await using server = await FakeServer.start({ subprotocol: REFUSAL_SUBPROTOCOL })
    const { manager, socket: opened } = connectManager(server.url)
    using socket = opened
    let attempts = 0
    manager.on('reconnect_attempt', () => attempts++)
    const failed = next(socket, 'connect_error')
    const link = await server.link()
    link.close(code)
    const [error] = await failed
    expect(error).toMatchObject({ code: 'UNSUPPORTED_VERSION' })
    expect(socket.active).toBe(false)
    expect(link.frames).toEqual([])
    socket.connect()
    await server.link()
    expect(attempts).toBe(0)
  })

  test('that says so after the link was accepted is a final connect_error too', async () => {
    await using server = await FakeServer.start({ answer: (link) => link.close(code) })
    using socket = connect(server.url)
    const [error] = await next(socket, 'connect_error')
    expect(error).toMatchObject({ code: 'UNSUPPORTED_VERSION' })
    expect(socket.active).toBe(false)
  })

  test('that selects the subprotocol of refusals and then never closes is no hang', async () => {
    await using server = await FakeServer.start({ subprotocol: REFUSAL_SUBPROTOCOL })
    using socket = connect(server.url, { timeout: 50 })
    const [error] = await next(socket, 'connect_error')
    expect(['CONNECT_TIMEOUT', 'UNSUPPORTED_VERSION']).toContain((error as RoomcastError).code)
  })

  test.each([null, 'roomcast.v999'])('that selects the subprotocol %s is never talked to', async (subprotocol) => {
    await using server = await FakeServer.start({ subprotocol })
    using socket = connect(server.url)
    const [error] = await next(socket, 'connect_error')
    expect(['TRANSPORT_FAILED', 'UNSUPPORTED_VERSION']).toContain((error as RoomcastError).code)
    const link = await server.link()
    await link.end()
    expect(link.frames).toEqual([])
    expect(socket.connected).toBe(false)
  })

  test('is final where the platform lets another subprotocol through', async () => {
    const closes: number[] = []
    const open = (_target: unknown, events: TransportEvents) => {
      queueMicrotask(() => events.onOpen('roomcast.v999'))
      const close = (code: number, reason: string) => {
        closes.push(code)
        events.onClose(code, reason)
      }
      return { send: () => {}, close, bufferedBytes: () => 0 }
    }
    const transports = { websocket: open, polling: pollingTransport }
    const manager = new BaseManager(new URL('http://test'), QUICK, { transports, store: new Map() })
    using socket = disposable(manager.socket('/'))
    const [error] = await next(socket, 'connect_error')
    expect(error).toMatchObject({ code: 'UNSUPPORTED_VERSION' })
    expect(socket.active).toBe(false)
    expect(closes).toEqual([code])
  })
})

describe('a server that does not answer', () => {
  test('the link is a connect_error CONNECT_TIMEOUT, and is tried again', async () => {
    await using server = await startServer()
    await using proxy = await FaultProxy.start(server.port)
    proxy.blackHole()
    using socket = connect(proxy.url, { timeout: 50 })
    const [error] = await next(socket, 'connect_error')
    expect(error).toMatchObject({ code: 'CONNECT_TIMEOUT' })
    expect(socket.active).toBe(true)
    await until(() => proxy.accepted >= 2, 'another attempt')
    proxy.pass()
    await next(socket, 'connect')
    expect(proxy.openLinks).toBe(1)
  })

  test('CONNECT is a connect_error CONNECT_TIMEOUT, closes the link, and is tried again', async () => {
    let isMute = true
    await using server = await FakeServer.start({ answer: (link, frame) => isMute || link.accept(frame) })
    using socket = connect(server.url, { timeout: 50 })
    const errors: string[] = []
    socket.on('connect_error', ({ code }) => {
      errors.push(code)
      isMute = false
    })
    const connected = next(socket, 'connect')
    await next(socket, 'connect_error')
    expect(socket).toMatchObject({ active: true, connected: false })
    const link = await server.link()
    expect((await link.end()).code).toBe(CLOSE_CODES.CONNECT_TIMEOUT)
    await connected
    expect(errors).toEqual(['CONNECT_TIMEOUT'])
  })

  test('CONNECT with reconnection false is one connect_error with active false', async () => {
    await using server = await FakeServer.start({ answer: () => {} })
    const { manager, socket: opened } = connectManager(server.url, { timeout: 50, reconnection: false })
    using socket = opened
    const errors: unknown[] = []
    socket.on('connect_error', ({ code }) => errors.push([code, socket.active]))
    await next(manager, 'close')
    await turns()
    expect(errors).toEqual([['CONNECT_TIMEOUT', false]])
  })

  test('CONNECT because the link is lost is a connect_error, and is tried again', async () => {
    let losses = 0
    await using server = await FakeServer.start({
      answer: (link, frame) => (losses++ < 2 ? link.close(CLOSE_CODES.ABNORMAL) : link.accept(frame)),
    })
    using socket = connect(server.url)
    let disconnects = 0
    socket.on('disconnect', () => disconnects++)
    const errors: unknown[] = []
    socket.on('connect_error', ({ code }) => errors.push([code, socket.active]))
    await next(socket, 'connect')
    expect(errors).toEqual([
      ['TRANSPORT_FAILED', true],
      ['TRANSPORT_FAILED', true],
    ])
    expect(disconnects).toBe(0)
  })

  test('CONNECT but closes for good is a connect_error with active false', async () => {
    await using server = await FakeServer.start({ answer: (link) => link.close(CLOSE_CODES.KICKED, 'no') })
    using socket = connect(server.url)
    await next(socket, 'connect_error')
    expect(socket.active).toBe(false)
  })

  test('with CONNECTED for a namespace that was not asked for is not believed', async () => {
    await using server = await FakeServer.start({
      answer: (link, frame) => {
        link.accept({ ...frame, body: { nsp: '/other' } }, { namespace: 1 })
        link.accept(frame)
        link.accept(frame)
      },
    })
    using socket = connect(server.url)
    let connects = 0
    socket.on('connect', () => connects++)
    await next(socket, 'connect')
    const link = await server.link()
    link.emit('end', [])
    await next(socket, 'end')
    expect(connects).toBe(1)
    expect(socket.id).toBe('fake-2')
  })
})

describe('bad arguments are refused at the call', () => {
  test.each([
    ['', 'INVALID_OPTION'],
    ['localhost', 'INVALID_OPTION'],
    ['/chat', 'INVALID_OPTION'],
    ['ftp://localhost', 'INVALID_OPTION'],
    ['localhost:3000', 'INVALID_OPTION'],
    ['http://', 'INVALID_OPTION'],
    [`http://localhost/${'x'.repeat(200)}`, 'INVALID_NAMESPACE'],
    ['http://localhost/%01', 'INVALID_NAMESPACE'],
    ['http://localhost/%ff', 'INVALID_NAMESPACE'],
  ])('the URL "%s"', async (url, code) => {
    expect((await errorOf(() => io(url, { autoConnect: false }))).code).toBe(code)
  })

  test('no URL at all, outside of a page', async () => {
    expect((await errorOf(() => io())).code).toBe('INVALID_OPTION')
    expect((await errorOf(() => io({ autoConnect: false }))).code).toBe('INVALID_OPTION')
  })

  test.each(['', 'localhost', 'localhost:3000', 'ftp://localhost'])('the URL "%s" of a Manager', async (url) => {
    expect((await errorOf(() => new Manager(url))).code).toBe('INVALID_OPTION')
  })

  test('a name of a Manager’s namespace that is none', async () => {
    const manager = new Manager('http://localhost', { autoConnect: false })
    for (const name of ['', 'chat', '/\u0000', `/${'x'.repeat(200)}`]) {
      expect((await errorOf(() => manager.socket(name))).code).toBe('INVALID_NAMESPACE')
    }
  })

  test.each([{ transports: ['webtransport'] }, { transports: ['websocket', ''] }, { transports: [] }])(
    'the option %o',
    async (options) => {
      const error = await errorOf(() => io('http://localhost', { autoConnect: false, ...options }))
      expect(error.code).toBe('OPTION_NOT_SUPPORTED')
    },
  )

  test.each(['polling, websocket', 'websocket', 'polling'])('transports %s are taken', (names) => {
    const socket = io('http://localhost', { autoConnect: false, forceNew: true, transports: names.split(', ') })
    expect(socket.active).toBe(false)
  })

  // A timer of Node.js and browsers takes a longer time for none at all, and would fire at once.
  test.each([
    { timeout: Number.POSITIVE_INFINITY },
    { timeout: 2 ** 31 },
    { timeout: Number.NaN },
    { timeout: -1 },
    { ackTimeout: Number.POSITIVE_INFINITY },
    { ackTimeout: 2 ** 31 },
    { reconnectionDelay: -1 },
    { reconnectionDelayMax: Number.NaN },
    { reconnectionAttempts: -1 },
    { outboxLimit: -1 },
    { outboxBytes: Number.NaN },
  ])('the option %o', async (options) => {
    const error = await errorOf(() => io('http://localhost', { autoConnect: false, forceNew: true, ...options }))
    expect(error.code).toBe('INVALID_OPTION')
  })
})
