import { monitorEventLoopDelay } from 'node:perf_hooks'
import {
  CLOSE_CODES,
  type FrameFields,
  LIMITS,
  MESSAGE_TYPES,
  type RoomcastError,
  writeBatch,
} from '@roomcast/protocol'
import type { RateLimits, Server } from '@roomcast/server'
import { describe, expect, it } from 'vitest'
import { connect, errorOf, pair } from '../../../test-kit/clients'
import { RawClient, type RawFrame } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import type { AnySocket } from '../src/api/socket'
import type { Connection } from '../src/connection/connection'

/** Ten at once, and then hardly any: whatever the machine does meanwhile. */
const TEN = { messagesPerSecond: 0.01, burstMessages: 10 }

const counting = (seen: unknown[]) => (io: Server) => {
  io.on('connection', (socket) => {
    socket.on('count', (n: unknown) => seen.push(n))
    socket.on('free', () => 'free')
  })
}

const isRefusal = ({ body }: RawFrame) => (body as { code?: string } | null)?.code === 'RATE_LIMITED'

/** A client that has connected and speaks bytes, on either transport. */
async function rawClient(transport: 'polling' | 'websocket', port: number) {
  if (transport === 'websocket') {
    const client = await RawClient.connect(port)
    return {
      get frames() {
        return client.frames
      },
      frame: client.frame.bind(client),
      async sendAll(all: readonly [FrameFields, unknown][]): Promise<void> {
        for (const [at, [fields, body]] of all.entries()) {
          client.send(fields, body)
          if (at % 100 === 99) await new Promise(setImmediate)
        }
      },
      [Symbol.dispose]: () => client[Symbol.dispose](),
    }
  }
  const poller = (await RawPoller.connect(port)).start()
  return {
    get frames() {
      return poller.frames
    },
    frame: poller.frame.bind(poller),
    /** All of them in as many requests as they need. */
    async sendAll(all: readonly [FrameFields, unknown][]): Promise<void> {
      for (let at = 0; at < all.length; at += 1_000) {
        const frames = all.slice(at, at + 1_000).map(([fields, body]) => poller.encode(fields, body))
        await poller.post(writeBatch(frames, -1))
      }
    },
    [Symbol.dispose]: () => poller[Symbol.dispose](),
  }
}

const TRANSPORTS = ['websocket', 'polling'] as const

describe('a client that sends too fast', () => {
  it.each(TRANSPORTS)('is answered with RATE_LIMITED, and what was too much is not handled (%s)', async (transport) => {
    const seen: unknown[] = []
    await using server = await startServer(counting(seen), { rateLimits: { connection: TEN } })
    using client = await rawClient(transport, server.port)
    const { EVENT } = MESSAGE_TYPES
    await client.sendAll([
      ...Array.from({ length: 15 }, (_, n): [FrameFields, unknown] => [{ type: EVENT, event: 'count', ackId: n }, [n]]),
      [{ type: EVENT, event: 'count' }, ['no answer is wanted']],
    ])
    await until(() => client.frames.filter(isRefusal).length === 6, 'six refusals')
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(client.frames.filter(isRefusal).map(({ type, ackId }) => [type, ackId])).toEqual([
      ...[10, 11, 12, 13, 14].map((id) => ['ACK_ERROR', id]),
      ['ERROR', -1],
    ])
    for (const { body } of client.frames.filter(isRefusal)) {
      const { data } = body as { data: { retryAfterMs: number } }
      expect(Number.isInteger(data.retryAfterMs) && data.retryAfterMs > 0).toBe(true)
    }
  })

  it.each(TRANSPORTS)(
    'and goes on is closed with its code, and a bystander notices nothing (%s)',
    async (transport) => {
      const seen: unknown[] = []
      await using server = await startServer(counting(seen))
      using bystander = await pair(server)
      using client = await rawClient(transport, server.port)
      const count = LIMITS.burstMessages + LIMITS.burstMessages / 16 + LIMITS.rateRefusals + 5_000
      const times: number[] = []
      let isOver = false
      const watching = (async () => {
        while (!isOver) {
          const before = performance.now()
          expect(await bystander.client.emitWithAck('free')).toBe('free')
          times.push(performance.now() - before)
        }
      })()
      const event = { type: MESSAGE_TYPES.EVENT, event: 'count' }
      const flood = client.sendAll(Array.from({ length: count }, (_, n) => [event, [n]]))
      expect((await client.frame('CLOSE')).body).toMatchObject({ code: CLOSE_CODES.RATE_LIMITED, retryAfterMs: 5_000 })
      await flood.catch(() => {})
      isOver = true
      await watching
      // The replies are fewer than a client has on its way, however much it sends.
      expect(client.frames.filter(isRefusal).length).toBeGreaterThanOrEqual(LIMITS.rateRefusals)
      expect(client.frames.filter(isRefusal).length).toBeLessThan(LIMITS.rateRefusals * 1.1)
      expect(seen.length).toBeGreaterThanOrEqual(LIMITS.burstMessages - 1)
      expect(times.length).toBeGreaterThan(0)
      expect(await bystander.client.emitWithAck('free')).toBe('free')
      const sorted = times.sort((a, b) => a - b)
      console.log(
        `bystander of a flood (${transport}): ${times.length} calls answered, median ${sorted[sorted.length >> 1]?.toFixed(2)} ms, worst ${sorted.at(-1)?.toFixed(2)} ms`,
      )
    },
  )

  it.each([
    ['bytes', { connection: { messagesPerSecond: 1_000, bytesPerSecond: 1, burstBytes: 10_000 } }],
    ['messages of one event', { events: { count: { messagesPerSecond: 0.01, burstMessages: 9 } } }],
    ['bytes of one event', { events: { count: { messagesPerSecond: 100, bytesPerSecond: 1, burstBytes: 10_000 } } }],
  ] satisfies [string, RateLimits][])('is measured by %s', async (_what, rateLimits) => {
    const seen: unknown[] = []
    await using server = await startServer(counting(seen), { rateLimits })
    using client = await RawClient.connect(server.port)
    const data = new Uint8Array(1_000)
    for (let n = 0; n < 12; n++) client.emit('count', [data], n)
    await until(() => client.frames.length >= 13)
    expect(seen).toHaveLength(9)
    expect(client.frames.filter(isRefusal).map(({ ackId }) => ackId)).toEqual([9, 10, 11])
    if (!('connection' in rateLimits)) {
      client.emit('free', [], 20)
      expect((await client.frame('ACK')).ackId).toBeGreaterThanOrEqual(0)
    }
  })

  it('is measured with all connections of its user, also when it comes back', async () => {
    const seen: unknown[] = []
    await using server = await startServer(counting(seen), {
      login: ({ id }) => ({ id }),
      rateLimits: { connection: false, user: TEN },
    })
    const ada = { transports: ['websocket'], auth: { id: 'ada' } } as const
    using one = await pair(server, { ...ada, transports: ['websocket'] })
    using two = await pair(server, { ...ada, transports: ['websocket'] })
    using bob = await pair(server, { auth: { id: 'bob' } })
    for (let n = 0; n < 5; n++) await one.client.emitWithAck('count', n)
    for (let n = 0; n < 5; n++) await two.client.emitWithAck('count', n)
    expect((await errorOf(one.client.emitWithAck('count', 0))).code).toBe('RATE_LIMITED')
    expect((await errorOf(two.client.emitWithAck('count', 0))).code).toBe('RATE_LIMITED')
    await bob.client.emitWithAck('count', 0)
    one.client.disconnect()
    two.client.disconnect()
    await until(() => server.io.sockets.sockets.size === 1)
    using again = await pair(server, { ...ada, transports: ['websocket'] })
    expect((await errorOf(again.client.emitWithAck('count', 0))).code).toBe('RATE_LIMITED')
  })

  it('is measured with all connections of its user, also when it comes back before it has had too much', async () => {
    const seen: unknown[] = []
    await using server = await startServer(counting(seen), {
      login: ({ id }) => ({ id }),
      rateLimits: { user: TEN },
    })
    const auth = { id: 'ada' }
    for (let link = 0; link < 3; link++) {
      using client = await RawClient.connect(server.port, '/', auth)
      for (let n = 0; n < 4; n++) client.emit('count', [n], n)
      await until(() => client.frames.length === 5)
      client.send({ type: MESSAGE_TYPES.DISCONNECT }, null)
      await until(() => server.io.sockets.sockets.size === 0)
    }
    expect(seen.length).toBeLessThanOrEqual(10)
  })

  it('has one limit for an event, however often it leaves a namespace and comes again', async () => {
    const seen: unknown[] = []
    await using server = await startServer(
      (io) => io.of(/^\/d/).on('connection', (s) => s.on('count', (n) => seen.push(n))),
      {
        cleanupEmptyChildNamespaces: true,
        rateLimits: { events: { count: { messagesPerSecond: 0.01, burstMessages: 2 } } },
      },
    )
    using client = await RawClient.connect(server.port, '/d')
    let { namespace } = client.frames[0] as RawFrame
    for (let round = 0; round < 3; round++) {
      client.send({ type: MESSAGE_TYPES.EVENT, namespace, event: 'count', ackId: round }, [round])
      client.send({ type: MESSAGE_TYPES.DISCONNECT, namespace }, null)
      client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/d' })
      const before = namespace
      namespace = (await client.frame('CONNECTED')).namespace
      expect(namespace, 'a new one, of the same name').not.toBe(before)
    }
    expect(seen).toEqual([0, 1])
  })

  it('has a limit for each event in each namespace, whatever their names are put together', async () => {
    const limit = { messagesPerSecond: 0.01, burstMessages: 2 }
    await using server = await startServer(
      (io) =>
        io
          .of(/^\/d/)
          .on('connection', (socket) =>
            ['x', 'dx'].map((event) => socket.on(event, () => `${socket.nsp.name} ${event}`)),
          ),
      { rateLimits: { events: { x: limit, dx: limit } } },
    )
    using client = await RawClient.connect(server.port, '/d')
    const first = (client.frames[0] as RawFrame).namespace
    client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/dd' })
    const second = (await client.frame('CONNECTED')).namespace
    const sent = [first, second].flatMap((namespace) => ['x', 'dx'].map((event) => ({ namespace, event })))
    for (let round = 0; round < 3; round++) {
      for (const [i, fields] of sent.entries()) {
        client.send({ type: MESSAGE_TYPES.EVENT, ...fields, ackId: 4 * round + i }, [])
      }
    }
    const isAnswer = ({ type }: RawFrame) => type.startsWith('ACK')
    await until(() => client.frames.filter(isAnswer).length === 12)
    const acks = client.frames.filter(({ type }) => type === 'ACK').map(({ body }) => (body as unknown[])[0])
    expect(acks.sort()).toEqual(['/d dx', '/d dx', '/d x', '/d x', '/dd dx', '/dd dx', '/dd x', '/dd x'])
  })

  it('that goes from namespace to namespace is remembered for a bounded number', async () => {
    const rounds = 3 * LIMITS.namespacesPerConnection
    const connections = new Set<Connection<AnySocket>>()
    await using server = await startServer(
      (io) => io.of(/^\/d/).on('connection', (socket) => connections.add((socket as AnySocket).connection)),
      { rateLimits: { events: { count: { messagesPerSecond: 1 } } } },
    )
    using client = await RawClient.connect(server.port, '/d')
    for (let round = 0; round < rounds; round++) {
      client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: `/d${round}` })
      const { namespace } = await client.frame('CONNECTED')
      client.send({ type: MESSAGE_TYPES.EVENT, namespace, event: 'count', ackId: 0 }, [])
      await client.frame('ACK_ERROR')
      client.send({ type: MESSAGE_TYPES.DISCONNECT, namespace }, null)
    }
    const [connection] = connections
    expect(connection?.inbound?.events?.size).toBe(LIMITS.namespacesPerConnection)
  })

  it.each([
    ['calls that nobody has made', 1],
    ['calls that are over', 2],
  ])('of answers to %s is closed as well', async (_what, ackId) => {
    await using server = await startServer(undefined, { rateLimits: { connection: TEN } })
    using client = await RawClient.connect(server.port)
    const [socket] = server.io.sockets.sockets.values()
    const answer = socket?.timeout(10_000).emitWithAck('question')
    await client.frame('EVENT')
    client.send({ type: MESSAGE_TYPES.ACK, ackId: 2 }, [42])
    expect(await answer).toBe(42)
    for (let n = 0; n < LIMITS.rateRefusals + 100; n++) client.send({ type: MESSAGE_TYPES.ACK, ackId }, [])
    expect((await client.close()).code).toBe(CLOSE_CODES.RATE_LIMITED)
  })

  it('pays ten times for requests that may be dear', async () => {
    await using server = await startServer((io) => io.rooms('*', { authorize: () => true }), {
      rateLimits: { connection: { messagesPerSecond: 0.01, burstMessages: 25 } },
    })
    using client = await RawClient.connect(server.port)
    for (let n = 0; n < 3; n++) client.send({ type: MESSAGE_TYPES.REQUEST, ackId: n }, ['join', `r${n}`, null, null])
    await until(() => client.frames.filter(({ type }) => type === 'ACK' || type === 'ACK_ERROR').length === 3)
    expect(client.frames.map(({ type }) => type).filter((type) => type.startsWith('ACK'))).toEqual([
      'ACK',
      'ACK',
      'ACK_ERROR',
    ])
    expect(client.frames.filter(isRefusal)).toHaveLength(1)
  })

  it('may answer as many calls of the server as that makes', async () => {
    await using server = await startServer(undefined, { rateLimits: { connection: TEN } })
    using user = await pair(server)
    user.client.on('question', (n: number) => n)
    for (let n = 0; n < 200; n++) expect(await user.socket.emitWithAck('question', n)).toBe(n)
  })

  it('is answered when it asks for signs of life, and closed when it does nothing else', async () => {
    await using server = await startServer(undefined, { rateLimits: { connection: TEN } })
    using client = await RawClient.connect(server.port)
    for (let n = 0; n < 100; n++) client.send({ type: MESSAGE_TYPES.PING }, null)
    await until(() => client.frames.filter(({ type }) => type === 'PONG').length === 100)
    for (let n = 0; n < LIMITS.rateRefusals; n++) client.send({ type: MESSAGE_TYPES.PING }, null)
    expect((await client.close()).code).toBe(CLOSE_CODES.RATE_LIMITED)
  })

  it('of namespaces is told when to ask again', async () => {
    await using server = await startServer((io) => void io.of('/other'), { rateLimits: { connection: TEN } })
    using client = await RawClient.connect(server.port)
    for (let n = 0; n < 10; n++) client.emit('anything', [], n)
    client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/other' })
    const { body } = await client.frame('CONNECT_ERROR')
    expect(body).toMatchObject({ nsp: '/other', code: 'RATE_LIMITED', data: { retryAfterMs: expect.any(Number) } })
    // It may leave one all the same: the two sides would not agree any more.
    client.send({ type: MESSAGE_TYPES.DISCONNECT }, null)
    await until(() => server.io.sockets.sockets.size === 0)
  })
})

describe('rateLimits', () => {
  it('of false takes everything', async () => {
    const seen: unknown[] = []
    await using server = await startServer(counting(seen), { rateLimits: false })
    using client = await RawClient.connect(server.port)
    const count = LIMITS.burstMessages + 2 * LIMITS.rateRefusals + 1_000
    for (let n = 0; n < count; n++) client.emit('count', [n])
    await until(() => seen.length === count)
  })

  it('by default let through at once what a client has waiting, and all of its rooms', async () => {
    const seen: unknown[] = []
    await using server = await startServer((io) => {
      counting(seen)(io)
      io.rooms('*', { authorize: () => true })
    })
    using client = await RawClient.connect(server.port)
    for (let n = 0; n < LIMITS.roomsPerSocket; n++) {
      client.send({ type: MESSAGE_TYPES.REQUEST, ackId: n }, ['join', `r${n}`, null, null])
    }
    for (let n = 0; n < LIMITS.outboxEvents; n++) client.emit('count', [n])
    await until(() => seen.length === LIMITS.outboxEvents)
    expect(client.frames.filter(isRefusal)).toEqual([])
  })

  it('by default takes 4 MiB at once, and not twice that', async () => {
    const seen: unknown[] = []
    await using server = await startServer(counting(seen))
    using client = await RawClient.connect(server.port)
    const data = new Uint8Array(512 * 1_024 - 100)
    for (let n = 0; n < 8; n++) client.emit('count', [data], n)
    await until(() => seen.length === 8)
    expect(client.frames.filter(isRefusal)).toEqual([])
    // It may take some time to send that, in which 1 MiB comes in each second.
    for (let n = 8; n < 100 && !client.frames.some(isRefusal); n++) client.emit('count', [data], n)
    await until(() => client.frames.some(isRefusal))
  })

  it.each([
    [{ connection: { messagesPerSecond: 0 } }],
    [{ connection: { messagesPerSecond: Number.POSITIVE_INFINITY } }],
    [{ user: { messagesPerSecond: 1, burstMessages: 0 } }],
    [{ user: { messagesPerSecond: 1, bytesPerSecond: -1 } }],
    [{ events: { a: { messagesPerSecond: Number.NaN } } }],
    [{ connection: true as never }],
    [true as never],
  ] satisfies [RateLimits][])('that make no sense are refused: %o', async (rateLimits) => {
    expect((await errorOf(() => startServer(undefined, { rateLimits }))).code).toBe('INVALID_OPTION')
  })
})

describe('the client of a server that refuses for now', () => {
  it('fails an ordinary call with the code, and fires `error` for an event that nobody waits for', async () => {
    await using server = await startServer(counting([]), { rateLimits: { connection: TEN } })
    using client = connect(server.url, { transports: ['websocket'] })
    const errors: unknown[] = []
    client.on('error', (error) => errors.push((error as RoomcastError).code))
    const results = await Promise.allSettled(Array.from({ length: 11 }, (_, n) => client.emitWithAck('count', n)))
    expect(results[10]).toMatchObject({
      status: 'rejected',
      reason: { code: 'RATE_LIMITED', data: { retryAfterMs: expect.any(Number) } },
    })
    client.emit('count', 'nobody waits')
    await until(() => errors.length === 1)
    expect(errors).toEqual(['RATE_LIMITED'])
    expect(client.connected).toBe(true)
  })

  it.each([
    ['idempotent calls', {}],
    ['calls with retries', { retries: 1 }],
  ])('repeats %s in their order, and none is lost', async (_what, options) => {
    const seen: unknown[] = []
    await using server = await startServer(counting(seen), {
      rateLimits: { connection: { messagesPerSecond: 200, burstMessages: 50 } },
    })
    using user = await pair(server, { transports: ['websocket'], ...options })
    const call = (n: number) =>
      'retries' in options ? user.client.emitWithAck('count', n) : user.client.idempotent.emitWithAck('count', n)
    const all = Array.from({ length: 300 }, (_, n) => n)
    const lag = monitorEventLoopDelay({ resolution: 10 })
    lag.enable()
    await Promise.all(all.map(call))
    lag.disable()
    expect([...seen].sort((a, b) => Number(a) - Number(b))).toEqual(all)
    // What is on its way for longer than the server refuses everything, half a second, may be overtaken.
    const stoodStillMs = lag.max / 1e6
    if (stoodStillMs < 200) expect(seen).toEqual(all)
    else console.log(`order not looked at: the process stood still for ${stoodStillMs.toFixed(0)} ms`)
    expect(user.client.connected).toBe(true)
  })

  it('fails a call that would have to wait for long, and sends what comes behind it', async () => {
    const seen: unknown[] = []
    await using server = await startServer(counting(seen), {
      rateLimits: { events: { count: { messagesPerSecond: 1 / 60, burstMessages: 1 } } },
    })
    using user = await pair(server, { transports: ['websocket'] })
    await user.client.idempotent.emitWithAck('count', 1)
    const refused = user.client.idempotent.emitWithAck('count', 2)
    expect((await errorOf(refused)).data).toMatchObject({ retryAfterMs: expect.any(Number) })
    expect(await user.client.emitWithAck('free')).toBe('free')
    expect(seen).toEqual([1])
  })

  it('makes many requests again without being closed for it', async () => {
    await using server = await startServer((io) => io.rooms('*', { authorize: () => true }), {
      rateLimits: { connection: { messagesPerSecond: 400, burstMessages: 100 } },
    })
    using user = await pair(server, { transports: ['websocket'] })
    const names = Array.from({ length: 240 }, (_, n) => `r${n}`)
    const rooms = await Promise.all(names.map((name) => user.client.join(name)))
    expect(rooms.map(({ isJoined }) => isJoined)).toEqual(names.map(() => true))
  })

  it('keeps ordinary events as well until it takes more', async () => {
    const seen: unknown[] = []
    await using server = await startServer(
      (io) => {
        counting(seen)(io)
        io.rooms('*', { authorize: () => true })
      },
      { rateLimits: { connection: { messagesPerSecond: 100, burstMessages: 15 } } },
    )
    using user = await pair(server, { transports: ['websocket'] })
    const errors: unknown[] = []
    user.client.on('error', (error) => errors.push(error))
    await user.client.join('a')
    const room = user.client.join('b')
    // Behind the refusal.
    await user.client.emitWithAck('free').catch(() => {})
    user.client.emit('count', 1)
    await Promise.all([room, user.client.emitWithAck('free')])
    expect([seen, errors]).toEqual([[1], []])
  })

  it('makes requests of the library again, in their order', async () => {
    const joined: string[] = []
    await using server = await startServer(
      (io) => io.rooms('*', { authorize: (_who, room) => joined.push(room) > 0 }),
      { rateLimits: { connection: { messagesPerSecond: 100, burstMessages: 60 } } },
    )
    using user = await pair(server, { transports: ['websocket'] })
    const names = Array.from({ length: 12 }, (_, n) => `r${n}`)
    const rooms = await Promise.all(names.map((name) => user.client.join(name)))
    expect(rooms.map(({ isJoined }) => isJoined)).toEqual(names.map(() => true))
    expect(joined).toEqual(names)
  })
})
