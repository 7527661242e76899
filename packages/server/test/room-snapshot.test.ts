import { LIMITS, RoomcastError } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import { codeOf, deferred, drained, eventsOf, runtimeOf, socketOf, startPolicies } from './room-support'

const authorize = () => true

/** First arguments of messages. */
const values = (messages: readonly { readonly args: readonly unknown[] }[] = []) => messages.map(({ args }) => args[0])

describe('the last messages', () => {
  test('fit exactly in front of what follows', async () => {
    await using server = await startPolicies({ red: { history: true, authorize, snapshot: 3 } })
    using ada = await RawSession.connect(server.port)
    expect(await ada.join('red')).toMatchObject({ seq: 0, messages: [] })
    const before = Date.now()
    for (let i = 1; i <= 5; i++) server.io.to('red').emit('m', i)
    using bob = await RawSession.connect(server.port)
    const { seq, messages = [], recovered } = await bob.join('red')
    expect([seq, recovered]).toEqual([5, false])
    expect(messages.map(({ position, event, args: [value] }) => [position, event, value])).toEqual([
      [3, 'm', 3],
      [4, 'm', 4],
      [5, 'm', 5],
    ])
    for (const { at } of messages) expect(at).toBeGreaterThanOrEqual(before)
    server.io.to('red').emit('m', 6)
    await drained(bob)
    expect(eventsOf(bob, 'm')).toEqual([[6]])
    expect(bob.stream('red').position).toBe(6)
  })

  test('are fewer if there are no more, and none of those that were not for the client', async () => {
    await using server = await startPolicies({ '*': { history: true, authorize, snapshot: 10 } })
    using ada = await RawSession.connect(server.port)
    socketOf(server, ada).join('mods')
    server.io.to('red').emit('m', 1)
    server.io.to('red').except('mods').emit('m', 2)
    server.io.to('red').emit('m', 3)
    expect(values((await ada.join('red')).messages)).toEqual([1, 3])
    using bob = await RawSession.connect(server.port)
    expect(values((await bob.join('red')).messages)).toEqual([1, 2, 3])
  })

  test('end at so many bytes, the newest first', async () => {
    await using server = await startPolicies({
      red: { history: { bytes: 4 * LIMITS.historyPageBytes }, authorize, snapshot: 1_000 },
    })
    using ada = await RawSession.connect(server.port)
    const text = 'x'.repeat(LIMITS.historyPageBytes / 4)
    for (let i = 0; i < 10; i++) server.io.to('red').emit('m', i, text)
    const { messages, seq } = await ada.join('red')
    expect(values(messages)).toEqual([7, 8, 9])
    expect(seq).toBe(10)
  })
})

describe('the retained messages', () => {
  test('are the newest of each key, and the messages go on behind them', async () => {
    await using server = await startPolicies({
      red: {
        history: { messages: 1, retain: (event, key) => (event === 'set' ? String(key) : undefined) },
        authorize,
        snapshot: 'retained',
      },
    })
    const { io } = server
    for (const [key, value] of Object.entries({ a: 1, b: 2 })) io.to('red').emit('set', key, value)
    io.to('red').emit('m', 'no value')
    io.to('red').emit('set', 'a', 3)
    io.to('red').emit('set', '__proto__', 4)
    io.to('red').emit('m', 'no value either')
    using ada = await RawSession.connect(server.port)
    const { messages = [], seq } = await ada.join('red')
    expect(messages.map(({ position, args }) => [position, ...args])).toEqual([
      [2, 'b', 2],
      [4, 'a', 3],
      [5, '__proto__', 4],
    ])
    expect(seq).toBe(6)
    io.to('red').emit('m', 7)
    await drained(ada)
    expect(ada.stream('red').position).toBe(7)
  })

  test('a function for keys that throws is reported, and the message is sent', async () => {
    await using server = await startPolicies({
      red: {
        history: {
          retain: () => {
            throw new Error('of the key')
          },
        },
        authorize,
        snapshot: 'retained',
      },
    })
    using ada = await RawSession.connect(server.port)
    await ada.join('red')
    server.io.to('red').emit('m', 1)
    await drained(ada)
    expect(eventsOf(ada, 'm')).toEqual([[1]])
    expect(server.faults).toHaveLength(1)
    expect(server.faults[0]?.context).toMatchObject({ where: 'room policy', name: 'history.retain' })
  })
})

describe('a state by a function', () => {
  test('fits exactly, also if the function itself emits', async () => {
    let count = 0
    await using server = await startPolicies({
      red: {
        history: true,
        authorize,
        snapshot: () => {
          const state = count
          server.io.to('red').emit('count', ++count)
          return { state }
        },
      },
    })
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    expect(await ada.join('red')).toMatchObject({ seq: 0, state: { state: 0 } })
    expect(await bob.join('red')).toMatchObject({ seq: 1, state: { state: 1 } })
    await drained(ada, bob)
    expect(eventsOf(ada, 'count')).toEqual([[1], [2]])
    expect(eventsOf(bob, 'count')).toEqual([[2]])
    expect([ada.stream('red').gaps, bob.stream('red').gaps]).toEqual([[], []])
  })

  test('undefined is none; falsy values are some', async () => {
    const states: unknown[] = [undefined, null, 0, '', false]
    await using server = await startPolicies({ red: { history: true, authorize, snapshot: () => states.shift() } })
    using ada = await RawSession.connect(server.port)
    expect(await ada.join('red')).not.toHaveProperty('state')
    for (const state of [null, 0, '', false]) expect(await ada.join('red')).toMatchObject({ state })
  })

  test('what is sent while it is made comes behind it, each once and without a hole', async () => {
    const made = deferred<unknown>()
    let asked = 0
    await using server = await startPolicies({
      red: { history: true, authorize, snapshot: () => (++asked === 1 ? 'at once' : made.promise) },
    })
    using ada = await RawSession.connect(server.port)
    await ada.join('red')
    for (let i = 1; i <= 3; i++) server.io.to('red').emit('m', i)
    using bob = await RawSession.connect(server.port)
    const pending = bob.join('red')
    await until(() => asked === 2)
    for (let i = 4; i <= 8; i++) server.io.to('red').emit('m', i)
    made.resolve('later')
    server.io.to('red').emit('m', 9)
    const { seq, state } = await pending
    server.io.to('red').emit('m', 10)
    await drained(bob)
    expect([seq, state]).toEqual([3, 'later'])
    const stream = bob.stream('red')
    expect(values(stream.received)).toEqual([4, 5, 6, 7, 8, 9, 10])
    expect([stream.gaps, stream.duplicates]).toEqual([[], 0])
  })

  test('what is gone when it is made at last is said to be lost', async () => {
    const made = deferred<unknown>()
    await using server = await startPolicies({
      red: { history: { messages: 2 }, authorize, snapshot: () => made.promise },
    })
    using ada = await RawSession.connect(server.port)
    const pending = ada.join('red')
    await until(() => runtimeOf(server).streams.size === 1)
    for (let i = 1; i <= 5; i++) server.io.to('red').emit('m', i)
    made.resolve('old')
    expect(await pending).toMatchObject({ seq: 0 })
    await drained(ada)
    const stream = ada.stream('red')
    expect(stream.losts).toEqual([{ from: 1, to: 3 }])
    expect(values(stream.received)).toEqual([4, 5])
    expect(stream.position).toBe(5)
  })

  test('a client that is in the room already begins anew with it', async () => {
    await using server = await startPolicies({ red: { history: true, authorize, snapshot: () => 'state' } })
    using ada = await RawSession.connect(server.port)
    await ada.join('red')
    server.io.to('red').emit('m', 1)
    expect(await ada.join('red')).toMatchObject({ seq: 1, state: 'state' })
    server.io.to('red').emit('m', 2)
    await drained(ada)
    expect(values(ada.stream('red').received)).toEqual([2])
  })
})

describe('a function that fails', () => {
  const failures: [string, () => unknown, string][] = [
    ['throws', () => thrown(new Error('the secret of the hook')), 'HANDLER_FAILED'],
    ['rejects', () => Promise.reject(new Error('the secret of the hook')), 'HANDLER_FAILED'],
    ['throws an error of its own', () => thrown(new RoomcastError('CLOSED', 'we are closed')), 'CLOSED'],
    ['rejects with an error of its own', () => Promise.reject(new RoomcastError('CLOSED', 'we are closed')), 'CLOSED'],
    ['gives what cannot be sent', () => ({ socket: () => {} }), 'NOT_ENCODABLE'],
    ['gives what cannot be sent, later', async () => Symbol('later'), 'NOT_ENCODABLE'],
  ]

  test.each(failures)('that %s refuses with a code, and leaves the client out', async (_name, snapshot, code) => {
    await using server = await startPolicies({ red: { history: { ageMs: 50 }, authorize, snapshot } })
    using ada = await RawSession.connect(server.port)
    const error = await errorOf(ada.join('red'))
    expect(error.code).toBe(code)
    expect(error.message).not.toContain('secret')
    expect(server.faults).toHaveLength(code === 'CLOSED' ? 0 : 1)
    server.io.to('red').emit('m', 1)
    await drained(ada)
    expect(eventsOf(ada, 'm')).toEqual([])
    expect([...socketOf(server, ada).rooms]).toEqual([ada.sid])
    // Nobody is in it, so nothing follows it on.
    await until(() => runtimeOf(server).streams.size === 0, 'the stream is closed')
  })

  test('leaves nothing behind that would count', async () => {
    await using server = await startPolicies({
      'bad:*': { history: true, authorize, snapshot: () => thrown(new RoomcastError('CLOSED', 'we are closed')) },
      good: { authorize },
    })
    using ada = await RawSession.connect(server.port)
    for (let i = 0; i < LIMITS.roomsPerSocket; i++) expect(await codeOf(ada.join(`bad:${i}`))).toBe('CLOSED')
    expect(await codeOf(ada.join('good'))).toBeNull()
  })
})

function thrown(error: Error): never {
  throw error
}
