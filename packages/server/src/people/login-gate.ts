import { RoomcastError } from '@roomcast/protocol'
import type { Deadline, TimingWheel } from '../connection/timing-wheel'
import type { LoginLimits } from '../options/people-options'

/** How many logins there may be; see {@link LoginLimits}. */
export type GateLimits = Pick<Required<LoginLimits>, 'concurrent' | 'queued'>

/** One call of {@link LoginGate.run}. */
interface Attempt extends Deadline {
  readonly owner: object
  /** Starts the task. Never throws. */
  start(): void
  /** Answers the caller, and tells the task that nobody waits for it. */
  refuse(error: RoomcastError): void
  /** Frees what it holds. */
  release(): void
}

/** When a client that was turned away may come again; it adds a random part. */
const RETRY_AFTER_MS = 1_000

/**
 * The way to the login function: so many at once, so many behind them in order, and so much time for each, waiting included.
 *
 *   run ──── no place ───► waiting ──── time is over, or client gone ───► refused, never started
 *    │                        │
 *    │ place                  │ its turn
 *    └────────► running ◄─────┘
 *                 ├── settles ─────────► its result; the place is free
 *                 ├── client gone ─────► refused, signal aborted; the place is free when it settles or its time is over
 *                 └── time is over ────► refused, signal aborted; the place is free, the task is overdue until it settles
 *
 * A login whose client is gone keeps its place, or clients that come and go could start as many as they like. One whose time is
 * over does not, or `concurrent` logins that never settle would keep everybody out for ever. So more than `concurrent` may
 * really be at work: those that go on although their signal is aborted. {@link overdue} counts them.
 */
export class LoginGate {
  private readonly queue = new Set<Attempt>()
  private readonly started = new Set<Attempt>()
  /** Owners of tasks that have not settled. */
  private readonly busy = new Set<object>()
  private overdueCount = 0

  /** @param timeoutMs  Milliseconds that a login may take, waiting included. */
  constructor(
    private readonly limits: GateLimits,
    private readonly timeoutMs: number,
    private readonly wheel: TimingWheel,
  ) {}

  /** Logins that have a place: at most `concurrent`. */
  get running(): number {
    return this.started.size
  }

  /** Logins that wait for one: at most `queued`. */
  get waiting(): number {
    return this.queue.size
  }

  /** Logins that have not settled although their time is over. */
  get overdue(): number {
    return this.overdueCount
  }

  /**
   * Runs a login when it is its turn: at once, before this returns, if there is a place.
   *
   * @param task       The login. Its signal is aborted when nobody waits for the result any more; what it returns or throws
   *                   from then on is dropped.
   * @param cancelled  Aborted when the client is gone.
   * @param owner      Who has at most one task at work: the next waits until that has settled, whatever became of its caller.
   * @returns What the task returns; rejects with what it throws.
   * @throws RoomcastError, as a rejection: `LOGIN_BUSY` and `LOGIN_TIMEOUT` with `{ retryAfterMs }` as data; `DISCONNECTED`
   *         when `cancelled` is aborted, which is no verdict about anybody.
   */
  run<T>(
    task: (signal: AbortSignal) => T | PromiseLike<T>,
    cancelled: AbortSignal,
    owner: object = cancelled,
  ): Promise<T> {
    if (cancelled.aborted) return Promise.reject(clientGone())
    const hasPlace = this.started.size < this.limits.concurrent && !this.busy.has(owner)
    if (!hasPlace && this.queue.size >= this.limits.queued) return Promise.reject(busy(this.queue.size))
    return new Promise<T>((resolve, reject) => {
      const controller = new AbortController()
      const onGone = () => this.clientGone(attempt)
      const attempt: Attempt = {
        owner,
        slot: null,
        dueAt: 0,
        expire: () => this.timeOver(attempt),
        start: () => {
          new Promise<T>((settle) => settle(task(controller.signal)))
            .finally(() => this.settled(attempt))
            .then(resolve, reject)
        },
        refuse: (error) => {
          reject(error)
          controller.abort(error)
        },
        release: () => {
          this.wheel.cancel(attempt)
          cancelled.removeEventListener('abort', onGone)
        },
      }
      cancelled.addEventListener('abort', onGone)
      this.wheel.schedule(attempt, this.timeoutMs)
      if (hasPlace) this.start(attempt)
      else this.queue.add(attempt)
    })
  }

  private start(attempt: Attempt): void {
    this.started.add(attempt)
    this.busy.add(attempt.owner)
    attempt.start()
  }

  private settled(attempt: Attempt): void {
    attempt.release()
    this.busy.delete(attempt.owner)
    if (!this.started.delete(attempt)) this.overdueCount--
    this.startNext()
  }

  private startNext(): void {
    for (const attempt of this.queue) {
      if (this.started.size >= this.limits.concurrent) return
      // The wheel is about to refuse it. Logins that hang would otherwise let in all that came with them, for nothing.
      if (attempt.dueAt <= this.wheel.now() || this.busy.has(attempt.owner)) continue
      this.queue.delete(attempt)
      this.start(attempt)
    }
  }

  private timeOver(attempt: Attempt): void {
    const isStarted = this.started.delete(attempt)
    this.queue.delete(attempt)
    if (isStarted) this.overdueCount++
    attempt.release()
    attempt.refuse(timedOut(this.timeoutMs))
    if (isStarted) this.startNext()
  }

  private clientGone(attempt: Attempt): void {
    if (this.queue.delete(attempt)) attempt.release()
    attempt.refuse(clientGone())
  }
}

function busy(waiting: number): RoomcastError {
  const message = `${waiting} logins wait for their turn, please try again`
  return new RoomcastError('LOGIN_BUSY', message, { data: { retryAfterMs: RETRY_AFTER_MS } })
}

function timedOut(timeoutMs: number): RoomcastError {
  const message = `the login took more than ${timeoutMs} ms, please try again`
  return new RoomcastError('LOGIN_TIMEOUT', message, { data: { retryAfterMs: RETRY_AFTER_MS } })
}

function clientGone(): RoomcastError {
  return new RoomcastError('DISCONNECTED', 'the client does not wait for the login any more')
}
