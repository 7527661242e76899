import { createServer } from 'node:http'
import { createCompactCodec, isRoomcastError, LIMITS, type RoomcastError } from '@roomcast/protocol'
import { Server, type ServerOptions } from '@roomcast/server'
import * as uws from 'uws-pack'
import { describe, expect, test } from 'vitest'
import { errorOf, pair, pairs } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer } from '../../../test-kit/server'
import { resolveServerOptions } from '../src/options/server-options'
import { loadEngine } from '../src/transport/load-engine'

/** The error that a server with these options is refused with. */
function refusal(options: unknown): RoomcastError {
  try {
    new Server(options as ServerOptions)
  } catch (error) {
    if (isRoomcastError(error)) return error
    throw error
  }
  throw new Error('was not refused')
}

describe('options of Socket.IO', () => {
  test.each([
    ['adapter', class {}, /leave the option out/],
    ['allowEIO3', true, /@roomcast\/client/],
    ['cookie', true, /leave the option out/],
    ['httpCompression', true, /io\.http/],
    ['initialPacket', 'x', /connection handler/],
    ['parser', {}, /`codec`/],
    ['wsEngine', class {}, /`uws`/],
  ])('%s is refused with a sentence that says what to do instead', (name, value, instead) => {
    const error = refusal({ [name]: value })
    expect(error.code).toBe('OPTION_NOT_SUPPORTED')
    expect(error.message).toContain(`"${name}"`)
    expect(error.message).toMatch(instead)
  })

  test('an options object of Socket.IO with the names that mean the same is taken', () => {
    const options: ServerOptions = {
      path: '/my-path/',
      serveClient: false,
      connectTimeout: 45_000,
      transports: ['polling', 'websocket'],
      allowUpgrades: false,
      upgradeTimeout: 3_000,
      pingInterval: 25_000,
      pingTimeout: 20_000,
      maxHttpBufferSize: 1_000_000,
      cors: {
        origin: ['https://example.com', /\.example\.com$/],
        credentials: true,
        allowedHeaders: 'x-a',
        maxAge: 60,
      },
      allowRequest: (_request, callback) => callback(null, true),
      cleanupEmptyChildNamespaces: false,
      perMessageDeflate: { threshold: 32_768 },
    }
    expect(new Server(options)).toBeInstanceOf(Server)
    expect(resolveServerOptions(options)).toMatchObject({
      path: '/my-path',
      idleTimeoutSeconds: 44,
      compression: { isOn: true, thresholdBytes: 32_768 },
    })
  })

  test.each([
    ['an http.Server', () => createServer()],
    ['a port', () => 3000],
    ['a port as text', () => '3000'],
    ['null', () => null],
    ['a function', () => () => {}],
  ])('%s instead of options is refused, and the error names listen and io.http', (_what, make) => {
    const error = refusal(make())
    expect(error.code).toBe('OPTION_NOT_SUPPORTED')
    expect(error.message).toMatch(/listen\(/)
    expect(error.message).toMatch(/io\.http\(\)/)
  })

  test.each([[['polling']], [['websocket']], [['websocket', 'polling']], [['polling', 'websocket']]])(
    'transports %j are taken',
    (transports) => expect(resolveServerOptions({ transports } as ServerOptions)).toMatchObject({ transports }),
  )

  test.each([
    [[], 'INVALID_OPTION'],
    ['polling', 'INVALID_OPTION'],
    [['webtransport'], 'OPTION_NOT_SUPPORTED'],
    [['polling', 'x'], 'OPTION_NOT_SUPPORTED'],
  ])('transports %j are refused', (transports, code) => {
    const error = refusal({ transports })
    expect(error.code).toBe(code)
    expect(error.message).toContain('transports')
  })

  test.each([
    ['methods', ['GET'], /polling transport/],
    ['exposedHeaders', ['x'], /leave the option out/],
    ['preflightContinue', true, /answered here/],
    ['optionsSuccessStatus', 200, /204/],
  ])('cors.%s is refused with a sentence that says why', (name, value, why) => {
    const error = refusal({ cors: { [name]: value } })
    expect(error.code).toBe('OPTION_NOT_SUPPORTED')
    expect(error.message).toContain(`"cors.${name}"`)
    expect(error.message).toMatch(why)
  })

  test.each([
    [{ orgin: 'x' }],
    [{ credentials: 'yes' }],
    [{ origin: true, credentials: true }],
    [{ origin: '*', credentials: true }],
    [{ origin: ['https://a.example', '*'], credentials: true }],
    [{ allowedHeaders: ['a b'] }],
    [{ allowedHeaders: '*' }],
    [{ allowedHeaders: ['x\r\ny'] }],
    [{ maxAge: -1 }],
    [{ maxAge: 86_401 }],
    [{ maxAge: '60' }],
  ])('cors %j is refused', (cors) => {
    const error = refusal({ cors })
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toContain('cors')
  })
})

describe('names and ranges', () => {
  test.each(['pingTimeuot', 'ping_timeout', 'constructor', '__proto__x', ''])('there is no option %j', (name) => {
    const error = refusal({ [name]: 1 })
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toContain(`"${name}"`)
  })

  test.each([
    ['connectTimeout', [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '1000']],
    ['maxHttpBufferSize', [0, 1_023, 2 ** 29 + 1, Number.NaN, '1e6']],
    ['ackTimeout', [0, -1, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY]],
    ['maxOutgoingBytes', [0, 1_023, 2 ** 31, Number.NaN]],
    ['maxRequestBodyBytes', [-1, 2 ** 31, Number.NaN, '1mb']],
    ['pingInterval', [0, 99, 955_001, Number.NaN, '5000']],
    ['pingTimeout', [0, 99, 955_001, Number.NaN, '5000']],
    ['upgradeTimeout', [0, -1, 2 ** 31, Number.NaN, '1000']],
    ['allowUpgrades', [0, 'no', null]],
    ['path', ['', '/', 'roomcast', '/a b', '/a/../b?', '/*', '//', 5]],
  ])('%s is refused outside of its range, with its name', (name, values) => {
    for (const value of values) {
      const error = refusal({ [name]: value })
      expect(error.code, String(value)).toBe('INVALID_OPTION')
      expect(error.message).toContain(name)
    }
  })

  test('the ends of the ranges are taken', () => {
    const max = 2 ** 31 - 1
    for (const options of [
      { connectTimeout: 1, maxHttpBufferSize: 1_024, ackTimeout: 1, maxOutgoingBytes: 1_024, maxRequestBodyBytes: 0 },
      {
        connectTimeout: max,
        maxHttpBufferSize: 2 ** 29,
        ackTimeout: max,
        maxOutgoingBytes: max,
        maxRequestBodyBytes: max,
      },
      { pingInterval: 100, pingTimeout: 100 },
      { pingInterval: 480_000, pingTimeout: 480_000 },
      { path: '/a/b.c/d~e-f_g' },
    ]) {
      expect(new Server(options)).toBeInstanceOf(Server)
    }
  })

  test('defaults are those of the documentation, and undefined means the default', () => {
    const defaults = {
      path: '/roomcast',
      serveClient: true,
      connectTimeout: LIMITS.connectTimeoutMs,
      maxHttpBufferSize: LIMITS.frameBytes,
      ackTimeout: LIMITS.ackTimeoutMs,
      maxOutgoingBytes: LIMITS.outgoingBytes,
      cleanupEmptyChildNamespaces: true,
      maxRequestBodyBytes: 1_048_576,
      idleTimeoutSeconds: 8,
      pingInterval: LIMITS.pingIntervalMs,
      pingTimeout: LIMITS.pingTimeoutMs,
      transports: ['polling', 'websocket'],
      allowUpgrades: true,
      upgradeTimeout: LIMITS.switchTimeoutMs,
      cors: { origin: undefined, credentials: false, allowedHeaders: [], maxAge: 7_200 },
      compression: { isOn: false, thresholdBytes: 1_024 },
    }
    expect(resolveServerOptions({})).toMatchObject(defaults)
    const undefinedOptions = Object.fromEntries(
      ['path', 'connectTimeout', 'pingInterval', 'perMessageDeflate', 'transports', 'cors', 'tls'].map((name) => [
        name,
        undefined,
      ]),
    )
    expect(resolveServerOptions(undefinedOptions)).toMatchObject(defaults)
  })

  test.each([
    [100, 100, 8],
    [5_000, 5_000, 8],
    [6_000, 5_999, 8],
    [6_000, 6_000, 12],
    [25_000, 20_000, 44],
    [480_000, 480_000, 960],
  ])(
    'the engine gives up a silent client within pingInterval %i and pingTimeout %i: after %i s',
    (pingInterval, pingTimeout, seconds) => {
      expect(resolveServerOptions({ pingInterval, pingTimeout }).idleTimeoutSeconds).toBe(seconds)
    },
  )

  test('pingInterval and pingTimeout are announced to clients', async () => {
    await using server = await startServer(() => {}, { pingInterval: 3_000, pingTimeout: 7_000 })
    using raw = await RawClient.connect(server.port)
    expect(raw.frames[0]?.body).toMatchObject({ limits: { pingIntervalMs: 3_000, pingTimeoutMs: 7_000 } })
  })

  test('maxHttpBufferSize is announced to clients, and holds', async () => {
    await using server = await startServer(
      (io) => io.on('connection', (s) => void s.on('size', (b: Uint8Array) => b.length)),
      {
        maxHttpBufferSize: 2_048,
      },
    )
    using raw = await RawClient.connect(server.port)
    expect(raw.frames[0]?.body).toMatchObject({ limits: { frameBytes: 2_048 } })
    using one = await pair(server)
    expect(await one.client.emitWithAck('size', new Uint8Array(1_900))).toBe(1_900)
    expect((await errorOf(() => one.client.emit('size', new Uint8Array(2_048)))).code).toBe('MESSAGE_TOO_LARGE')
    expect(one.client.connected).toBe(true)
  })

  test('a codec of the application is used', async () => {
    const compact = createCompactCodec()
    let count = 0
    const codec = {
      ...compact,
      encode: (value: unknown, reserve: number) => {
        count++
        return compact.encode(value, reserve)
      },
    }
    await using server = await startServer(() => {}, { codec })
    using all = await pairs(server, 4)
    expect(count).toBeGreaterThan(0)
    count = 0
    server.io.emit('to four, encoded once')
    expect(count).toBe(1)
    for (const one of all) await one.eventsBefore('to four, encoded once')
  })
})

describe('the engine', () => {
  const fake = { App: () => ({}), SSLApp: () => ({}) }

  test('a module given as the option uws is used', async () => {
    let apps = 0
    const engine = (uws as unknown as { default?: object }).default ?? uws
    const counting = {
      ...engine,
      App: () => {
        apps++
        return (engine as { App: () => unknown }).App()
      },
    }
    for (const given of [counting, { default: counting }]) {
      await using server = await startServer(() => {}, { uws: given })
      using one = await pair(server)
      expect(one.client.connected).toBe(true)
    }
    expect(apps).toBe(2)
  })

  test.each([[null], [{}], ['uWebSockets.js'], [{ App: true }], [() => {}]])(
    'the option uws %j is refused with ENGINE_NOT_FOUND when it listens',
    async (given) => {
      const error = await errorOf(new Server({ uws: given }).listen(0))
      expect(error.code).toBe('ENGINE_NOT_FOUND')
      expect(error.message).toContain('options.uws')
    },
  )

  test('the module of the application comes before the bundled one', async () => {
    const tried: string[] = []
    const own = await loadEngine(undefined, async (name) => {
      tried.push(name)
      return fake
    })
    expect(own).toBe(fake)
    expect(tried).toEqual(['uWebSockets.js'])
  })

  test('what cannot be imported, or is no engine, is passed over', async () => {
    for (const bad of [
      Promise.reject(new Error('not installed')),
      Promise.resolve({}),
      Promise.resolve(null),
      Promise.resolve(undefined),
    ]) {
      bad.catch(() => {})
      const tried: string[] = []
      const engine = await loadEngine(undefined, (name) => {
        tried.push(name)
        return name === 'uWebSockets.js' ? bad : Promise.resolve({ default: fake })
      })
      expect(engine).toBe(fake)
      expect(tried).toEqual(['uWebSockets.js', 'uws-pack'])
    }
  })

  test('without any the error names what was tried, Node.js, ABI, platform and the ways out', async () => {
    const error = await errorOf(
      loadEngine(undefined, async (name) => {
        throw new Error(`cannot find ${name}\nwith a stack that nobody needs`)
      }),
    )
    expect(error.code).toBe('ENGINE_NOT_FOUND')
    for (const part of [
      'cannot find uWebSockets.js',
      'cannot find uws-pack',
      process.version,
      `ABI ${process.versions.modules}`,
      `${process.platform} ${process.arch}`,
      'option `uws`',
    ]) {
      expect(error.message).toContain(part)
    }
    expect(error.message).not.toContain('nobody needs')
  })

  test('a failed listen may be repeated', async () => {
    const io = new Server({ uws: {} })
    for (let i = 0; i < 2; i++) expect((await errorOf(io.listen(0))).code).toBe('ENGINE_NOT_FOUND')
    expect([io.port, io.url]).toEqual([0, ''])
    await io.close()
  })
})
