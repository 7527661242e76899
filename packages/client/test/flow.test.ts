import { MESSAGE_TYPES, TYPE_MASK } from '@roomcast/protocol'
import type { Server } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer, type TestServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import type { Socket } from '../src/socket/socket'
import type { OpenTransport } from '../src/transport/transport'
import { connectSplit } from './fault-support'
import { connect, errorOf, type TestSocket, timers, turns } from './support'

/*
 * What waits to be sent: as a number, as a state, and as something to wait for. The proxy takes nothing from the client for a while; on
 * WebSocket it is the kernel that has to be full first.
 */

const KIB = 1_024
const CHUNK = new Uint8Array(32 * KIB)
/** Nobody judges a link that is stalled on purpose, nor the megabytes that come when it goes on. */
const PATIENT = { pingInterval: 60_000, pingTimeout: 60_000, rateLimits: false } as const

interface Scene extends AsyncDisposable {
  readonly proxy: FaultProxy
  readonly server: TestServer
  readonly socket: TestSocket
  /** Names of the events that have arrived. */
  readonly arrived: string[]
  /** What the event `congestion` has told. */
  readonly told: string[]
}

/** A socket that is connected through a proxy, and has nothing to send. */
async function start(transport: string): Promise<Scene> {
  const arrived: string[] = []
  const setUp = (io: Server) =>
    io.on('connection', (socket) => {
      socket.onAny((event) => arrived.push(event))
      socket.on('echo', (value: unknown) => value)
    })
  const server = await startServer(setUp, PATIENT)
  const proxy = await FaultProxy.start(server.port)
  const socket = connect(proxy.url, { transports: [transport] })
  const told: string[] = []
  socket.conn.on('congestion', (congestion) => told.push(congestion))
  await next(socket, 'connect')
  await until(() => socket.conn.buffered === 0, 'nothing to wait')
  return {
    proxy,
    server,
    socket,
    arrived,
    told,
    async [Symbol.asyncDispose]() {
      socket.disconnect()
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Sends until so much waits. @returns How many events that were. */
async function fill(socket: Socket, congestion: 'high' | 'over'): Promise<number> {
  let count = 0
  while (socket.conn.congestion !== congestion) {
    socket.emit('chunk', CHUNK)
    count++
    // The kernel takes what it can.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return count
}

describe.each(['websocket', 'polling'])('what waits to be sent, on %s', (transport) => {
  test('is a number and a state, and drained() waits until it has gone', async () => {
    await using scene = await start(transport)
    const { socket, proxy, told, arrived } = scene
    const { conn } = socket
    expect(conn).toBe(socket.io)
    expect([conn.buffered, conn.congestion]).toEqual([0, 'none'])
    await conn.drained()
    proxy.stall('up')
    const count = await fill(socket, 'over')
    expect(conn.buffered).toBeGreaterThanOrEqual(KIB * KIB)
    await until(() => told.at(-1) === 'over', 'the event')
    let isDrained = false
    const drained = conn.drained().then(() => {
      isDrained = true
    })
    await turns()
    expect(isDrained).toBe(false)
    proxy.pass()
    await drained
    expect(conn.congestion).toBe('none')
    expect(conn.buffered).toBeLessThan(128 * KIB)
    await until(() => told.at(-1) === 'none', 'the event')
    await until(() => arrived.length === count, 'all of it')
    // Each is another state.
    expect(told.filter((state, index) => state === told[index - 1])).toEqual([])
    expect(scene.server.faults).toEqual([])
  })

  test('is high from 256 KiB, over from 1 MiB, and none below 128 KiB', async () => {
    await using scene = await start(transport)
    const { socket, proxy } = scene
    const { conn } = socket
    proxy.stall('up')
    const seen: [bytes: number, congestion: string][] = []
    const look = () => seen.push([conn.buffered, conn.congestion])
    while (conn.congestion !== 'over') {
      socket.emit('chunk', CHUNK)
      look()
      await new Promise((resolve) => setImmediate(resolve))
    }
    proxy.pass()
    await until(() => look() && conn.congestion === 'none', 'the network to take it')
    look()
    const isRight = ([bytes, congestion]: (typeof seen)[0], index: number) => {
      const [, before] = seen[index - 1] ?? [0, 'none']
      const least = before === 'none' ? 256 * KIB : 128 * KIB
      return congestion === (bytes < least ? 'none' : bytes < KIB * KIB ? 'high' : 'over')
    }
    expect(seen.filter((each, index) => !isRight(each, index))).toEqual([])
    expect(new Set(seen.map(([, congestion]) => congestion))).toEqual(new Set(['none', 'high', 'over']))
  })

  test('lets volatile events be dropped, and others not', async () => {
    await using scene = await start(transport)
    const { socket, proxy, arrived } = scene
    proxy.stall('up')
    await fill(socket, 'high')
    socket.volatile.emit('dropped')
    expect(await errorOf(() => socket.volatile.emitWithAck('dropped'))).toMatchObject({ code: 'OUTBOX_FULL' })
    expect(await errorOf(() => socket.timeout(60_000).volatile.emitWithAck('dropped'))).toMatchObject({
      code: 'OUTBOX_FULL',
    })
    socket.emit('kept')
    proxy.pass()
    await socket.conn.drained()
    socket.volatile.emit('sent')
    await socket.emitWithAck('echo', 1)
    expect(arrived.filter((event) => event !== 'chunk')).toEqual(['kept', 'sent', 'echo'])
  })

  test('is gone with the link, and whoever waits is told so', async () => {
    await using scene = await start(transport)
    const { socket, proxy, told } = scene
    const { conn } = socket
    proxy.stall('up')
    await fill(socket, 'high')
    await until(() => told.at(-1) === 'high', 'the event')
    const outcome = errorOf(() => conn.drained())
    proxy.refuse()
    proxy.cut()
    expect(await outcome).toMatchObject({ code: 'DISCONNECTED' })
    expect([conn.buffered, conn.congestion, told.at(-1)]).toEqual([0, 'none', 'none'])
    expect(await errorOf(() => conn.drained())).toMatchObject({ code: 'DISCONNECTED' })
  })

  test('leaves neither a timer nor somebody waiting behind, when the socket is disconnected by a listener of it', async () => {
    const before = timers()
    {
      await using scene = await start(transport)
      const { socket, proxy, told } = scene
      const { conn } = socket
      const outcomes: Promise<unknown>[] = []
      conn.on('congestion', (congestion) => {
        if (congestion === 'none') return
        outcomes.push(errorOf(() => conn.drained()))
        socket.disconnect()
      })
      proxy.stall('up')
      while (socket.connected) {
        socket.emit('chunk', CHUNK)
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(await Promise.all(outcomes)).toMatchObject([{ code: 'DISCONNECTED' }])
      expect(told.at(-1)).toBe('none')
    }
    await until(() => timers() <= before, 'no timer')
  })
})

test('drained() waits for a body that is on its way, however small', async () => {
  await using scene = await start('polling')
  const { socket, proxy, arrived } = scene
  proxy.stall('up')
  socket.emit('small', 1)
  expect(socket.conn.buffered).toBeGreaterThan(0)
  let isDrained = false
  const drained = socket.conn.drained().then(() => {
    isDrained = true
  })
  const body = socket.conn.buffered
  await turns()
  // With its length it is longer by one byte.
  expect(socket.conn.buffered).toBe(body + 1)
  expect(isDrained).toBe(false)
  proxy.pass()
  await drained
  expect(socket.conn.buffered).toBe(0)
  expect(arrived).toEqual(['small'])
})

test('drained() does not wait for what is sent behind the call', async () => {
  await using server = await startServer(() => {}, PATIENT)
  let sent = 0
  let taken = 0
  /** A network that takes what the test says. */
  const wrap = (open: OpenTransport): OpenTransport => {
    return (target, events) => {
      const link = open(target, events)
      return {
        send: (frame) => {
          sent += frame.length
          link.send(frame)
        },
        close: (code, reason) => link.close(code, reason),
        bufferedBytes: () => sent - taken,
      }
    }
  }
  const urls = { polling: server.url, websocket: server.url }
  const { manager, socket } = connectSplit(urls, { transports: ['websocket'] }, wrap)
  using _ = socket
  await next(socket, 'connect')
  taken = sent
  await manager.drained()
  const order: string[] = []
  socket.emit('m', CHUNK)
  const before = sent
  const first = manager.drained().then(() => order.push('first'))
  socket.emit('m', CHUNK)
  const second = manager.drained().then(() => order.push('second'))
  taken = before
  await first
  expect(manager.buffered).toBeGreaterThan(CHUNK.length)
  expect(order).toEqual(['first'])
  // Much more comes, and goes again, before it looks.
  for (let i = 0; i < 40; i++) socket.emit('m', CHUNK)
  expect(manager.congestion).toBe('over')
  taken = sent - CHUNK.length
  await second
  expect(manager.congestion).toBe('none')
})

test('what waits while the connection moves to a WebSocket counts all the time', async () => {
  await using server = await startServer((io) => {
    io.on('connection', (socket) => {
      socket.on('echo', (value: unknown) => value)
    })
  }, PATIENT)
  let isTaking = false
  let untaken = 0
  let move = () => {}
  /** A WebSocket that the connection moves to when the test says so, on a network that takes nothing before. */
  const wrap = (open: OpenTransport): OpenTransport => {
    return (target, events) => {
      const link = open(target, {
        ...events,
        onFrame: (frame) => {
          if (((frame[0] ?? 0) & TYPE_MASK) === MESSAGE_TYPES.SWITCHED) move = () => events.onFrame(frame)
          else events.onFrame(frame)
        },
      })
      return {
        send: (frame) => {
          untaken += frame.length
          link.send(frame)
        },
        close: (code, reason) => link.close(code, reason),
        bufferedBytes: () => (isTaking ? link.bufferedBytes() : untaken),
      }
    }
  }
  const urls = { polling: server.url, websocket: server.url }
  const { manager, socket } = connectSplit(urls, { transports: ['polling', 'websocket'] }, wrap)
  using _ = socket
  const still = move
  await until(() => move !== still, 'SWITCHED')
  expect(manager.transport).toBe('polling')
  for (let i = 0; i < 20; i++) socket.emit('chunk', CHUNK)
  const bytes = 20 * CHUNK.length
  expect(manager.buffered).toBeGreaterThan(bytes)
  expect(manager.congestion).toBe('high')
  const drained = manager.drained()
  move()
  expect(manager.transport).toBe('websocket')
  expect(manager.buffered).toBeGreaterThan(bytes)
  expect(manager.congestion).toBe('high')
  isTaking = true
  await drained
  expect(await socket.emitWithAck('echo', 1)).toBe(1)
})
