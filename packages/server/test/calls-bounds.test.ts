import { LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { TimingWheel } from '../src/connection/timing-wheel'
import type { CallCaller } from '../src/delivery/call-account'
import { type CallLimits, CallResults, type CallTurn } from '../src/delivery/call-results'
import { ADA, BOB, Caller, DEFAULTS, startCalls, TestStore } from './calls-support'

/** A socket of a client. */
function socketOf(clientSecret: string, userId: string | null = null): CallCaller {
  const user = userId === null ? null : { id: userId }
  return { clientSecret, user, connected: true, connection: { issued: 0 } }
}

/** Results with a store of their own. */
function makeResults(limits: Partial<CallLimits> = {}) {
  const store = new TestStore()
  const faults: unknown[] = []
  const wheel = new TimingWheel()
  const results = new CallResults(store, wheel, (error) => faults.push(error), { ...DEFAULTS, ...limits })
  const open = (caller: CallCaller, id: number) => results.open(caller, '/', id) as CallTurn
  /** What happens to a call whose handler answers at once, with so many bytes. */
  const run = (caller: CallCaller, id: number, bytes = 10): string => {
    const turn = open(caller, id)
    if (turn.kind === 'begins') results.settle(turn.call, new Uint8Array(bytes).fill(MESSAGE_TYPES.ACK))
    return turn.kind === 'refused' ? turn.error.code : turn.kind
  }
  return { store, wheel, results, faults, open, run }
}

describe('answers are dropped, and their calls never handled again', () => {
  test('the oldest, beyond those that are kept for one client', () => {
    const { run, store } = makeResults()
    const ada = socketOf(ADA)
    const bob = socketOf(BOB)
    run(bob, 0)
    for (let id = 0; id < LIMITS.resultsPerClient + 2; id++) expect(run(ada, id)).toBe('begins')
    expect(run(ada, 0)).toBe('RESULT_NOT_KEPT')
    expect(run(ada, 1)).toBe('RESULT_NOT_KEPT')
    expect(run(ada, 2)).toBe('answered')
    expect(run(bob, 0), "somebody else's stay").toBe('answered')
    expect(store.values.size).toBe(LIMITS.resultsPerClient + 1)
  })

  test('the oldest, beyond the bytes of one client', () => {
    const { run } = makeResults({ resultBytes: 1_000 })
    const ada = socketOf(ADA)
    run(ada, 0, 400)
    run(ada, 1, 400)
    expect(run(ada, 0)).toBe('answered')
    run(ada, 2, 400)
    expect(run(ada, 0)).toBe('RESULT_NOT_KEPT')
    expect(run(ada, 1)).toBe('answered')
    run(ada, 3, 1_000)
    expect([0, 1, 2, 3].map((id) => run(ada, id))).toEqual([
      'RESULT_NOT_KEPT',
      'RESULT_NOT_KEPT',
      'RESULT_NOT_KEPT',
      'answered',
    ])
  })

  test('each only once, also if the store fails to keep it after that', async () => {
    const { run, store, faults } = makeResults({ resultBytes: 1_000 })
    const fail: ((error: Error) => void)[] = []
    store.put = () => new Promise<void>((_resolve, reject) => fail.push(reject))
    const ada = socketOf(ADA)
    run(ada, 0, 900)
    run(ada, 1, 900)
    fail[0]?.(new Error('too late'))
    await vi.waitFor(() => expect(faults).toHaveLength(1))
    expect(run(ada, 1)).toBe('answered')
    run(ada, 2, 900)
    expect(run(ada, 1)).toBe('RESULT_NOT_KEPT')
    expect(run(ada, 2)).toBe('answered')
  })

  test('one that is too large by itself, alone', () => {
    const { run, store } = makeResults({ resultBytes: 1_000 })
    const ada = socketOf(ADA)
    run(ada, 0, 400)
    run(ada, 1, 1_001)
    expect(run(ada, 1)).toBe('RESULT_NOT_KEPT')
    expect(run(ada, 0)).toBe('answered')
    expect([...store.values.values()].map(({ length }) => length)).toEqual([400, 1])
  })

  test('the oldest of all clients, beyond the memory of all', () => {
    const { run, store } = makeResults({ bytesOfAll: 20_000 })
    const clients = Array.from({ length: 100 }, (_, i) => socketOf(`${ADA} ${i}`))
    for (const client of clients) expect(run(client, 0, 500)).toBe('begins')
    const again = clients.map((client) => run(client, 0))
    const kept = again.filter((outcome) => outcome === 'answered').length
    expect(kept).toBeGreaterThan(10)
    expect(kept * 500).toBeLessThan(20_000)
    expect(again).toEqual([...Array(100 - kept).fill('RESULT_NOT_KEPT'), ...Array(kept).fill('answered')])
    expect(store.values.size).toBe(kept)
  })

  test('a slow call below the floor still runs, is kept, and counts as handled', () => {
    const { open, run, results } = makeResults({ results: 2 })
    const ada = socketOf(ADA)
    const slow = open(ada, 0)
    for (let id = 1; id < 5; id++) run(ada, id)
    expect(run(ada, 1)).toBe('RESULT_NOT_KEPT')
    expect(open(ada, 0).kind).toBe('waits')
    if (slow.kind !== 'begins') throw new Error('it did not begin')
    results.settle(slow.call, Uint8Array.of(MESSAGE_TYPES.ACK, 0x90))
    expect(open(ada, 0)).toMatchObject({ kind: 'answered', answer: Uint8Array.of(MESSAGE_TYPES.ACK, 0x90) })
    run(ada, 5)
    run(ada, 6)
    expect(run(ada, 0)).toBe('RESULT_NOT_KEPT')
  })
})

describe('how much there may be', () => {
  test('of clients: the one that is longest unused is forgotten, with what it has in the store', () => {
    const { run, results, store } = makeResults({ clients: 3 })
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => socketOf(`${ADA} ${name}`)) as [
      CallCaller,
      CallCaller,
      CallCaller,
      CallCaller,
    ]
    for (const client of [a, b, c]) run(client, 0)
    expect(run(a, 0), 'used again').toBe('answered')
    run(d, 0)
    expect(results.size).toBe(3)
    expect(store.values.size).toBe(3)
    expect([a, c, d].map((client) => run(client, 0))).toEqual(['answered', 'answered', 'answered'])
  })

  test('of clients that wait for answers: none is forgotten, new ones are refused', () => {
    const { open, run, results } = makeResults({ clients: 2 })
    const [a, b] = [socketOf(ADA), socketOf(BOB)]
    expect(run(a, 0), 'it was idle before').toBe('begins')
    const first = open(a, 1)
    expect(run(a, 0)).toBe('answered')
    open(b, 0)
    expect(run(socketOf(`${ADA} c`), 0)).toBe('TOO_MANY_PENDING_ACKS')
    expect(open(a, 1).kind).toBe('waits')
    if (first.kind === 'begins') results.forget(first.call)
    expect(run(socketOf(`${ADA} c`), 0)).toBe('begins')
    expect(results.size).toBe(2)
  })

  test('of calls that run: they count in the memory of all, and answers give way', () => {
    const { open, run } = makeResults({ bytesOfAll: 10_000 })
    const ada = socketOf(ADA)
    expect(run(ada, 0, 100)).toBe('begins')
    let id = 1
    while (open(ada, id).kind === 'begins') id++
    expect(id).toBeGreaterThan(10)
    expect(id).toBeLessThan(40)
    expect(run(ada, 0)).toBe('RESULT_NOT_KEPT')
    expect(run(socketOf(BOB), 0)).toBe('TOO_MANY_PENDING_ACKS')
  })

  test('10,000 clients that each make one call and go leave a bounded number', async () => {
    await using server = await startCalls(
      (io) => {
        io.on('connection', (socket) => void socket.on('order', () => 'done'))
      },
      // All of them on one link.
      { limits: { clients: 100 }, options: { rateLimits: false } },
    )
    // One link is enough: a client is whoever knows the secret, and namespaces are left and joined again.
    using link = await Caller.connect(server.port, ADA)
    let count = 0
    for (let round = 0; round < 100; round++) {
      const sent = Array.from({ length: 100 }, () => `one of many clients, number ${++count}`)
      for (const secret of sent) {
        link.send({ type: MESSAGE_TYPES.DISCONNECT }, null)
        link.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/', client: secret })
        link.call(count, 'order')
      }
      await link.settled()
    }
    expect(count).toBe(10_000)
    expect(link.client.frames.filter(({ type }) => type === 'ACK')).toHaveLength(10_000)
    expect(server.results.size).toBe(100)
    expect(server.store.values.size).toBe(100)
    expect(server.faults).toEqual([])
  })

  test('an answer that is too large is sent once, and then not kept', async () => {
    let count = 0
    await using server = await startCalls((io) => {
      io.on('connection', (socket) => {
        socket.on('large', () => {
          count++
          return new Uint8Array(LIMITS.resultBytesPerClient)
        })
      })
    })
    using client = await Caller.connect(server.port, ADA)
    client.call(0, 'large')
    expect((await client.answer(0)).bytes.length).toBeGreaterThan(LIMITS.resultBytesPerClient)
    expect(await client.ask(0, 'large')).toBe('RESULT_NOT_KEPT')
    expect(count).toBe(1)
  })
})

describe('time', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('an answer is kept for resultAgeMs; then its call is refused, and later the client is forgotten', () => {
    const { run, results, wheel } = makeResults()
    const ada = socketOf(ADA)
    run(ada, 5)
    vi.advanceTimersByTime(LIMITS.resultAgeMs - 100)
    expect(run(ada, 5)).toBe('answered')
    vi.advanceTimersByTime(2_000)
    expect(run(ada, 5)).toBe('RESULT_NOT_KEPT')
    expect(results.size).toBe(1)
    vi.advanceTimersByTime(3 * LIMITS.resultAgeMs)
    expect(results.size).toBe(0)
    expect(wheel.size, 'no timer is left').toBe(0)
  })

  test('a handler that does not answer is not waited for longer, and its late answer is not kept', () => {
    const { open, run, results, store, wheel } = makeResults()
    const ada = socketOf(ADA)
    const turn = open(ada, 0)
    vi.advanceTimersByTime(LIMITS.resultAgeMs - 100)
    expect(open(ada, 0).kind).toBe('waits')
    vi.advanceTimersByTime(2_000)
    expect(run(ada, 0)).toBe('RESULT_NOT_KEPT')
    if (turn.kind === 'begins') results.settle(turn.call, Uint8Array.of(MESSAGE_TYPES.ACK, 0x90))
    expect(store.values.size).toBe(0)
    vi.advanceTimersByTime(3 * LIMITS.resultAgeMs)
    expect(results.size).toBe(0)
    expect(wheel.size).toBe(0)
  })

  test('of many calls there is one timer', () => {
    const { run, open, wheel } = makeResults()
    const ada = socketOf(ADA)
    for (let id = 0; id < 100; id++) run(ada, id)
    for (let id = 100; id < 200; id++) open(ada, id)
    expect(wheel.size).toBe(1)
  })

  test('a store that answers leaves no timer behind', async () => {
    const { results, store, wheel } = makeResults()
    store.isSlow = true
    const turns = [0, 1].map((id) => results.open(socketOf(ADA), '/', id) as Promise<CallTurn>)
    expect(wheel.size).toBe(3)
    for (const go of store.waiting.splice(0)) go()
    expect((await Promise.all(turns)).map(({ kind }) => kind)).toEqual(['begins', 'begins'])
    expect(wheel.size, 'the sweep').toBe(1)
  })

  test('a store that does not answer is given up after ackTimeoutMs', async () => {
    const { results, store, faults, wheel } = makeResults()
    store.isSlow = true
    const turn = results.open(socketOf(ADA), '/', 0) as Promise<CallTurn>
    await vi.advanceTimersByTimeAsync(LIMITS.ackTimeoutMs + 100)
    expect(await turn).toMatchObject({ kind: 'refused', error: { code: 'HANDLER_FAILED' } })
    expect(faults).toMatchObject([{ code: 'ACK_TIMEOUT' }])
    for (const go of store.waiting) go()
    await Promise.resolve()
    expect(wheel.size, 'the sweep').toBe(1)
  })
})
