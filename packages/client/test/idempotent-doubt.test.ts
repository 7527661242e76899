import { CLOSE_CODES, LIMITS, type RoomcastError } from '@roomcast/protocol'
import { describe, expect, test, vi } from 'vitest'
import { FakeServer } from '../../../test-kit/fake-server'
import { next, until } from '../../../test-kit/wait'
import { handled, refuse, request, startPeople } from './people-support'
import { connect, errorOf, sentOn } from './support'

/** Does not come true in a test. */
const LONG_MS = 60_000

describe('a call that may have been handled', () => {
  test('is not repeated after a sleep that was longer than results are kept, when other clocks have stood still', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { ackTimeout: LONG_MS })
    const failed = errorOf(() => client.idempotent.emitWithAck('m', 1))
    const link = await server.link()
    await link.frame('CALL')
    const now = Date.now.bind(Date)
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + LIMITS.resultAgeMs)
    try {
      link.close(CLOSE_CODES.ABNORMAL)
      expect((await failed).code).toBe('ACK_TIMEOUT')
      const second = await server.link()
      await until(() => client.connected)
      await handled(second)
      expect(sentOn(second)).toEqual([])
    } finally {
      clock.mockRestore()
    }
  })

  test('is not repeated if hardly any time is left, and fails no earlier for that', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { ackTimeout: LONG_MS })
    const asked = performance.now()
    const failed = errorOf(() => client.idempotent.maxAge(80).emitWithAck('m', 1))
    const link = await server.link()
    await link.frame('CALL')
    await until(() => performance.now() > asked + 45)
    link.close(CLOSE_CODES.ABNORMAL)
    expect((await failed).code).toBe('ACK_TIMEOUT')
    expect(performance.now() - asked).toBeGreaterThan(75)
    const second = await server.link()
    await until(() => client.connected)
    await handled(second)
    expect(sentOn(second)).toEqual([])
  })

  test('is not repeated for a user who is not known yet', async () => {
    await using server = await startPeople({ user: { id: 'ada' } })
    using client = connect(server.url, { ackTimeout: LONG_MS })
    await next(client, 'connect')
    const link = await server.link()
    const login = client.login({ name: 'bob' }).catch((error: RoomcastError) => error.code)
    await request(link, 'login')
    const failed = errorOf(() => client.idempotent.emitWithAck('m', 1))
    await link.frame('CALL')
    link.close(CLOSE_CODES.ABNORMAL)
    expect((await failed).code).toBe('DISCONNECTED')
    expect(await login).toBe('DISCONNECTED')
    const second = await server.link()
    await until(() => client.connected)
    await handled(second)
    expect(sentOn(second)).toEqual([])
  })

  test('is not repeated while somebody logs in', async () => {
    await using server = await startPeople({ user: { id: 'ada' } })
    using client = connect(server.url, { ackTimeout: 200 })
    await next(client, 'connect')
    const link = await server.link()
    const failed = errorOf(() => client.idempotent.emitWithAck('m', 1))
    await link.frame('CALL')
    const login = client.login((give) => setTimeout(() => give({ name: 'bob' }), 150)).catch(() => {})
    expect((await failed).code).toBe('DISCONNECTED')
    await login
    expect(sentOn(link)).toEqual([1])
  })
})

test('a call that the server has no place for is sent again after ackTimeout', async () => {
  await using server = await FakeServer.start()
  using client = connect(server.url, { ackTimeout: 30 })
  const call = client.idempotent.emitWithAck('m', 1)
  const link = await server.link()
  const first = await link.frame('CALL')
  refuse(link, first, 'TOO_MANY_PENDING_ACKS')
  const second = await link.frame('CALL')
  expect(second.ackId).toBe(first.ackId)
  link.ack(second, 'ok')
  expect(await call).toBe('ok')
  const plain = errorOf(() => client.emitWithAck('m', 2))
  refuse(link, await link.frame('EVENT'), 'TOO_MANY_PENDING_ACKS')
  expect((await plain).code).toBe('TOO_MANY_PENDING_ACKS')
})
