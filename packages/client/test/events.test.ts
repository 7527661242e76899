import { LIMITS, MESSAGE_TYPES, RESERVED_EVENTS, RoomcastError } from '@roomcast/protocol'
import type { Server, Socket as ServerSocket } from '@roomcast/server'
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { FakeServer } from '../../../test-kit/fake-server'
import { startServer, type TestServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { connect, errorOf, type TestSocket, turns, watchProcess } from './support'

let printed: MockInstance<typeof console.error>

beforeEach(() => {
  printed = vi.spyOn(console, 'error').mockImplementation(() => {})
})

afterEach(() => {
  printed.mockRestore()
})

/** A server, a client and the server's end of it. */
interface Pair extends AsyncDisposable {
  readonly server: TestServer
  readonly client: TestSocket
  readonly peer: ServerSocket
}

async function startPair(setUp: (io: Server) => void = () => {}, options = {}, clientOptions = {}): Promise<Pair> {
  const server = await startServer((io) => {
    io.on('connection', (socket) => socket.on('echo', (...args: unknown[]) => void answer(args)))
    setUp(io)
  }, options)
  const client = connect(server.url, clientOptions)
  await next(client, 'connect')
  const peer = server.io.sockets.sockets.get(client.id as string) as ServerSocket
  const dispose = async () => {
    client.disconnect()
    await server[Symbol.asyncDispose]()
  }
  return { server, client, peer, [Symbol.asyncDispose]: dispose }
}

/** Calls the ack, the last argument, with all the others. */
function answer(args: unknown[]): void {
  const ack = args.pop() as (...results: unknown[]) => void
  ack(...args)
}

describe('emit', () => {
  test('carries any number of arguments, with binary and dates at any depth', async () => {
    await using pair = await startPair()
    const args = [1, 'two', null, { deep: [{ bytes: Uint8Array.of(1, 2, 3), at: new Date(5) }] }, [], -0.5]
    const received = next(pair.peer, 'many')
    expect(pair.client.emit('many', ...args)).toBe(pair.client)
    expect(await received).toEqual(args)
    const back = next(pair.client, 'many')
    pair.peer.emit('many', ...args)
    expect(await back).toEqual(args)
  })

  test('without arguments calls the listener without arguments', async () => {
    await using pair = await startPair()
    const received = next(pair.peer, 'none')
    pair.client.emit('none')
    expect(await received).toEqual([])
  })

  test('keeps the order of all events of a socket', async () => {
    await using pair = await startPair()
    const seen: unknown[] = []
    pair.peer.on('n', (n: unknown) => seen.push(n))
    for (let i = 0; i < 500; i++) (i % 3 === 0 ? pair.client.volatile : pair.client).emit('n', i)
    await pair.client.emitWithAck('echo')
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => i))
  })

  test('an event named like a property of Object is an ordinary event', async () => {
    await using pair = await startPair()
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'then']) {
      const received = next(pair.client, name)
      pair.peer.emit(name, 1)
      expect(await received).toEqual([1])
    }
  })

  test('send and write emit "message", and message is what they are received as', async () => {
    await using pair = await startPair()
    const seen: unknown[] = []
    pair.peer.on('message', (...args: unknown[]) => seen.push(args))
    expect(pair.client.send('a', 1)).toBe(pair.client)
    pair.client.write('b')
    await pair.client.emitWithAck('echo')
    expect(seen).toEqual([['a', 1], ['b']])
    const received = next(pair.client, 'message')
    pair.peer.send('c')
    expect(await received).toEqual(['c'])
  })

  test('compress(…) changes nothing and chains', async () => {
    await using pair = await startPair()
    expect(await pair.client.compress(false).emitWithAck('echo', 1)).toBe(1)
    expect(await pair.client.compress(true).timeout(5_000).emitWithAck('echo', 2)).toBe(2)
  })

  test.each([...RESERVED_EVENTS])('refuses the reserved name "%s"', async (name) => {
    await using pair = await startPair()
    expect((await errorOf(() => pair.client.emit(name))).code).toBe('RESERVED_EVENT')
    expect((await errorOf(() => pair.client.volatile.emit(name))).code).toBe('RESERVED_EVENT')
    expect((await errorOf(() => pair.client.emitWithAck(name))).code).toBe('RESERVED_EVENT')
  })

  test.each(['', 'a\u0000b', 'x'.repeat(129), 'é'.repeat(65), '\ud800', undefined, null, 7, Symbol('x')])(
    'refuses the name %o',
    async (name) => {
      await using pair = await startPair()
      expect((await errorOf(() => pair.client.emit(name as string))).code).toBe('INVALID_EVENT_NAME')
      expect((await errorOf(() => pair.client.timeout(50).emitWithAck(name as string))).code).toBe('INVALID_EVENT_NAME')
    },
  )

  test('takes a name of exactly the limit', async () => {
    await using pair = await startPair()
    const name = 'é'.repeat(64)
    const received = next(pair.peer, name)
    pair.client.emit(name, 1)
    expect(await received).toEqual([1])
  })

  test('throws NOT_ENCODABLE for what the wire cannot carry, and sends nothing', async () => {
    await using pair = await startPair()
    const seen: string[] = []
    pair.peer.onAny((event) => seen.push(event))
    const cycle: unknown[] = []
    cycle.push(cycle)
    for (const value of [1n, Symbol('x'), new Map(), { f: () => {} }, new Date(Number.NaN), cycle]) {
      expect((await errorOf(() => pair.client.emit('bad', value))).code).toBe('NOT_ENCODABLE')
      expect((await errorOf(() => pair.client.emitWithAck('bad', value))).code).toBe('NOT_ENCODABLE')
      expect((await errorOf(() => pair.client.emit('bad', value, () => {}))).code).toBe('NOT_ENCODABLE')
    }
    await pair.client.emitWithAck('echo')
    expect(seen).toEqual(['echo'])
  })
})

test('an argument whose toJSON emits another event disturbs neither of them', async () => {
  await using pair = await startPair()
  const seen: unknown[] = []
  pair.peer.onAny((event, ...args) => seen.push([event, ...args]))
  const toJSON = () => {
    pair.client.emit('inner', 'x'.repeat(100), { deep: [1, 2] })
    return 'json'
  }
  pair.client.emit('outer', 'before', { toJSON }, 'after')
  await pair.client.emitWithAck('echo')
  expect(seen.slice(0, 2)).toEqual([
    ['inner', 'x'.repeat(100), { deep: [1, 2] }],
    ['outer', 'before', 'json', 'after'],
  ])
})

describe('the limit that the server announced', () => {
  const maxHttpBufferSize = 2_048
  /** Bytes of the frame of `emit('e', bytes)` beside the payload: type, name with its length, array of one, binary. */
  const AROUND = 1 + 2 + 1 + 3

  test('refuses a larger event at the call, and sends a smaller one', async () => {
    await using pair = await startPair(() => {}, { maxHttpBufferSize })
    const tooLarge = new Uint8Array(maxHttpBufferSize - AROUND + 1)
    expect((await errorOf(() => pair.client.emit('e', tooLarge))).code).toBe('MESSAGE_TOO_LARGE')
    expect((await errorOf(() => pair.client.emitWithAck('e', tooLarge))).code).toBe('MESSAGE_TOO_LARGE')
    const fitting = new Uint8Array(maxHttpBufferSize - 100).fill(7)
    expect(await pair.client.emitWithAck('echo', fitting)).toEqual(fitting)
    expect(pair.client.connected).toBe(true)
  })

  test('turns a larger answer into an error reply, and keeps the link', async () => {
    await using pair = await startPair(() => {}, { maxHttpBufferSize })
    pair.client.on('dump', () => new Uint8Array(maxHttpBufferSize))
    pair.client.on('dump later', async () => new Uint8Array(maxHttpBufferSize))
    pair.client.on('dump back', (ack: (bytes: Uint8Array) => void) => ack(new Uint8Array(maxHttpBufferSize)))
    for (const event of ['dump', 'dump later', 'dump back']) {
      expect((await errorOf(() => pair.peer.timeout(2_000).emitWithAck(event))).code).toBe('MESSAGE_TOO_LARGE')
    }
    expect(await pair.client.emitWithAck('echo', 'still here')).toBe('still here')
    expect(pair.client.id).toBe(pair.peer.id)
  })

  test('turns an error that is larger into one that fits', async () => {
    using watched = watchProcess()
    await using pair = await startPair(() => {}, { maxHttpBufferSize })
    const fail = () => {
      throw new RoomcastError('MY_CODE', 'x'.repeat(maxHttpBufferSize), { data: new Uint8Array(maxHttpBufferSize) })
    }
    pair.client.on('now', fail)
    pair.client.on('later', async () => fail())
    for (const event of ['now', 'later']) {
      expect((await errorOf(() => pair.peer.timeout(2_000).emitWithAck(event))).code).toBe('MY_CODE')
    }
    expect(await pair.client.emitWithAck('echo', 'still here')).toBe('still here')
    await turns()
    expect(watched.events).toEqual([])
  })

  test('is checked again for what waited in the outbox before it was known', async () => {
    await using server = await startServer(
      (io) => io.on('connection', (socket) => socket.on('echo', (value: unknown) => value)),
      { maxHttpBufferSize },
    )
    using client = connect(server.url, { autoConnect: false })
    const errors: RoomcastError[] = []
    client.on('error', (error) => errors.push(error as RoomcastError))
    let disconnects = 0
    client.on('disconnect', () => disconnects++)
    client.emit('echo', new Uint8Array(maxHttpBufferSize))
    const call = errorOf(() => client.emitWithAck('echo', new Uint8Array(maxHttpBufferSize)))
    const small = client.emitWithAck('echo', 'small')
    client.connect()
    expect(await small).toBe('small')
    expect((await call).code).toBe('MESSAGE_TOO_LARGE')
    expect(errors.map(({ code }) => code)).toEqual(['MESSAGE_TOO_LARGE'])
    expect(disconnects).toBe(0)
  })
})

describe('a call of the client', () => {
  test('calls the ack with the arguments of the answer', async () => {
    await using pair = await startPair()
    const results = await new Promise((resolve) =>
      pair.client.emit('echo', 1, 'two', (...args: unknown[]) => resolve(args)),
    )
    expect(results).toEqual([1, 'two'])
  })

  test('emitWithAck resolves with the first argument of the answer, undefined if there is none', async () => {
    await using pair = await startPair()
    expect(await pair.client.emitWithAck('echo', { a: 1 }, 2)).toEqual({ a: 1 })
    expect(await pair.client.emitWithAck('echo')).toBeUndefined()
  })

  test('with timeout gets null in front of the answer', async () => {
    await using pair = await startPair()
    const results = await new Promise((resolve) => {
      pair.client.timeout(5_000).emit('echo', 1, 2, (...args: unknown[]) => resolve(args))
    })
    expect(results).toEqual([null, 1, 2])
  })

  test('without an answer fails with ACK_TIMEOUT, once', async () => {
    await using pair = await startPair()
    const late: ((n: number) => void)[] = []
    pair.peer.on('mute', (ack: (n: number) => void) => void late.push(ack))
    const outcomes: unknown[][] = []
    pair.client.timeout(20).emit('mute', (...args: unknown[]) => outcomes.push(args))
    await until(() => outcomes.length > 0)
    expect(outcomes[0]).toHaveLength(1)
    expect(outcomes[0]?.[0]).toMatchObject({ code: 'ACK_TIMEOUT' })
    late[0]?.(1)
    await pair.client.emitWithAck('echo')
    expect(outcomes).toHaveLength(1)
    expect((await errorOf(() => pair.client.timeout(20).emitWithAck('mute'))).code).toBe('ACK_TIMEOUT')
  })

  test('fails after ackTimeout where it names no time', async () => {
    await using pair = await startPair(() => {}, {}, { ackTimeout: 20 })
    pair.peer.on('mute', () => {})
    expect((await errorOf(() => pair.client.emitWithAck('mute'))).code).toBe('ACK_TIMEOUT')
  })

  test('with a plain ack that fails fires "error" and does not call the ack', async () => {
    await using pair = await startPair(() => {}, {}, { ackTimeout: 20 })
    pair.peer.on('mute', () => {})
    let calls = 0
    const failed = next(pair.client, 'error')
    pair.client.emit('mute', () => calls++)
    expect((await failed)[0]).toMatchObject({ code: 'ACK_TIMEOUT' })
    const refused = next(pair.client, 'error')
    pair.client.emit('nobody', () => calls++)
    expect((await refused)[0]).toMatchObject({ code: 'NO_HANDLER' })
    expect(calls).toBe(0)
  })

  test('fails with the code of the server’s error', async () => {
    await using pair = await startPair()
    pair.peer.on('own', () => {
      throw new RoomcastError('NOT_TODAY', 'the shop is closed', { data: { until: 8 } })
    })
    pair.peer.on('fault', async () => {
      throw new Error('a secret')
    })
    expect(await errorOf(() => pair.client.emitWithAck('own'))).toMatchObject({
      code: 'NOT_TODAY',
      message: 'the shop is closed',
      data: { until: 8 },
    })
    const fault = await errorOf(() => pair.client.emitWithAck('fault'))
    expect(fault.code).toBe('HANDLER_FAILED')
    expect(fault.message).not.toContain('secret')
  })

  test('beyond the limit of pending ones fails with TOO_MANY_PENDING_ACKS, and later ones pass', async () => {
    await using pair = await startPair()
    const acks: (() => void)[] = []
    pair.peer.on('hold', (ack: () => void) => void acks.push(ack))
    const held = Array.from({ length: LIMITS.pendingAcks }, () => pair.client.emitWithAck('hold'))
    expect((await errorOf(() => pair.client.emitWithAck('hold'))).code).toBe('TOO_MANY_PENDING_ACKS')
    await until(() => acks.length === LIMITS.pendingAcks)
    for (const ack of acks) ack()
    await Promise.all(held)
    expect(await pair.client.emitWithAck('echo', 1)).toBe(1)
  })

  test('answers come to the call they belong to, in any order', async () => {
    await using pair = await startPair()
    pair.peer.on('later', (n: number) => new Promise((resolve) => setTimeout(resolve, 20 - n, n)))
    const numbers = Array.from({ length: 20 }, (_, i) => i)
    expect(await Promise.all(numbers.map((n) => pair.client.emitWithAck('later', n)))).toEqual(numbers)
  })

  test('takes the first of several answers, and none that nobody asked for', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url)
    await next(client, 'connect')
    const link = await server.link()
    const outcomes: unknown[] = []
    client.emit('call', (value: unknown) => outcomes.push(value))
    const { ackId } = await link.frame('EVENT')
    for (const value of [1, 2]) link.send({ type: MESSAGE_TYPES.ACK, ackId }, [value])
    link.send({ type: MESSAGE_TYPES.ACK_ERROR, ackId }, { code: 'X', message: '' })
    link.send({ type: MESSAGE_TYPES.ACK, ackId: ackId + 100 }, [3])
    link.emit('end')
    await next(client, 'end')
    expect(outcomes).toEqual([1])
    expect(client.connected).toBe(true)
  })
})

describe('a call of the server', () => {
  test('is answered through the ack, by the returned value, or by what the promise resolves with', async () => {
    await using pair = await startPair()
    pair.client.on('ack', (n: number, ack: (...results: unknown[]) => void) => ack(n, n + 1))
    pair.client.on('return', (n: number) => n + 2)
    pair.client.on('promise', async (n: number) => n + 3)
    pair.client.on('null', () => null)
    const results = await new Promise((resolve) => pair.peer.emit('ack', 1, (...args: unknown[]) => resolve(args)))
    expect(results).toEqual([1, 2])
    expect(await pair.peer.emitWithAck('return', 1)).toBe(3)
    expect(await pair.peer.emitWithAck('promise', 1)).toBe(4)
    expect(await pair.peer.emitWithAck('null')).toBeNull()
  })

  test('takes the first answer of several', async () => {
    await using pair = await startPair()
    pair.client.on('twice', (ack: (n: number) => void) => {
      ack(1)
      ack(2)
      return 3
    })
    pair.client.on('twice', () => 4)
    expect(await pair.peer.emitWithAck('twice')).toBe(1)
    expect(await pair.peer.emitWithAck('twice')).toBe(1)
  })

  test('is not answered by a handler that returns nothing', async () => {
    await using pair = await startPair()
    const called = next(pair.client, 'mute')
    const outcome = errorOf(() => pair.peer.timeout(50).emitWithAck('mute'))
    await called
    expect((await outcome).code).toBe('ACK_TIMEOUT')
  })

  test('that nobody listens for fails with NO_HANDLER', async () => {
    await using pair = await startPair()
    expect((await errorOf(() => pair.peer.emitWithAck('nobody'))).code).toBe('NO_HANDLER')
  })

  test('with a number that was never announced as an event fails with UNKNOWN_EVENT_ID', async () => {
    await using server = await FakeServer.start()
    using client = connect(server.url)
    await next(client, 'connect')
    const link = await server.link()
    link.emit(12)
    link.emit(12, [], 4)
    expect((await link.frame('ACK_ERROR')).body).toMatchObject({ code: 'UNKNOWN_EVENT_ID' })
  })

  test('that makes a handler throw or reject is an error reply without the text', async () => {
    await using pair = await startPair()
    pair.client.on('throw', () => {
      throw new Error('a secret')
    })
    pair.client.on('reject', async () => {
      throw new Error('a secret')
    })
    for (const event of ['throw', 'reject']) {
      const error = await errorOf(() => pair.peer.emitWithAck(event))
      expect(error.code).toBe('HANDLER_FAILED')
      expect(error.message).not.toContain('secret')
    }
    expect(printed).toHaveBeenCalledTimes(2)
  })

  test('may be refused with an error of the application, which is an answer and no fault', async () => {
    await using pair = await startPair()
    pair.client.on('order', async () => {
      throw new RoomcastError('BUSY', 'ask later', { data: { inMs: 5 } })
    })
    const error = await errorOf(() => pair.peer.emitWithAck('order'))
    expect(error).toMatchObject({ code: 'BUSY', message: 'ask later', data: { inMs: 5 } })
    expect(printed).not.toHaveBeenCalled()
  })

  test('with a result or error that cannot be sent is still answered', async () => {
    await using pair = await startPair()
    pair.client.on('result', () => 1n)
    pair.client.on('ack', (ack: (value: unknown) => void) => ack(new Map()))
    pair.client.on('error data', () => {
      throw new RoomcastError('BUSY', 'ask later', { data: 1n })
    })
    expect((await errorOf(() => pair.peer.emitWithAck('result'))).code).toBe('NOT_ENCODABLE')
    expect((await errorOf(() => pair.peer.emitWithAck('ack'))).code).toBe('NOT_ENCODABLE')
    expect((await errorOf(() => pair.peer.emitWithAck('error data'))).code).toBe('BUSY')
  })
})

describe('a listener that throws', () => {
  test('is never an event of the process, and stops neither the others nor the link', async () => {
    using watched = watchProcess()
    await using pair = await startPair()
    const { client, peer } = pair
    const fail = () => {
      throw new Error('listener')
    }
    const failLater = async () => {
      throw new Error('listener')
    }
    let reached = 0
    for (const listener of [fail, failLater, () => void reached++]) {
      client.on('news', listener)
      client.onAny(listener)
      client.on('disconnect', listener)
      client.on('connect', listener)
    }
    const back = next(client, 'news')
    peer.emit('news')
    await back
    expect(reached).toBe(2)
    for (const ack of [fail, failLater]) {
      client.emit('echo', ack)
      client.timeout(5_000).emit('echo', ack)
    }
    await client.emitWithAck('echo')
    client.disconnect()
    expect(reached).toBe(3)
    const again = next(client, 'connect')
    client.connect()
    await again
    expect(reached).toBe(4)
    expect(await client.emitWithAck('echo', 1)).toBe(1)
    await turns()
    expect(watched.events).toEqual([])
    expect(printed.mock.calls.length).toBeGreaterThan(0)
  })

  test('of connect_error and error is never an event of the process either', async () => {
    using watched = watchProcess()
    await using server = await startServer((io) => io.use((_socket, next) => next(new Error('no'))))
    using client = connect(server.url)
    const seen: string[] = []
    for (const event of ['connect_error', 'error']) {
      client.on(event, () => {
        seen.push(event)
        throw new Error('listener')
      })
      client.on(event, async () => {
        throw new Error('listener')
      })
    }
    await next(client, 'connect_error')
    await turns()
    expect(seen).toContain('connect_error')
    expect(watched.events).toEqual([])
  })

  test('of onAnyOutgoing does not stop the event, nor throw out of emit', async () => {
    using watched = watchProcess()
    await using pair = await startPair()
    pair.client.onAnyOutgoing(() => {
      throw new Error('listener')
    })
    pair.client.onAnyOutgoing(async () => {
      throw new Error('listener')
    })
    expect(await pair.client.emitWithAck('echo', 1)).toBe(1)
    await turns()
    expect(watched.events).toEqual([])
  })

  test('is told to the listeners of "error"', async () => {
    await using pair = await startPair()
    const errors: Error[] = []
    pair.client.on('error', (error) => errors.push(error))
    pair.client.on('news', () => {
      throw new Error('listener')
    })
    pair.peer.emit('news')
    await until(() => errors.length === 1)
    expect(errors[0]?.message).toBe('listener')
    expect(printed).not.toHaveBeenCalled()
  })
})

describe('listeners', () => {
  test('are called in order with the socket as "this", and once only with once', async () => {
    await using pair = await startPair()
    const { client, peer } = pair
    const seen: unknown[] = []
    client.on('news', function (this: unknown) {
      seen.push(this === client)
    })
    client.once('news', () => seen.push('once'))
    client.addListener('news', (n: number) => seen.push(n))
    peer.emit('news', 1)
    const second = next(client, 'news')
    await second
    const third = next(client, 'news')
    peer.emit('news', 2)
    await third
    expect(seen).toEqual([true, 'once', 1, true, 2])
  })

  test('of the library are called with the socket as "this" too', async () => {
    await using server = await startServer()
    using client = connect(server.url)
    const seen: unknown[] = []
    client.on('connect', function (this: unknown) {
      seen.push(this === client)
    })
    await next(client, 'connect')
    expect(seen).toEqual([true])
  })

  test('can be counted, listed and removed', async () => {
    using client = connect('http://localhost', { autoConnect: false })
    const listener = () => {}
    const once = () => {}
    client.on('a', listener).on('a', listener).once('a', once).on('b', listener)
    expect(client.listeners('a')).toEqual([listener, listener, once])
    expect(client.listenerCount('a')).toBe(3)
    expect(client.eventNames()).toEqual(['a', 'b'])
    client
      .off('a', once)
      .removeListener('a', listener)
      .off('a', () => {})
    expect(client.listeners('a')).toEqual([listener])
    client.off('a')
    expect(client.eventNames()).toEqual(['b'])
    client.removeAllListeners('b').on('c', listener).on('connect', listener)
    client.removeAllListeners()
    expect(client.eventNames()).toEqual([])
  })

  test('that are added or removed while an event is delivered count from the next one', async () => {
    await using pair = await startPair()
    const { client, peer } = pair
    const seen: string[] = []
    const second = () => seen.push('second')
    client.once('news', () => {
      seen.push('first')
      client.off('news', second)
      client.on('news', () => seen.push('third'))
    })
    client.on('news', second)
    peer.emit('news')
    peer.emit('news')
    peer.emit('end')
    await next(client, 'end')
    expect(seen).toEqual(['first', 'second', 'third'])
  })

  test('of onAny see every event before its own listeners; removed ones see none', async () => {
    await using pair = await startPair()
    const { client, peer } = pair
    const seen: unknown[] = []
    const first = (event: string, ...args: unknown[]) => seen.push(['first', event, ...args])
    const second = (event: string) => seen.push(['second', event])
    client.onAny(second).prependAny(first)
    client.on('a', () => seen.push('own'))
    expect(client.listenersAny()).toEqual([first, second])
    peer.emit('a', 1)
    peer.emit('b')
    await next(client, 'b')
    expect(seen).toEqual([['first', 'a', 1], ['second', 'a'], 'own', ['first', 'b'], ['second', 'b']])
    client.offAny(first)
    expect(client.listenersAny()).toEqual([second])
    client.offAny()
    expect(client.listenersAny()).toEqual([])
    seen.length = 0
    peer.emit('b')
    await next(client, 'b')
    expect(seen).toEqual([])
  })

  test('of onAnyOutgoing see every event that is emitted, without the ack', async () => {
    await using pair = await startPair()
    const { client } = pair
    const seen: unknown[] = []
    const first = (...args: unknown[]) => seen.push(['first', ...args])
    const second = (event: string) => seen.push(['second', event])
    client.onAnyOutgoing(second).prependAnyOutgoing(first)
    expect(client.listenersAnyOutgoing()).toEqual([first, second])
    await client.emitWithAck('echo', 1)
    expect(seen).toEqual([
      ['first', 'echo', 1],
      ['second', 'echo'],
    ])
    client.offAnyOutgoing(second).offAnyOutgoing()
    expect(client.listenersAnyOutgoing()).toEqual([])
    await client.emitWithAck('echo', 2)
    expect(seen).toHaveLength(2)
  })
})

describe('volatile', () => {
  test('drops the event while the socket is not connected', async () => {
    const seen: unknown[] = []
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.onAny((event, n) => seen.push([event, n]))
        socket.on('echo', (value: unknown) => value)
      })
    })
    using client = connect(server.url, { autoConnect: false })
    client.volatile.emit('v', 1)
    client.emit('kept', 1)
    client.connect()
    client.volatile.emit('v', 2)
    await next(client, 'connect')
    client.volatile.emit('v', 3)
    await client.emitWithAck('echo', 0)
    expect(seen).toEqual([
      ['kept', 1],
      ['v', 3],
      ['echo', 0],
    ])
  })

  test('fails a call while the socket is not connected, and does not send it later', async () => {
    const seen: string[] = []
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.onAny((event) => seen.push(event))
        socket.on('echo', (value: unknown) => value)
      })
    })
    using client = connect(server.url, { autoConnect: false })
    const outcome = errorOf(() => client.volatile.emitWithAck('v'))
    const timed = errorOf(() => client.timeout(5_000).volatile.emitWithAck('v'))
    client.connect()
    await next(client, 'connect')
    await client.emitWithAck('echo', 0)
    const codes = (await Promise.all([outcome, timed])).map(({ code }) => code)
    expect(codes).toEqual(['DISCONNECTED', 'DISCONNECTED'])
    expect(seen).toEqual(['echo'])
  })
})

describe('a server that pretends to be the library', () => {
  test.each([...RESERVED_EVENTS])('with the event "%s" reaches no listener, and is told so', async (name) => {
    await using server = await FakeServer.start()
    using client = connect(server.url)
    await next(client, 'connect')
    const link = await server.link()
    let fired = 0
    client.on(name, () => fired++)
    const any: string[] = []
    client.onAny((event) => any.push(event))
    link.emit(name, ['forged'])
    link.emit(name, ['forged'], 6)
    expect((await link.frame('ACK_ERROR')).body).toMatchObject({ code: 'RESERVED_EVENT' })
    link.emit('end')
    await next(client, 'end')
    expect(fired).toBe(0)
    expect(any).toEqual(['end'])
    expect(client.connected).toBe(true)
  })
})

test('an ERROR of the server about a frame is fired as "error"', async () => {
  await using server = await FakeServer.start()
  using client = connect(server.url)
  await next(client, 'connect')
  const link = await server.link()
  const fired = next(client, 'error')
  link.send({ type: MESSAGE_TYPES.ERROR }, { code: 'UNKNOWN_ACK', message: 'no call had this id', data: 7 })
  expect((await fired)[0]).toMatchObject({ code: 'UNKNOWN_ACK', message: 'no call had this id', data: 7 })
})
