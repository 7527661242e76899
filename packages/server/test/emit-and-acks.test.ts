import { LIMITS, MESSAGE_TYPES, RoomcastError } from '@roomcast/protocol'
import type { Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { connect, errorOf, pair } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'

/** Starts a server whose sockets are set up by `onConnection`, and one client. */
async function startPair(onConnection: (socket: Socket) => void = () => {}) {
  const server = await startServer((io) => io.on('connection', onConnection))
  const one = await pair(server)
  return {
    ...one,
    server,
    async [Symbol.asyncDispose]() {
      one[Symbol.dispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** A server with one raw client, for answers that the real client never gives. */
async function startRaw(options: Parameters<typeof startServer>[1] = {}) {
  const server = await startServer(() => {}, options)
  const client = await RawClient.connect(server.port)
  const [socket] = [...server.io.sockets.sockets.values()] as [Socket]
  return {
    server,
    client,
    socket,
    async [Symbol.asyncDispose]() {
      client.terminate()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe('arguments', () => {
  const ARGS = [
    1,
    'two',
    null,
    true,
    [3, [4, { five: 5 }]],
    { binary: Uint8Array.of(1, 2, 3), deep: [{ more: [Uint8Array.of(4)] }] },
    new Date(1_760_000_000_123),
    Uint8Array.of(9, 8, 7),
  ]

  test('any number of any kind arrive at the server, binary at any depth', async () => {
    const got: unknown[][] = []
    await using it = await startPair((socket) => {
      socket.on('many', (...args: unknown[]) => void got.push(args))
    })
    it.client.emit('many', ...ARGS)
    it.client.emit('many')
    await until(() => got.length === 2)
    expect(got).toEqual([ARGS, []])
  })

  test('any number of any kind arrive at the client, binary at any depth', async () => {
    await using it = await startPair()
    it.socket.emit('many', ...ARGS)
    it.socket.emit('many')
    await until(() => it.received.length === 2)
    expect(it.received).toEqual([['many', ...ARGS], ['many']])
  })

  test('what cannot be encoded is refused where it is emitted, and nothing is sent', async () => {
    await using it = await startPair()
    expect((await errorOf(() => it.socket.emit('bad', 10n))).code).toBe('NOT_ENCODABLE')
    expect((await errorOf(() => it.socket.emit('bad', 10n, () => {}))).code).toBe('NOT_ENCODABLE')
    expect((await errorOf(it.socket.emitWithAck('bad', new Map()))).code).toBe('NOT_ENCODABLE')
    it.socket.emit('end')
    expect(await it.eventsBefore('end')).toEqual([])
  })

  test.each([
    ['', 'INVALID_EVENT_NAME'],
    ['x'.repeat(129), 'INVALID_EVENT_NAME'],
    ['a\nb', 'INVALID_EVENT_NAME'],
    ['\ud800', 'INVALID_EVENT_NAME'],
    [5, 'INVALID_EVENT_NAME'],
    [undefined, 'INVALID_EVENT_NAME'],
    ['connect', 'RESERVED_EVENT'],
    ['connect_error', 'RESERVED_EVENT'],
    ['disconnect', 'RESERVED_EVENT'],
    ['disconnecting', 'RESERVED_EVENT'],
    ['error', 'RESERVED_EVENT'],
    ['newListener', 'RESERVED_EVENT'],
    ['removeListener', 'RESERVED_EVENT'],
  ])('the event name %j is refused with %s', async (name, code) => {
    await using server = await startServer()
    using one = await pair(server)
    const event = name as string
    expect((await errorOf(() => one.socket.emit(event))).code).toBe(code)
    expect((await errorOf(() => server.io.emit(event))).code).toBe(code)
    expect((await errorOf(() => server.io.to('nobody').emit(event))).code).toBe(code)
    expect((await errorOf(one.socket.emitWithAck(event))).code).toBe(code)
    expect((await errorOf(server.io.emitWithAck(event))).code).toBe(code)
  })

  test('send and write emit "message" in both directions', async () => {
    const got: unknown[] = []
    await using it = await startPair((socket) => {
      socket.on('message', (...args: unknown[]) => void got.push(args))
    })
    it.client.send('a', 1).write('b')
    it.socket.send('c', 2).write('d')
    it.server.io.send('e')
    it.server.io.write('f')
    await until(() => got.length === 2 && it.received.length === 4)
    expect(got).toEqual([['a', 1], ['b']])
    expect(it.received).toEqual([
      ['message', 'c', 2],
      ['message', 'd'],
      ['message', 'e'],
      ['message', 'f'],
    ])
  })

  test('once hears one event, and off hears none', async () => {
    const got: string[] = []
    await using it = await startPair((socket) => {
      const never = () => void got.push('never')
      socket.once('a', () => got.push('once'))
      socket.on('a', never)
      socket.off('a', never)
    })
    expect(await it.client.emitWithAck('a')).toBe(1)
    expect((await errorOf(it.client.emitWithAck('a'))).code).toBe('NO_HANDLER')
    expect(got).toEqual(['once'])
  })
})

describe('the client calls the server', () => {
  test('an ack callback gets all the arguments of the answer', async () => {
    await using it = await startPair((socket) => {
      socket.on('sum', (a: number, b: number, ack: (...args: unknown[]) => void) =>
        ack(a + b, 'done', Uint8Array.of(1)),
      )
    })
    const results = await new Promise((resolve) => it.client.emit('sum', 2, 3, (...args: unknown[]) => resolve(args)))
    expect(results).toEqual([5, 'done', Uint8Array.of(1)])
    expect(await it.client.emitWithAck('sum', 4, 5)).toBe(9)
  })

  test('the ack of timeout() has null in front', async () => {
    await using it = await startPair((socket) => {
      socket.on('sum', (a: number, b: number, ack: (sum: number) => void) => ack(a + b))
    })
    const results = await new Promise((resolve) =>
      it.client.timeout(5_000).emit('sum', 2, 3, (...args: unknown[]) => resolve(args)),
    )
    expect(results).toEqual([null, 5])
  })

  test('the value that a handler returns is the answer, and so is the value of its promise', async () => {
    await using it = await startPair((socket) => {
      socket.on('now', (value: unknown) => value)
      socket.on('later', async (value: unknown) => value)
    })
    for (const value of ['text', 0, false, null, '', { a: [1] }]) {
      expect(await it.client.emitWithAck('now', value)).toEqual(value)
      expect(await it.client.emitWithAck('later', value)).toEqual(value)
    }
  })

  test('what a handler returns by accident is no answer if it takes the ack', async () => {
    const list: unknown[] = []
    await using it = await startPair((socket) => {
      socket.on('add', (value: unknown, ack: (size: number) => void) => {
        setImmediate(() => ack(list.length))
        return list.push(value, value) * 100
      })
      socket.on('add later', async (value: unknown, _ack: unknown) => list.push(value))
    })
    expect(await it.client.emitWithAck('add', 'x')).toBe(2)
    expect(await it.client.emitWithAck('add later', 'y')).toBe(3)
  })

  test('a returned thenable is awaited like a promise', async () => {
    await using it = await startPair((socket) => {
      // As the queries of many database libraries.
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      socket.on('query', () => ({ then: (resolve: (rows: string[]) => void) => resolve(['row']) }))
    })
    expect(await it.client.emitWithAck('query')).toEqual(['row'])
    expect(it.server.faults).toEqual([])
  })

  test('a handler that returns undefined answers later with its ack', async () => {
    await using it = await startPair((socket) => {
      socket.on('sync', (ack: (text: string) => void) => void setImmediate(() => ack('sync')))
      socket.on('async', async (ack: (text: string) => void) => void setImmediate(() => ack('async')))
    })
    expect(await it.client.emitWithAck('sync')).toBe('sync')
    expect(await it.client.emitWithAck('async')).toBe('async')
  })

  test('what is returned goes nowhere when no answer is wanted', async () => {
    await using it = await startPair((socket) => {
      socket.on('fire', (...args: unknown[]) => args.length)
      socket.on('forget', async () => 10n)
    })
    it.client.emit('fire', 1)
    it.client.emit('forget')
    expect(await it.client.emitWithAck('fire', 1)).toBe(2)
    expect(it.server.faults).toEqual([])
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('secret text')
      },
    ],
    [
      'rejects',
      async () => {
        await null
        throw new Error('secret text')
      },
    ],
    [
      'throws what is no Error',
      () => {
        throw 'secret text'
      },
    ],
  ] as const)('a handler that %s answers HANDLER_FAILED without the text, and is reported', async (_how, handler) => {
    await using it = await startPair((socket) => {
      socket.on('fail', handler)
      socket.on('ok', () => 'ok')
    })
    const error = await errorOf(it.client.emitWithAck('fail'))
    expect(error.code).toBe('HANDLER_FAILED')
    expect(error.message).not.toContain('secret')
    expect(error.data).toBeUndefined()
    expect(it.server.faults).toMatchObject([
      { context: { where: 'event handler', name: 'fail', socketId: it.socket.id } },
    ])
    expect(String(it.server.faults[0]?.error)).toContain('secret text')
    it.client.emit('fail')
    expect(await it.client.emitWithAck('ok')).toBe('ok')
    await until(() => it.server.faults.length === 2)
  })

  test('a RoomcastError that a handler throws reaches the caller with code, message and data', async () => {
    await using it = await startPair((socket) => {
      socket.on('now', () => {
        throw new RoomcastError('NAME_TAKEN', 'the name "Ada" is taken', { data: { field: 'name' }, cause: 'secret' })
      })
      socket.on('later', async () => {
        throw new RoomcastError('NAME_TAKEN', 'the name "Ada" is taken', { data: { field: 'name' }, cause: 'secret' })
      })
    })
    for (const event of ['now', 'later']) {
      const error = await errorOf(it.client.emitWithAck(event))
      expect(error).toMatchObject({ code: 'NAME_TAKEN', message: 'the name "Ada" is taken', data: { field: 'name' } })
      expect(error.cause).toBeUndefined()
    }
    expect(it.server.faults, 'an answer is not a fault').toEqual([])
  })

  test('an error whose data cannot be sent keeps its code and message', async () => {
    await using it = await startPair((socket) => {
      socket.on('fail', () => {
        throw new RoomcastError('ODD', 'odd data', { data: 10n })
      })
    })
    expect(await errorOf(it.client.emitWithAck('fail'))).toMatchObject({ code: 'ODD', message: 'odd data' })
  })

  test('an answer that cannot be encoded is a coded error, and is reported', async () => {
    await using it = await startPair((socket) => {
      socket.on('returned', () => 10n)
      socket.on('resolved', async () => new Map())
      socket.on('acked', (ack: (value: unknown) => void) => ack(Symbol('s')))
    })
    for (const event of ['returned', 'resolved', 'acked']) {
      expect((await errorOf(it.client.emitWithAck(event))).code).toBe('NOT_ENCODABLE')
    }
    expect(it.server.faults.map(({ context }) => context.name)).toEqual(['returned', 'resolved', 'acked'])
  })

  test('a call that nobody listens for answers NO_HANDLER', async () => {
    await using it = await startPair()
    expect((await errorOf(it.client.emitWithAck('nobody'))).code).toBe('NO_HANDLER')
    expect(it.server.faults).toEqual([])
  })

  test('a call without an answer fails with ACK_TIMEOUT, and the callback gets the error in front', async () => {
    await using it = await startPair((socket) => {
      socket.on('silent', () => {})
    })
    const args = await new Promise<unknown[]>((resolve) =>
      it.client.timeout(30).emit('silent', (...results: unknown[]) => resolve(results)),
    )
    expect(args).toHaveLength(1)
    expect(args[0]).toMatchObject({ code: 'ACK_TIMEOUT' })
    expect((await errorOf(it.client.timeout(30).emitWithAck('silent'))).code).toBe('ACK_TIMEOUT')
  })

  test('of several handlers and several answers the first wins', async () => {
    await using it = await startPair((socket) => {
      socket.on('who', (ack: (text: string) => void) => void setImmediate(() => ack('third')))
      socket.on('who', async () => 'second')
      socket.on('who', (ack: (text: string) => void) => {
        ack('first')
        ack('again')
        return 'returned'
      })
      socket.on('who', () => {
        throw new Error('too late to be the answer')
      })
    })
    const answers: unknown[] = []
    it.client.emit('who', (answer: unknown) => answers.push(answer))
    await until(() => it.server.faults.length === 1)
    it.client.emit('who', (answer: unknown) => answers.push(answer))
    await until(() => answers.length === 2)
    expect(answers).toEqual(['first', 'first'])
    expect(it.client.connected).toBe(true)
  })

  test('an answer after the client has left goes nowhere', async () => {
    let answer: ((value: unknown) => void) | undefined
    await using it = await startPair((socket) => {
      socket.on('wait', (ack: (value: unknown) => void) => {
        answer = ack
      })
    })
    it.client.emit('wait', () => {})
    await until(() => answer)
    const gone = next(it.socket, 'disconnect')
    it.client.disconnect()
    await gone
    answer?.('too late')
    answer?.(10n)
    expect(it.socket.connected).toBe(false)
  })
})

describe('the server calls the client', () => {
  test('an ack callback gets all the arguments of the answer', async () => {
    await using it = await startPair()
    it.client.on('sum', (a: number, b: number, ack: (...args: unknown[]) => void) => ack(a + b, [Uint8Array.of(1)]))
    const results = await new Promise((resolve) => it.socket.emit('sum', 2, 3, (...args: unknown[]) => resolve(args)))
    expect(results).toEqual([5, [Uint8Array.of(1)]])
    expect(await it.socket.emitWithAck('sum', 4, 5)).toBe(9)
    expect(await it.socket.timeout(5_000).emitWithAck('sum', 1, 1)).toBe(2)
    const timed = await new Promise((resolve) =>
      it.socket.timeout(5_000).emit('sum', 2, 3, (...args: unknown[]) => resolve(args)),
    )
    expect(timed).toEqual([null, 5, [Uint8Array.of(1)]])
  })

  test('emit tells whether the event was handed over', async () => {
    await using it = await startPair()
    expect(it.socket.emit('a')).toBe(true)
    const gone = next(it.socket, 'disconnect')
    it.client.disconnect()
    await gone
    expect(it.socket.emit('a')).toBe(false)
    expect(it.socket.volatile.emit('a')).toBe(false)
    expect((await errorOf(it.socket.emitWithAck('a'))).code).toBe('DISCONNECTED')
    const args = await new Promise<unknown[]>((resolve) =>
      it.socket.timeout(10).emit('a', (...results: unknown[]) => resolve(results)),
    )
    expect(args).toMatchObject([{ code: 'DISCONNECTED' }])
  })

  test('a failing handler of the client rejects the call with its code and without its text', async () => {
    await using it = await startPair()
    it.client.on('error', () => {})
    it.client.on('fail', () => {
      throw new Error('secret text')
    })
    it.client.on('refuse', async () => {
      throw new RoomcastError('BUSY', 'not now', { data: 5 })
    })
    const error = await errorOf(it.socket.emitWithAck('fail'))
    expect(error.code).toBe('HANDLER_FAILED')
    expect(error.message).not.toContain('secret')
    expect(await errorOf(it.socket.emitWithAck('refuse'))).toMatchObject({ code: 'BUSY', message: 'not now', data: 5 })
  })

  test('a client without a handler answers NO_HANDLER', async () => {
    await using server = await startServer()
    using client = connect(server.url)
    const socket = await until(() => server.io.sockets.sockets.get(client.id ?? ''))
    expect((await errorOf((socket as Socket).emitWithAck('nobody'))).code).toBe('NO_HANDLER')
  })

  test('a call fails with ACK_TIMEOUT after its own time, or after the option ackTimeout', async () => {
    await using it = await startRaw({ ackTimeout: 60 })
    expect(await errorOf(it.socket.timeout(30).emitWithAck('silent'))).toMatchObject({
      code: 'ACK_TIMEOUT',
      message: expect.stringContaining('30 ms'),
    })
    expect(await errorOf(it.socket.emitWithAck('silent'))).toMatchObject({
      code: 'ACK_TIMEOUT',
      message: expect.stringContaining('60 ms'),
    })
    const args = await new Promise<unknown[]>((resolve) =>
      it.socket.timeout(30).emit('silent', (...results: unknown[]) => resolve(results)),
    )
    expect(args).toMatchObject([{ code: 'ACK_TIMEOUT' }])
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('timeout(%s) is refused', async (ms) => {
    await using it = await startRaw()
    expect((await errorOf(async () => it.socket.timeout(ms).emitWithAck('a'))).code).toBe('INVALID_OPTION')
    expect((await errorOf(async () => it.server.io.timeout(ms).emitWithAck('a'))).code).toBe('INVALID_OPTION')
  })

  test('a plain ack callback of a call that failed is not called, and "error" is fired', async () => {
    await using it = await startRaw({ ackTimeout: 30 })
    let isCalled = false
    const failed = next(it.socket, 'error')
    it.socket.emit('silent', () => {
      isCalled = true
    })
    expect(await failed).toMatchObject([{ code: 'ACK_TIMEOUT' }])
    expect(isCalled).toBe(false)
    expect(it.server.faults).toEqual([])
  })

  test('a client that leaves fails the calls it has not answered with DISCONNECTED, before "disconnect" is fired', async () => {
    await using it = await startRaw()
    const order: string[] = []
    it.socket.on('error', (error) => void order.push((error as RoomcastError).code))
    it.socket.on('disconnect', () => void order.push('disconnect'))
    const promised = errorOf(it.socket.emitWithAck('a'))
    const timed = errorOf(it.socket.timeout(60_000).emitWithAck('b'))
    it.socket.emit('c', () => {})
    await it.client.frame('EVENT')
    it.client.terminate()
    expect((await promised).code).toBe('DISCONNECTED')
    expect((await timed).code).toBe('DISCONNECTED')
    await until(() => order.length === 2)
    expect(order).toEqual(['DISCONNECTED', 'disconnect'])
  })

  test(`call ${LIMITS.pendingAcks + 1} without an answer is refused with TOO_MANY_PENDING_ACKS`, async () => {
    await using it = await startRaw()
    const calls = Array.from({ length: LIMITS.pendingAcks }, (_, i) => it.socket.emitWithAck('wait', i))
    expect((await errorOf(it.socket.emitWithAck('one more'))).code).toBe('TOO_MANY_PENDING_ACKS')
    const failed = next(it.socket, 'error')
    expect(it.socket.emit('one more', () => {})).toBe(false)
    expect(await failed).toMatchObject([{ code: 'TOO_MANY_PENDING_ACKS' }])
    expect(it.socket.emit('without ack'), 'events still go').toBe(true)
    const first = await it.client.frame('EVENT')
    it.client.send({ type: MESSAGE_TYPES.ACK, ackId: first.ackId }, ['there you are'])
    expect(await calls[0]).toBe('there you are')
    expect(
      it.socket.emit('one more', () => {}),
      'there is room again',
    ).toBe(true)
    it.socket.on('error', () => {})
    it.client.terminate()
    expect((await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected')).toHaveLength(
      LIMITS.pendingAcks - 1,
    )
    const names = it.client.frames.filter(({ type }) => type === 'EVENT').map(({ event }) => event)
    expect(names.filter((name) => name === 'one more').length).toBeLessThanOrEqual(1)
  })

  test('late and second answers are ignored, and are no offence', async () => {
    await using it = await startRaw({ ackTimeout: 30 })
    const calls = Array.from({ length: LIMITS.protocolErrors + 1 }, () => errorOf(it.socket.emitWithAck('silent')))
    const late: number[] = []
    for (const call of calls) {
      late.push((await it.client.frame('EVENT')).ackId)
      expect((await call).code).toBe('ACK_TIMEOUT')
    }
    const answered = it.socket.timeout(5_000).emitWithAck('quick')
    const { ackId } = await it.client.frame('EVENT')
    for (const answer of [1, 2]) it.client.send({ type: MESSAGE_TYPES.ACK, ackId }, [answer])
    expect(await answered).toBe(1)
    for (const id of late) it.client.send({ type: MESSAGE_TYPES.ACK, ackId: id }, ['late'])
    for (const id of late) it.client.send({ type: MESSAGE_TYPES.ACK, ackId: id }, ['late'])
    const alive = it.socket.timeout(5_000).emitWithAck('still there?')
    const question = await it.client.frame('EVENT')
    it.client.send({ type: MESSAGE_TYPES.ACK, ackId: question.ackId }, ['yes'])
    expect(await alive).toBe('yes')
    expect(it.client.frames.filter(({ type }) => type === 'ERROR')).toEqual([])
  })

  test('an ack callback that throws is reported and harms nothing', async () => {
    await using it = await startPair()
    it.client.on('echo', (value: unknown) => value)
    it.socket.emit('echo', 1, () => {
      throw new Error('in the callback')
    })
    expect(await it.socket.emitWithAck('echo', 2)).toBe(2)
    expect(it.server.faults).toMatchObject([{ context: { where: 'listener', name: 'ack' } }])
  })
})
