import { io, Manager } from '@roomcast/client'
import { CLOSE_CODES, MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { FakeServer } from '../../../test-kit/fake-server'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { connect, connectManager, disposable, QUICK } from './support'

const NAMESPACES = ['/', '/a', '/b']

function startWithNamespaces() {
  return startServer((io) => {
    for (const name of NAMESPACES) {
      io.of(name).on('connection', (socket) => socket.on('where', () => socket.nsp.name))
    }
  })
}

test('namespaces of one server share a connection', async () => {
  await using server = await startWithNamespaces()
  using main = disposable(io(server.url, QUICK))
  using first = disposable(io(`${server.url}/a`, QUICK))
  using second = disposable(io(`${server.url}/b`, QUICK))
  const sockets = [main, first, second]
  await Promise.all(sockets.map((socket) => next(socket, 'connect')))
  expect(server.io.engine.clientsCount).toBe(1)
  expect(new Set(sockets.map(({ id }) => id)).size).toBe(3)
  expect(await Promise.all(sockets.map((socket) => socket.emitWithAck('where')))).toEqual(NAMESPACES)
})

test('namespaces may be connected one after the other, on the open connection', async () => {
  await using server = await startWithNamespaces()
  using first = disposable(io(server.url, QUICK))
  await next(first, 'connect')
  using second = disposable(io(`${server.url}/a`, QUICK))
  await next(second, 'connect')
  expect(server.io.engine.clientsCount).toBe(1)
})

test('sockets made after all others were closed share a connection again', async () => {
  await using server = await startWithNamespaces()
  const closed = io(server.url, QUICK)
  await next(closed, 'connect')
  closed.close()
  using first = disposable(io(server.url, QUICK))
  using second = disposable(io(`${server.url}/a`, QUICK))
  await Promise.all([next(first, 'connect'), next(second, 'connect')])
  expect(first).not.toBe(closed)
  await until(() => server.io.engine.clientsCount === 1)
})

test('a second socket of the same namespace gets a connection of its own', async () => {
  await using server = await startWithNamespaces()
  using first = disposable(io(server.url, QUICK))
  using second = disposable(io(server.url, QUICK))
  expect(second).not.toBe(first)
  await Promise.all([next(first, 'connect'), next(second, 'connect')])
  expect(server.io.engine.clientsCount).toBe(2)
  expect(second.id).not.toBe(first.id)
})

test.each([{ forceNew: true }, { multiplex: false }])('%o gives a connection of its own', async (options) => {
  await using server = await startWithNamespaces()
  using first = disposable(io(server.url, QUICK))
  using second = disposable(io(`${server.url}/a`, { ...QUICK, ...options }))
  using third = disposable(io(`${server.url}/b`, QUICK))
  await Promise.all([first, second, third].map((socket) => next(socket, 'connect')))
  expect(server.io.engine.clientsCount).toBe(2)
})

test('servers with another path are other servers', async () => {
  await using server = await startWithNamespaces()
  using first = disposable(io(server.url, QUICK))
  using second = disposable(io(`${server.url}/a`, { ...QUICK, path: '/roomcast/elsewhere' }))
  await next(first, 'connect')
  await next(second, 'connect_error')
  expect(second.connected).toBe(false)
})

test('a socket that leaves does not disturb the others, and the link closes with the last one', async () => {
  await using server = await startWithNamespaces()
  const { manager, socket: opened } = connectManager(server.url)
  using main = opened
  using other = disposable(manager.socket('/a'))
  await Promise.all([next(main, 'connect'), next(other, 'connect')])
  let disconnects = 0
  other.on('disconnect', () => disconnects++)
  main.disconnect()
  await until(() => server.io.sockets.sockets.size === 0)
  expect(await other.emitWithAck('where')).toBe('/a')
  expect(server.io.engine.clientsCount).toBe(1)
  expect(disconnects).toBe(0)
  other.disconnect()
  await until(() => server.io.engine.clientsCount === 0)
})

test('the link is closed with code 1000', async () => {
  await using server = await FakeServer.start()
  using socket = connect(server.url)
  await next(socket, 'connect')
  socket.disconnect()
  const link = await server.link()
  expect((await link.end()).code).toBe(CLOSE_CODES.NORMAL)
  expect(link.frames.map(({ type }) => type)).toEqual(['CONNECT', 'DISCONNECT'])
})

test('a namespace can be left and joined again on the open connection', async () => {
  await using server = await startWithNamespaces()
  const { manager, socket: opened } = connectManager(server.url)
  using main = opened
  using other = disposable(manager.socket('/a'))
  await Promise.all([next(main, 'connect'), next(other, 'connect')])
  const firstId = other.id
  for (let i = 0; i < 20; i++) {
    other.disconnect().connect()
    await next(other, 'connect')
  }
  expect(other.id).not.toBe(firstId)
  expect(await other.emitWithAck('where')).toBe('/a')
  expect(server.io.of('/a').sockets.size).toBe(1)
  expect(server.io.engine.clientsCount).toBe(1)
})

test('a socket that left while the server was answering leaves nothing behind on the server', async () => {
  const waiting: (() => void)[] = []
  await using server = await startServer((io) => {
    io.of('/slow').use((_socket, next) => waiting.push(next))
  })
  const { manager, socket: opened } = connectManager(server.url)
  using main = opened
  await next(main, 'connect')
  using slow = disposable(manager.socket('/slow'))
  await until(() => waiting.length > 0, 'the middleware to run')
  let connects = 0
  slow.on('connect', () => connects++)
  slow.disconnect()
  waiting[0]?.()
  // Whatever comes about the namespace has come when a later question is answered.
  await main
    .timeout(5_000)
    .emitWithAck('nobody')
    .catch(() => {})
  await until(() => server.io.of('/slow').sockets.size === 0, 'the server to know that the socket left')
  expect(connects).toBe(0)
  expect(main.connected).toBe(true)
})

test('a socket that leaves and comes back while the server is answering does not break the connection', async () => {
  const waiting: (() => void)[] = []
  await using server = await startServer((io) => {
    io.of('/slow').use((_socket, next) => waiting.push(next))
  })
  const { manager, socket: opened } = connectManager(server.url)
  using main = opened
  let disconnects = 0
  main.on('disconnect', () => disconnects++)
  await next(main, 'connect')
  using slow = disposable(manager.socket('/slow'))
  await until(() => waiting.length > 0, 'the middleware to run')
  slow.disconnect()
  slow.connect()
  const pass = setInterval(() => waiting.shift()?.(), 1)
  await next(slow, 'connect')
  clearInterval(pass)
  expect(disconnects).toBe(0)
  await until(() => server.io.of('/slow').sockets.size === 1)
  expect(server.io.of('/slow').sockets.has(slow.id as string)).toBe(true)
})

test('a Manager gives the same socket for the same name, and connects it again', async () => {
  await using server = await startWithNamespaces()
  const manager = new Manager(server.url, QUICK)
  using socket = disposable(manager.socket('/a'))
  await next(socket, 'connect')
  expect(manager.socket('/a')).toBe(socket)
  socket.disconnect()
  expect(manager.socket('/a')).toBe(socket)
  await next(socket, 'connect')
})

test('a Manager with autoConnect false waits for its sockets to be connected', async () => {
  await using server = await startWithNamespaces()
  const manager = new Manager(server.url, { ...QUICK, autoConnect: false })
  using main = disposable(manager.socket('/'))
  using other = disposable(manager.socket('/a'))
  expect([main.active, other.active]).toEqual([false, false])
  other.connect()
  await next(other, 'connect')
  expect(main.active).toBe(false)
})

test('sockets of a Manager may have credentials of their own', async () => {
  const seen: unknown[] = []
  await using server = await startServer((io) => {
    for (const name of NAMESPACES) io.of(name).on('connection', (socket) => seen.push([name, socket.handshake.auth]))
  })
  const manager = new Manager(server.url, QUICK)
  using main = disposable(manager.socket('/', { auth: { as: 'main' } }))
  using other = disposable(manager.socket('/a', { auth: { as: 'other' } }))
  await Promise.all([next(main, 'connect'), next(other, 'connect')])
  expect(seen).toEqual([
    ['/', { as: 'main' }],
    ['/a', { as: 'other' }],
  ])
})

test('a Manager tells when its link opens and closes', async () => {
  await using server = await startServer()
  const { manager, socket: opened } = connectManager(server.url, { reconnection: false })
  using socket = opened
  const events: unknown[] = []
  manager.on('open', () => events.push('open'))
  manager.on('close', (reason, { code, verdict }) => events.push([reason, code, verdict]))
  await next(socket, 'connect')
  expect(events).toEqual(['open'])
  await server.io.close()
  await next(manager, 'close')
  expect(events).toEqual(['open', ['transport close', CLOSE_CODES.SERVER_SHUTDOWN, 'backoff']])
})

test('a socket knows its manager, as in Socket.IO', async () => {
  const { manager, socket: opened } = connectManager('http://localhost', { autoConnect: false })
  using socket = opened
  expect((socket as unknown as { io: Manager }).io === manager).toBe(true)
})

test('events of one namespace never reach another', async () => {
  await using server = await FakeServer.start({
    answer: (link, frame) => link.accept(frame, { namespace: (frame.body as { nsp: string }).nsp === '/' ? 0 : 7 }),
  })
  const { manager, socket: opened } = connectManager(server.url)
  using main = opened
  using other = disposable(manager.socket('/a'))
  const seen: string[] = []
  main.onAny((event) => seen.push(`main ${event}`))
  other.onAny((event) => seen.push(`other ${event}`))
  await Promise.all([next(main, 'connect'), next(other, 'connect')])
  const link = await server.link()
  link.send({ type: MESSAGE_TYPES.EVENT, namespace: 7, event: 'x' }, [])
  link.send({ type: MESSAGE_TYPES.EVENT, namespace: 99, event: 'to nobody' }, [])
  link.emit('y')
  await next(main, 'y')
  expect(seen).toEqual(['other x', 'main y'])
})

describe('a namespace that is not answered while another one is connected', () => {
  const isMain = ({ body }: { body: unknown }) => (body as { nsp: string }).nsp === '/'

  test('is a connect_error CONNECT_TIMEOUT of its own, and connects when the answer comes late', async () => {
    await using server = await FakeServer.start({ answer: (link, frame) => isMain(frame) && link.accept(frame) })
    const { manager, socket: opened } = connectManager(server.url, { timeout: 40 })
    using main = opened
    using other = disposable(manager.socket('/a'))
    const seen: string[] = []
    for (const socket of [main, other]) {
      socket.on('disconnect', (reason) => seen.push(`${socket.nsp} ${reason}`))
      socket.on('connect_error', ({ code }) => seen.push(`${socket.nsp} ${code} ${socket.active} ${socket.state}`))
    }
    await next(main, 'connect')
    await until(() => seen.length === 2)
    expect(seen).toEqual(Array(2).fill('/a CONNECT_TIMEOUT true connecting'))
    const link = await server.link()
    const [, connectOther] = link.frames
    expect(link.frames).toHaveLength(2)
    if (connectOther) link.accept(connectOther, { namespace: 1 })
    await next(other, 'connect')
    expect(other.connected && main.connected).toBe(true)
    expect(server.links).toHaveLength(1)
    expect(seen.filter((text) => text.startsWith('/ '))).toEqual([])
  })

  test('goes on being a connect_error after disconnect() and connect()', async () => {
    await using server = await FakeServer.start({ answer: (link, frame) => isMain(frame) && link.accept(frame) })
    const { manager, socket: opened } = connectManager(server.url, { timeout: 40 })
    using main = opened
    using other = disposable(manager.socket('/a'))
    await next(main, 'connect')
    await next(other, 'connect_error')
    other.disconnect().connect()
    const [error] = await next(other, 'connect_error')
    expect(error).toMatchObject({ code: 'CONNECT_TIMEOUT' })
    expect(main.connected).toBe(true)
    // The late answer is one to the question of before: it is asked again.
    const link = await server.link()
    const [, connectOther] = link.frames
    if (connectOther) link.accept(connectOther, { namespace: 1 })
    await until(() => link.frames.filter(({ type }) => type === 'CONNECT').length === 3)
    const last = link.frames.filter(({ type }) => type === 'CONNECT')[2]
    if (last) link.accept(last, { namespace: 2 })
    await next(other, 'connect')
    expect(other.id).toBe('fake-3')
    expect(link.frames.filter(({ type }) => type === 'DISCONNECT').map(({ namespace }) => namespace)).toEqual([1])
  })

  test('ends the link when the other one has left', async () => {
    await using server = await FakeServer.start({
      answer: (link, frame) => (isMain(frame) || server.links.length > 1) && link.accept(frame),
    })
    const { manager, socket: opened } = connectManager(server.url, { timeout: 40 })
    using main = opened
    using other = disposable(manager.socket('/a'))
    await next(main, 'connect')
    await next(other, 'connect_error')
    main.disconnect()
    await next(other, 'connect')
    expect((await (await server.link()).end()).code).toBe(CLOSE_CODES.CONNECT_TIMEOUT)
  })
})
