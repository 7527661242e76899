import { CLOSE_CODES, LIMITS, MESSAGE_TYPES, type RoomcastError } from '@roomcast/protocol'
import { describe, expect, test, vi } from 'vitest'
import { type FakeLink, FakeServer } from '../../../test-kit/fake-server'
import type { RawFrame } from '../../../test-kit/raw-client'
import { next, until } from '../../../test-kit/wait'
import { admit, refuse } from './people-support'
import { answerOn, connect, errorOf, sentOn } from './support'

/** Does not come true in a test. */
const LONG_MS = 60_000

/** What has come on a link: type, first argument, and ack id. */
function callsOn(link: FakeLink): unknown[][] {
  const events = link.frames.filter(({ type }) => type === 'CALL' || type === 'EVENT')
  return events.map(({ type, body, ackId }) => [type, (body as unknown[])[0], ackId])
}

describe('an idempotent event', () => {
  test('is sent as a call, with the ack id as its name, and its answer comes', async () => {
    await using server = await FakeServer.start({ onFrame: (link, frame) => link.ack(frame, 'ok') })
    using client = connect(server.url)
    expect(await client.idempotent.emitWithAck('m', 1)).toBe('ok')
    client.idempotent.emit('m', 2)
    client.emit('m', 3)
    const link = await server.link()
    await until(() => callsOn(link).length === 3)
    const [first, second, third] = callsOn(link)
    expect([first, second]).toEqual([
      ['CALL', 1, first?.[2]],
      ['CALL', 2, (first?.[2] as number) + 1],
    ])
    expect(third).toEqual(['EVENT', 3, -1])
  })

  test('is sent again under the same id on each connection, until it is answered', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { ackTimeout: LONG_MS })
    const call = client.idempotent.emitWithAck('m', 'order')
    const ids: unknown[] = []
    for (let n = 0; n < 5; n++) {
      const link = await server.link()
      const { ackId } = await link.frame('CALL')
      ids.push(ackId)
      link.close(CLOSE_CODES.ABNORMAL)
    }
    const last = await server.link()
    const frame = await last.frame('CALL')
    last.ack(frame, 'done')
    expect(await call).toBe('done')
    expect(new Set([...ids, frame.ackId]).size).toBe(1)
    client.idempotent.emit('m', 'next')
    expect((await last.frame('CALL')).ackId).toBeGreaterThan(frame.ackId)
  })

  test('is sent again after ackTimeout, while connected', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { ackTimeout: 20 })
    const call = client.idempotent.emitWithAck('m', 1)
    const link = await server.link()
    const { ackId } = await link.frame('CALL')
    expect((await link.frame('CALL')).ackId).toBe(ackId)
    link.ack(await link.frame('CALL'), 'third')
    expect(await call).toBe('third')
  })

  test('fails when it is too old, with ACK_TIMEOUT if it was sent and OUTBOX_EXPIRED if not, and is not sent after it', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { ackTimeout: LONG_MS, outboxAge: 40 })
    const errors: string[] = []
    client.on('error', (error) => errors.push((error as RoomcastError).code))
    expect((await errorOf(() => client.idempotent.emitWithAck('m', 1))).code).toBe('ACK_TIMEOUT')
    client.idempotent.emit('m', 2)
    await until(() => errors.length > 0)
    expect(errors).toEqual(['ACK_TIMEOUT'])
    client.disconnect()
    expect((await errorOf(() => client.idempotent.maxAge(10).emitWithAck('m', 3))).code).toBe('OUTBOX_EXPIRED')
    client.connect()
    await server.link()
    const second = await server.link()
    client.emit('m', 'last')
    await until(() => callsOn(second).length > 0)
    expect(sentOn(second)).toEqual(['last'])
  })

  test('fails with ACK_TIMEOUT after its own timeout, over lost links', async () => {
    await using server = await FakeServer.start({ onFrame: (link) => link.close(CLOSE_CODES.ABNORMAL) })
    using client = connect(server.url, { ackTimeout: LONG_MS })
    const asked = performance.now()
    const error = await errorOf(() => client.timeout(100).idempotent.emitWithAck('m', 1))
    expect(error.code).toBe('ACK_TIMEOUT')
    expect(performance.now() - asked).toBeGreaterThan(95)
    expect(server.links.length).toBeGreaterThan(1)
    const outcomes: unknown[] = []
    client.idempotent.timeout(30).emit('m', 1, (error: RoomcastError | null) => outcomes.push(error?.code))
    await until(() => outcomes.length > 0)
    expect(outcomes).toEqual(['ACK_TIMEOUT'])
  })

  test('gets errors of the server as any call, and is not sent again', async () => {
    await using server = await FakeServer.start({ onFrame: (link, frame) => refuse(link, frame, 'RESULT_NOT_KEPT') })
    using client = connect(server.url)
    expect((await errorOf(() => client.idempotent.emitWithAck('m', 1))).code).toBe('RESULT_NOT_KEPT')
    const link = await server.link()
    expect(callsOn(link)).toHaveLength(1)
  })

  test('keeps its place among all other events', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { autoConnect: false })
    client.emit('m', 1)
    client.idempotent.emit('m', 2)
    client.emit('m', 3)
    client.connect()
    const link = await server.link()
    client.idempotent.emit('m', 4)
    client.emit('m', 5)
    await until(() => callsOn(link).length === 5)
    expect(sentOn(link)).toEqual([1, 2, 3, 4, 5])
    link.close(CLOSE_CODES.ABNORMAL)
    const second = await server.link()
    await until(() => callsOn(second).length === 2)
    expect(sentOn(second)).toEqual([2, 4])
  })

  test('is not repeated if it is volatile', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { ackTimeout: 10 })
    await next(client, 'connect')
    expect((await errorOf(() => client.volatile.idempotent.emitWithAck('m', 1))).code).toBe('ACK_TIMEOUT')
    const link = await server.link()
    expect(callsOn(link).map(([type]) => type)).toEqual(['EVENT'])
  })

  test('waits for a place when 256 are on their way, and never fails for that', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { ackTimeout: LONG_MS })
    await next(client, 'connect')
    const calls = Array.from({ length: 300 }, (_, n) => client.idempotent.emitWithAck('m', n))
    const link = await server.link()
    await until(() => sentOn(link).length >= LIMITS.pendingAcks)
    client.volatile.emit('probe')
    await until(() => sentOn(link, 'probe').length > 0)
    expect(sentOn(link)).toHaveLength(LIMITS.pendingAcks)
    answerOn(link, ...sentOn(link))
    await until(() => sentOn(link).length === 300)
    answerOn(link, ...sentOn(link))
    await Promise.all(calls)
  })

  test('counts in the bounds of the outbox until it is answered', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { outboxLimit: 2, ackTimeout: LONG_MS })
    await next(client, 'connect')
    const calls = [1, 2].map((n) => client.idempotent.emitWithAck('m', n))
    expect((await errorOf(() => client.idempotent.emitWithAck('m', 3))).code).toBe('OUTBOX_FULL')
    const link = await server.link()
    await until(() => sentOn(link).length === 2)
    answerOn(link, 1, 2)
    await Promise.all(calls)
  })
})

test('a call that was sent for one user is not repeated for another: it may have been handled', async () => {
  const users = [{ id: 'ada' }, { id: 'ada', name: 'Ada' }, { id: 'bob' }]
  await using server = await FakeServer.start({
    answer: (link, frame) => admit(link, frame, { user: users.shift() ?? {} }),
  })
  using client = connect(server.url, { ackTimeout: LONG_MS })
  await next(client, 'connect')
  const failed = errorOf(() => client.idempotent.emitWithAck('m', 1))
  const first = await server.link()
  await first.frame('CALL')
  first.close(CLOSE_CODES.ABNORMAL)
  const second = await server.link()
  await second.frame('CALL')
  const lost = next(client, 'disconnect')
  second.close(CLOSE_CODES.ABNORMAL)
  await lost
  const call = client.idempotent.emitWithAck('m', 'new')
  const third = await server.link()
  third.ack(await third.frame('CALL'), 'ok')
  expect(await call).toBe('ok')
  expect((await failed).code).toBe('DISCONNECTED')
  expect(sentOn(third)).toEqual(['new'])
})

test('with retries every event is a call, but volatile ones', async () => {
  await using server = await FakeServer.start({ onFrame: (link, frame) => frame.ackId >= 0 && link.ack(frame, 'ok') })
  using client = connect(server.url, { retries: 1 })
  await client.emitWithAck('m', 1)
  client.volatile.emit('m', 2)
  await client.emitWithAck('m', 3)
  expect(callsOn(await server.link()).map(([type]) => type)).toEqual(['CALL', 'EVENT', 'CALL'])
})

test('no ack id is that of two events, over many connections', async () => {
  const owners = new Map<number, Set<unknown>>()
  let frames = 0
  const note = (link: FakeLink, frame: RawFrame) => {
    if (frame.ackId < 0) return
    const [name] = frame.body as unknown[]
    owners.set(frame.ackId, (owners.get(frame.ackId) ?? new Set()).add(frame.type + name))
    // Some are answered, some cut the link, for a while: a cut takes the answers with it that are on their way.
    if (++frames % 7 === 0 && frames < 500) link.close(CLOSE_CODES.ABNORMAL)
    else if (frames % 3 > 0) link.send({ type: MESSAGE_TYPES.ACK, ackId: frame.ackId }, [name])
  }
  await using server = await FakeServer.start({ onFrame: note })
  using client = connect(server.url, { ackTimeout: 50 })
  const calls = Array.from({ length: 100 }, (_, n) => [
    client.idempotent.emitWithAck('m', n),
    client.emitWithAck('m', `plain ${n}`).catch(() => `plain ${n}`),
    client.watchUsers(`room ${n}`).catch(() => null),
  ]).flat()
  const results = await Promise.all(calls)
  expect(results.filter((_, index) => index % 3 === 0)).toEqual(Array.from({ length: 100 }, (_, n) => n))
  expect([...owners.values()].filter((names) => names.size > 1)).toEqual([])
})

test('no call is sent when it is older than results are kept, whatever the options say', async () => {
  await using server = await FakeServer.start()
  using client = connect(server.url, { autoConnect: false, outboxAge: 10 * LIMITS.resultAgeMs, retries: 5 })
  const errors: string[] = []
  client.on('error', (error) => errors.push((error as RoomcastError).code))
  const now = performance.now.bind(performance)
  client.emit('m', 'old')
  client.idempotent.emit('m', 'old too')
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + LIMITS.resultAgeMs)
  try {
    client.emit('m', 'new')
    client.connect()
    const link = await server.link()
    await until(() => sentOn(link).length > 0)
    expect(sentOn(link)).toEqual(['new'])
    expect(errors).toEqual(['OUTBOX_EXPIRED', 'OUTBOX_EXPIRED'])
  } finally {
    clock.mockRestore()
  }
})
