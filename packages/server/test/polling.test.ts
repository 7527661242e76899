import { Agent, request as httpRequest } from 'node:http'
import { connect as tcpConnect } from 'node:net'
import { CLOSE_CODES, LIMITS, MESSAGE_TYPES, POLL_CONTENT_TYPE, POLL_ROUTE, writeBatch } from '@roomcast/protocol'
import type { ServerOptions, Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { connect } from '../../../test-kit/clients'
import { type HttpAnswer, rawRequest } from '../../../test-kit/http'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller, readAnswer } from '../../../test-kit/raw-poller'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

const URL = `/roomcast/${POLL_ROUTE}`
const EVENT = MESSAGE_TYPES.EVENT

/** Heartbeats in times that a test can wait for. */
const FAST: ServerOptions = { pingInterval: 400, pingTimeout: 300 }

/** The only socket of a server. */
function only(server: TestServer): Socket {
  const sockets = [...server.io.sockets.sockets.values()]
  expect(sockets).toHaveLength(1)
  return sockets[0] as Socket
}

/** What a server keeps for polling, counted. */
function kept(server: TestServer) {
  const { pollSessions, topics, runtime, connections } = server.io as unknown as {
    pollSessions: { size: number }
    topics: { size: number }
    runtime: { wheel: { size: number } }
    connections: { size: number }
  }
  const { size: deadlines } = runtime.wheel
  return { sessions: pollSessions.size, topics: topics.size, deadlines, connections: connections.size }
}

/** Whether a GET waits at the server. */
function isHeld(server: TestServer): boolean {
  const { pollSessions } = server.io as unknown as { pollSessions: { sessions: Map<string, { held: unknown }> } }
  return [...pollSessions.sessions.values()].some(({ held }) => held !== null)
}

/** How a socket ends: reason and details. */
function ending(socket: Socket): Promise<unknown[]> {
  return new Promise((resolve) => socket.once('disconnect', (...args) => resolve(args)))
}

/** Body of CLOSE, and what the requests behind it are answered with. */
async function closeOf(poller: RawPoller): Promise<{ close: unknown; gone: unknown }> {
  poller.start()
  const { body } = await poller.frame('CLOSE')
  const { status, text } = (await until(() => poller.ended)) as HttpAnswer
  expect(status).toBe(410)
  return { close: body, gone: JSON.parse(text) }
}

describe('a session', () => {
  test('connects, sends, is sent, calls and is called, joins rooms', async () => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.join('room')
        socket.on('echo', (value: unknown) => ({ echo: value }))
      })
    })
    using poller = await RawPoller.connect(server.port, '/', { token: 'abc' })
    const socket = only(server)
    expect(socket.handshake).toMatchObject({ auth: { token: 'abc' }, url: URL, address: '127.0.0.1', xdomain: false })
    expect(poller.frames[0]?.body).toMatchObject({
      sid: socket.id,
      limits: { frameBytes: LIMITS.frameBytes, pingIntervalMs: 5_000, pingTimeoutMs: 5_000 },
    })
    expect([socket.conn.transport.name, socket.conn.readyState, socket.conn.remoteAddress]).toEqual([
      'polling',
      'open',
      '127.0.0.1',
    ])
    expect(poller.session.startsWith(socket.id), 'the session has an id of its own').toBe(false)
    poller.start()
    await poller.emit('echo', [new Uint8Array([1, 2])], 7)
    expect(await poller.frame('ACK')).toMatchObject({ ackId: 7, body: [{ echo: new Uint8Array([1, 2]) }] })
    const answer = socket.emitWithAck('question', 1)
    const { ackId, body } = await poller.frame('EVENT')
    expect(body).toEqual([1])
    await poller.send({ type: MESSAGE_TYPES.ACK, ackId }, ['answer'])
    expect(await answer).toBe('answer')
    server.io.to('room').emit('to the room', 2)
    server.io.except('room').emit('to others', 3)
    server.io.to(socket.id).emit('to its id', 4)
    server.io.emit('to all', 5)
    socket.leave('room')
    server.io.to('room').emit('to the room it left', 6)
    socket.emit('end')
    await until(() => poller.events.includes('end'))
    expect(poller.events).toEqual(['question', 'to the room', 'to its id', 'to all', 'end'])
    expect(server.faults).toEqual([])
  })

  test('and a WebSocket in one room get the same frames in the same order', async () => {
    await using server = await startServer((io) => io.on('connection', (socket) => void socket.join('room')))
    using poller = await RawPoller.connect(server.port)
    using client = await RawClient.connect(server.port)
    poller.start()
    const sockets = [...server.io.sockets.sockets.values()] as Socket[]
    for (let i = 0; i < 300; i++) {
      server.io.to('room').emit('m', i)
      for (const socket of sockets) socket.emit('own', i)
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    server.io.emit('end')
    const events = () => client.frames.filter(({ type }) => type === 'EVENT')
    await until(() => poller.events.includes('end') && events().at(-1)?.event === 'end')
    const expected = Array.from({ length: 300 }, (_, i) => [
      ['m', [i]],
      ['own', [i]],
    ]).flat()
    expect(poller.frames.slice(1, -1).map(({ event, body }) => [event, body])).toEqual(expected)
    expect(
      events()
        .slice(0, -1)
        .map(({ event, body }) => [event, body]),
    ).toEqual(expected)
  })

  test('its frames of one turn come with one answer, those of a handler and what it broadcasts included', async () => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.on('go', () => {
          socket.emit('a')
          io.emit('b')
          socket.emit('c')
        })
      })
    })
    using poller = await RawPoller.connect(server.port)
    const answer = poller.poll()
    await until(() => isHeld(server))
    await poller.emit('go')
    expect((await answer)?.frames.map(({ event }) => event)).toEqual(['a', 'b', 'c'])
  })

  test('PING is answered, also before the first namespace and without a limit', async () => {
    await using server = await startServer()
    using poller = await RawPoller.open(server.port)
    for (let i = 0; i < 2 * LIMITS.framesBeforeConnect; i++) await poller.send({ type: MESSAGE_TYPES.PING }, null)
    expect((await poller.poll())?.frames.map(({ type }) => type)).toEqual(
      Array.from({ length: 2 * LIMITS.framesBeforeConnect }, () => 'PONG'),
    )
    using client = await RawClient.open(server.port)
    for (let i = 0; i < 20; i++) client.send({ type: MESSAGE_TYPES.PING }, null)
    await until(() => client.frames.filter(({ type }) => type === 'PONG').length === 20)
  })

  test('several namespaces share it, and one may end', async () => {
    await using server = await startServer((io) => io.of('/a'))
    using poller = await RawPoller.connect(server.port)
    poller.start()
    await poller.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/a' })
    const { namespace } = await poller.frame('CONNECTED')
    server.io.of('/a').emit('in a')
    expect(await poller.frame('EVENT')).toMatchObject({ namespace, event: 'in a' })
    server.io.of('/a').disconnectSockets()
    await poller.frame('DISCONNECT')
    server.io.emit('in main')
    expect(await poller.frame('EVENT')).toMatchObject({ namespace: 0, event: 'in main' })
  })

  test('DELETE ends it as the client does: "transport close" with 1000', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    const ended = ending(only(server))
    const held = poller.get()
    expect((await poller.request({ method: 'DELETE' })).status).toBe(204)
    expect(await ended).toEqual(['transport close', { code: CLOSE_CODES.NORMAL, message: '' }])
    for (const answer of [await held, await poller.get(), await poller.request({ method: 'DELETE' })]) {
      expect(answer.status).toBe(410)
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'SESSION_CLOSED', close: 1000 })
    }
    expect(kept(server)).toEqual({ sessions: 0, topics: 0, deadlines: 0, connections: 0 })
  })
})

describe('sending', () => {
  test('a POST with the same number again is answered and not handled again (T-15)', async () => {
    const seen: unknown[] = []
    await using server = await startServer((io) => io.on('connection', (s) => void s.on('m', (x) => void seen.push(x))))
    using poller = await RawPoller.connect(server.port)
    const body = writeBatch([poller.encode({ type: EVENT, event: 'm' }, [1])], -1)
    const other = writeBatch([poller.encode({ type: EVENT, event: 'm' }, [2])], -1)
    for (const bytes of [body, body, other]) expect((await poller.post(bytes, 2)).status).toBe(204)
    expect((await poller.post(body, 1)).status).toBe(204)
    expect(seen).toEqual([1])
    // At once: whichever is first is handled.
    const answers = await Promise.all(Array.from({ length: 10 }, () => poller.post(other, 3)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 204))
    expect(seen).toEqual([1, 2])
  })

  test('of two POSTs with one number the first that is complete is handled, and both are answered', async () => {
    const seen: unknown[] = []
    await using server = await startServer((io) => io.on('connection', (s) => void s.on('m', (x) => void seen.push(x))))
    using poller = await RawPoller.connect(server.port)
    const body = Buffer.from(writeBatch([poller.encode({ type: EVENT, event: 'm' }, [1])], -1))
    const head = `POST ${URL} HTTP/1.1\r\nhost: x\r\ncontent-type: ${POLL_CONTENT_TYPE}\r\nroomcast-session: ${poller.session}\r\nroomcast-seq: 2\r\ncontent-length: ${body.length}\r\n\r\n`
    // The body of this one stops in the middle.
    const slow = tcpConnect(server.port, '127.0.0.1')
    let text = ''
    slow.on('data', (bytes) => (text += bytes.toString('latin1')))
    slow.write(Buffer.concat([Buffer.from(head), body.subarray(0, 3)]))
    await new Promise((resolve) => slow.once('connect', resolve))
    expect((await poller.post(body, 2)).status).toBe(204)
    slow.write(body.subarray(3))
    await until(() => text.startsWith('HTTP/1.1 204'))
    slow.destroy()
    expect(seen).toEqual([1])
  })

  test('a number that does not follow is refused with 409, and nothing is lost', async () => {
    const seen: unknown[] = []
    await using server = await startServer((io) => io.on('connection', (s) => void s.on('m', (x) => void seen.push(x))))
    using poller = await RawPoller.connect(server.port)
    const body = (value: number) => writeBatch([poller.encode({ type: EVENT, event: 'm' }, [value])], -1)
    const answer = await poller.post(body(3), 3)
    expect(answer.status).toBe(409)
    expect(JSON.parse(answer.text)).toEqual({ code: 'POLL_OUT_OF_ORDER', message: expect.any(String) })
    expect((await poller.post(body(2), 2)).status).toBe(204)
    expect((await poller.post(body(3), 3)).status).toBe(204)
    expect(seen).toEqual([2, 3])
  })

  test('a frame larger than a body goes in several, and others around it keep their order', async () => {
    const seen: unknown[] = []
    await using server = await startServer((io) =>
      io.on('connection', (s) => void s.on('m', (x) => void seen.push(x instanceof Uint8Array ? x.length : x))),
    )
    using poller = await RawPoller.connect(server.port)
    const large = new Uint8Array(500_000)
    const frames = ['before', large, 'after', 'last'].map((x) => poller.encode({ type: EVENT, event: 'm' }, [x]))
    const stream = writeBatch(frames, -1)
    for (let at = 0; at < stream.length; at += LIMITS.pollBodyBytes) {
      expect((await poller.post(stream.subarray(at, at + LIMITS.pollBodyBytes))).status).toBe(204)
    }
    // Also byte by byte.
    for (const byte of writeBatch(frames.slice(-1), -1)) await poller.post(Uint8Array.of(byte))
    expect((await poller.post(new Uint8Array())).status).toBe(204)
    expect(seen).toEqual(['before', 500_000, 'after', 'last', 'last'])
  })

  const LIMIT = LIMITS.frameBytes
  test.each([
    [
      'a frame over the limit',
      (p: RawPoller) => [p.encode({ type: EVENT, event: 'm' }, [new Uint8Array(LIMIT)])],
      4004,
    ],
    [
      'more frames than a body may have',
      (p: RawPoller) =>
        Array.from({ length: LIMITS.pollFrames + 1 }, () => p.encode({ type: MESSAGE_TYPES.PING }, null)),
      4003,
    ],
    ['an empty frame', () => [new Uint8Array()], 4003],
    ['a type that only servers send', (p: RawPoller) => [p.encode({ type: MESSAGE_TYPES.PONG }, null)], 4003],
    ['another such', (p: RawPoller) => [p.encode({ type: MESSAGE_TYPES.SWITCHED }, null)], 4003],
    ['and another', (p: RawPoller) => [p.encode({ type: MESSAGE_TYPES.CLOSE }, { code: 1000, message: '' })], 4003],
    ['SWITCH', (p: RawPoller) => [p.encode({ type: MESSAGE_TYPES.SWITCH }, { session: p.session, received: 1 })], 4003],
    ['a body that the gate refuses', () => [Uint8Array.of(MESSAGE_TYPES.PING, 0xc1)], 4003],
  ])('%s closes the connection', async (_what, frames, code) => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    const ended = ending(only(server))
    const body = writeBatch(frames(poller), -1).subarray(0, LIMITS.pollBodyBytes)
    // It was handled; how the connection ended is in what the client is sent.
    expect((await poller.post(body)).status).toBe(204)
    expect(await ended).toMatchObject(['parse error', { code }])
    const { close, gone } = await closeOf(poller)
    expect(close).toMatchObject({ code })
    expect(gone).toMatchObject({ code: 'SESSION_CLOSED', close: code })
    expect((await poller.post(body)).status).toBe(410)
  })

  test('lengths that are malformed close the connection with 4003', async () => {
    await using server = await startServer()
    for (const bytes of [
      [0x80, 0x00],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ]) {
      using poller = await RawPoller.connect(server.port)
      await poller.post(Uint8Array.from(bytes))
      expect((await closeOf(poller)).close).toMatchObject({ code: 4003 })
    }
  })

  test('a client without a namespace cannot make the server keep a large frame', async () => {
    await using server = await startServer()
    using poller = await RawPoller.open(server.port)
    const stream = writeBatch([new Uint8Array(LIMIT)], -1)
    await poller.post(stream.subarray(0, LIMITS.pollBodyBytes))
    // What a stranger is told costs no memory either: it is in the refusals.
    const { status, text } = await poller.get()
    expect([status, JSON.parse(text)]).toMatchObject([410, { code: 'SESSION_CLOSED', close: 4006 }])
  })

  test('a body that is too long is refused with 413, with a length before it is read', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    const head = `POST ${URL} HTTP/1.1\r\nhost: x\r\ncontent-type: ${POLL_CONTENT_TYPE}\r\nroomcast-session: ${poller.session}\r\nroomcast-seq: 2\r\n`
    const refused = await rawRequest(server.port, `${head}content-length: ${LIMITS.pollBodyBytes + 1}\r\n\r\n`)
    expect(refused).toMatch(/^HTTP\/1\.1 413/)
    expect(refused).toContain('"MESSAGE_TOO_LARGE"')
    const chunk = `${LIMITS.pollBodyBytes.toString(16)}\r\n${'x'.repeat(LIMITS.pollBodyBytes)}\r\n`
    const chunked = await rawRequest(server.port, `${head}transfer-encoding: chunked\r\n\r\n${chunk}1\r\nx\r\n`)
    expect(chunked).toMatch(/^HTTP\/1\.1 413/)
    // The session does not mind.
    await poller.emit('m')
    expect((await poller.post(new Uint8Array())).status).toBe(204)
  })
})

describe('receiving', () => {
  test('what was answered and not acknowledged is answered again (F-29)', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    const socket = only(server)
    socket.emit('a')
    socket.emit('b')
    const events = async (received?: number) => {
      const { first, frames } = readAnswer(await poller.get(received))
      return [first, ...frames.map(({ event }) => event)]
    }
    expect(await events()).toEqual([2, 'a', 'b'])
    expect(await events()).toEqual([2, 'a', 'b'])
    socket.emit('c')
    expect(await events()).toEqual([2, 'a', 'b', 'c'])
    expect(socket.conn.buffered).toBeGreaterThan(0)
    expect(await events(3)).toEqual([4, 'c'])
    const held = poller.get(4)
    await until(() => socket.conn.buffered === 0)
    // Older numbers are forgotten, later ones were never sent; the session does not mind.
    for (const [number, status, code] of [
      [3, 409, 'POLL_OUT_OF_ORDER'],
      [5, 400, 'BAD_FRAME'],
    ] as const) {
      const answer = await poller.get(number)
      expect([answer.status, JSON.parse(answer.text).code, JSON.parse(answer.text).close]).toEqual([
        status,
        code,
        undefined,
      ])
    }
    socket.emit('d')
    expect(readAnswer(await held)).toMatchObject({ first: 5, frames: [{ event: 'd' }] })
  })

  test('a frame that was queued and not handed out yet cannot be acknowledged', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    only(server).emit('a')
    expect((await poller.get(2)).status).toBe(400)
    expect(readAnswer(await poller.get(1)).frames).toHaveLength(1)
    expect((await poller.get(3)).status).toBe(400)
  })

  test('a second GET ends the first with 204, and gets the frames (T-13)', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    const gets = Array.from({ length: 5 }, () => poller.get())
    const statuses = await Promise.all(gets.slice(0, -1).map(async (get) => (await get).status))
    expect(statuses).toEqual([204, 204, 204, 204])
    only(server).emit('a')
    expect(readAnswer((await gets.at(-1)) as Awaited<(typeof gets)[0]>).frames[0]?.event).toBe('a')
  })

  test('a GET without frames is answered with 204 after four fifths of pingInterval', async () => {
    await using server = await startServer(() => {}, { pingInterval: 500, pingTimeout: 2_000 })
    using poller = await RawPoller.connect(server.port)
    const before = performance.now()
    expect((await poller.get()).status).toBe(204)
    const took = performance.now() - before
    expect(took).toBeGreaterThan(390)
    expect(took).toBeLessThan(1_500)
  })

  test('an answer has up to pollFrames frames and about pollAnswerBytes bytes, and a larger frame alone', async () => {
    await using server = await startServer(() => {}, { maxOutgoingBytes: 2_000_000 })
    using poller = await RawPoller.connect(server.port)
    const socket = only(server)
    for (let i = 0; i < LIMITS.pollFrames + 10; i++) socket.emit('m', i)
    expect((await poller.poll())?.frames).toHaveLength(LIMITS.pollFrames)
    expect((await poller.poll())?.frames).toHaveLength(10)
    const sizes = [200_000, 300_000, 100_000, 600_000, 10]
    for (const size of sizes) socket.emit('m', new Uint8Array(size))
    const answers: number[][] = []
    while (answers.flat().length < 5) {
      const batch = await poller.poll()
      answers.push(batch?.frames.map(({ body }) => (body as [Uint8Array])[0].length) ?? [])
    }
    expect(answers).toEqual([[200_000, 300_000], [100_000], [600_000], [10]])
  })

  test('a client that takes nothing is closed with 4010 at the limit, without a hole', async () => {
    const maxOutgoingBytes = 100_000
    await using server = await startServer(() => {}, { maxOutgoingBytes })
    using poller = await RawPoller.connect(server.port)
    const socket = only(server)
    const ended = ending(socket)
    let sent = 0
    let buffered = 0
    while (socket.connected) {
      buffered = Math.max(buffered, socket.conn.buffered)
      socket.emit('m', sent++, new Uint8Array(1_000))
      if (sent > 1_000) throw new Error('never closed')
    }
    expect(buffered).toBeLessThan(maxOutgoingBytes + 2_000)
    expect(sent).toBeGreaterThan(80)
    expect(await ended).toMatchObject(['transport error', { code: CLOSE_CODES.SLOW_CONSUMER }])
    expect((await closeOf(poller)).close).toMatchObject({ code: CLOSE_CODES.SLOW_CONSUMER })
    const numbers = poller.frames.filter(({ type }) => type === 'EVENT').map(({ body }) => (body as [number])[0])
    expect(numbers).toEqual(Array.from({ length: sent }, (_, i) => i))
  })

  test('many small frames count for more than their bytes; one frame may be larger than the limit', async () => {
    await using server = await startServer(() => {}, { maxOutgoingBytes: 10_000 })
    using _ = await RawPoller.connect(server.port)
    const socket = only(server)
    let sent = 0
    for (; socket.connected && sent < 10_000; sent++) server.io.emit('m')
    expect(sent).toBeLessThan(200)
    using other = await RawPoller.connect(server.port)
    only(server).emit('m', new Uint8Array(200_000))
    expect((await other.poll())?.frames[0]?.bytes.length).toBeGreaterThan(200_000)
    expect(only(server).connected).toBe(true)
  })

  test('more than the limit goes through with conn.drained()', async () => {
    await using server = await startServer(() => {}, { maxOutgoingBytes: 1_000_000 })
    using poller = await RawPoller.connect(server.port)
    const { conn } = only(server)
    const changes: string[] = []
    conn.on('congestion', (congestion) => changes.push(congestion))
    poller.start()
    for (let i = 0; i < 30; i++) {
      only(server).emit('m', i, new Uint8Array(200_000))
      await conn.drained()
    }
    await until(() => poller.frames.filter(({ type }) => type === 'EVENT').length === 30)
    await until(() => conn.buffered === 0)
    expect(new Set(changes)).toEqual(new Set(['high', 'none']))
    expect(conn.congestion).toBe('none')
    await conn.drained()
  })

  test('volatile events are left out while more waits than one body holds', async () => {
    await using server = await startServer((io) => io.on('connection', (socket) => void socket.join('r')))
    using poller = await RawPoller.connect(server.port)
    const socket = only(server)
    expect(socket.volatile.emit('a')).toBe(true)
    socket.emit('b', new Uint8Array(LIMITS.pollBodyBytes))
    expect(socket.volatile.emit('c')).toBe(false)
    server.io.to('r').volatile.emit('d')
    server.io.to('r').emit('e')
    expect((await poller.poll())?.frames.map(({ event }) => event)).toEqual(['a', 'b', 'e'])
    expect(socket.volatile.emit('f')).toBe(true)
    expect((await poller.poll())?.frames.map(({ event }) => event)).toEqual(['f'])
  })
})

describe('the end', () => {
  test('disconnect(true) reaches a client that waits, behind everything before it', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    poller.start()
    const socket = only(server)
    const ended = ending(socket)
    socket.emit('last words')
    socket.disconnect(true)
    expect(await ended).toEqual(['server namespace disconnect', undefined])
    expect(server.io.engine.clientsCount).toBe(0)
    const { close, gone } = await closeOf(poller)
    expect(poller.frames.map(({ type }) => type)).toEqual(['CONNECTED', 'EVENT', 'DISCONNECT', 'CLOSE'])
    expect(close).toMatchObject({ code: CLOSE_CODES.KICKED })
    expect(gone).toMatchObject({ code: 'SESSION_CLOSED', close: CLOSE_CODES.KICKED })
    expect(kept(server)).toEqual({ sessions: 0, topics: 0, deadlines: 0, connections: 0 })
  })

  test('a client that asks only later gets it too, and a lost answer once more', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    only(server).disconnect(true)
    for (let i = 0; i < 2; i++) {
      expect(readAnswer(await poller.get()).frames.map(({ type }) => type)).toEqual(['DISCONNECT', 'CLOSE'])
    }
    // What it sends meanwhile is dropped, as on a WebSocket.
    expect((await poller.post(new Uint8Array())).status).toBe(204)
    expect((await poller.get(3)).status).toBe(410)
  })

  test('a client without a namespace is closed with 4002', async () => {
    await using server = await startServer(() => {}, { connectTimeout: 100 })
    using poller = await RawPoller.open(server.port)
    expect((await closeOf(poller)).close).toMatchObject({ code: CLOSE_CODES.CONNECT_TIMEOUT })
  })

  test('a server that closes tells those that wait', async () => {
    const server = await startServer()
    using poller = await RawPoller.connect(server.port)
    poller.start()
    const ended = ending(only(server))
    await until(() => isHeld(server))
    await server.io.close()
    expect(await ended).toEqual(['server shutting down', undefined])
    expect((await poller.frame('CLOSE')).body).toEqual({ code: 1012, message: 'server shutting down' })
    expect(kept(server)).toEqual({ sessions: 0, topics: 0, deadlines: 0, connections: 0 })
  })
})

describe('signs of life', () => {
  test('a session without a request is closed with "ping timeout" and 4008, one that polls is not', async () => {
    await using server = await startServer(() => {}, FAST)
    using alive = await RawPoller.connect(server.port)
    alive.start()
    const [other] = [...server.io.sockets.sockets.values()] as [Socket]
    using silent = await RawPoller.connect(server.port)
    const socket = [...server.io.sockets.sockets.values()].at(-1) as Socket
    const before = performance.now()
    expect(await ending(socket)).toMatchObject(['ping timeout', { code: CLOSE_CODES.PING_TIMEOUT }])
    expect(performance.now() - before).toBeLessThan(700 + 500)
    const gone = await silent.get()
    expect([gone.status, JSON.parse(gone.text)]).toMatchObject([
      410,
      { code: 'SESSION_CLOSED', close: CLOSE_CODES.PING_TIMEOUT },
    ])
    expect(other.connected).toBe(true)
    expect(alive.ended).toBe(null)
  })

  test('so is one whose client was cut while it waited, and one that never asked', async () => {
    await using server = await startServer(() => {}, FAST)
    using cut = await RawPoller.connect(server.port)
    const ended = ending(only(server))
    cut.get().catch(() => {})
    await until(() => isHeld(server))
    cut.abandon()
    expect(await ended).toMatchObject(['ping timeout', {}])
    using never = await RawPoller.open(server.port)
    await until(() => server.io.engine.clientsCount === 0)
    const gone = await never.get(0)
    expect([gone.status, JSON.parse(gone.text).close]).toEqual([410, CLOSE_CODES.PING_TIMEOUT])
  })

  test('bytes of a POST are a sign of life, be they ever so slow', async () => {
    const seen: unknown[] = []
    await using server = await startServer(
      (io) => io.on('connection', (s) => void s.on('m', (x) => void seen.push(x))),
      FAST,
    )
    using poller = await RawPoller.connect(server.port)
    const body = Buffer.from(writeBatch([poller.encode({ type: EVENT, event: 'm' }, ['slow'])], -1))
    const tcp = tcpConnect(server.port, '127.0.0.1')
    tcp.write(
      `POST ${URL} HTTP/1.1\r\nhost: x\r\ncontent-type: ${POLL_CONTENT_TYPE}\r\nroomcast-session: ${poller.session}\r\nroomcast-seq: 2\r\ncontent-length: ${body.length}\r\n\r\n`,
    )
    // A byte each 100 ms for longer than both times together.
    for (const byte of body) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      tcp.write(Buffer.of(byte))
    }
    expect(body.length).toBeGreaterThan(8)
    await until(() => seen.length === 1)
    tcp.destroy()
  })

  test('a process that stood still gives its clients time before it judges them (F-26)', async () => {
    await using server = await startServer(() => {}, FAST)
    const pollers: RawPoller[] = []
    for (let i = 0; i < 20; i++) pollers.push((await RawPoller.connect(server.port)).start())
    using silent = await RawPoller.connect(server.port)
    await until(() => isHeld(server))
    // Answered, and the next requests are not read before the timers run: this process is the clients' too.
    server.io.emit('last words')
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    expect(isHeld(server)).toBe(false)
    const end = performance.now() + 2_000
    while (performance.now() < end);
    // The silent one is found as ever, only later.
    await until(() => server.io.sockets.sockets.size === 20)
    server.io.emit('still there')
    await until(() => pollers.every(({ events }) => events.length === 2))
    expect(silent.ended).toBe(null)
    for (const poller of pollers) poller.abandon()
  })
})

/** Opens sessions that nobody uses, through a few links. */
/** Opens a session with `fetch`. */
async function openAnswer(
  port: number,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const url = `http://127.0.0.1:${port}${URL}`
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': POLL_CONTENT_TYPE, ...headers } })
  return { status: answer.status, text: await answer.text() }
}

async function openMany(port: number, count: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 40 })
  const headers = { 'content-type': POLL_CONTENT_TYPE, 'content-length': 0 }
  const open = () =>
    new Promise<number>((resolve, reject) => {
      const outgoing = httpRequest({ host: '127.0.0.1', port, method: 'POST', path: URL, headers, agent }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
      })
      outgoing.on('error', reject)
      outgoing.end()
    })
  const statuses = await Promise.all(Array.from({ length: count }, open))
  agent.destroy()
  return statuses
}

describe('many', () => {
  test('abandoned sessions leave nothing behind (F-31)', async () => {
    await using server = await startServer((io) => io.on('connection', (socket) => void socket.join('room')), FAST)
    using bystander = await RawPoller.connect(server.port)
    bystander.start()
    for (let round = 0; round < 3; round++) {
      const statuses = await openMany(server.port, 1_000)
      expect(new Set(statuses)).toEqual(new Set([200]))
      for (let i = 0; i < 20; i++) (await RawPoller.connect(server.port)).abandon()
    }
    await until(() => server.io.engine.clientsCount === 1, 'the others to be given up')
    expect(server.io.sockets.sockets.size).toBe(1)
    expect(kept(server)).toMatchObject({ sessions: 1, connections: 1 })
    await bystander.request({ method: 'DELETE' })
    expect(kept(server)).toEqual({ sessions: 0, topics: 0, deadlines: 0, connections: 0 })
  }, 60_000)

  test('more than maxPollSessions take the place of those without a namespace, and of no others', async () => {
    const maxPollSessions = 20
    await using server = await startServer(() => {}, { maxPollSessions })
    const refused: string[] = []
    server.io.engine.on('connection_error', ({ code }) => void refused.push(code))
    const pollers: RawPoller[] = []
    for (let i = 0; i < 10; i++) pollers.push(await RawPoller.connect(server.port))
    // A stranger who opens and opens keeps nobody out.
    const statuses = await openMany(server.port, 500)
    expect(new Set(statuses)).toEqual(new Set([200]))
    for (let i = 0; i < 10; i++) pollers.push(await RawPoller.connect(server.port))
    expect(server.io.engine.clientsCount).toBe(maxPollSessions)
    // Each POST has to be answered with 204.
    for (const poller of pollers) await poller.emit('m')
    const { status, text } = await openAnswer(server.port)
    expect([status, JSON.parse(text)]).toMatchObject([503, { code: 'TOO_MANY_SESSIONS' }])
    expect(refused).toEqual(['TOO_MANY_SESSIONS'])
    // There is room for a WebSocket.
    using other = connect(server.url, { transports: ['polling', 'websocket'] })
    await until(() => other.connected)
    expect(other.io.transport).toBe('websocket')
    for (const poller of pollers) poller[Symbol.dispose]()
  })

  test('an id that the client chose is never taken for a session (T-11)', async () => {
    await using server = await startServer()
    const chosen = `${'a'.repeat(20)}.${'b'.repeat(32)}`
    const answer = await openAnswer(server.port, { 'roomcast-session': chosen, 'roomcast-seq': '1' })
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([404, { code: 'SESSION_UNKNOWN' }])
    const opened = await openAnswer(server.port)
    expect(opened.text).toMatch(/^[\w-]{20}\.[\w-]{32}$/)
    expect(opened.text).not.toBe(chosen)
  })
})
