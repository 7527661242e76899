import type { RoomcastError } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { FakeServer } from '../../../test-kit/fake-server'
import { startServer, type TestServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { connect, errorOf, timers } from './support'

/** A server that writes down the events "m", and answers "done" when it has handled all that came before. */
async function startLog(): Promise<TestServer & { readonly seen: unknown[][] }> {
  const seen: unknown[][] = []
  const server = await startServer((io) => {
    io.on('connection', (socket) => {
      socket.on('m', (value: unknown) => void seen.push(['m', value]))
      socket.on('done', () => true)
    })
  })
  return Object.assign(server, { seen })
}

describe('the age of what waits', () => {
  test('has a bound, outboxAge: an emit fails with OUTBOX_EXPIRED at "error", a call at its caller', async () => {
    await using server = await startLog()
    using client = connect(server.url, { autoConnect: false, outboxAge: 30 })
    const errors: RoomcastError[] = []
    client.on('error', (error) => errors.push(error as RoomcastError))
    client.emit('m', 1)
    const timed: unknown[][] = []
    client.timeout(5_000).emit('m', 2, (...args: unknown[]) => timed.push(args))
    expect((await errorOf(() => client.emitWithAck('m', 3))).code).toBe('OUTBOX_EXPIRED')
    expect(errors.map(({ code }) => code)).toEqual(['OUTBOX_EXPIRED'])
    expect(errors[0]?.message).toContain('"m"')
    expect(timed).toEqual([[expect.objectContaining({ code: 'OUTBOX_EXPIRED' })]])
    client.connect()
    await client.maxAge(5_000).emitWithAck('done')
    expect(server.seen).toEqual([])
    expect(errors).toHaveLength(1)
  })

  test('may be another one for each event, with maxAge', async () => {
    await using server = await startLog()
    using client = connect(server.url, { autoConnect: false, outboxAge: 60 })
    const expired: string[] = []
    const note = (text: string) => (error: RoomcastError | null) => expired.push(`${text} ${error?.code}`)
    client.maxAge(60_000).emit('m', 'longest')
    client.timeout(5_000).emit('m', 'default', note('default'))
    client.maxAge(20).timeout(5_000).emit('m', 'short', note('short'))
    client.timeout(5_000).maxAge(40).emit('m', 'longer', note('longer'))
    client.maxAge(50_000).emit('m', 'long')
    await until(() => expired.length === 3)
    expect(expired).toEqual(['short OUTBOX_EXPIRED', 'longer OUTBOX_EXPIRED', 'default OUTBOX_EXPIRED'])
    client.connect()
    await client.emitWithAck('done')
    expect(server.seen).toEqual([
      ['m', 'longest'],
      ['m', 'long'],
    ])
  })

  test('ends a call once, whichever of its two limits comes first', async () => {
    using client = connect('http://localhost', { autoConnect: false })
    const outcomes: unknown[] = []
    const note = (error: RoomcastError | null) => outcomes.push(error?.code)
    client.timeout(20).maxAge(40).emit('m', 1, note)
    client.timeout(50).maxAge(30).emit('m', 2, note)
    let last = false
    client
      .timeout(80)
      .maxAge(60_000)
      .emit('m', 3, () => {
        last = true
      })
    await until(() => last)
    expect(outcomes).toEqual(['ACK_TIMEOUT', 'OUTBOX_EXPIRED'])
  })

  test('does not concern what was sent', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { outboxAge: 20, ackTimeout: 100 })
    await next(client, 'connect')
    const errors: Error[] = []
    client.on('error', (error) => errors.push(error))
    client.maxAge(10).emit('m', 1)
    expect((await errorOf(() => client.maxAge(10).emitWithAck('m', 2))).code).toBe('ACK_TIMEOUT')
    expect(errors).toEqual([])
  })

  test('counts from the emit, also for an event that is sent again and again', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url, { outboxAge: 150, ackTimeout: 60_000, retries: 1_000 })
    const errors: string[] = []
    client.on('error', (error) => errors.push((error as RoomcastError).code))
    client.emit('m', 1)
    const link = await server.link()
    await link.frame('CALL')
    expect(errors).toEqual([])
    client.disconnect()
    await until(() => errors.length > 0)
    // It may have been handled.
    expect(errors).toEqual(['ACK_TIMEOUT'])
  })

  test('that has expired makes room, in events and in bytes', async () => {
    await using server = await startLog()
    using client = connect(server.url, { autoConnect: false, outboxLimit: 2, outboxBytes: 1_000 })
    const errors: string[] = []
    client.on('error', (error) => errors.push((error as RoomcastError).code))
    for (let round = 1; round <= 3; round++) {
      client.maxAge(10).emit('m', 'x'.repeat(450))
      client.maxAge(10).emit('m', 'x'.repeat(450))
      client.emit('m', 'too many')
      await until(() => errors.length === 3 * round)
    }
    expect(errors).toEqual(Array(3).fill(['OUTBOX_FULL', 'OUTBOX_EXPIRED', 'OUTBOX_EXPIRED']).flat())
  })

  test('a listener of "error" may emit, connect and disconnect when events expire', async () => {
    await using server = await startLog()
    using client = connect(server.url, { autoConnect: false })
    const errors: string[] = []
    client.on('error', (error) => {
      errors.push((error as RoomcastError).code)
      if (errors.length === 1) client.connect().emit('m', 'new')
      else client.disconnect().connect()
    })
    for (let n = 0; n < 3; n++) client.maxAge(10).emit('m', n)
    await until(() => errors.length === 3)
    await client.emitWithAck('done')
    expect(server.seen).toEqual([['m', 'new']])
    expect(errors).toEqual(Array(3).fill('OUTBOX_EXPIRED'))
  })

  test('has no bound with outboxAge Infinity', async () => {
    await using server = await startLog()
    using client = connect(server.url, { autoConnect: false, outboxAge: Number.POSITIVE_INFINITY })
    const before = timers()
    client.emit('m', 1)
    expect(timers()).toBe(before)
    client.connect()
    await client.emitWithAck('done')
    expect(server.seen).toEqual([['m', 1]])
  })

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('maxAge(%d) is refused', async (ms) => {
    using client = connect('http://localhost', { autoConnect: false })
    expect((await errorOf(() => client.maxAge(ms))).code).toBe('INVALID_OPTION')
  })

  test('keeps no process: not while events wait for a connect(), and not when they were sent', async () => {
    await using server = await startLog()
    using client = connect(server.url, { autoConnect: false })
    const before = timers()
    for (let n = 0; n < 10; n++) client.maxAge(60_000 - n).emit('m', n)
    expect(timers()).toBe(before)
    client.connect()
    await next(client, 'connect')
    await client.emitWithAck('done')
    client.disconnect()
    await until(() => timers() <= before)
    client.emit('m', 'late')
    expect(timers()).toBeLessThanOrEqual(before)
  })
})
