import { RoomcastError } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { ADA, Caller, orders, startCalls } from './calls-support'

describe('a call that is sent again', () => {
  test('after it was handled gets the same answer, and the handler does not run', async () => {
    const calls: unknown[] = []
    await using server = await startCalls(orders(calls))
    using first = await Caller.connect(server.port, ADA)
    first.call(7, 'order', 'tea')
    const answer = await first.answer(7)
    first.client.terminate()
    using second = await Caller.connect(server.port, ADA)
    second.call(7, 'order', 'tea')
    expect((await second.answer(7)).bytes, 'byte for byte').toEqual(answer.bytes)
    expect(answer.body).toEqual(['ordered tea, number 1'])
    expect(await second.ask(7, 'order', 'tea'), 'on the same connection too').toBe('ordered tea, number 1')
    expect(calls).toEqual(['tea'])
    expect(await second.ask(8, 'order', 'milk')).toBe('ordered milk, number 2')
  })

  test('while the handler runs gets its answer on the new connection, however often it is sent', async () => {
    const calls: unknown[] = []
    const waiting: ((result: unknown) => void)[] = []
    await using server = await startCalls(orders(calls, waiting))
    using first = await Caller.connect(server.port, ADA)
    first.call(0, 'slow', 'tea')
    await until(() => waiting.length === 1)
    first.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    using second = await Caller.connect(server.port, ADA)
    second.call(0, 'slow', 'tea')
    second.call(0, 'slow', 'tea')
    await second.settled()
    waiting[0]?.('done')
    expect(await second.result(0)).toBe('done')
    await second.settled()
    expect(second.answers(0)).toHaveLength(1)
    expect(calls).toEqual(['tea'])
  })

  test('is answered by a server as it is, with the engine that it has', async () => {
    const calls: unknown[] = []
    await using server = await startServer(orders(calls))
    using first = await Caller.connect(server.port, ADA)
    expect(await first.ask(0, 'order', 'tea')).toBe('ordered tea, number 1')
    using second = await Caller.connect(server.port, ADA)
    expect(await second.ask(0, 'order', 'tea')).toBe('ordered tea, number 1')
    expect(calls).toEqual(['tea'])
  })

  test('gets an answer that was made when nobody was there', async () => {
    const calls: unknown[] = []
    const waiting: ((result: unknown) => void)[] = []
    await using server = await startCalls(orders(calls, waiting))
    using first = await Caller.connect(server.port, ADA)
    first.call(0, 'slow', 'tea')
    await until(() => waiting.length === 1)
    first.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    waiting[0]?.('done')
    await until(() => server.store.values.size === 1)
    using second = await Caller.connect(server.port, ADA)
    expect(await second.ask(0, 'slow', 'tea')).toBe('done')
    expect(calls).toEqual(['tea'])
    expect(server.faults).toEqual([])
  })

  test('over two links at once is answered on the newer one, whichever asks last', async () => {
    const calls: unknown[] = []
    const waiting: ((result: unknown) => void)[] = []
    await using server = await startCalls(orders(calls, waiting))
    using older = await Caller.connect(server.port, ADA)
    const started = Date.now()
    await until(() => Date.now() > started + 1, 'another millisecond')
    using newer = await Caller.connect(server.port, ADA)
    newer.call(3, 'slow', 'tea')
    await newer.settled()
    older.call(3, 'slow', 'tea')
    await older.settled()
    expect(waiting).toHaveLength(1)
    waiting[0]?.('done')
    expect(await newer.result(3)).toBe('done')
    await older.settled()
    expect(older.answers(3)).toEqual([])
    expect(await older.ask(3, 'slow', 'tea'), 'kept for both').toBe('done')
    expect(calls).toEqual(['tea'])
  })

  test('goes to the older link when the newer one is gone', async () => {
    const waiting: ((result: unknown) => void)[] = []
    await using server = await startCalls(orders([], waiting))
    using older = await Caller.connect(server.port, ADA)
    using newer = await Caller.connect(server.port, ADA)
    newer.call(3, 'slow', 'tea')
    await newer.settled()
    newer.client.terminate()
    await until(() => server.io.sockets.sockets.size === 1)
    older.call(3, 'slow', 'tea')
    await older.settled()
    waiting[0]?.('done')
    expect(await older.result(3)).toBe('done')
  })
})

describe('what is kept', () => {
  test('errors of every kind: thrown, refused by a middleware, without a handler, not encodable', async () => {
    let count = 0
    await using server = await startCalls((io) => {
      io.on('connection', (socket) => {
        socket.use(([event], next) => {
          count++
          next(event === 'forbidden' ? Object.assign(new Error('not you'), { data: { count } }) : undefined)
        })
        socket.on('error', () => {})
        socket.on('throws', () => {
          throw new Error('secret')
        })
        socket.on('rejects', async () => {
          throw new RoomcastError('SOLD_OUT', 'no tea', { data: { count } })
        })
        socket.on('strange', () => () => {})
      })
    })
    using first = await Caller.connect(server.port, ADA)
    const events = ['throws', 'rejects', 'strange', 'forbidden', 'unheard']
    for (const [id, event] of events.entries()) first.call(id, event)
    const answers = await Promise.all(events.map((_event, id) => first.answer(id)))
    expect(answers.map(({ body }) => body)).toEqual([
      { code: 'HANDLER_FAILED', message: 'the event handler failed' },
      { code: 'SOLD_OUT', message: 'no tea', data: { count: expect.any(Number) } },
      { code: 'NOT_ENCODABLE', message: expect.any(String) },
      { code: 'EVENT_REFUSED', message: 'not you', data: { count: 4 } },
      { code: 'NO_HANDLER', message: expect.any(String) },
    ])
    const faults = server.faults.length
    first.client.terminate()
    using second = await Caller.connect(server.port, ADA)
    for (const [id, event] of events.entries()) second.call(id, event)
    const again = await Promise.all(events.map((_event, id) => second.answer(id)))
    expect(again.map(({ bytes }) => bytes)).toEqual(answers.map(({ bytes }) => bytes))
    expect(count).toBe(events.length)
    expect(server.faults).toHaveLength(faults)
  })

  test('the first answer of a handler that gives several', async () => {
    await using server = await startCalls((io) => {
      io.on('connection', (socket) => {
        socket.on('twice', (ack: (text: string) => void) => {
          ack('first')
          ack('second')
          return 'third'
        })
      })
    })
    using client = await Caller.connect(server.port, ADA)
    expect(await client.ask(0, 'twice')).toBe('first')
    expect(await client.ask(0, 'twice')).toBe('first')
    expect(client.answers(0)).toHaveLength(2)
  })

  test('onAny listeners hear a call once', async () => {
    const heard: string[] = []
    await using server = await startCalls((io) => {
      io.on('connection', (socket) => {
        socket.onAny((event, ...args) => heard.push(`${event} ${args.length}`))
        socket.on('order', () => 'done')
      })
    })
    using client = await Caller.connect(server.port, ADA)
    await client.ask(0, 'order', 'tea')
    await client.ask(0, 'order', 'tea')
    expect(heard).toEqual(['order 2'])
  })

  test('under keys that do not tell the secret', async () => {
    await using server = await startCalls(orders([]))
    using client = await Caller.connect(server.port, ADA)
    await client.ask(0, 'order', 'tea')
    expect(server.store.written).toHaveLength(1)
    expect(server.store.written[0]).toMatch(/^call [\w-]{43} 0$/)
  })
})
