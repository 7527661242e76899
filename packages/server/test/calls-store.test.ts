import { CLOSE_CODES, LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import type { Server } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { until } from '../../../test-kit/wait'
import { ADA, Caller, startCalls, TestStore } from './calls-support'

/** Handlers that note what arrives, in order. */
function noting(handled: unknown[]) {
  return (io: Server) => {
    io.on('connection', (socket) => {
      socket.on('call', (item: unknown) => {
        handled.push(item)
        return item
      })
      socket.on('note', (item: unknown) => void handled.push(item))
    })
  }
}

/** A store whose operations wait. */
function slowStore(): TestStore {
  const store = new TestStore()
  store.isSlow = true
  return store
}

describe('a store that answers later', () => {
  test('what is sent behind a call waits, and keeps its order', async () => {
    const handled: unknown[] = []
    await using server = await startCalls(noting(handled), { store: slowStore() })
    using client = await Caller.connect(server.port, ADA)
    const sent: string[] = []
    for (let id = 0; id < 20; id++) {
      client.emit('note', `event ${id}`)
      client.call(id, 'call', `call ${id}`)
      sent.push(`event ${id}`, `call ${id}`)
    }
    client.emit('note', 'the end')
    await client.settled()
    expect(handled, 'what came before the call does not wait').toEqual(['event 0'])
    await server.store.drain()
    await until(() => handled.length === sent.length + 1)
    expect(handled).toEqual([...sent, 'the end'])
    expect(await client.result(19)).toBe('call 19')
    await server.store.drain()
    client.call(3, 'call', 'call 3')
    await client.settled()
    await server.store.drain()
    await until(() => client.answers(3).length === 2)
    expect(client.answers(3)[1]?.bytes).toEqual(client.answers(3)[0]?.bytes)
    expect(handled).toHaveLength(sent.length + 1)
  })

  test('a call that comes again while it is looked up runs once, and is answered on the newer link', async () => {
    const handled: unknown[] = []
    await using server = await startCalls(noting(handled), { store: slowStore() })
    using older = await Caller.connect(server.port, ADA)
    older.call(0, 'call', 'tea')
    await older.settled()
    using newer = await Caller.connect(server.port, ADA)
    newer.call(0, 'call', 'tea')
    newer.call(1, 'call', 'milk')
    await newer.settled()
    expect(server.store.waiting, 'it is looked up once, and what follows waits').toHaveLength(1)
    await server.store.drain()
    expect(await newer.result(0)).toBe('tea')
    expect(await newer.result(1)).toBe('milk')
    expect(handled).toEqual(['tea', 'milk'])
    expect(older.answers(0)).toEqual([])
  })

  test('a client that comes back while its call is looked up is handled on the new link', async () => {
    const handled: unknown[] = []
    await using server = await startCalls(noting(handled), { store: slowStore() })
    using first = await Caller.connect(server.port, ADA)
    first.call(0, 'call', 'tea')
    await first.settled()
    first.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    using second = await Caller.connect(server.port, ADA)
    second.call(0, 'call', 'tea')
    await second.settled()
    await server.store.drain()
    expect(await second.result(0)).toBe('tea')
    expect(handled).toEqual(['tea'])
  })

  test('a call whose client is gone when it has been looked up is not handled, until it comes again', async () => {
    const handled: unknown[] = []
    await using server = await startCalls(noting(handled), { store: slowStore() })
    using first = await Caller.connect(server.port, ADA)
    first.call(0, 'call', 'tea')
    await first.settled()
    first.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    await server.store.drain()
    expect(handled).toEqual([])
    using second = await Caller.connect(server.port, ADA)
    second.call(0, 'call', 'tea')
    await second.settled()
    await server.store.drain()
    expect(await second.result(0)).toBe('tea')
  })

  test('an answer is sent at once, and again while the store is still writing it', async () => {
    const handled: unknown[] = []
    await using server = await startCalls(noting(handled))
    using client = await Caller.connect(server.port, ADA)
    const { store } = server
    const get = store.get.bind(store)
    store.get = (key) => {
      store.isSlow = false
      const value = get(key)
      store.isSlow = true
      return value
    }
    expect(await client.ask(0, 'call', 'tea')).toBe('tea')
    expect(store.values.size).toBe(0)
    expect(await client.ask(0, 'call', 'tea')).toBe('tea')
    await store.drain()
    expect(store.values.size).toBe(1)
    expect(await client.ask(0, 'call', 'tea')).toBe('tea')
    expect(handled).toEqual(['tea'])
  })

  test('an answer that another process has left in the store is sent', async () => {
    const store = new TestStore()
    const handled: unknown[] = []
    {
      await using before = await startCalls(noting(handled), { store })
      using client = await Caller.connect(before.port, ADA)
      await client.ask(0, 'call', 'tea')
    }
    await using server = await startCalls(noting(handled), { store })
    using client = await Caller.connect(server.port, ADA)
    expect(await client.ask(0, 'call', 'tea')).toBe('tea')
    expect(handled).toEqual(['tea'])
  })
})

describe('a store that fails', () => {
  test.each([
    ['rejects', false],
    ['throws', true],
  ])('when it %s at a look-up, the call is refused and no handler runs', async (_how, throws) => {
    const handled: unknown[] = []
    await using server = await startCalls(noting(handled))
    using client = await Caller.connect(server.port, ADA)
    Object.assign(server.store, { failing: 'get', throws })
    client.call(0, 'call', 'tea')
    client.emit('note', 'goes on')
    expect((await client.answer(0)).body).toEqual({
      code: 'HANDLER_FAILED',
      message: 'the server could not find out whether the call was handled before; it was not handled now',
    })
    await until(() => handled.length === 1)
    expect(handled).toEqual(['goes on'])
    expect(server.faults).toMatchObject([{ error: { message: 'the store cannot get' }, context: { where: 'engine' } }])
    server.store.failing = null
    expect(await client.ask(1, 'call', 'milk')).toBe('milk')
  })

  test.each([
    ['rejects', false],
    ['throws', true],
  ])('when it %s at keeping an answer, the answer is sent, and not kept', async (_how, throws) => {
    const handled: unknown[] = []
    await using server = await startCalls(noting(handled))
    using client = await Caller.connect(server.port, ADA)
    Object.assign(server.store, { failing: 'put', throws })
    expect(await client.ask(0, 'call', 'tea')).toBe('tea')
    await until(() => server.faults.length === 1)
    expect(server.faults).toMatchObject([{ error: { message: 'the store cannot put' }, context: { where: 'engine' } }])
    expect(await client.ask(0, 'call', 'tea')).toBe('RESULT_NOT_KEPT')
    expect(handled).toEqual(['tea'])
  })

  test('when it has lost an answer, the call is not handled again', async () => {
    const handled: unknown[] = []
    await using server = await startCalls(noting(handled))
    using client = await Caller.connect(server.port, ADA)
    await client.ask(0, 'call', 'tea')
    server.store.values.clear()
    expect(await client.ask(0, 'call', 'tea')).toBe('RESULT_NOT_KEPT')
    expect(handled).toEqual(['tea'])
  })

  test('when it fails to drop an answer, that is reported and changes nothing', async () => {
    await using server = await startCalls(noting([]), { limits: { results: 1 } })
    using client = await Caller.connect(server.port, ADA)
    await client.ask(0, 'call', 'tea')
    server.store.take = () => Promise.reject(new Error('the store cannot take'))
    await client.ask(1, 'call', 'milk')
    await until(() => server.faults.length === 1)
    expect(await client.ask(0, 'call', 'tea')).toBe('RESULT_NOT_KEPT')
    expect(await client.ask(1, 'call', 'milk')).toBe('milk')
  })
})

test('frames that wait for a look-up count as held ones', async () => {
  await using server = await startCalls(noting([]), { store: slowStore() })
  using client = await Caller.connect(server.port, ADA)
  client.call(0, 'call', 'tea')
  for (let i = 0; i <= LIMITS.heldFrames; i++) client.send({ type: MESSAGE_TYPES.EVENT, event: 'note' }, [i])
  expect((await client.client.close()).code).toBe(CLOSE_CODES.HELD_LIMIT)
})
