import { CLOSE_CODES, MESSAGE_TYPES, type RoomcastError } from '@roomcast/protocol'
import type { Server } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { FakeServer } from '../../../test-kit/fake-server'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { connect, connectManager, disposable, errorOf, type TestSocket, turns } from './support'

function answerEcho(io: Server): void {
  io.on('connection', (socket) => {
    socket.on('echo', (value: unknown) => value)
    socket.on('mute', () => {})
  })
}

/** Writes down every `disconnect` with what the socket says of itself at that moment. */
function recordDisconnects(socket: TestSocket): unknown[] {
  const seen: unknown[] = []
  socket.on('disconnect', (reason, details) => {
    seen.push({ reason, code: details?.code, verdict: details?.verdict, connected: socket.connected, id: socket.id })
  })
  return seen
}

const GONE = { connected: false, id: undefined }

describe('the reason of a disconnect', () => {
  test('is "io client disconnect" for disconnect() and close(), at once and once', async () => {
    await using server = await startServer(answerEcho)
    const reasons: unknown[] = []
    server.io.on('connection', (socket) => {
      socket.on('disconnect', (reason) => reasons.push(reason))
    })
    using socket = connect(server.url)
    const seen = recordDisconnects(socket)
    await next(socket, 'connect')
    expect(socket.disconnect()).toBe(socket)
    const gone = { reason: 'io client disconnect', code: undefined, verdict: undefined, ...GONE }
    expect(seen).toEqual([gone])
    socket.disconnect().close()
    expect(seen).toHaveLength(1)
    expect(socket.active).toBe(false)
    await until(() => reasons.length > 0)
    expect(reasons).toEqual(['client namespace disconnect'])
    socket.connect()
    await next(socket, 'connect')
    socket.close()
    expect(seen).toEqual([gone, gone])
  })

  test('is "io server disconnect" when the server ends the namespace', async () => {
    await using server = await startServer(answerEcho)
    using socket = connect(server.url)
    const seen = recordDisconnects(socket)
    await next(socket, 'connect')
    server.io.disconnectSockets()
    await until(() => seen.length > 0)
    expect(seen).toEqual([{ reason: 'io server disconnect', code: undefined, verdict: undefined, ...GONE }])
  })

  test('is "io server disconnect" with the code that the server gives for the end of a namespace', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url)
    const seen = recordDisconnects(socket)
    await next(socket, 'connect')
    const link = await server.link()
    link.send({ type: MESSAGE_TYPES.DISCONNECT }, { code: CLOSE_CODES.REPLACED, message: 'elsewhere' })
    await until(() => seen.length > 0)
    expect(seen).toEqual([{ reason: 'io server disconnect', code: 4013, verdict: 'never', ...GONE }])
    expect(socket.lastClose).toEqual({ code: 4013, message: 'elsewhere', verdict: 'never' })
    expect(socket.active).toBe(false)
    socket.connect()
    await next(socket, 'connect')
    // Without a code, or with something else, it says nothing of the connection.
    const again = await server.link()
    again.send({ type: MESSAGE_TYPES.DISCONNECT }, { code: 'KICKED' })
    await until(() => seen.length > 1)
    expect(seen[1]).toMatchObject({ reason: 'io server disconnect', code: undefined })
    expect(socket.lastClose?.code).toBe(4013)
  })

  test('is "io server disconnect" with code 4000 when the server closes the link for good', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url)
    const seen = recordDisconnects(socket)
    await next(socket, 'connect')
    const link = await server.link()
    link.close(CLOSE_CODES.KICKED)
    await until(() => seen.length > 0)
    expect(seen).toEqual([{ reason: 'io server disconnect', code: 4000, verdict: 'never', ...GONE }])
  })

  test('is "transport close" with code 1012 when the server shuts down', async () => {
    await using server = await startServer(answerEcho)
    using socket = connect(server.url)
    const seen = recordDisconnects(socket)
    await next(socket, 'connect')
    await server.io.close()
    await until(() => seen.length > 0)
    expect(seen).toEqual([{ reason: 'transport close', code: 1012, verdict: 'backoff', ...GONE }])
  })

  test('is "transport close" with code 1006 when the link is cut', async () => {
    await using server = await startServer(answerEcho)
    await using proxy = await FaultProxy.start(server.port)
    using socket = connect(proxy.url)
    const seen = recordDisconnects(socket)
    await next(socket, 'connect')
    proxy.cut()
    await until(() => seen.length > 0)
    expect(seen).toEqual([{ reason: 'transport close', code: 1006, verdict: 'backoff', ...GONE }])
  })

  test('is not fired for a socket that was never connected', async () => {
    await using server = await FakeServer.start({ answer: () => {} })
    using socket = connect(server.url)
    const seen = recordDisconnects(socket)
    const link = await server.link()
    await link.frame('CONNECT')
    socket.disconnect()
    await link.end()
    expect(seen).toEqual([])
    expect(socket.active).toBe(false)
  })
})

describe('after disconnect()', () => {
  test('frames that are on their way are not delivered: the link', async () => {
    await using server = await startServer(answerEcho)
    await using proxy = await FaultProxy.start(server.port)
    using socket = connect(proxy.url)
    await next(socket, 'connect')
    const seen: string[] = []
    socket.onAny((event) => seen.push(event))
    proxy.stall()
    for (let i = 0; i < 10; i++) server.io.emit('late', i)
    socket.disconnect()
    proxy.pass()
    await until(() => server.io.engine.clientsCount === 0)
    await until(() => proxy.openLinks === 0)
    expect(seen).toEqual([])
  })

  test('frames that are on their way are not delivered: one namespace of several', async () => {
    await using server = await startServer((io) => {
      answerEcho(io)
      io.of('/a').on('connection', (socket) => socket.on('flood', () => void io.of('/a').emit('late')))
    })
    const { manager, socket: opened } = connectManager(server.url)
    using main = opened
    using other = disposable(manager.socket('/a'))
    await Promise.all([next(main, 'connect'), next(other, 'connect')])
    const seen: string[] = []
    other.onAny((event) => seen.push(event))
    for (let i = 0; i < 10; i++) other.emit('flood')
    other.disconnect()
    // The answer comes behind all of them.
    await main.emitWithAck('echo', 0)
    expect(seen).toEqual([])
  })

  test('frames of before are not delivered when it is connected again on the same link', async () => {
    await using server = await FakeServer.start({
      answer: (link, frame) => link.accept(frame, { namespace: (frame.body as { nsp: string }).nsp === '/' ? 0 : 1 }),
    })
    const { manager, socket: opened } = connectManager(server.url)
    using main = opened
    using other = disposable(manager.socket('/a'))
    await Promise.all([next(main, 'connect'), next(other, 'connect')])
    const link = await server.link()
    const seen: unknown[] = []
    other.on('n', (n) => seen.push(n))
    other.disconnect()
    link.send({ type: MESSAGE_TYPES.EVENT, namespace: 1, event: 'n' }, ['of before'])
    link.emit('sent')
    await next(main, 'sent')
    other.connect()
    await next(other, 'connect')
    link.send({ type: MESSAGE_TYPES.EVENT, namespace: 1, event: 'n' }, ['of now'])
    await next(other, 'n')
    expect(seen).toEqual(['of now'])
  })

  test('calls that wait for an answer fail with DISCONNECTED, each once, and a late answer is ignored', async () => {
    await using server = await startServer(answerEcho)
    using socket = connect(server.url)
    await next(socket, 'connect')
    const outcomes: string[] = []
    socket.timeout(5_000).emit('mute', (error: RoomcastError) => outcomes.push(error.code))
    const calls = [errorOf(() => socket.emitWithAck('mute')), errorOf(() => socket.emitWithAck('echo', 1))]
    socket.disconnect()
    expect(outcomes).toEqual(['DISCONNECTED'])
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(['DISCONNECTED', 'DISCONNECTED'])
    socket.connect()
    await next(socket, 'connect')
    expect(await socket.emitWithAck('echo', 2)).toBe(2)
    expect(outcomes).toHaveLength(1)
  })

  test('a frame behind the end of a namespace by the server is not delivered', async () => {
    await using server = await FakeServer.start({
      answer: (link, frame) => link.accept(frame, { namespace: (frame.body as { nsp: string }).nsp === '/' ? 0 : 1 }),
    })
    const { manager, socket: opened } = connectManager(server.url)
    using main = opened
    using other = disposable(manager.socket('/a'))
    await Promise.all([next(main, 'connect'), next(other, 'connect')])
    const link = await server.link()
    const seen: string[] = []
    other.onAny((event) => seen.push(event))
    link.send({ type: MESSAGE_TYPES.DISCONNECT, namespace: 1 }, null)
    link.send({ type: MESSAGE_TYPES.EVENT, namespace: 1, event: 'late' }, [])
    link.emit('end')
    await next(main, 'end')
    expect(other.connected).toBe(false)
    expect(seen).toEqual([])
  })
})

describe('disconnect() inside a handler', () => {
  test('of connect leaves the server without the socket', async () => {
    await using server = await startServer(answerEcho)
    using socket = connect(server.url, { autoConnect: false })
    const order: string[] = []
    socket.on('connect', () => {
      order.push('connect')
      socket.disconnect()
      order.push('end of connect')
    })
    socket.on('disconnect', () => order.push('disconnect'))
    socket.connect()
    await until(() => order.length === 3)
    expect(order).toEqual(['connect', 'disconnect', 'end of connect'])
    await until(() => server.io.engine.clientsCount === 0)
    expect(socket.active).toBe(false)
  })

  test('of an event delivers no later event', async () => {
    await using server = await startServer(answerEcho)
    using socket = connect(server.url)
    await next(socket, 'connect')
    const seen: unknown[] = []
    socket.on('n', (n) => {
      seen.push(n)
      if (n === 1) socket.disconnect()
    })
    for (let i = 0; i < 5; i++) server.io.emit('n', i)
    await next(socket, 'disconnect')
    await until(() => server.io.engine.clientsCount === 0)
    expect(seen).toEqual([0, 1])
  })

  test('of an event with an ack: the answer is not sent, and nothing breaks', async () => {
    await using server = await startServer(answerEcho)
    using socket = connect(server.url)
    await next(socket, 'connect')
    const peer = server.io.sockets.sockets.get(socket.id as string)
    socket.on('bye', (ack: (value: unknown) => void) => {
      socket.disconnect()
      ack(1)
    })
    const error = await errorOf(() => peer?.emitWithAck('bye'))
    expect(error.code).toBe('DISCONNECTED')
    expect(server.faults).toEqual([])
  })

  test('of an ack fails the calls behind it', async () => {
    await using server = await startServer(answerEcho)
    using socket = connect(server.url)
    await next(socket, 'connect')
    socket.emit('echo', 1, () => socket.disconnect())
    expect((await errorOf(() => socket.emitWithAck('echo', 2))).code).toBe('DISCONNECTED')
    expect(socket.active).toBe(false)
    await until(() => server.io.engine.clientsCount === 0)
  })

  test('of onAny or onAnyOutgoing does not break the event', async () => {
    await using server = await startServer(answerEcho)
    using socket = connect(server.url)
    await next(socket, 'connect')
    socket.onAnyOutgoing(() => socket.disconnect())
    const call = socket.emitWithAck('echo', 1)
    expect(socket.active).toBe(false)
    socket.offAnyOutgoing().connect()
    expect(await call).toBe(1)
  })
})

describe('connect() inside a handler of disconnect', () => {
  test('connects again after disconnect()', async () => {
    await using server = await startServer(answerEcho)
    using socket = connect(server.url)
    await next(socket, 'connect')
    const { id } = socket
    socket.once('disconnect', () => socket.connect())
    const again = next(socket, 'connect')
    socket.disconnect()
    await again
    expect(await socket.emitWithAck('echo', 1)).toBe(1)
    expect(socket.id).not.toBe(id)
    await until(() => server.io.engine.clientsCount === 1)
    expect(server.io.sockets.sockets.size).toBe(1)
  })

  test('connects one namespace again while another one is connected', async () => {
    await using server = await startServer((io) => {
      answerEcho(io)
      io.of('/a').on('connection', (socket) => socket.on('echo', (value: unknown) => value))
    })
    const { manager, socket: opened } = connectManager(server.url)
    using main = opened
    using other = disposable(manager.socket('/a'))
    await Promise.all([next(main, 'connect'), next(other, 'connect')])
    let mainDisconnects = 0
    main.on('disconnect', () => mainDisconnects++)
    other.once('disconnect', () => other.connect())
    const again = next(other, 'connect')
    other.disconnect()
    await again
    expect(await other.emitWithAck('echo', 1)).toBe(1)
    expect(await main.emitWithAck('echo', 2)).toBe(2)
    expect(mainDisconnects).toBe(0)
    expect(server.io.of('/a').sockets.size).toBe(1)
  })

  test('does no harm where the client comes back by itself', async () => {
    await using server = await startServer(answerEcho)
    await using proxy = await FaultProxy.start(server.port)
    using socket = connect(proxy.url)
    await next(socket, 'connect')
    let connects = 0
    socket.on('connect', () => connects++)
    socket.on('disconnect', () => socket.connect())
    const again = next(socket, 'connect')
    proxy.cut()
    await again
    await socket.emitWithAck('echo', 0)
    expect(connects).toBe(1)
    await until(() => server.io.engine.clientsCount === 1)
  })

  test('may also come from the failed ack of a call', async () => {
    await using server = await startServer(answerEcho)
    using socket = connect(server.url)
    await next(socket, 'connect')
    socket.timeout(5_000).emit('mute', () => socket.connect())
    const again = next(socket, 'connect')
    socket.disconnect()
    await again
    expect(await socket.emitWithAck('echo', 1)).toBe(1)
    await until(() => server.io.sockets.sockets.size === 1)
  })
})

test('events that are emitted before disconnect() reach the server', async () => {
  const seen: unknown[] = []
  const ends: unknown[] = []
  await using server = await startServer((io) => {
    io.on('connection', (socket) => {
      socket.on('n', (n: unknown) => void seen.push(n))
      socket.on('disconnect', () => ends.push([...seen]))
    })
  })
  using socket = connect(server.url)
  await next(socket, 'connect')
  for (let i = 0; i < 200; i++) socket.emit('n', i)
  socket.disconnect()
  await until(() => ends.length > 0)
  expect(ends[0]).toEqual(Array.from({ length: 200 }, (_, i) => i))
})

test('connecting and disconnecting in quick turns ends in the state that was asked for last', async () => {
  await using server = await startServer(answerEcho)
  using socket = connect(server.url, { autoConnect: false })
  for (let i = 0; i < 50; i++) socket.connect().disconnect()
  await turns()
  expect(socket.active).toBe(false)
  await until(() => server.io.engine.clientsCount === 0)
  for (let i = 0; i < 50; i++) socket.disconnect().connect()
  await until(() => socket.connected)
  expect(await socket.emitWithAck('echo', 1)).toBe(1)
  await until(() => server.io.engine.clientsCount === 1)
  expect(server.io.sockets.sockets.size).toBe(1)
})
