import { CLOSE_CODES } from '@roomcast/protocol'
import type { ConnectionError, OriginRule, ServerOptions, Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { pair } from '../../../test-kit/clients'
import { HEAD, rawRequest, request, UPGRADE_HEADERS } from '../../../test-kit/http'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

const PATH = '/roomcast/ws'

/** Asks for a WebSocket; the status is 101 if it was opened. */
function upgrade(server: TestServer, headers: Record<string, string | undefined> = {}) {
  const all: Record<string, string | undefined> = { ...UPGRADE_HEADERS, ...headers }
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >
  return request(server.port, { path: PATH, headers: given })
}

/** Asks for a WebSocket with exactly these header lines. */
function rawUpgrade(server: TestServer, lines: readonly string[], body = ''): Promise<string> {
  const head = [`GET ${PATH} HTTP/1.1`, `Host: 127.0.0.1:${server.port}`, ...lines, '', body]
  return rawRequest(server.port, head.join('\r\n'), HEAD)
}

/** The lines of a well-made upgrade request without one of them. */
function linesWithout(left: keyof typeof UPGRADE_HEADERS): string[] {
  return Object.entries(UPGRADE_HEADERS)
    .filter(([name]) => name !== left)
    .map(([name, value]) => `${name}: ${value}`)
}

async function expectAlive(server: TestServer): Promise<void> {
  using one = await pair(server)
  expect(one.client.connected).toBe(true)
}

describe('socket.handshake', () => {
  test('tells what the client said and where it came from', async () => {
    const before = Date.now()
    await using server = await startServer()
    using client = await RawClient.connect(
      server.port,
      '/',
      { token: 'abc', deep: [new Date(5)] },
      {
        path: `${PATH}?a=1&b=x%20y&a=2&constructor=c`,
        headers: { 'X-Custom': 'Some Value', cookie: 'k=v', 'user-agent': 'test' },
      },
    )
    const [socket] = [...server.io.sockets.sockets.values()] as [Socket]
    const { handshake } = socket
    expect(handshake.headers).toMatchObject({
      'x-custom': 'Some Value',
      cookie: 'k=v',
      'user-agent': 'test',
      host: `127.0.0.1:${server.port}`,
      upgrade: 'websocket',
    })
    expect(handshake.headers.constructor, 'no inherited names').toBeUndefined()
    expect(handshake.address).toBe('127.0.0.1')
    expect(handshake.url).toBe(`${PATH}?a=1&b=x%20y&a=2&constructor=c`)
    expect({ ...handshake.query }).toEqual({ a: '2', b: 'x y', constructor: 'c' })
    expect(handshake.auth).toEqual({ token: 'abc', deep: [new Date(5)] })
    expect(handshake.issued).toBeGreaterThanOrEqual(before)
    expect(handshake.issued).toBeLessThanOrEqual(Date.now())
    expect(Date.parse(handshake.time)).toBe(Math.floor(handshake.issued / 1000) * 1000)
    expect(handshake).toMatchObject({ secure: false, xdomain: false })
    expect(socket.handshake).toBe(handshake)
    expect(client.subprotocol).toBe('roomcast.v1')
  })

  test('auth is an empty object if the client gave none, and each namespace has its own', async () => {
    await using server = await startServer((io) => io.of('/a'))
    using plain = await pair(server)
    expect(plain.socket.handshake.auth).toEqual({})
    expect({ ...plain.socket.handshake.query }).toEqual({})
    using one = await pair(server, { nsp: '/a', auth: { a: 1 }, query: { q: 'ä&=' } })
    expect(one.socket.handshake.auth).toEqual({ a: 1 })
    expect({ ...one.socket.handshake.query }).toEqual({ q: 'ä&=' })
  })

  test('more kinds of clients than are remembered each have headers of their own', async () => {
    await using server = await startServer()
    const agents = Array.from({ length: 300 }, (_, i) => `agent ${i}`)
    // The first ones come again when they have been forgotten.
    for (const agent of [...agents, ...agents.slice(0, 3), 'x'.repeat(2_000), 'x'.repeat(2_000)]) {
      using client = await RawClient.connect(server.port, '/', undefined, { headers: { 'user-agent': agent } })
      const [socket] = [...server.io.sockets.sockets.values()] as [Socket]
      expect(socket.handshake.headers['user-agent']).toBe(agent)
      client.terminate()
      await until(() => server.io.sockets.sockets.size === 0)
    }
  })

  test('headers sent twice are joined', async () => {
    await using server = await startServer()
    const seen = new Promise((resolve) => {
      server.io.engine.on('connection_error', ({ request }) => resolve(request.headers))
    })
    const lines = linesWithout('sec-websocket-protocol')
    const answer = await rawUpgrade(server, [...lines, 'X-A: 1', 'x-a: 2', 'Cookie: a=1', 'Cookie: b=2'])
    expect(answer).toMatch(/^HTTP\/1\.1 400/)
    expect(await seen).toMatchObject({ 'x-a': '1, 2', cookie: 'a=1; b=2' })
  })

  test('xdomain tells whether the page came from elsewhere', async () => {
    await using server = await startServer(() => {}, { cors: { origin: true } })
    const same = `http://127.0.0.1:${server.port}`
    for (const [origin, xdomain] of [
      [same, false],
      ['http://elsewhere.example', true],
      ['null', true],
    ] as const) {
      using client = await RawClient.connect(server.port, '/', undefined, { headers: { origin } })
      const socket = await until(() => [...server.io.sockets.sockets.values()].at(-1))
      expect((socket as Socket).handshake.xdomain, origin).toBe(xdomain)
      client.terminate()
      await until(() => server.io.sockets.sockets.size === 0)
    }
  })
})

describe('origins', () => {
  /** Whether a page of this origin may connect, HOST standing for the server's own host and port. */
  async function mayConnect(origin: string | undefined, rule?: OriginRule): Promise<boolean> {
    const options: ServerOptions = rule === undefined ? {} : { cors: { origin: rule } }
    await using server = await startServer(() => {}, options)
    const { status, text } = await upgrade(server, { origin: origin?.replace('HOST', `127.0.0.1:${server.port}`) })
    expect([101, 403]).toContain(status)
    if (status === 403) expect(JSON.parse(text)).toMatchObject({ code: 'ORIGIN_NOT_ALLOWED' })
    return status === 101
  }

  test.each([
    // No page: a program.
    [undefined, true],
    ['http://HOST', true],
    // Behind a proxy that ends TLS the page has https where the server sees http.
    ['https://HOST', true],
    ['http://127.0.0.1', false],
    ['http://127.0.0.1:1', false],
    ['http://HOST0', false],
    ['http://HOST.evil.example', false],
    ['http://evil.example', false],
    ['http://HOST@evil.example', false],
    ['http://evil.example/HOST', false],
    ['http://evil.example#HOST', false],
    ['http://localhost', false],
    ['file://HOST', false],
    ['chrome-extension://HOST', false],
    ['null', false],
    ['', false],
  ])('by default a page of %j may connect: %s', async (origin, expected) => {
    expect(await mayConnect(origin)).toBe(expected)
  })

  const LIST = ['https://example.com', 'https://other.example:8443']
  test.each([
    ['https://example.com', true],
    ['https://other.example:8443', true],
    ['http://example.com', false],
    ['https://example.com:444', false],
    ['https://other.example', false],
    ['https://evil-example.com', false],
    ['https://example.com.evil.io', false],
    ['https://sub.example.com', false],
    ['https://example.com.', false],
    ['https://EXAMPLE.com', false],
    ['https://example.com/', false],
    ['https://example.com, https://evil.example', false],
    ['https://xn--exmple-cua.com', false],
    ['null', false],
    ['', false],
    ['http://HOST', false],
    [undefined, true],
  ])('a list of exact origins lets %j connect: %s', async (origin, expected) => {
    expect(await mayConnect(origin, LIST)).toBe(expected)
    if (origin !== LIST[1]) expect(await mayConnect(origin, LIST[0] as string)).toBe(expected)
  })

  test.each([
    ['https://a.example.com', true],
    ['https://a.b.example.com', false],
    ['https://a.example.com.evil.io', false],
    ['https://aexample.com', false],
    ['null', false],
    ['', false],
  ])('a RegExp lets %j connect: %s', async (origin, expected) => {
    expect(await mayConnect(origin, /^https:\/\/\w+\.example\.com$/g)).toBe(expected)
    expect(await mayConnect(origin, ['https://else.example', /^https:\/\/\w+\.example\.com$/])).toBe(expected)
  })

  test.each([[true], ['*'], [['https://else.example', '*']]] as const)('%j lets any page connect', async (rule) => {
    for (const origin of ['https://evil.example', 'null', undefined]) expect(await mayConnect(origin, rule)).toBe(true)
  })

  test('false means the same host only', async () => {
    expect(await mayConnect('http://HOST', false)).toBe(true)
    expect(await mayConnect('https://evil.example', false)).toBe(false)
  })

  test('of two Origin headers both have to be allowed', async () => {
    await using server = await startServer(() => {}, { cors: { origin: LIST } })
    for (const origins of [
      [LIST[0], 'https://evil.example'],
      ['https://evil.example', LIST[0]],
    ]) {
      const answer = await rawUpgrade(server, [
        'upgrade: websocket',
        ...linesWithout('upgrade'),
        ...origins.map((origin) => `origin: ${origin}`),
      ])
      expect(answer).toMatch(/^HTTP\/1\.1 403/)
    }
  })
})

describe('allowRequest', () => {
  test('is asked with the request, and accepts by callback or promise', async () => {
    for (const allowRequest of [
      (_request, callback) => callback(null, true),
      (_request, callback) => void setImmediate(() => callback(undefined, true)),
      async () => true,
      async () => new Promise<boolean>((resolve) => setImmediate(() => resolve(true))),
    ] as NonNullable<ServerOptions['allowRequest']>[]) {
      await using server = await startServer(() => {}, { allowRequest })
      await expectAlive(server)
    }
    let asked: unknown
    await using server = await startServer(() => {}, {
      allowRequest: async (request) => {
        asked = request
        return true
      },
    })
    using client = await RawClient.connect(server.port, '/', undefined, {
      path: `${PATH}?k=v`,
      headers: { 'x-a': '1' },
    })
    expect(client.closed).toBeNull()
    expect(asked).toMatchObject({ method: 'GET', url: `${PATH}?k=v`, address: '127.0.0.1', headers: { 'x-a': '1' } })
  })

  test.each([
    [
      'callback(text, false)',
      (_r: unknown, callback: (e: string | null, ok: boolean) => void) => callback('no entry', false),
      'no entry',
    ],
    [
      'callback(null, false)',
      (_r: unknown, callback: (e: string | null, ok: boolean) => void) => callback(null, false),
      'refused',
    ],
    [
      'callback(text, true)',
      (_r: unknown, callback: (e: string | null, ok: boolean) => void) => callback('no entry', true),
      'no entry',
    ],
    ['a promise of false', async () => false, 'refused'],
    ['a promise of undefined', async () => undefined as unknown as boolean, 'refused'],
  ])('refuses by %s with 403 and a code', async (_how, allowRequest, text) => {
    const errors: ConnectionError[] = []
    await using server = await startServer(
      (io) => io.engine.on('connection_error', (error) => void errors.push(error)),
      { allowRequest },
    )
    const answer = await upgrade(server)
    expect(answer.status).toBe(403)
    expect(answer.headers['content-type']).toContain('application/json')
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'REQUEST_REFUSED', message: expect.stringContaining(text) })
    expect(errors).toMatchObject([{ code: 'REQUEST_REFUSED' }])
    expect(server.faults).toEqual([])
  })

  test.each([
    [
      'throw',
      () => {
        throw new Error('secret text')
      },
    ],
    ['rejection', async () => Promise.reject(new Error('secret text'))],
  ])('a %s refuses without the text, and is reported', async (_how, allowRequest) => {
    await using server = await startServer(() => {}, { allowRequest })
    const answer = await upgrade(server)
    expect([403, 500]).toContain(answer.status)
    expect(answer.text).not.toContain('secret')
    expect(server.faults).toHaveLength(1)
    expect((await request(server.port)).status, 'the server lives').toBe(404)
  })

  test('a client that leaves while it is asked harms nothing', async () => {
    const waiting: ((error: null, isAccepted: boolean) => void)[] = []
    await using server = await startServer(() => {}, {
      allowRequest: (_request, callback) => void waiting.push(callback),
    })
    const controller = new AbortController()
    const lost = fetch(`${server.url}${PATH}`, { signal: controller.signal, headers: {} }).catch(() => {})
    const half = upgrade(server).catch(() => {})
    await until(() => waiting.length === 1)
    controller.abort()
    await lost
    waiting[0]?.(null, true)
    await half
    expect(server.faults).toEqual([])
  })
})

describe('requests that are refused', () => {
  test.each([
    ['an old version of WebSocket', { 'sec-websocket-version': '8' }, 426, 'REQUEST_REFUSED'],
    ['no version of WebSocket', { 'sec-websocket-version': undefined }, 426, 'REQUEST_REFUSED'],
    ['a key that is too short', { 'sec-websocket-key': 'short' }, 426, null],
    ['an empty key', { 'sec-websocket-key': '' }, 426, null],
    ['no key', { 'sec-websocket-key': undefined }, 426, null],
    ['another upgrade', { upgrade: 'h2c' }, 426, 'REQUEST_REFUSED'],
    ['no subprotocol', { 'sec-websocket-protocol': undefined }, 400, 'UNSUPPORTED_VERSION'],
    ['another subprotocol', { 'sec-websocket-protocol': 'graphql-ws' }, 400, 'UNSUPPORTED_VERSION'],
    ['a later version alone', { 'sec-websocket-protocol': 'roomcast.v2' }, 400, 'UNSUPPORTED_VERSION'],
    [
      'a name that only begins like ours',
      { 'sec-websocket-protocol': 'roomcast.v10, roomcast.v1x' },
      400,
      'UNSUPPORTED_VERSION',
    ],
  ])('%s', async (_what, headers, status, code) => {
    const errors: ConnectionError[] = []
    await using server = await startServer((io) => io.engine.on('connection_error', (error) => void errors.push(error)))
    const answer = await upgrade(server, headers)
    expect(answer.status).toBe(status)
    if (code !== null) {
      expect(JSON.parse(answer.text)).toMatchObject({ code, message: expect.any(String) })
      expect(answer.headers['cache-control']).toBe('no-store')
      expect(errors).toMatchObject([{ code, request: { url: PATH, address: '127.0.0.1' } }])
    }
    expect(server.io.engine.clientsCount).toBe(0)
    await expectAlive(server)
  })

  test.each([
    ['a Content-Length', ['content-length: 5']],
    ['a chunked body', ['transfer-encoding: chunked']],
    ['two Content-Lengths, the first of them 0', ['content-length: 0', 'content-length: 5']],
    ['an odd Content-Length', ['content-length: 0x5']],
  ])('an upgrade with %s', async (_what, extra) => {
    await using server = await startServer()
    const answer = await rawUpgrade(server, [...linesWithout('upgrade'), 'upgrade: websocket', ...extra], 'hello')
    expect(answer).not.toMatch(/^HTTP\/1\.1 101/)
    if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 400/)
    expect(server.io.engine.clientsCount).toBe(0)
    await expectAlive(server)
  })

  test('a client that offers only "roomcast" is closed with UNSUPPORTED_VERSION', async () => {
    await using server = await startServer()
    for (const subprotocols of [['roomcast'], ['roomcast.v2', 'roomcast']]) {
      using client = await RawClient.open(server.port, { subprotocols })
      expect(client.subprotocol).toBe('roomcast')
      expect(await client.close()).toMatchObject({ code: CLOSE_CODES.UNSUPPORTED_VERSION })
    }
    await expectAlive(server)
  })

  test('of several versions the one that the server speaks is chosen, in any order', async () => {
    await using server = await startServer()
    for (const subprotocols of [
      ['roomcast', 'roomcast.v1'],
      ['roomcast.v2', 'roomcast.v1', 'roomcast'],
    ]) {
      using client = await RawClient.open(server.port, { subprotocols })
      expect(client.subprotocol).toBe('roomcast.v1')
    }
  })

  test('the subprotocols may come in several headers', async () => {
    await using server = await startServer()
    const offers = ['sec-websocket-protocol: graphql-ws', 'sec-websocket-protocol: roomcast.v1']
    const answer = await rawUpgrade(server, [...linesWithout('sec-websocket-protocol'), ...offers])
    expect(answer).toMatch(/^HTTP\/1\.1 101/)
    expect(answer).toContain('Sec-WebSocket-Protocol: roomcast.v1')
  })

  test('a listener of connection_error that throws is reported, and the client is answered', async () => {
    await using server = await startServer((io) =>
      io.engine.on('connection_error', () => {
        throw new Error('in the listener')
      }),
    )
    expect((await upgrade(server, { 'sec-websocket-version': '8' })).status).toBe(426)
    await until(() => server.faults.length === 1)
  })

  test('another path of the option is the only one', async () => {
    await using server = await startServer(() => {}, { path: '/live/' })
    using client = await RawClient.connect(server.port, '/', undefined, { path: '/live/ws' })
    expect(client.closed).toBeNull()
    expect((await upgrade(server)).status).toBe(404)
  })
})

test('engine.clientsCount counts connections, not namespaces', async () => {
  await using server = await startServer((io) => io.of('/a'))
  expect(server.io.engine.clientsCount).toBe(0)
  using idle = await RawClient.open(server.port)
  using one = await pair(server, { nsp: '/a' })
  expect(server.io.engine.clientsCount).toBe(2)
  one.client.disconnect()
  idle.terminate()
  await until(() => server.io.engine.clientsCount === 0)
})
