import { CLOSE_CODES, LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { until } from '../../../test-kit/wait'
import { ADA, BOB, Caller, orders, startCalls } from './calls-support'

describe('whose call it is', () => {
  test('the same id of another client, or in another namespace, is another call', async () => {
    const calls: unknown[] = []
    await using server = await startCalls((io) => {
      orders(calls)(io)
      io.of('/shop').on('connection', (socket) => {
        socket.on('order', (item: unknown) => {
          calls.push(item)
          return 'from the shop'
        })
      })
    })
    using ada = await Caller.connect(server.port, ADA)
    using bob = await Caller.connect(server.port, BOB)
    const shop = await Caller.over(ada.client, ADA, { nsp: '/shop' })
    expect(await ada.ask(0, 'order', 'tea')).toBe('ordered tea, number 1')
    expect(await bob.ask(0, 'order', 'milk')).toBe('ordered milk, number 2')
    expect(await shop.ask(0, 'order', 'cake')).toBe('from the shop')
    expect(await shop.ask(0, 'order', 'cake')).toBe('from the shop')
    expect(calls).toEqual(['tea', 'milk', 'cake'])
    expect(server.results.size).toBe(3)
  })

  test('who logs in as somebody else, or logs out, begins anew', async () => {
    const calls: string[] = []
    await using server = await startCalls(
      (io) => {
        io.on('connection', (socket) => {
          socket.on('order', () => {
            calls.push(socket.user?.id ?? 'nobody')
            return calls.join()
          })
        })
      },
      { options: { login: ({ id }) => ({ id }), allowAnonymous: true } },
    )
    using client = await Caller.connect(server.port, ADA)
    const request = (ackId: number, ...body: unknown[]) => client.send({ type: MESSAGE_TYPES.REQUEST, ackId }, body)
    expect(await client.ask(0, 'order')).toBe('nobody')
    request(1, 'login', { id: 'ada' })
    expect(await client.ask(0, 'order')).toBe('nobody,ada')
    request(2, 'logout')
    expect(await client.ask(0, 'order'), 'as nobody it has the answer already').toBe('nobody')
    request(3, 'login', { id: 'bob' })
    expect(await client.ask(0, 'order')).toBe('nobody,ada,bob')
    using again = await Caller.connect(server.port, ADA, { auth: { id: 'ada' } })
    expect(await again.ask(0, 'order'), 'on another connection').toBe('nobody,ada')
  })

  test.each([
    ['none', undefined],
    ['one of 15 bytes', 'x'.repeat(15)],
    ['one of 65 bytes', 'x'.repeat(65)],
    ['one of 22 characters, 66 bytes', '€'.repeat(22)],
    ['a number', 1234567890123456],
  ])('without a secret calls are refused: %s', async (_title, secret) => {
    const calls: unknown[] = []
    await using server = await startCalls(orders(calls))
    using client = await Caller.connect(server.port, secret)
    expect(await client.ask(0, 'order', 'tea')).toBe('INVALID_REQUEST')
    expect(calls).toEqual([])
    expect(server.results.size).toBe(0)
    client.emit('note', 'events are welcome')
    await until(() => calls.length === 1)
  })

  test.each([16, 64])('a secret of %i bytes will do', async (length) => {
    await using server = await startCalls(orders([]))
    using client = await Caller.connect(server.port, 'é'.repeat(length / 2))
    expect(await client.ask(0, 'order', 'tea')).toBe('ordered tea, number 1')
  })
})

describe('violations', () => {
  test('as for events: a reserved name, an id that was not announced, a namespace that is not there', async () => {
    await using server = await startCalls(orders([]))
    using client = await Caller.connect(server.port, ADA)
    expect(await client.ask(0, 'disconnect')).toBe('RESERVED_EVENT')
    client.send({ type: MESSAGE_TYPES.CALL, ackId: 1, event: 5 }, [])
    expect(await client.result(1)).toBe('UNKNOWN_EVENT_ID')
    client.send({ type: MESSAGE_TYPES.CALL, namespace: 99, ackId: 2, event: 'order' }, [])
    expect((await client.client.frame('ERROR')).body).toMatchObject({ code: 'NOT_CONNECTED' })
    expect(server.results.size).toBe(0)
    expect(await client.ask(0, 'order', 'tea'), 'the id is free').toBe('ordered tea, number 1')
  })

  test.each([
    ['no ack id', Uint8Array.of(MESSAGE_TYPES.CALL, 1, 0x65, 0x90)],
    ['a body that is no list', Uint8Array.of(MESSAGE_TYPES.CALL | 0x40, 0, 1, 0x65, 0x80)],
    ['a room position', Uint8Array.of(MESSAGE_TYPES.CALL | 0xc0, 0, 1, 1, 1, 0x65, 0x90)],
  ])('%s closes the connection', async (_title, frame) => {
    await using server = await startCalls(orders([]))
    using client = await RawClient.connect(server.port)
    client.sendBytes(frame)
    expect((await client.close()).code).toBe(CLOSE_CODES.BAD_FRAME)
  })

  test('more calls without an answer than pendingAcks are refused, and may come again', async () => {
    const waiting: ((result: unknown) => void)[] = []
    // In order, one call at a time would wait for its answer.
    const options = { concurrency: Number.POSITIVE_INFINITY }
    await using server = await startCalls(orders([], waiting), { options })
    using client = await Caller.connect(server.port, ADA)
    for (let id = 0; id <= LIMITS.pendingAcks; id++) client.call(id, 'slow', id)
    expect(await client.result(LIMITS.pendingAcks)).toBe('TOO_MANY_PENDING_ACKS')
    expect(waiting).toHaveLength(LIMITS.pendingAcks)
    expect(await client.ask(LIMITS.pendingAcks + 1, 'order', 'tea')).toBe('TOO_MANY_PENDING_ACKS')
    waiting[0]?.('done')
    await client.result(0)
    expect(await client.ask(LIMITS.pendingAcks, 'order', 'tea')).toMatch('ordered tea')
    using other = await Caller.connect(server.port, BOB)
    expect(await other.ask(0, 'order', 'milk'), 'nobody else is concerned').toMatch('ordered milk')
  })
})
