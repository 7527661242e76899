import { CLOSE_CODES, MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { type FakeLink, FakeServer } from '../../../test-kit/fake-server'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { connect, timers } from './support'

/** What a dead server is found with; a machine that stands still may be taken for one. */
const QUICK_BEAT = { pingIntervalMs: 50, pingTimeoutMs: 50 }
/** Leaves a server that lives enough time for its answer. */
const BEAT = { pingIntervalMs: 50, pingTimeoutMs: 500 }

/** A server that announces a beat, and does what it is told with each PING. */
function startBeating(beat: typeof BEAT, onPing: (link: FakeLink) => void = () => {}): Promise<FakeServer> {
  return FakeServer.start({
    answer: (link, frame) => link.accept(frame, beat),
    onFrame: (link, { type }) => type === 'PING' && onPing(link),
  })
}

function pong(link: FakeLink): void {
  link.send({ type: MESSAGE_TYPES.PONG }, null)
}

function pingsOn(link: FakeLink): number {
  return link.frames.filter(({ type }) => type === 'PING').length
}

describe('after silence', () => {
  test.concurrent('the client asks for a sign of life, as often as it is silent', async () => {
    await using server = await startBeating(BEAT, pong)
    using socket = connect(server.url)
    const link = await server.link()
    await until(() => pingsOn(link) >= 3)
    expect(socket.connected).toBe(true)
    expect(link.frames.filter(({ type }) => type === 'PING').map(({ body }) => body)).toEqual(
      Array(pingsOn(link)).fill(null),
    )
    expect(server.links).toHaveLength(1)
  })

  test.concurrent('any frame is a sign of life', async () => {
    await using server = await startBeating(BEAT, (link) => link.emit('anything'))
    using socket = connect(server.url)
    let events = 0
    socket.on('anything', () => events++)
    await until(() => events >= 3)
    expect(socket.connected).toBe(true)
    expect(server.links).toHaveLength(1)
  })

  test.concurrent('nothing is asked of a server that speaks', async () => {
    await using server = await FakeServer.start({
      answer: (link, frame) => link.accept(frame, { pingIntervalMs: 1_500, pingTimeoutMs: 1_500 }),
    })
    using socket = connect(server.url)
    const link = await server.link()
    const speaking = setInterval(() => link.emit('n'), 50)
    try {
      let events = 0
      socket.on('n', () => events++)
      await until(() => events >= 25)
    } finally {
      clearInterval(speaking)
    }
    expect(pingsOn(link)).toBe(0)
    // And is asked when it falls silent.
    await link.frame('PING')
  })

  test.concurrent('a server that does not answer is left with 4008, and found again', async () => {
    await using server = await startBeating(QUICK_BEAT)
    using socket = connect(server.url)
    await next(socket, 'connect')
    const link = await server.link()
    const again = next(socket, 'connect')
    const [reason, details] = await next(socket, 'disconnect')
    expect(reason).toBe('ping timeout')
    expect(details).toMatchObject({ code: CLOSE_CODES.PING_TIMEOUT, verdict: 'now' })
    expect((await link.end()).code).toBe(CLOSE_CODES.PING_TIMEOUT)
    expect(pingsOn(link)).toBe(1)
    await again
    expect(server.links).toHaveLength(2)
  })

  test.concurrent('a link whose bytes are lost is found dead, and its calls fail', async () => {
    await using server = await startServer(() => {}, { pingInterval: 1_000, pingTimeout: 1_000 })
    await using proxy = await FaultProxy.start(server.port)
    using socket = connect(proxy.url)
    await next(socket, 'connect')
    proxy.swallow()
    const call = socket
      .timeout(60_000)
      .emitWithAck('m')
      .catch(({ code }) => code)
    const [reason] = await next(socket, 'disconnect')
    expect(reason).toBe('ping timeout')
    expect(await call).toBe('DISCONNECTED')
    proxy.pass()
    await until(() => socket.connected)
  })
})

test.concurrent('a server that is asked and answers late, but in time, is kept', async () => {
  await using server = await FakeServer.start({
    answer: (link, frame) => link.accept(frame, { pingIntervalMs: 50, pingTimeoutMs: 1_500 }),
    onFrame: (link, { type }) => type === 'PING' && setTimeout(pong, 300, link),
  })
  using socket = connect(server.url)
  const link = await server.link()
  await until(() => pingsOn(link) >= 2)
  expect(socket.connected).toBe(true)
  expect(server.links).toHaveLength(1)
})

test('disconnect() leaves no beat behind', async () => {
  await using server = await startBeating(BEAT, pong)
  using socket = connect(server.url)
  const before = timers()
  const link = await server.link()
  await until(() => pingsOn(link) >= 2)
  socket.disconnect()
  await link.end()
  await until(() => timers() <= before)
  expect(server.links).toHaveLength(1)
})
