import { CLOSE_CODES, LIMITS, MESSAGE_TYPES, type RoomcastError } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { FakeServer } from '../../../test-kit/fake-server'
import { next, until } from '../../../test-kit/wait'
import { answerOn, connect, errorOf, sentOn, timers } from './support'

/** Does not come true in a test. */
const LONG_MS = 60_000

describe('the bounds of the outbox', () => {
  test.each([
    ['outboxLimit', { outboxLimit: 3 }],
    ['outboxBytes', { outboxBytes: 3_200 }],
  ])('%s counts events on their way, until they are answered', async (_name, bounds) => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { retries: 1, ackTimeout: LONG_MS, ...bounds })
    await next(client, 'connect')
    const errors: string[] = []
    client.on('error', (error) => errors.push((error as RoomcastError).code))
    const text = (n: number) => `${n}`.padEnd(1_000)
    for (const n of [1, 2, 3]) client.emit('m', text(n))
    expect(errors).toEqual([])
    client.emit('m', text(4))
    expect(errors).toEqual(['OUTBOX_FULL'])
    expect((await errorOf(() => client.emitWithAck('m', text(4)))).code).toBe('OUTBOX_FULL')
    const link = await server.link()
    await until(() => sentOn(link).length === 3)
    answerOn(link, text(2))
    link.emit('end')
    await next(client, 'end')
    client.emit('m', text(5))
    client.emit('m', text(6))
    expect(errors).toEqual(['OUTBOX_FULL', 'OUTBOX_FULL'])
    link.close(CLOSE_CODES.ABNORMAL)
    const second = await server.link()
    await until(() => sentOn(second).length === 3)
    expect(sentOn(second)).toEqual([text(1), text(3), text(5)])
    client.emit('m', text(7))
    expect(errors).toHaveLength(3)
    answerOn(second, text(1), text(3), text(5))
    second.emit('end')
    await next(client, 'end')
    for (const n of [8, 9, 10]) client.emit('m', text(n))
    expect(errors).toHaveLength(3)
  })

  test('are free again after events that failed for good', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { retries: 1, ackTimeout: 10, outboxLimit: 1 })
    for (let round = 0; round < 3; round++) {
      expect((await errorOf(() => client.emitWithAck('m', round))).code).toBe('ACK_TIMEOUT')
    }
  })
})

describe('disconnect() by the application', () => {
  test('keeps what was not answered for connect(), as one of the repetitions', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { retries: 1, ackTimeout: LONG_MS })
    await next(client, 'connect')
    const failed = errorOf(() => client.emitWithAck('m', 'call'))
    client.emit('m', 'emit')
    const first = await server.link()
    await until(() => sentOn(first).length === 2)
    client.disconnect()
    client.emit('m', 'meanwhile')
    client.connect()
    const second = await server.link()
    await until(() => sentOn(second).length === 3)
    expect(sentOn(second)).toEqual(['call', 'emit', 'meanwhile'])
    answerOn(second, 'emit')
    second.emit('end')
    await next(client, 'end')
    client.disconnect()
    expect((await failed).code).toBe('DISCONNECTED')
    client.connect()
    const third = await server.link()
    await until(() => sentOn(third).length > 0)
    expect(sentOn(third)).toEqual(['meanwhile'])
  })

  test('in the callback of an answer stops the rest, which follows after connect()', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { retries: 1, ackTimeout: LONG_MS })
    await next(client, 'connect')
    for (let n = 0; n < 260; n++) client.emit('m', n, () => client.disconnect())
    const first = await server.link()
    await until(() => sentOn(first).length === LIMITS.pendingAcks)
    answerOn(first, 0, 1)
    await next(client, 'disconnect')
    const end = await first.end()
    expect(end.code).not.toBe(CLOSE_CODES.ABNORMAL)
    expect(sentOn(first)).toHaveLength(LIMITS.pendingAcks)
    client.connect()
    const second = await server.link()
    await until(() => sentOn(second).length === LIMITS.pendingAcks)
    expect(sentOn(second)).toEqual(Array.from({ length: LIMITS.pendingAcks }, (_, n) => n + 1))
  })

  test('of the server ends a namespace likewise', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { retries: 1, ackTimeout: LONG_MS })
    const call = client.emitWithAck('m', 1)
    const first = await server.link()
    await until(() => sentOn(first).length === 1)
    const gone = next(client, 'disconnect')
    first.send({ type: MESSAGE_TYPES.DISCONNECT }, null)
    await gone
    client.connect()
    const second = await server.link()
    await until(() => sentOn(second).length === 1)
    answerOn(second, 1)
    expect(await call).toBe('ok')
  })
})

test('what waits for answers does not keep the process when all are answered', async () => {
  await using server = await FakeServer.start({ onFrame: (link, frame) => link.ack(frame) })
  using client = connect(server.url, { retries: 1, autoConnect: false })
  const before = timers()
  const calls = Array.from({ length: 600 }, (_, n) => client.emitWithAck('m', n))
  client.connect()
  await Promise.all(calls)
  client.disconnect()
  await until(() => timers() <= before, 'the timers to be gone')
})
