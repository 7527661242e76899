import { LIMITS, POLL_CONTENT_TYPE, SUBPROTOCOL } from '@roomcast/protocol'
import type { ConnectionError, RoomcastError, ServerOptions } from '@roomcast/server'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { connect, errorOf } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { connectionsByDescriptors } from '../src/options/descriptor-limit'
import { Door } from '../src/transport/door'

interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: { readonly code?: string; readonly message?: string; readonly retryAfterMs?: number }
}

type Transport = 'polling' | 'websocket'
const TRANSPORTS: readonly Transport[] = ['websocket', 'polling']

/** Asks for a connection as whoever `from` is, behind a proxy on the loopback; `close` ends it. */
async function ask(port: number, transport: Transport, from: string): Promise<Answer & { close(): void }> {
  const headers = { 'x-forwarded-for': from }
  if (transport === 'polling') {
    const response = await fetch(`http://127.0.0.1:${port}/roomcast/poll/v1`, {
      method: 'POST',
      headers: { ...headers, 'content-type': POLL_CONTENT_TYPE },
    })
    const text = await response.text()
    const close = () =>
      void fetch(`http://127.0.0.1:${port}/roomcast/poll/v1`, {
        method: 'DELETE',
        headers: { ...headers, 'roomcast-session': text },
      })
    const body = response.status === 200 ? {} : JSON.parse(text)
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body, close }
  }
  const ws = new WebSocket(`ws://127.0.0.1:${port}/roomcast/ws`, [SUBPROTOCOL], { headers })
  return new Promise((resolve, reject) => {
    ws.on('error', () => {})
    ws.on('open', () => resolve({ status: 101, retryAfter: null, body: {}, close: () => ws.terminate() }))
    ws.on('unexpected-response', (_request, response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        const retryAfter = response.headers['retry-after'] ?? null
        resolve({ status: response.statusCode ?? 0, retryAfter, body: JSON.parse(text), close: () => {} })
      })
    })
  })
}

const isIn = ({ status }: Answer) => status === 101 || status === 200
const BEHIND_PROXY: ServerOptions = { trustedProxies: ['127.0.0.1'] }
/** So many at once, and then hardly any. */
const FOUR = { perSecond: 0.01, burst: 4 }

describe.each(TRANSPORTS)('a server asked over %s', (transport) => {
  it('with as many connections as it may have refuses more with SERVER_FULL, and takes one when another has left', async () => {
    const errors: ConnectionError[] = []
    let asked = 0
    await using server = await startServer(undefined, {
      maxConnections: 3,
      allowRequest: async () => ++asked > 0,
    })
    server.io.engine.on('connection_error', (error) => errors.push(error))
    const inside = await Promise.all([0, 1, 2].map(() => ask(server.port, transport, '')))
    expect(inside.map(isIn)).toEqual([true, true, true])
    const refused = await ask(server.port, transport, '')
    expect(refused).toMatchObject({ status: 503, retryAfter: '5', body: { code: 'SERVER_FULL', retryAfterMs: 5_000 } })
    expect(asked, 'the application is not asked').toBe(3)
    expect(errors).toMatchObject([
      { status: '503 Service Unavailable', code: 'SERVER_FULL', request: { address: '127.0.0.1' } },
    ])
    inside[0]?.close()
    await until(() => server.io.engine.clientsCount === 2)
    expect(isIn(await ask(server.port, transport, ''))).toBe(true)
  })

  it('counts the connections of an address by what a trusted proxy says, of IPv6 those of a network', async () => {
    await using server = await startServer(undefined, { ...BEHIND_PROXY, maxConnectionsPerAddress: 2 })
    const one = await ask(server.port, transport, '203.0.113.1')
    await ask(server.port, transport, '203.0.113.1')
    const refused = await ask(server.port, transport, '203.0.113.1')
    expect(refused).toMatchObject({ status: 429, retryAfter: '5', body: { code: 'TOO_MANY_CONNECTIONS' } })
    expect(isIn(await ask(server.port, transport, '203.0.113.2'))).toBe(true)
    for (const last of ['1', '2']) expect(isIn(await ask(server.port, transport, `2001:db8::${last}`))).toBe(true)
    expect((await ask(server.port, transport, '2001:db8::ffff:3')).status).toBe(429)
    expect(isIn(await ask(server.port, transport, '2001:db8:0:1::1'))).toBe(true)
    one.close()
    await until(() => server.io.engine.clientsCount === 5)
    expect(isIn(await ask(server.port, transport, '203.0.113.1'))).toBe(true)
  })

  it('refuses an address that asks too often with RATE_LIMITED, and tells when to come again', async () => {
    await using server = await startServer(undefined, { ...BEHIND_PROXY, handshakeLimits: { address: FOUR } })
    for (let n = 0; n < 4; n++) expect(isIn(await ask(server.port, transport, '203.0.113.1'))).toBe(true)
    const refused = await ask(server.port, transport, '203.0.113.1')
    expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } })
    expect(Number(refused.retryAfter)).toBeGreaterThan(0)
    expect(isIn(await ask(server.port, transport, '203.0.113.2'))).toBe(true)
  })

  it('may be told how often it is asked by all of them', async () => {
    await using server = await startServer(undefined, { ...BEHIND_PROXY, handshakeLimits: { server: FOUR } })
    for (let n = 0; n < 4; n++) expect(isIn(await ask(server.port, transport, `203.0.113.${n}`))).toBe(true)
    const refused = await ask(server.port, transport, '203.0.113.9')
    expect(refused).toMatchObject({ status: 503, body: { code: 'RATE_LIMITED' } })
  })
})

describe('by default', () => {
  it('a public address has 256 connections, and one of a private network as many as it likes', async () => {
    await using server = await startServer(undefined, { ...BEHIND_PROXY, handshakeLimits: false })
    const all = (from: string) =>
      Promise.all(Array.from({ length: LIMITS.connectionsPerAddress + 4 }, () => ask(server.port, 'websocket', from)))
    const isRefused = (answer: Answer) => answer.body.code === 'TOO_MANY_CONNECTIONS'
    expect((await all('203.0.113.1')).filter(isRefused)).toHaveLength(4)
    for (const own of ['10.1.2.3', '100.64.1.2', 'fd00::1']) expect((await all(own)).filter(isIn).length).toBe(260)
  })

  it('a public address may ask 500 times at once, and the loopback as often as it likes', async () => {
    const limits = { handshakes: LIMITS.burstHandshakes, connections: LIMITS.connectionsPerAddress }
    await using server = await startServer(undefined, { ...BEHIND_PROXY, maxConnectionsPerAddress: 10 ** 6 })
    // By polling, which is quick to ask; it takes more than a moment, in which some more are let through.
    const answers: Answer[] = []
    while (answers.length < 2 * limits.handshakes && answers.every(isIn)) {
      answers.push(...(await Promise.all(Array.from({ length: 50 }, () => ask(server.port, 'polling', '203.0.113.1')))))
    }
    expect(answers.filter(isIn).length).toBeGreaterThanOrEqual(limits.handshakes)
    expect(answers.find((answer) => !isIn(answer))?.body.code ?? 'RATE_LIMITED').toBe('RATE_LIMITED')
    for (let n = 0; n < 20; n++) expect(isIn(await ask(server.port, 'polling', '127.0.0.1'))).toBe(true)
  })

  it('four fifths of the descriptors of the process may be connections', () => {
    const limits =
      'Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 4096                 files\n'
    expect(connectionsByDescriptors(limits)).toBe(819)
    expect(connectionsByDescriptors(limits.replace('1024', 'unlimited'))).toBe(Number.POSITIVE_INFINITY)
    expect(connectionsByDescriptors(null)).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('the rates that a server knows', () => {
  it('are those of the last addresses only', () => {
    const rate = { perSecond: 0.001, burst: 1 }
    const limits = {
      maxConnections: 1,
      maxDescriptors: 10,
      perAddress: null,
      handshakesPerAddress: { rate, isForAll: true },
      handshakes: null,
    }
    const door = new Door(limits, () => ({ connections: 0, sessions: 0 }))
    expect(door.knock('203.0.113.1')).toBeNull()
    expect(door.knock('203.0.113.1')).toMatchObject({ code: 'RATE_LIMITED' })
    for (let n = 0; n < LIMITS.rememberedAddresses; n++) {
      expect(door.knock(`10.1.${n >> 8}.${n & 255}`)).toBeNull()
    }
    expect(door.knock('203.0.113.1')).toBeNull()
  })

  it('leave a second descriptor to each polling session', () => {
    const limits = {
      maxConnections: 100,
      maxDescriptors: 10,
      perAddress: null,
      handshakesPerAddress: null,
      handshakes: null,
    }
    const at = (connections: number, sessions: number) =>
      new Door(limits, () => ({ connections, sessions })).refusal('203.0.113.1')?.code
    expect([at(9, 0), at(10, 0), at(5, 4), at(5, 5)]).toEqual([undefined, 'SERVER_FULL', undefined, 'SERVER_FULL'])
  })
})

describe('places', () => {
  it('are counted once more when the application has been asked', async () => {
    const decisions: (() => void)[] = []
    await using server = await startServer(undefined, {
      maxConnections: 2,
      allowRequest: (_request, callback) => void decisions.push(() => callback(null, true)),
    })
    const asking = Array.from({ length: 6 }, (_, n) => ask(server.port, n % 2 === 0 ? 'websocket' : 'polling', ''))
    await until(() => decisions.length === 6)
    for (const decide of decisions) decide()
    const answers = await Promise.all(asking)
    expect(answers.filter(isIn)).toHaveLength(2)
    expect(answers.filter(({ body }) => body.code === 'SERVER_FULL')).toHaveLength(4)
    expect(server.io.engine.clientsCount).toBe(2)
  })

  it('are free again after whatever end, and a move to a WebSocket takes none', async () => {
    await using server = await startServer(undefined, { maxConnectionsPerAddress: 2, connectTimeout: 200 })
    for (let round = 0; round < 4; round++) {
      using client = connect(server.url, { transports: ['polling', 'websocket'] })
      await until(() => client.connected)
      // Beside it the WebSocket that it moves to has the second place, for a moment.
      await until(() => client.io.transport === 'websocket', 'the move')
      await until(() => server.io.engine.clientsCount === 1)
      using mute = await RawClient.open(server.port)
      expect(mute.closed).toBeNull()
      await mute.close()
      using leaving = await RawClient.connect(server.port)
      leaving.terminate()
      await until(() => server.io.engine.clientsCount === 1)
      using poller = await RawPoller.connect(server.port)
      await poller.request({ method: 'DELETE' })
    }
    await until(() => server.io.engine.clientsCount === 0)
  })
})

describe('a client that is refused at the door', () => {
  it('learns why by polling, stays away for as long as it is told, and then comes in', async () => {
    const refusals: { at: number; code: string }[] = []
    await using server = await startServer(undefined, { handshakeLimits: { address: { perSecond: 1, burst: 3 } } })
    server.io.engine.on('connection_error', ({ code }) => refusals.push({ at: performance.now(), code }))
    const taken = await Promise.all([0, 1, 2].map(() => ask(server.port, 'websocket', '')))
    expect(taken.map(isIn)).toEqual([true, true, true])
    const told: string[] = []
    using client = connect(server.url, { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 20 })
    client.on('connect_error', ({ data }) => told.push((data as { message: string }).message))
    await until(() => client.connected)
    expect(told[0]).toBe('too many connections from this address')
    // One by WebSocket, one by polling, which tells how long to wait; nothing before that is over.
    expect(refusals.slice(0, 2).map(({ code }) => code)).toEqual(['RATE_LIMITED', 'RATE_LIMITED'])
    if (refusals.length > 2) expect((refusals[2]?.at ?? 0) - (refusals[1]?.at ?? 0)).toBeGreaterThan(500)
    expect(refusals.length).toBeLessThanOrEqual(4)
  })

  it('is not asked to try the other transport if polling comes first', async () => {
    let refused = 0
    await using server = await startServer(undefined, { maxConnections: 1 })
    server.io.engine.on('connection_error', () => refused++)
    using first = await RawClient.connect(server.port)
    using client = connect(server.url, { transports: ['polling', 'websocket'] })
    const error = await new Promise<RoomcastError>((resolve) => client.on('connect_error', resolve))
    expect(error.data).toMatchObject({ message: 'the server has as many connections as it may have' })
    expect(refused).toBe(1)
    expect(first.closed).toBeNull()
  })
})

describe('options of the door', () => {
  it.each([
    [{ maxConnections: 0 }],
    [{ maxConnectionsPerAddress: 0 }],
    [{ maxConnectionsPerAddress: 1.5 }],
    [{ handshakeLimits: { address: { perSecond: 0 } } }],
    [{ handshakeLimits: { server: { perSecond: 1, burst: 0 } } }],
    [{ handshakeLimits: true as never }],
  ] satisfies [ServerOptions][])('that make no sense are refused: %o', async (options) => {
    expect((await errorOf(() => startServer(undefined, options))).code).toBe('INVALID_OPTION')
  })
})
