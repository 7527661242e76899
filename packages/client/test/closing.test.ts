import { CLOSE_CODES, closeVerdict, MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { type FakeLink, FakeServer, type FakeServerOptions } from '../../../test-kit/fake-server'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { connect, connectManager, disposable } from './support'

/** What a link was asked with: the id that each CONNECT named as the one before. */
function previousOn(link: FakeLink | undefined): unknown[] {
  const connects = link?.frames.filter(({ type }) => type === 'CONNECT') ?? []
  return connects.map(({ body }) => (body as { previous?: unknown }).previous)
}

describe('socket.lastClose', () => {
  test('is undefined at first, and has the details of the last end then', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url)
    expect(socket.lastClose).toBeUndefined()
    await next(socket, 'connect')
    expect(socket.lastClose).toBeUndefined()
    const seen: unknown[] = []
    socket.on('disconnect', (_reason, details) => seen.push(details, socket.lastClose))
    for (const [code, message] of [
      [CLOSE_CODES.SERVER_SHUTDOWN, 'restart'],
      [CLOSE_CODES.SLOW_CONSUMER, 'too slow'],
    ] as const) {
      seen.length = 0
      const again = next(socket, 'connect')
      server.links.at(-1)?.close(code, message)
      await again
      const details = { code, message, verdict: 'backoff' }
      expect(seen).toEqual([details, details])
      expect(socket.lastClose).toEqual(details)
    }
  })

  test('stays as it was where no connection has ended', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url, { auth: {} })
    await next(socket, 'connect')
    socket.disconnect()
    expect(socket.lastClose).toBeUndefined()
    using refused = connect('http://127.0.0.1:1')
    await next(refused, 'connect_error')
    expect(refused.lastClose).toBeUndefined()
  })

  test('has what the server knows of a lost link, before "connect" is fired', async () => {
    const end = { code: CLOSE_CODES.FRAME_TOO_LARGE, message: '2000000 bytes' }
    await using server = await FakeServer.start({
      answer: (link, frame) =>
        link.accept(frame, (frame.body as { previous?: string }).previous === undefined ? {} : { previous: end }),
    })
    using socket = connect(server.url)
    await next(socket, 'connect')
    const { id } = socket
    const seen: unknown[] = []
    socket.on('disconnect', () => seen.push(socket.lastClose?.code))
    socket.on('connect', () => seen.push(socket.lastClose))
    server.links[0]?.close(CLOSE_CODES.ABNORMAL)
    await next(socket, 'connect')
    expect(seen).toEqual([CLOSE_CODES.ABNORMAL, { ...end, verdict: 'backoff' }])
    expect(previousOn(server.links[1])).toEqual([id])
  })

  test('is what the server says of each namespace by itself', async () => {
    const ends: Record<string, string> = { '/': 'of the main one', '/a': 'of the other one' }
    await using server = await FakeServer.start({
      answer: (link, frame) => {
        const { nsp, previous } = frame.body as { nsp: string; previous?: string }
        const told = previous && { previous: { code: 4003, message: `${previous} ${ends[nsp]}` } }
        link.accept(frame, { namespace: nsp === '/' ? 0 : 1, ...(told || {}) })
      },
    })
    const { manager, socket: opened } = connectManager(server.url)
    using main = opened
    using other = disposable(manager.socket('/a'))
    await Promise.all([next(main, 'connect'), next(other, 'connect')])
    const ids = [main.id, other.id]
    const again = Promise.all([next(main, 'connect'), next(other, 'connect')])
    server.links[0]?.close(CLOSE_CODES.ABNORMAL)
    await again
    expect([main.lastClose?.message, other.lastClose?.message]).toEqual([
      `${ids[0]} of the main one`,
      `${ids[1]} of the other one`,
    ])
  })

  test('is what was seen where the server knows nothing more', async () => {
    await using server = await startServer()
    await using proxy = await FaultProxy.start(server.port)
    using socket = connect(proxy.url)
    await next(socket, 'connect')
    const again = next(socket, 'connect')
    proxy.cut()
    await again
    expect(socket.lastClose).toMatchObject({ code: CLOSE_CODES.ABNORMAL, verdict: 'backoff' })
  })
})

describe('the id of the connection before', () => {
  const rows = Object.values(CLOSE_CODES).filter((code) => closeVerdict(code) !== 'never')

  test.each(rows)('is sent after a link that was lost, and after no other end: %i', async (code) => {
    await using server = await FakeServer.start()
    using socket = connect(server.url)
    await next(socket, 'connect')
    const { id } = socket
    const again = next(socket, 'connect')
    server.links[0]?.close(code)
    await again
    expect(previousOn(server.links[1])).toEqual([code === CLOSE_CODES.ABNORMAL ? id : undefined])
  })

  test('is sent until an attempt is answered, and not again', async () => {
    let losses = 2
    await using server = await FakeServer.start({
      answer: (link, frame) => {
        const isReturn = (frame.body as { previous?: string }).previous !== undefined
        if (isReturn && losses-- > 0) link.close(CLOSE_CODES.ABNORMAL)
        else link.accept(frame)
      },
    })
    using socket = connect(server.url, { transports: ['websocket'] })
    await next(socket, 'connect')
    const { id } = socket
    server.links[0]?.close(CLOSE_CODES.ABNORMAL)
    await next(socket, 'connect')
    socket.disconnect().connect()
    await next(socket, 'connect')
    expect(server.links.flatMap(previousOn)).toEqual([undefined, id, id, id, undefined])
  })
})

describe('a CLOSE message before the close frame', () => {
  test('keeps the client away for retryAfterMs at least', async () => {
    const retryAfterMs = 400
    await using server = await FakeServer.start()
    using socket = connect(server.url)
    await next(socket, 'connect')
    const link = await server.link()
    const since = performance.now()
    link.send({ type: MESSAGE_TYPES.CLOSE }, { code: 1012, message: 'deploy', retryAfterMs })
    link.close(CLOSE_CODES.SERVER_SHUTDOWN, 'deploy')
    const [, details] = await next(socket, 'disconnect')
    expect(details).toEqual({ code: 1012, message: 'deploy', verdict: 'backoff' })
    expect(socket.state).toBe('waiting')
    await server.link()
    expect(performance.now() - since).toBeGreaterThanOrEqual(retryAfterMs)
    await until(() => socket.connected)
  })

  test('of a link before has no say about the next one', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url, { transports: ['websocket'] })
    await next(socket, 'connect')
    const first = await server.link()
    first.send({ type: MESSAGE_TYPES.CLOSE }, { code: 1012, message: '', retryAfterMs: 100 })
    first.close(CLOSE_CODES.SERVER_SHUTDOWN)
    const second = await server.link()
    await until(() => socket.connected)
    const since = performance.now()
    // Would be more than this test has time for.
    first.send({ type: MESSAGE_TYPES.CLOSE }, { code: 1012, message: '', retryAfterMs: 600_000 })
    second.close(CLOSE_CODES.SERVER_SHUTDOWN)
    await server.link()
    await until(() => socket.connected)
    expect(performance.now() - since).toBeLessThan(10_000)
  })

  test('is not waited for by connect() after disconnect()', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url)
    await next(socket, 'connect')
    const link = await server.link()
    link.send({ type: MESSAGE_TYPES.CLOSE }, { code: 1012, message: '', retryAfterMs: 600_000 })
    link.close(CLOSE_CODES.SERVER_SHUTDOWN)
    await next(socket, 'disconnect')
    socket.disconnect().connect()
    await next(socket, 'connect')
  })

  test('without a close frame behind it ends nothing', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url)
    await next(socket, 'connect')
    const link = await server.link()
    link.send({ type: MESSAGE_TYPES.CLOSE }, { code: 1012, message: '' })
    link.emit('end')
    await next(socket, 'end')
    expect(socket.connected).toBe(true)
  })
})

describe('links in a row that are ended for what the client sent', () => {
  const code = CLOSE_CODES.BAD_FRAME

  /** A server that ends each link with the next of these codes as soon as it was accepted, and leaves the last ones. */
  const closing = (codes: number[]): FakeServerOptions => ({
    answer: (link, frame) => {
      link.accept(frame)
      const next = codes.shift()
      if (next !== undefined) link.close(next, 'as told')
    },
  })

  test('are the end of the attempts when there are five: verdict "never"', async () => {
    await using server = await FakeServer.start(closing(Array(100).fill(code)))
    using socket = connect(server.url, { transports: ['websocket'] })
    const seen: unknown[] = []
    socket.on('disconnect', (_reason, details) => seen.push([details?.code, details?.verdict, socket.active]))
    await until(() => seen.length > 0 && !socket.active)
    expect(seen).toEqual([...Array(4).fill([code, 'backoff', true]), [code, 'never', false]])
    expect(socket.lastClose).toMatchObject({ code, verdict: 'never' })
    expect(server.links).toHaveLength(5)
  })

  test('may have different codes: 4003 to 4006', async () => {
    await using server = await FakeServer.start(closing([4003, 4004, 4005, 4006, 4003]))
    using socket = connect(server.url, { transports: ['websocket'] })
    await until(() => socket.lastClose?.verdict === 'never')
    expect(socket.active).toBe(false)
    // The application may have changed what it sends.
    socket.connect()
    await next(socket, 'connect')
    expect(server.links).toHaveLength(6)
  })

  test('count also when no namespace was ever connected', async () => {
    await using server = await FakeServer.start({ answer: (link) => link.close(code) })
    using socket = connect(server.url, { transports: ['websocket'] })
    const seen: boolean[] = []
    socket.on('connect_error', () => seen.push(socket.active))
    await until(() => seen.length > 0 && !socket.active)
    expect(seen).toEqual([true, true, true, true, false])
  })

  test('are forgotten when the application has connected anew', async () => {
    await using server = await FakeServer.start(closing([code, code, code, code]))
    using socket = connect(server.url, { transports: ['websocket'] })
    await until(() => server.links.length === 5 && socket.connected)
    socket.disconnect().connect()
    await next(socket, 'connect')
    const again = next(socket, 'connect')
    server.links.at(-1)?.close(code)
    await again
  })
})
