import type { Manager } from '@roomcast/client'
import { CLOSE_CODES, type CloseName, closeVerdict, MESSAGE_TYPES, type RoomcastError } from '@roomcast/protocol'
import type { Server } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { FakeServer } from '../../../test-kit/fake-server'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { backoffDelay } from '../src/connection/backoff'
import { connect, connectManager, disposable, errorOf, freePort, startServerOn, turns } from './support'

function answerEcho(io: Server): void {
  io.on('connection', (socket) => {
    socket.on('echo', (value: unknown) => value)
    socket.on('mute', () => {})
  })
}

/** Writes down the manager's events of reconnecting, in order. */
function record(manager: Manager): unknown[] {
  const events: unknown[] = []
  manager.on('reconnect_attempt', (attempt) => events.push(['reconnect_attempt', attempt]))
  manager.on('reconnect_error', (error) => events.push(['reconnect_error', error.code]))
  manager.on('reconnect_failed', () => events.push(['reconnect_failed']))
  manager.on('reconnect', (attempt) => events.push(['reconnect', attempt]))
  return events
}

describe('a server that restarts on its port', () => {
  test('is found again, with its events counted', async () => {
    const first = await startServerOn(await freePort(), answerEcho)
    const { port } = first
    const { manager, socket: opened } = connectManager(`http://127.0.0.1:${port}`)
    using socket = opened
    await next(socket, 'connect')
    const events = record(manager)
    const lost = next(socket, 'disconnect')
    await first.close()
    const [reason, details] = await lost
    expect(reason).toBe('transport close')
    expect(details).toMatchObject({ code: CLOSE_CODES.SERVER_SHUTDOWN, verdict: 'backoff' })
    expect(socket).toMatchObject({ active: true, connected: false, id: undefined })
    await until(() => events.length >= 4, 'two attempts to fail')
    await using _second = await startServerOn(port, answerEcho)
    await next(socket, 'connect')
    expect(await socket.emitWithAck('echo', 1)).toBe(1)
    const failed = (events.length - 2) / 2
    const expected: unknown[] = []
    for (let i = 1; i <= failed; i++) expected.push(['reconnect_attempt', i], ['reconnect_error', 'TRANSPORT_FAILED'])
    expect(events).toEqual([...expected, ['reconnect_attempt', failed + 1], ['reconnect', failed + 1]])
  })

  test('is found again by all namespaces, over one connection', async () => {
    const setUp = (io: Server) => {
      answerEcho(io)
      io.of('/a').on('connection', (socket) => socket.on('echo', (value: unknown) => value))
    }
    const first = await startServerOn(await freePort(), setUp)
    const { port } = first
    const { manager, socket: opened } = connectManager(`http://127.0.0.1:${port}`)
    using main = opened
    using other = disposable(manager.socket('/a'))
    await Promise.all([next(main, 'connect'), next(other, 'connect')])
    const lost = Promise.all([next(main, 'disconnect'), next(other, 'disconnect')])
    await first.close()
    await lost
    const found = Promise.all([next(main, 'connect'), next(other, 'connect')])
    await using second = await startServerOn(port, setUp)
    await found
    expect(second.engine.clientsCount).toBe(1)
    expect(await Promise.all([main.emitWithAck('echo', 1), other.emitWithAck('echo', 2)])).toEqual([1, 2])
  })

  test('is given up after reconnectionAttempts, and connect() begins anew', async () => {
    const first = await startServerOn(await freePort())
    const { port } = first
    const { manager, socket: opened } = connectManager(`http://127.0.0.1:${port}`, { reconnectionAttempts: 2 })
    using socket = opened
    await next(socket, 'connect')
    const events = record(manager)
    const errors: RoomcastError[] = []
    socket.on('connect_error', (error) => errors.push(error))
    await first.close()
    await next(manager, 'reconnect_failed')
    expect(events).toEqual([
      ['reconnect_attempt', 1],
      ['reconnect_error', 'TRANSPORT_FAILED'],
      ['reconnect_attempt', 2],
      ['reconnect_error', 'TRANSPORT_FAILED'],
      ['reconnect_failed'],
    ])
    expect(errors).toHaveLength(2)
    await until(() => !socket.active)
    await using _second = await startServerOn(port)
    socket.connect()
    await next(socket, 'connect')
    expect(events).toHaveLength(5)
  })

  test('is given up at once with reconnectionAttempts 0', async () => {
    const { manager, socket: opened } = connectManager('http://127.0.0.1:1', { reconnectionAttempts: 0 })
    using socket = opened
    const events = record(manager)
    await next(manager, 'reconnect_failed')
    expect(events).toEqual([['reconnect_failed']])
    await until(() => !socket.active)
  })

  test('is given up after reconnectionAttempts also when links open and end without an answer', async () => {
    await using server = await FakeServer.start({ answer: (link) => link.close(CLOSE_CODES.SERVER_SHUTDOWN) })
    const { manager, socket: opened } = connectManager(server.url, { reconnectionAttempts: 3 })
    using socket = opened
    const errors: string[] = []
    socket.on('connect_error', ({ code }) => errors.push(code))
    await next(manager, 'reconnect_failed')
    expect(errors).toEqual(Array(4).fill('TRANSPORT_FAILED'))
    expect(server.links).toHaveLength(4)
    await until(() => !socket.active)
  })

  test('may be connected again by a listener of reconnect_failed', async () => {
    const first = await startServerOn(await freePort())
    const { port } = first
    const { manager, socket: opened } = connectManager(`http://127.0.0.1:${port}`, { reconnectionAttempts: 1 })
    using socket = opened
    await next(socket, 'connect')
    await first.close()
    manager.on('reconnect_failed', () => socket.disconnect().connect())
    await next(manager, 'reconnect_failed')
    await next(manager, 'reconnect_failed')
    await using _second = await startServerOn(port)
    await next(socket, 'connect')
  })
})

describe('a link that is cut', () => {
  test.each(['reset', 'fin'] as const)(
    'by a %s is a disconnect with code 1006, then a connect with a new id',
    async (how) => {
      await using server = await startServer(answerEcho)
      await using proxy = await FaultProxy.start(server.port)
      using socket = connect(proxy.url)
      await next(socket, 'connect')
      const { id } = socket
      const seen: unknown[] = []
      socket.on('disconnect', (reason, details) =>
        seen.push([reason, details, socket.connected, socket.active, socket.id]),
      )
      const again = next(socket, 'connect')
      proxy.cut(how)
      await again
      const details = { code: 1006, message: expect.any(String), verdict: 'backoff' }
      expect(seen).toEqual([['transport close', details, false, true, undefined]])
      expect(socket.id).not.toBe(id)
      expect(await socket.emitWithAck('echo', 1)).toBe(1)
    },
  )

  test('fails the calls that wait for an answer with DISCONNECTED, each once', async () => {
    await using server = await startServer(answerEcho)
    await using proxy = await FaultProxy.start(server.port)
    using socket = connect(proxy.url)
    await next(socket, 'connect')
    const outcomes: unknown[] = []
    const order: string[] = []
    socket.timeout(5_000).emit('mute', (error: RoomcastError) => outcomes.push(error.code))
    socket.on('error', (error) => outcomes.push((error as RoomcastError).code))
    socket.emit('mute', () => outcomes.push('answered'))
    socket.on('disconnect', () => order.push('disconnect'))
    const call = errorOf(() => socket.emitWithAck('mute'))
    await socket.emitWithAck('echo', 0)
    const again = next(socket, 'connect')
    proxy.cut()
    expect((await call).code).toBe('DISCONNECTED')
    await again
    await socket.emitWithAck('echo', 0)
    expect(outcomes).toEqual(['DISCONNECTED', 'DISCONNECTED'])
    expect(order).toEqual(['disconnect'])
  })

  test.each(['cut', 'disconnect()'])('takes no answer of a call of before over to the next one: %s', async (how) => {
    await using server = await startServer(answerEcho)
    await using proxy = await FaultProxy.start(server.port)
    using socket = connect(proxy.url)
    await next(socket, 'connect')
    const peer = () => server.io.sockets.sockets.get(socket.id as string)
    let finishFirst: (value: string) => void = () => {}
    let ackFirst: (value: string) => void = () => {}
    socket.on('first', () => new Promise((resolve) => (finishFirst = resolve)))
    socket.on('first with ack', (ack: (value: string) => void) => {
      ackFirst = ack
    })
    socket.on('second', () => new Promise(() => {}))
    const errors: Error[] = []
    socket.on('error', (error) => errors.push(error))
    const calls = [errorOf(() => peer()?.emitWithAck('first')), errorOf(() => peer()?.emitWithAck('first with ack'))]
    await until(() => socket.connected && String(ackFirst).includes('results'))
    const again = next(socket, 'connect')
    if (how === 'cut') proxy.cut()
    else socket.disconnect().connect()
    await again
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(['DISCONNECTED', 'DISCONNECTED'])
    const outcomes: unknown[] = []
    for (let i = 0; i < 2; i++) peer()?.emit('second', (value: unknown) => outcomes.push(value))
    peer()?.emit('sent')
    await next(socket, 'sent')
    finishFirst('stale')
    ackFirst('stale')
    await turns()
    await socket.emitWithAck('echo', 0)
    expect(outcomes).toEqual([])
    expect(errors).toEqual([])
  })

  test('in the middle of a frame delivers nothing of it', async () => {
    await using server = await startServer(answerEcho)
    await using proxy = await FaultProxy.start(server.port)
    using socket = connect(proxy.url)
    await next(socket, 'connect')
    let received = 0
    socket.on('large', () => received++)
    proxy.stall()
    server.io.emit('large', new Uint8Array(500_000))
    const again = next(socket, 'connect')
    proxy.cut()
    proxy.pass()
    await again
    await socket.emitWithAck('echo', 0)
    expect(received).toBe(0)
  })

  test('with reconnection false ends there; connect() begins anew', async () => {
    await using server = await startServer(answerEcho)
    await using proxy = await FaultProxy.start(server.port)
    const { manager, socket: opened } = connectManager(proxy.url, { reconnection: false })
    using socket = opened
    const events = record(manager)
    await next(socket, 'connect')
    const lost = next(socket, 'disconnect')
    proxy.cut()
    await lost
    expect(socket.active).toBe(false)
    socket.connect()
    await next(socket, 'connect')
    expect(events).toEqual([])
    expect(proxy.accepted).toBe(2)
  })

  test('with reconnection false may be connected again by the disconnect listener', async () => {
    await using server = await startServer(answerEcho)
    await using proxy = await FaultProxy.start(server.port)
    using socket = connect(proxy.url, { reconnection: false })
    await next(socket, 'connect')
    socket.once('disconnect', () => socket.connect())
    const again = next(socket, 'connect')
    proxy.cut()
    await again
    expect(await socket.emitWithAck('echo', 1)).toBe(1)
  })

  test('while it stalls loses nothing once bytes pass again', async () => {
    await using server = await startServer(answerEcho)
    await using proxy = await FaultProxy.start(server.port)
    using socket = connect(proxy.url)
    await next(socket, 'connect')
    const { id } = socket
    proxy.stall()
    const answers = Promise.all([1, 2, 3].map((n) => socket.emitWithAck('echo', n)))
    await turns()
    proxy.pass()
    expect(await answers).toEqual([1, 2, 3])
    expect(socket.id).toBe(id)
  })

  test('does not come back after disconnect() during the pause', async () => {
    await using server = await startServer(answerEcho)
    await using proxy = await FaultProxy.start(server.port)
    const { manager, socket: opened } = connectManager(proxy.url)
    using socket = opened
    const events = record(manager)
    await next(socket, 'connect')
    socket.once('disconnect', () => socket.disconnect())
    proxy.cut()
    await next(socket, 'disconnect')
    expect(socket.active).toBe(false)
    socket.connect()
    await next(socket, 'connect')
    expect(events).toEqual([])
    expect(proxy.accepted).toBe(2)
  })
})

describe('a listener that acts on other sockets of the connection', () => {
  test('may disconnect one that is told next of a lost link', async () => {
    await using server = await startServer((io) => void io.of('/a'))
    await using proxy = await FaultProxy.start(server.port)
    const { manager, socket: opened } = connectManager(proxy.url)
    using main = opened
    using other = disposable(manager.socket('/a'))
    await Promise.all([next(main, 'connect'), next(other, 'connect')])
    const seen: unknown[] = []
    other.on('disconnect', (reason) => seen.push(reason))
    other.on('connect_error', ({ code }) => seen.push(code))
    main.once('disconnect', () => other.disconnect())
    const again = next(main, 'connect')
    proxy.cut()
    await again
    expect(seen).toHaveLength(1)
    expect(other).toMatchObject({ active: false, connected: false })
    expect(server.io.of('/a').sockets.size).toBe(0)
  })

  test('may disconnect one that is told next of a failed attempt', async () => {
    const { manager, socket: opened } = connectManager(`http://127.0.0.1:${await freePort()}`)
    using main = opened
    using other = disposable(manager.socket('/a'))
    const seen: unknown[] = []
    other.on('connect_error', ({ code }) => seen.push(code))
    main.once('connect_error', () => other.disconnect())
    await next(main, 'connect_error')
    await next(main, 'connect_error')
    expect(seen).toEqual([])
    expect(other.active).toBe(false)
  })

  test('of the manager may disconnect and connect in "open"', async () => {
    await using server = await startServer(answerEcho)
    const { manager, socket: opened } = connectManager(server.url)
    using socket = opened
    const events = record(manager)
    manager.once('open', () => socket.disconnect().connect())
    await next(socket, 'connect')
    expect(events).toEqual([])
    expect(await socket.emitWithAck('echo', 1)).toBe(1)
    await until(() => server.io.engine.clientsCount === 1)
  })

  test('of the manager may disconnect and connect in "close"', async () => {
    await using server = await startServer(answerEcho)
    await using proxy = await FaultProxy.start(server.port)
    const { manager, socket: opened } = connectManager(proxy.url)
    using socket = opened
    await next(socket, 'connect')
    const seen: string[] = []
    for (const event of ['disconnect', 'connect', 'connect_error']) socket.on(event, () => seen.push(event))
    manager.once('close', () => socket.disconnect().connect())
    const again = next(socket, 'connect')
    proxy.cut()
    await again
    expect(seen).toEqual(['disconnect', 'connect'])
    expect(await socket.emitWithAck('echo', 1)).toBe(1)
  })
})

describe('an end by the server', () => {
  test('with disconnect(true) is "io server disconnect" for every namespace, and no reconnect', async () => {
    await using server = await startServer((io) => {
      answerEcho(io)
      io.of('/a')
    })
    const { manager, socket: opened } = connectManager(server.url)
    using main = opened
    using other = disposable(manager.socket('/a'))
    const events = record(manager)
    await Promise.all([next(main, 'connect'), next(other, 'connect')])
    const reasons = Promise.all([next(main, 'disconnect'), next(other, 'disconnect')])
    server.io.sockets.sockets.get(main.id as string)?.disconnect(true)
    expect((await reasons).map(([reason]) => reason)).toEqual(['io server disconnect', 'io server disconnect'])
    expect([main.active, other.active]).toEqual([false, false])
    await until(() => server.io.engine.clientsCount === 0)
    main.connect()
    await next(main, 'connect')
    expect(await main.emitWithAck('echo', 1)).toBe(1)
    expect(other.active).toBe(false)
    expect(events).toEqual([])
  })

  test('of one namespace does not reconnect it, leaves the others alone, and connect() works again', async () => {
    await using server = await startServer((io) => {
      answerEcho(io)
      io.of('/a').on('connection', (socket) => socket.on('echo', (value: unknown) => value))
    })
    const { manager, socket: opened } = connectManager(server.url)
    using main = opened
    using other = disposable(manager.socket('/a'))
    await Promise.all([next(main, 'connect'), next(other, 'connect')])
    const mainId = main.id
    const gone = next(other, 'disconnect')
    server.io.of('/a').disconnectSockets()
    expect((await gone)[0]).toBe('io server disconnect')
    expect(other).toMatchObject({ active: false, connected: false, id: undefined })
    expect(await main.emitWithAck('echo', 1)).toBe(1)
    expect(main.id).toBe(mainId)
    other.connect()
    await next(other, 'connect')
    expect(await other.emitWithAck('echo', 2)).toBe(2)
    expect(server.io.engine.clientsCount).toBe(1)
  })

  test('of one namespace stays final when the link is lost later', async () => {
    await using server = await startServer((io) => {
      answerEcho(io)
      io.of('/a')
    })
    await using proxy = await FaultProxy.start(server.port)
    const { manager, socket: opened } = connectManager(proxy.url)
    using main = opened
    using other = disposable(manager.socket('/a'))
    await Promise.all([next(main, 'connect'), next(other, 'connect')])
    const gone = next(other, 'disconnect')
    server.io.of('/a').disconnectSockets()
    await gone
    const again = next(main, 'connect')
    proxy.cut()
    await again
    await main.emitWithAck('echo', 0)
    expect(other.active).toBe(false)
    expect(server.io.of('/a').sockets.size).toBe(0)
  })

  test.each([false, true])(
    'with disconnect(%s) may be answered with connect() in the disconnect listener',
    async (close) => {
      await using server = await startServer(answerEcho)
      using socket = connect(server.url)
      await next(socket, 'connect')
      socket.once('disconnect', (reason) => {
        if (reason === 'io server disconnect') socket.connect()
      })
      const again = next(socket, 'connect')
      server.io.disconnectSockets(close)
      await again
      expect(await socket.emitWithAck('echo', 1)).toBe(1)
      expect(server.io.sockets.sockets.size).toBe(1)
    },
  )
})

describe('every close code of the table is obeyed', () => {
  /** Codes that a server, or the engine between, ends a link with. */
  const rows = Object.entries(CLOSE_CODES).map(([name, code]) => [name as CloseName, code, closeVerdict(code)] as const)

  test.each(rows)('%s, %i: %s', async (name, code, verdict) => {
    await using server = await FakeServer.start()
    const { manager, socket: opened } = connectManager(server.url)
    using socket = opened
    const events = record(manager)
    await next(socket, 'connect')
    const lost = next(socket, 'disconnect')
    const closed = next(manager, 'close')
    const link = await server.link()
    link.close(code, name)
    const [reason, details] = await lost
    const reasons: Partial<Record<CloseName, string>> = {
      PING_TIMEOUT: 'ping timeout',
      BAD_FRAME: 'parse error',
      KICKED: 'io server disconnect',
      REPLACED: 'io server disconnect',
      REVOKED: 'io server disconnect',
    }
    expect(reason).toBe(reasons[name] ?? 'transport close')
    expect(details).toEqual({ code, message: code === 1005 || code === 1006 ? expect.any(String) : name, verdict })
    expect((await closed)[0]).toBe(reason)
    expect(socket.active).toBe(verdict !== 'never')
    const again = next(socket, 'connect')
    if (verdict === 'never') {
      await until(() => link.closed)
      socket.connect()
      await again
      expect(events).toEqual([])
    } else {
      await again
      expect(events).toEqual([
        ['reconnect_attempt', 1],
        ['reconnect', 1],
      ])
    }
    expect(server.links).toHaveLength(2)
  })

  test('a code outside of the table is treated as a lost link', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url)
    await next(socket, 'connect')
    const lost = next(socket, 'disconnect')
    const again = next(socket, 'connect')
    const link = await server.link()
    link.close(4999, 'of a later version')
    expect(await lost).toEqual(['transport close', { code: 4999, message: 'of a later version', verdict: 'backoff' }])
    await again
  })
})

describe('a malformed frame of the server', () => {
  const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
  const frames: Record<string, Uint8Array> = {
    'an empty frame': new Uint8Array(0),
    'an unknown message type': hex('1f c0'),
    'a message that only a client sends': hex('01 81 a3 6e 73 70 a1 2f'),
    'an event that is cut off': hex('05 7f 65'),
    'arguments that are no array': hex('05 01 65 80'),
    'bytes behind the body': hex('05 01 65 90 00'),
    'a map with the key __proto__': hex('05 01 65 91 81 a9 5f 5f 70 72 6f 74 6f 5f 5f 01'),
    '5,000 levels of nesting': Uint8Array.from([5, 1, 0x65, ...new Uint8Array(5_000).fill(0x91), 0x90]),
    'a CONNECTED without limits': hex('02 82 a3 6e 73 70 a1 2f a3 73 69 64 a1 78'),
    'an error without a code': hex('08 80'),
  }

  test.each(Object.entries(frames))('%s closes the link with 4003, and the client reconnects', async (_name, bytes) => {
    await using server = await FakeServer.start()
    using socket = connect(server.url)
    const seen: string[] = []
    socket.onAny((event) => seen.push(event))
    await next(socket, 'connect')
    const lost = next(socket, 'disconnect')
    const again = next(socket, 'connect')
    const link = await server.link()
    link.sendBytes(bytes)
    const [reason, details] = await lost
    expect(reason).toBe('parse error')
    expect(details).toMatchObject({ code: CLOSE_CODES.BAD_FRAME, verdict: 'backoff' })
    expect((await link.end()).code).toBe(CLOSE_CODES.BAD_FRAME)
    await again
    expect(seen).toEqual([])
  })

  test('a text message is one', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url)
    await next(socket, 'connect')
    const again = next(socket, 'connect')
    const link = await server.link()
    link.sendText('hello')
    expect((await link.end()).code).toBe(CLOSE_CODES.BAD_FRAME)
    await again
  })

  test('lets nothing through that came behind it', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url)
    await next(socket, 'connect')
    const seen: string[] = []
    socket.onAny((event) => seen.push(event))
    const link = await server.link()
    link.emit('before')
    link.sendBytes(hex('1f c0'))
    link.emit('behind')
    link.send({ type: MESSAGE_TYPES.DISCONNECT }, null)
    await next(socket, 'disconnect')
    await link.end()
    await until(() => socket.connected)
    expect(seen).toEqual(['before'])
  })
})

test('100 reconnects leave no listeners, timers or sockets behind', async () => {
  await using server = await startServer(answerEcho)
  await using proxy = await FaultProxy.start(server.port)
  const resources = () => {
    const counts: Record<string, number> = {}
    for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1
    return counts
  }
  const { manager, socket: opened } = connectManager(proxy.url, {
    reconnectionDelay: 0,
    reconnectionDelayMax: 0,
    // Polling would come first after three cuts, and take two links.
    transports: ['websocket'],
  })
  using socket = opened
  await next(socket, 'connect')
  const round = async () => {
    const call = errorOf(() => socket.emitWithAck('mute'))
    const again = next(socket, 'connect')
    proxy.cut()
    await again
    expect((await call).code).toBe('DISCONNECTED')
  }
  await round()
  await until(() => server.io.engine.clientsCount === 1)
  const before = resources()
  for (let i = 0; i < 100; i++) await round()
  await until(() => server.io.engine.clientsCount === 1, 'old connections to be gone')
  await until(() => (resources().Timeout ?? 0) <= (before.Timeout ?? 0), 'old timers to be gone')
  await until(() => (resources().TCPSocketWrap ?? 0) <= (before.TCPSocketWrap ?? 0), 'old sockets to be gone')
  expect(socket.eventNames()).toEqual([])
  expect(manager.eventNames()).toEqual([])
  expect(proxy.accepted).toBe(102)
  expect(proxy.openLinks).toBe(1)
})

describe('the delay before an attempt', () => {
  const bounds = { reconnectionDelay: 1_000, reconnectionDelayMax: 20_000 }

  test('is spread over the whole interval, from nothing to a bound', () => {
    expect(backoffDelay(bounds, 3, 0)).toBe(0)
    expect(backoffDelay(bounds, 3, 0.5)).toBe(4_000)
    expect(backoffDelay(bounds, 3, 1)).toBe(8_000)
  })

  test('has a bound that doubles with each failure, up to the cap', () => {
    const upper = Array.from({ length: 8 }, (_, failures) => backoffDelay(bounds, failures, 1))
    expect(upper).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000, 20_000])
  })

  test('never shrinks and never overflows, however long the server is away', () => {
    let last = 0
    for (let failures = 0; failures < 2_000; failures++) {
      const bound = backoffDelay(bounds, failures, 1)
      expect(bound).toBeGreaterThanOrEqual(last)
      expect(bound).toBeLessThanOrEqual(bounds.reconnectionDelayMax)
      last = bound
    }
    expect(backoffDelay({ reconnectionDelay: 0, reconnectionDelayMax: 20_000 }, 5_000, 1)).toBe(0)
    expect(backoffDelay({ reconnectionDelay: 50_000, reconnectionDelayMax: 20_000 }, 0, 1)).toBe(20_000)
  })
})
