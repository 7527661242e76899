import { CLOSE_CODES, LIMITS, RoomcastError } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { FakeServer } from '../../../test-kit/fake-server'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { answerOn, connect, errorOf, sentOn } from './support'

/** Does not come true in a test. */
const LONG_MS = 60_000

describe('an event that is not answered', () => {
  test('is sent again after ackTimeout, and its call gets the one answer that comes', async () => {
    await using server = await FakeServer.start({
      onFrame: (link, frame) => sentOn(link).length === 3 && link.ack(frame, 'third'),
    })
    using client = connect(server.url, { retries: 2, ackTimeout: 20 })
    expect(await client.emitWithAck('m', 7)).toBe('third')
    expect(sentOn(await server.link())).toEqual([7, 7, 7])
  })

  test('is handled once, however often it is sent', async () => {
    const seen: number[] = []
    let answer = (_text: string) => {}
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.on('m', (n: number, ack: typeof answer) => {
          seen.push(n)
          answer = ack
        })
        socket.on('probe', () => true)
      })
    })
    using client = connect(server.url, { retries: 1_000, ackTimeout: 10 })
    const call = client.emitWithAck('m', 7)
    await until(() => seen.length > 0)
    for (let n = 0; n < 5; n++) await client.emitWithAck('probe')
    client.disconnect().connect()
    await client.emitWithAck('probe')
    answer('late')
    expect(await call).toBe('late')
    expect(seen).toEqual([7])
  })

  test('is sent again where nobody asked for an answer', async () => {
    await using server = await FakeServer.start({
      onFrame: (link, frame) => sentOn(link).length === 2 && link.ack(frame),
    })
    using client = connect(server.url, { retries: 5, ackTimeout: 20 })
    client.emit('m', 1)
    const link = await server.link()
    await until(() => sentOn(link).length === 2)
    // Comes behind the answer: nothing is sent again after it.
    link.emit('end')
    await next(client, 'end')
    expect(sentOn(link)).toEqual([1, 1])
  })

  test('fails with ACK_TIMEOUT after so many repetitions, a call at its caller, an emit at "error"', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { retries: 2, ackTimeout: 20 })
    const errors: string[] = []
    client.on('error', (error) => errors.push((error as RoomcastError).code))
    expect((await errorOf(() => client.emitWithAck('m', 'call'))).code).toBe('ACK_TIMEOUT')
    expect(errors).toEqual([])
    client.emit('m', 'emit')
    await until(() => errors.length > 0)
    client.emit('m', 'plain ack', () => errors.push('answered'))
    await until(() => errors.length > 1)
    expect(errors).toEqual(['ACK_TIMEOUT', 'ACK_TIMEOUT'])
    const timed: unknown[] = []
    client.timeout(10).emit('m', 'timed', (error: RoomcastError | null) => timed.push(error?.code))
    await until(() => timed.length > 0)
    expect(timed).toEqual(['ACK_TIMEOUT'])
    expect(errors).toHaveLength(2)
    const expected = ['call', 'emit', 'plain ack', 'timed'].flatMap((text) => [text, text, text])
    expect(sentOn(await server.link())).toEqual(expected)
  })

  test('fails with DISCONNECTED when the link is lost that often', async () => {
    await using server = await FakeServer.start({ onFrame: (link) => link.close(CLOSE_CODES.ABNORMAL) })
    using client = connect(server.url, { retries: 2, ackTimeout: LONG_MS, transports: ['websocket'] })
    expect((await errorOf(() => client.emitWithAck('m', 1))).code).toBe('DISCONNECTED')
    expect(server.links.map((link) => sentOn(link))).toEqual([[1], [1], [1]])
    const failed = next(client, 'error')
    client.emit('m', 2)
    expect((await failed)[0]).toMatchObject({ code: 'DISCONNECTED' })
    expect(server.links.flatMap((link) => sentOn(link))).toEqual([1, 1, 1, 2, 2, 2])
  })

  test('settles once when several of its repetitions are answered in the end', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { retries: 3, ackTimeout: 20 })
    const outcomes: unknown[] = []
    client.timeout(20).emit('m', 1, (error: unknown, value: unknown) => outcomes.push(error ?? value))
    const link = await server.link()
    await until(() => sentOn(link).length === 4)
    answerOn(link, 1)
    answerOn(link, 1)
    link.emit('end')
    await next(client, 'end')
    await until(() => outcomes.length > 0)
    expect(outcomes).toHaveLength(1)
  })

  test('is not repeated if it is volatile', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { retries: 3, ackTimeout: 20 })
    await next(client, 'connect')
    client.volatile.emit('m', 'emit')
    expect((await errorOf(() => client.volatile.emitWithAck('m', 'call'))).code).toBe('ACK_TIMEOUT')
    const link = await server.link()
    expect(sentOn(link)).toEqual(['emit', 'call'])
    expect(link.frames.find(({ type }) => type === 'EVENT')?.ackId).toBe(-1)
  })
})

test('an error of the server is an answer, and nothing is repeated', async () => {
  const seen: string[] = []
  await using server = await startServer((io) => {
    io.on('connection', (socket) => {
      socket.use(([event], next) => {
        seen.push(event)
        next(event === 'refused' ? new Error('no') : undefined)
      })
      socket.on('throws', () => {
        throw new Error('fault')
      })
      socket.on('coded', async () => {
        throw new RoomcastError('NO_SEAT', 'sold out')
      })
      // As of a call that the handler has made itself.
      for (const code of ['ACK_TIMEOUT', 'DISCONNECTED']) {
        socket.on(code, async () => {
          throw new RoomcastError(code, 'of another socket')
        })
      }
      socket.on('done', () => true)
    })
  })
  using client = connect(server.url, { retries: 3, ackTimeout: LONG_MS })
  const errors: unknown[] = []
  client.on('error', (error) => errors.push((error as RoomcastError).code))
  const outcomes = {
    throws: 'HANDLER_FAILED',
    coded: 'NO_SEAT',
    refused: 'EVENT_REFUSED',
    unheard: 'NO_HANDLER',
    ACK_TIMEOUT: 'ACK_TIMEOUT',
    DISCONNECTED: 'DISCONNECTED',
  }
  for (const [event, code] of Object.entries(outcomes)) {
    expect((await errorOf(() => client.emitWithAck(event))).code).toBe(code)
    client.emit(event)
  }
  await client.emitWithAck('done')
  expect(seen).toEqual([...Object.keys(outcomes).flatMap((event) => [event, event]), 'done'])
  expect(errors).toEqual([])
})

describe('events on their way', () => {
  test('are up to 256, the others follow one by one as answers come', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { retries: 1, ackTimeout: LONG_MS })
    for (let n = 0; n < 300; n++) client.emit('m', n)
    const link = await server.link()
    const sent = (count: number) => until(() => sentOn(link).length >= count)
    await sent(LIMITS.pendingAcks)
    client.volatile.emit('probe')
    await until(() => sentOn(link, 'probe').length > 0, 'what was emitted last, and does not wait')
    expect(sentOn(link)).toEqual(Array.from({ length: LIMITS.pendingAcks }, (_, n) => n))
    answerOn(link, 5, 9)
    await sent(LIMITS.pendingAcks + 2)
    expect(sentOn(link).slice(-2)).toEqual([256, 257])
  })

  test('go out again before those that never went, in the order of the emits', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { retries: 1, ackTimeout: LONG_MS })
    for (let n = 0; n < 300; n++) client.emit('m', n)
    const first = await server.link()
    await until(() => sentOn(first).length === LIMITS.pendingAcks)
    answerOn(first, 0, 2, 255)
    await until(() => sentOn(first).length === LIMITS.pendingAcks + 3)
    const lost = next(client, 'disconnect')
    first.close(CLOSE_CODES.ABNORMAL)
    await lost
    client.emit('m', 'new')
    const second = await server.link()
    await until(() => sentOn(second).length === LIMITS.pendingAcks)
    answerOn(second, ...sentOn(second))
    const rest = Array.from({ length: 300 }, (_, n) => n).filter((n) => ![0, 2, 255].includes(n))
    await until(() => sentOn(second).includes('new'))
    expect(sentOn(second)).toEqual([...rest, 'new'])
  })

  test('overtake those that never went when they are repeated on the same link', async () => {
    await using server = await FakeServer.start({ onFrame: (link, frame) => frame.ackId > 256 && link.ack(frame) })
    using client = connect(server.url, { retries: 1, ackTimeout: 300 })
    for (let n = 0; n < 260; n++) client.emit('m', n)
    const link = await server.link()
    await until(() => sentOn(link).length === 516)
    const first = Array.from({ length: 256 }, (_, n) => n)
    expect(sentOn(link).slice(0, 256)).toEqual(first)
    expect(sentOn(link).filter((n) => (n as number) >= 256)).toEqual([256, 257, 258, 259])
    expect(new Set(sentOn(link).slice(256))).toEqual(new Set(Array.from({ length: 260 }, (_, n) => n)))
    expect(sentOn(link).indexOf(256)).toBeGreaterThan(256)
  })

  test('a full pipeline is never TOO_MANY_PENDING_ACKS', async () => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => socket.on('m', (n: number) => n))
    })
    using client = connect(server.url, { retries: 1 })
    const before = Array.from({ length: 400 }, (_, n) => client.emitWithAck('m', n))
    await next(client, 'connect')
    const after = Array.from({ length: 500 }, (_, n) => client.emitWithAck('m', 400 + n))
    expect(await Promise.all([...before, ...after])).toEqual(Array.from({ length: 900 }, (_, n) => n))
  })

  test('go on when volatile calls that took all places are answered', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { retries: 1, ackTimeout: LONG_MS })
    await next(client, 'connect')
    const calls = Array.from({ length: LIMITS.pendingAcks }, (_, n) => client.volatile.emitWithAck('v', n))
    client.emit('m', 1)
    const link = await server.link()
    await until(() => sentOn(link, 'v').length === LIMITS.pendingAcks)
    answerOn(link, ...sentOn(link, 'v'))
    await Promise.all(calls)
    await until(() => sentOn(link).length === 1, 'the event that waited for a place')
  })

  test('a volatile event does not wait behind them, and is not kept for the next link', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { retries: 1, ackTimeout: LONG_MS })
    await next(client, 'connect')
    for (let n = 0; n < 300; n++) client.emit('m', n)
    client.volatile.emit('v', 1)
    const link = await server.link()
    await until(() => sentOn(link, 'v').length === 1)
    link.close(CLOSE_CODES.ABNORMAL)
    const second = await server.link()
    await until(() => sentOn(second).length === LIMITS.pendingAcks)
    answerOn(second, ...sentOn(second))
    await until(() => sentOn(second).includes(299))
    expect(sentOn(second, 'v')).toEqual([])
  })

  test('may be as large as the server allows, and no larger: the others go on', async () => {
    await using server = await FakeServer.start({
      answer: (link, frame) => link.accept(frame, { frameBytes: 1_000 }),
      onFrame: (link, frame) => link.ack(frame, 'ok'),
    })
    using client = connect(server.url, { autoConnect: false, retries: 1 })
    const errors: string[] = []
    client.on('error', (error) => errors.push((error as RoomcastError).code))
    const large = 'x'.repeat(2_000)
    const calls = [client.emitWithAck('m', 1), errorOf(() => client.emitWithAck('m', large))]
    client.emit('m', large)
    client.connect()
    expect(await client.emitWithAck('m', 2)).toBe('ok')
    expect(await calls[0]).toBe('ok')
    expect(await calls[1]).toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
    expect(errors).toEqual(['MESSAGE_TOO_LARGE'])
    expect(sentOn(await server.link())).toEqual([1, 2])
  })
})
