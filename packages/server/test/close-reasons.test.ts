import { CLOSE_CODES, MESSAGE_TYPES } from '@roomcast/protocol'
import { Server, type ServerOptions, type Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { Recent } from '../src/connection/recent'
import { TimingWheel } from '../src/connection/timing-wheel'
import { describeCut } from '../src/transport/engine-close'

const { CONNECT } = MESSAGE_TYPES

/** What CONNECTED says of the connection before. */
async function previousOf(server: TestServer, sid: string, nsp = '/'): Promise<unknown> {
  using client = await RawClient.open(server.port)
  client.send({ type: CONNECT }, { nsp, previous: sid })
  return ((await client.frame('CONNECTED')).body as { previous?: unknown }).previous
}

/** Connects a client that is cut, and waits until the server has noticed. @returns The id it had. */
async function cutOff(server: TestServer, cut: (client: RawClient, socket: Socket) => void): Promise<string> {
  using client = await RawClient.connect(server.port)
  const [socket] = [...server.io.sockets.sockets.values()] as [Socket]
  const gone = new Promise((resolve) => socket.once('disconnect', resolve))
  cut(client, socket)
  await gone
  return socket.id
}

describe('a client that could not see how its connection ended is told when it is back', () => {
  test('a frame of more than twice the limit', async () => {
    await using server = await startServer(() => {}, { maxHttpBufferSize: 2_048 })
    const id = await cutOff(server, (client) => client.sendBytes(new Uint8Array(5_000)))
    const end = { code: CLOSE_CODES.FRAME_TOO_LARGE, message: 'a frame over the announced limit' }
    expect(await previousOf(server, id)).toEqual(end)
    expect(await previousOf(server, id), 'once').toBeUndefined()
  })

  test('no sign of life', async () => {
    await using server = await startServer()
    const id = await cutOff(server, (client) => client.pause())
    expect(await previousOf(server, id)).toMatchObject({ code: CLOSE_CODES.PING_TIMEOUT })
  }, 30_000)

  test('more outstanding than allowed', async () => {
    await using server = await startServer(() => {}, { maxOutgoingBytes: 65_536 })
    const id = await cutOff(server, (client, socket) => {
      client.pause()
      for (let i = 0; i < 200 && socket.connected; i++) socket.emit('m', new Uint8Array(1_000_000))
    })
    expect(await previousOf(server, id)).toMatchObject({ code: CLOSE_CODES.SLOW_CONSUMER })
  })

  test('anything else that the engine cuts for: 1006 and its text', async () => {
    await using server = await startServer()
    // A continuation that continues nothing.
    const id = await cutOff(server, (client) => {
      ;(client as unknown as { stream: { write(bytes: Uint8Array): void } }).stream.write(
        Uint8Array.of(0x80, 0x80, 0, 0, 0, 0),
      )
    })
    expect(await previousOf(server, id)).toEqual({ code: 1006, message: expect.stringMatching(/\w/) })
  })

  test('every socket of the connection is told, on polling too; who left by itself, or was told, is not', async () => {
    await using server = await startServer((io) => io.of('/a'), { maxHttpBufferSize: 2_048 })
    using client = await RawClient.connect(server.port)
    client.send({ type: CONNECT }, { nsp: '/a' })
    await client.frame('CONNECTED')
    const [main] = [...server.io.sockets.sockets.keys()] as [string]
    const [other] = [...server.io.of('/a').sockets.keys()] as [string]
    client.sendBytes(new Uint8Array(5_000))
    await until(() => server.io.engine.clientsCount === 0)
    using poller = await RawPoller.open(server.port)
    await poller.send({ type: CONNECT }, { nsp: '/a', previous: other })
    expect((await poller.poll())?.frames[0]?.body).toMatchObject({ previous: { code: 4004 } })
    expect(await previousOf(server, main)).toMatchObject({ code: 4004 })
    poller.abandon()
    for (const end of [
      (c: RawClient) => c.closeWith(1000),
      (c: RawClient) => c.terminate(),
      (c: RawClient) => c.sendText('text'),
    ]) {
      await until(async () => {
        for (const socket of server.io.sockets.sockets.values()) socket.disconnect(true)
        return server.io.sockets.sockets.size === 0
      })
      expect(await previousOf(server, await cutOff(server, end))).toBeUndefined()
    }
    expect(await previousOf(server, 'nobody')).toBeUndefined()
  })

  test.each([
    [{ code: 1000, message: '' }, null],
    [{ code: 4003, message: 'x' }, null],
    [{ code: 1006, message: '' }, null],
    [{ code: 1006, message: 'Received TCP FIN before WebSocket close frame' }, null],
    [{ code: 1006, message: 'Received too big message' }, 4004],
    [{ code: 1006, message: 'WebSocket timed out from inactivity' }, 4008],
    [{ code: 1006, message: 'more than maxOutgoingBytes outstanding' }, 4010],
    [{ code: 1006, message: 'something else' }, 1006],
  ])('%j is remembered as %s', (info, code) => {
    expect(describeCut({ reason: 'transport close', ...info })?.code ?? null).toBe(code)
  })

  test('what is remembered is bounded in number and time', () => {
    let now = 0
    const recent = new Recent<number>(3, 100, () => now)
    for (let i = 0; i < 5; i++) recent.add(`k${i}`, i)
    expect([recent.size, recent.get('k0'), recent.get('k1'), recent.get('k2'), recent.get('k4')]).toEqual([
      3,
      undefined,
      undefined,
      2,
      4,
    ])
    recent.add('k2', 22)
    recent.add('k5', 5)
    expect([recent.get('k2'), recent.get('k3')], 'one that was renewed is not the oldest').toEqual([22, undefined])
    expect([recent.take('k2'), recent.take('k2')]).toEqual([22, undefined])
    now = 99
    expect(recent.get('k4')).toBe(4)
    now = 100
    expect(recent.get('k4')).toBeUndefined()
    recent.add('new', 1)
    expect(recent.size).toBe(1)
  })
})

describe('retryAfterMs', () => {
  test('is in CLOSE, on both transports', async () => {
    const server = await startServer()
    using client = await RawClient.connect(server.port)
    using poller = await RawPoller.connect(server.port)
    poller.start()
    const { pollSessions } = server.io as unknown as { pollSessions: { sessions: Map<string, { held: unknown }> } }
    await until(() => [...pollSessions.sessions.values()][0]?.held)
    await server.io.close({ retryAfterMs: 30_000 })
    const body = { code: 1012, message: 'server shutting down', retryAfterMs: 30_000 }
    expect((await poller.frame('CLOSE')).body).toEqual(body)
    expect((await client.close()).code).toBe(1012)
    expect(client.frames.at(-1)).toMatchObject({ type: 'CLOSE', body })
  })

  test('without it there is no CLOSE on a WebSocket', async () => {
    const server = await startServer()
    using client = await RawClient.connect(server.port)
    await server.io.close()
    expect((await client.close()).code).toBe(1012)
    expect(client.frames.map(({ type }) => type)).toEqual(['CONNECTED'])
  })

  test.each([
    [30_001, '31'],
    [0, '0'],
    [undefined, undefined],
  ])('of %s ms: who asks meanwhile is refused with 503 and retry-after %s', async (retryAfterMs, header) => {
    const waiting: ((isAccepted: boolean) => void)[] = []
    const options: ServerOptions = {
      allowRequest: () => new Promise<boolean>((resolve) => waiting.push(resolve)),
      cors: { origin: 'https://example.com' },
    }
    const server = await startServer(() => {}, options)
    using poller = new RawPoller(server.port, { headers: { origin: 'https://example.com' } })
    const asking = poller.request({ method: 'POST' })
    await until(() => waiting.length === 1)
    const closing = server.io.close(retryAfterMs === undefined ? {} : { retryAfterMs })
    waiting[0]?.(true)
    const answer = await asking
    await closing
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([503, 'REQUEST_REFUSED'])
    expect(answer.headers['retry-after']).toBe(header)
    expect(answer.headers['access-control-allow-origin']).toBe('https://example.com')
    if (header !== undefined) expect(answer.headers['access-control-expose-headers']).toBe('retry-after')
  })

  test.each([-1, 1.5, 2 ** 31, Number.NaN, '5'])('%s is refused, and the server stays', async (retryAfterMs) => {
    await using server = await startServer()
    const error = await errorOf(server.io.close({ retryAfterMs: retryAfterMs as number }))
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toContain('retryAfterMs')
    using client = await RawClient.connect(server.port)
    expect(client.closed).toBe(null)
  })

  test('close() of a server that never listened takes it too', async () => {
    await new Server().close({ retryAfterMs: 2 ** 31 - 1 })
  })
})

test('the wheel knows that the process stood still, and for how long clients are not judged', async () => {
  let now = 0
  const wheel = new TimingWheel(() => now)
  const expired: string[] = []
  const deadline = (name: string) => ({ slot: null, dueAt: 0, expire: () => void expired.push(name) })
  expect(wheel.graceMs()).toBe(0)
  wheel.schedule(deadline('a'), 100)
  now = 400
  await until(() => expired.includes('a'))
  expect(wheel.graceMs()).toBe(0)
  wheel.schedule(deadline('b'), 100)
  now = 1_400
  await until(() => expired.includes('b'))
  expect(wheel.graceMs()).toBe(1_000)
  now = 1_900
  expect(wheel.graceMs()).toBe(500)
  now = 2_400
  expect(wheel.graceMs()).toBe(0)
})
