import { MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { until } from '../../../test-kit/wait'
import { ADA, Caller, orders, startCalls } from './calls-support'

describe('order', () => {
  test('300 calls mixed with events are handled in the order in which they were sent', async () => {
    const calls: unknown[] = []
    await using server = await startCalls(orders(calls))
    using client = await Caller.connect(server.port, ADA)
    const sent: string[] = []
    for (let id = 0; id < 300; id++) {
      client.call(id, 'order', `call ${id}`)
      client.emit('note', `event ${id}`)
      sent.push(`call ${id}`, `event ${id}`)
    }
    await client.answer(299)
    await until(() => calls.length === sent.length)
    expect(calls).toEqual(sent)
    const ids = client.client.frames.filter(({ type }) => type === 'ACK').map(({ ackId }) => ackId)
    expect(ids).toEqual(Array.from({ length: 300 }, (_, id) => id))
  })

  test('calls wait like events while an asynchronous connection handler runs', async () => {
    const calls: unknown[] = []
    let release = () => {}
    await using server = await startCalls((io) => {
      io.on('connection', async (socket) => {
        await new Promise<void>((resolve) => {
          release = resolve
        })
        socket.on('order', (item: unknown) => {
          calls.push(item)
          return item
        })
        socket.on('note', (item: unknown) => void calls.push(item))
      })
    })
    using client = await Caller.connect(server.port, ADA)
    client.emit('note', 'event')
    client.call(0, 'order', 'call')
    client.call(0, 'order', 'again')
    client.emit('note', 'another event')
    await client.settled()
    expect(calls).toEqual([])
    release()
    await until(() => client.answers(0).length === 2)
    expect(client.answers(0).map(({ body }) => body)).toEqual([['call'], ['call']])
    await until(() => calls.length === 3)
    expect(calls).toEqual(['event', 'call', 'another event'])
  })

  test('a call behind a login is one of the user', async () => {
    let answer = () => {}
    await using server = await startCalls(
      (io) => {
        io.on('connection', (socket) => {
          socket.on('who', () => socket.user?.id ?? 'nobody')
        })
      },
      {
        options: {
          allowAnonymous: true,
          login: ({ id }) =>
            new Promise((resolve) => {
              answer = () => resolve({ id })
            }),
        },
      },
    )
    using client = await Caller.connect(server.port, ADA)
    client.send({ type: MESSAGE_TYPES.REQUEST, ackId: 1_000 }, ['login', { id: 'ada' }])
    client.call(0, 'who')
    await client.settled()
    expect(client.answers(0)).toEqual([])
    answer()
    expect(await client.result(0)).toBe('ada')
  })
})

describe('middleware that takes its time', () => {
  /** A server whose middleware waits for the test. */
  async function startHeld() {
    const passes: (() => void)[] = []
    const handled: unknown[] = []
    const server = await startCalls((io) => {
      io.on('connection', (socket) => {
        socket.use((_event, next) => void passes.push(next))
        socket.on('order', (item: unknown) => {
          handled.push([socket.id, item])
          return 'done'
        })
      })
    })
    return { server, passes, handled }
  }

  test('a client that comes back meanwhile is handled on its new connection, once', async () => {
    const { server: started, passes, handled } = await startHeld()
    await using server = started
    using first = await Caller.connect(server.port, ADA)
    first.call(0, 'order', 'tea')
    await until(() => passes.length === 1)
    first.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    using second = await Caller.connect(server.port, ADA)
    second.call(0, 'order', 'tea')
    await second.settled()
    expect(passes, 'it runs already').toHaveLength(1)
    passes[0]?.()
    expect(handled, 'not for a socket that is gone').toEqual([])
    expect(passes, 'its own middleware decides').toHaveLength(2)
    passes[1]?.()
    expect(await second.result(0)).toBe('done')
    expect(handled).toEqual([[...server.io.sockets.sockets.keys()].map((id) => [id, 'tea'])].flat())
    expect(await second.ask(0, 'order', 'tea')).toBe('done')
    expect(handled).toHaveLength(1)
  })

  test('a client that comes back later is handled then, since no handler has run', async () => {
    const { server: started, passes, handled } = await startHeld()
    await using server = started
    using first = await Caller.connect(server.port, ADA)
    first.call(0, 'order', 'tea')
    await until(() => passes.length === 1)
    first.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0)
    passes[0]?.()
    using second = await Caller.connect(server.port, ADA)
    second.call(0, 'order', 'tea')
    await until(() => passes.length === 2)
    passes[1]?.()
    expect(await second.result(0)).toBe('done')
    expect(handled).toHaveLength(1)
  })
})

test('a call that an onAny listener has answered is not handled when the client comes back', async () => {
  const passes: (() => void)[] = []
  const acks: ((text: string) => void)[] = []
  const handled: unknown[] = []
  await using server = await startCalls((io) => {
    io.on('connection', (socket) => {
      socket.onAny((_event, _item, ack: (text: string) => void) => acks.push(ack))
      socket.use((_event, next) => void passes.push(next))
      socket.on('order', (item: unknown) => void handled.push(item))
    })
  })
  using first = await Caller.connect(server.port, ADA)
  first.call(0, 'order', 'tea')
  await until(() => passes.length === 1)
  first.client.terminate()
  await until(() => server.io.sockets.sockets.size === 0)
  using second = await Caller.connect(server.port, ADA)
  second.call(0, 'order', 'tea')
  await second.settled()
  acks[0]?.('from onAny')
  expect(await second.result(0)).toBe('from onAny')
  passes[0]?.()
  await second.settled()
  expect(handled).toEqual([])
  expect(passes).toHaveLength(1)
})

test('what is remembered of calls ends with the server', async () => {
  const waiting: ((result: unknown) => void)[] = []
  const server = await startCalls(orders([], waiting))
  using client = await Caller.connect(server.port, ADA)
  await client.ask(0, 'order', 'tea')
  client.call(1, 'slow', 'milk')
  await until(() => waiting.length === 1)
  const { written } = server.store
  await server.io.close()
  expect(server.results.size).toBe(0)
  waiting[0]?.('late')
  await Promise.resolve()
  expect(written).toHaveLength(1)
  expect(server.faults).toEqual([])
})
