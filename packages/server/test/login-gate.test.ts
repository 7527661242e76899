import { isRoomcastError } from '@roomcast/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { TimingWheel } from '../src/connection/timing-wheel'
import { LoginGate } from '../src/people/login-gate'

const TICK_MS = 25
/** The signal of a client that stays. */
const stays = () => new AbortController().signal

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function makeGate({ concurrent = 2, queued = 3, timeoutMs = 1_000 } = {}) {
  const wheel = new TimingWheel()
  return { wheel, gate: new LoginGate({ concurrent, queued }, timeoutMs, wheel) }
}

/** A login whose end the test decides. */
class Job {
  signal: AbortSignal | null = null
  finish!: (value: string) => void
  fail!: (error: unknown) => void
  readonly outcome: Promise<unknown>

  constructor(gate: LoginGate, cancelled: AbortSignal = stays()) {
    const task = (signal: AbortSignal) => {
      this.signal = signal
      return new Promise<string>((resolve, reject) => {
        this.finish = resolve
        this.fail = reject
      })
    }
    this.outcome = gate.run(task, cancelled).catch((error: unknown) => (isRoomcastError(error) ? error.code : error))
  }

  get isStarted(): boolean {
    return this.signal !== null
  }
}

const jobs = (gate: LoginGate, count: number) => Array.from({ length: count }, () => new Job(gate))
const startedOf = (all: readonly Job[]) => all.map(({ isStarted }) => isStarted)
const counts = ({ running, waiting, overdue }: LoginGate) => ({ running, waiting, overdue })

describe('places', () => {
  test('a login with a place is started before run() returns', async () => {
    const { gate } = makeGate()
    const job = new Job(gate)
    expect(job.isStarted).toBe(true)
    expect(counts(gate)).toEqual({ running: 1, waiting: 0, overdue: 0 })
    job.finish('Ann')
    expect(await job.outcome).toBe('Ann')
    expect(counts(gate)).toEqual({ running: 0, waiting: 0, overdue: 0 })
  })

  test('so many run at once, and the others follow in order', async () => {
    const { gate } = makeGate()
    const all = jobs(gate, 5)
    expect(startedOf(all)).toEqual([true, true, false, false, false])
    all[1]?.finish('b')
    await all[1]?.outcome
    expect(startedOf(all)).toEqual([true, true, true, false, false])
    all[2]?.fail(new Error('no'))
    all[0]?.finish('a')
    await Promise.all([all[0]?.outcome, all[2]?.outcome])
    expect(startedOf(all)).toEqual([true, true, true, true, true])
    expect(counts(gate)).toEqual({ running: 2, waiting: 0, overdue: 0 })
  })

  test('never do more run than may, however they end', async () => {
    const { gate } = makeGate({ concurrent: 3, queued: 100 })
    let running = 0
    let most = 0
    const task = async (index: number) => {
      running++
      most = Math.max(most, running)
      for (let turn = 0; turn < index % 4; turn++) await null
      running--
      if (index % 5 === 0) throw new Error('no')
      return index
    }
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, index) => gate.run(() => task(index), stays())),
    )
    expect(most).toBe(3)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(80)
    expect(counts(gate)).toEqual({ running: 0, waiting: 0, overdue: 0 })
  })

  test('one more than may wait is refused at once, with the time to come again', async () => {
    const { gate } = makeGate()
    jobs(gate, 5)
    await expect(gate.run(() => 'x', stays())).rejects.toMatchObject({
      name: 'RoomcastError',
      code: 'LOGIN_BUSY',
      data: { retryAfterMs: 1_000 },
    })
    expect(counts(gate)).toEqual({ running: 2, waiting: 3, overdue: 0 })
  })

  test('with a queue of 0 nobody waits', async () => {
    const { gate } = makeGate({ concurrent: 1, queued: 0 })
    const [first, second] = jobs(gate, 2)
    expect(await second?.outcome).toBe('LOGIN_BUSY')
    first?.finish('a')
    expect(await first?.outcome).toBe('a')
    expect(await gate.run(() => 'b', stays())).toBe('b')
  })
})

describe('results', () => {
  test('a value, a promise of another library, and a throw', async () => {
    const { gate, wheel } = makeGate()
    expect(await gate.run(() => 1, stays())).toBe(1)
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library
    const foreign = { then: (resolve: (value: number) => void) => resolve(2) } as PromiseLike<number>
    expect(await gate.run(() => foreign, stays())).toBe(2)
    const fault = new Error('no')
    const thrower = () => {
      throw fault
    }
    await expect(gate.run(thrower, stays())).rejects.toBe(fault)
    const thenThrower = {
      // biome-ignore lint/suspicious/noThenProperty: a broken promise
      get then(): never {
        throw fault
      },
    }
    await expect(gate.run(() => thenThrower, stays())).rejects.toBe(fault)
    expect(counts(gate)).toEqual({ running: 0, waiting: 0, overdue: 0 })
    expect(wheel.size).toBe(0)
  })

  test('twenty thousand logins that settle at once do not overflow the stack', async () => {
    const { gate } = makeGate({ concurrent: 1, queued: 20_000 })
    const all = Array.from({ length: 20_000 }, (_, index) => gate.run(() => index, stays()))
    expect((await Promise.all(all)).at(-1)).toBe(19_999)
  })
})

describe('time', () => {
  test('a login whose time is over is refused, and its signal aborted; what it says later is dropped', async () => {
    const { gate, wheel } = makeGate()
    const job = new Job(gate)
    vi.advanceTimersByTime(999)
    expect(job.signal?.aborted).toBe(false)
    vi.advanceTimersByTime(1 + TICK_MS)
    expect(job.signal?.aborted).toBe(true)
    expect(job.signal?.reason).toMatchObject({ code: 'LOGIN_TIMEOUT' })
    expect(await job.outcome).toBe('LOGIN_TIMEOUT')
    expect(counts(gate)).toEqual({ running: 0, waiting: 0, overdue: 1 })
    expect(wheel.size).toBe(0)
    job.fail(new Error('late'))
    await vi.advanceTimersByTimeAsync(0)
    expect(counts(gate)).toEqual({ running: 0, waiting: 0, overdue: 0 })
  })

  test('tells when to come again', async () => {
    const { gate } = makeGate()
    const refusal = expect(gate.run(() => new Promise(() => {}), stays())).rejects.toMatchObject({
      code: 'LOGIN_TIMEOUT',
      message: 'the login took more than 1000 ms, please try again',
      data: { retryAfterMs: 1_000 },
    })
    await vi.advanceTimersByTimeAsync(1_000 + TICK_MS)
    await refusal
  })

  test('waiting counts: one that has waited has only the rest, and one that waits too long is never started', async () => {
    const { gate } = makeGate({ concurrent: 1 })
    const [first, second, third] = jobs(gate, 3) as [Job, Job, Job]
    vi.advanceTimersByTime(600)
    first.finish('a')
    await first.outcome
    expect(startedOf([second, third])).toEqual([true, false])
    await vi.advanceTimersByTimeAsync(400 + TICK_MS)
    expect(await second.outcome).toBe('LOGIN_TIMEOUT')
    expect(await third.outcome).toBe('LOGIN_TIMEOUT')
    expect(third.isStarted).toBe(false)
  })

  test('logins that never settle do not keep others out', async () => {
    const { gate } = makeGate()
    const hung = jobs(gate, 2)
    vi.advanceTimersByTime(500)
    const waiting = new Job(gate)
    expect(waiting.isStarted).toBe(false)
    await vi.advanceTimersByTimeAsync(500 + TICK_MS)
    expect(waiting.isStarted).toBe(true)
    expect(counts(gate)).toEqual({ running: 1, waiting: 0, overdue: 2 })
    waiting.finish('c')
    expect(await waiting.outcome).toBe('c')
    for (const job of hung) job.finish('late')
    await vi.advanceTimersByTimeAsync(0)
    expect(gate.overdue).toBe(0)
  })

  test('when logins hang, those that came with them are not started in the moment they are refused', async () => {
    const { gate } = makeGate({ concurrent: 2, queued: 100 })
    const all = jobs(gate, 100)
    await vi.advanceTimersByTimeAsync(1_000 + TICK_MS)
    expect(startedOf(all).filter(Boolean)).toHaveLength(2)
    expect(counts(gate)).toEqual({ running: 0, waiting: 0, overdue: 2 })
  })

  test('there is no timer per login, and none when nobody is there', async () => {
    const { gate, wheel } = makeGate({ concurrent: 2, queued: 100 })
    const all = jobs(gate, 50)
    expect(vi.getTimerCount()).toBe(1)
    expect(wheel.size).toBe(50)
    for (const job of all) {
      job.finish('x')
      await job.outcome
    }
    expect(wheel.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('clients that are gone', () => {
  test('one that waits gives up its place in the queue', async () => {
    const { gate, wheel } = makeGate({ concurrent: 1, queued: 1 })
    const running = new Job(gate)
    const gone = new AbortController()
    const waiting = new Job(gate, gone.signal)
    gone.abort()
    expect(await waiting.outcome).toBe('DISCONNECTED')
    expect(counts(gate)).toEqual({ running: 1, waiting: 0, overdue: 0 })
    expect(wheel.size).toBe(1)
    const next = new Job(gate)
    running.finish('a')
    await running.outcome
    expect([waiting.isStarted, next.isStarted]).toEqual([false, true])
  })

  test('one whose login runs is told at once; the place is free when the login has settled', async () => {
    const { gate } = makeGate({ concurrent: 1 })
    const gone = new AbortController()
    const running = new Job(gate, gone.signal)
    const waiting = new Job(gate)
    gone.abort()
    expect(running.signal?.aborted).toBe(true)
    expect(await running.outcome).toBe('DISCONNECTED')
    expect(counts(gate)).toEqual({ running: 1, waiting: 1, overdue: 0 })
    running.finish('late')
    await vi.advanceTimersByTimeAsync(0)
    expect(waiting.isStarted).toBe(true)
  })

  test('one whose login hangs keeps the place until its time is over', async () => {
    const { gate } = makeGate({ concurrent: 1 })
    const gone = new AbortController()
    new Job(gate, gone.signal)
    gone.abort()
    vi.advanceTimersByTime(500)
    const waiting = new Job(gate)
    await vi.advanceTimersByTimeAsync(500 + TICK_MS)
    expect(waiting.isStarted).toBe(true)
    expect(gate.overdue).toBe(1)
  })

  test('one that was gone before is not asked for, and leaves nothing', async () => {
    const { gate, wheel } = makeGate()
    const job = new Job(gate, AbortSignal.abort())
    expect(await job.outcome).toBe('DISCONNECTED')
    expect(job.isStarted).toBe(false)
    expect(wheel.size).toBe(0)
  })

  test('a signal that outlives its logins keeps no listeners of them', async () => {
    const { gate } = makeGate({ concurrent: 1 })
    const cancelled = new AbortController().signal
    let listeners = 0
    const { addEventListener, removeEventListener } = cancelled
    cancelled.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++
      addEventListener.apply(cancelled, args)
    }
    cancelled.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--
      removeEventListener.apply(cancelled, args)
    }
    await gate.run(() => 1, cancelled)
    new Job(gate, cancelled)
    new Job(gate, cancelled)
    expect(listeners).toBe(2)
    await vi.advanceTimersByTimeAsync(1_000 + TICK_MS)
    expect(listeners).toBe(0)
  })
})
