import { createRandom, type Random } from '../../../test-kit/random'
import { IDLE, step } from '../src/connection/machine'
import { deadlineOf, type Effect, type Event, type State } from '../src/connection/states'
import type { TransportName } from '../src/options'
import { POLICY } from './machine-rig'

/** A server that goes away and comes back, and its clients. Times are milliseconds. */
export interface Herd {
  readonly clients: number
  /** How all links end at once. */
  readonly code: number
  readonly awayMs: number
  /** Links that the server accepts in a second; it refuses what is more. */
  readonly acceptsPerSecond: number
  readonly seed: number
}

/** When what happened, in milliseconds after the cut. */
export interface Return {
  /** Links that came to the server once it was back, accepted or not. */
  readonly attempts: readonly number[]
  /** First answer that each client got; as many as came back. */
  readonly returns: readonly number[]
}

/** How evenly a crowd comes. */
export interface Evenness {
  /** What the mean is of. */
  readonly spanMs: number
  /** Per second, both. */
  readonly mean: number
  readonly busiest: number
  readonly ratio: number
}

/** How long after the cut everybody has to be back. */
const LIMIT_MS = 120_000
const CUT_AT = 100_000

/** What is to happen, by the millisecond. */
class Timeline {
  now = 0
  readonly #due = new Map<number, (() => void)[]>()

  at(time: number, run: () => void): void {
    const ms = Math.max(Math.ceil(time), this.now)
    const list = this.#due.get(ms)
    if (list === undefined) this.#due.set(ms, [run])
    else list.push(run)
  }

  run(until: number): void {
    for (; this.now <= until; this.now++) {
      // The list may grow while it is worked off.
      for (const run of this.#due.get(this.now) ?? []) run()
      this.#due.delete(this.now)
    }
  }
}

/** Lets in so many a second, and as many in a tenth of it at once. */
function createGate(perSecond: number): (now: number) => boolean {
  const burst = perSecond / 10
  let tokens = burst
  let filledAt = 0
  return (now) => {
    if (perSecond === Number.POSITIVE_INFINITY) return true
    tokens = Math.min(burst, tokens + ((now - filledAt) * perSecond) / 1_000)
    filledAt = now
    if (tokens < 1) return false
    tokens--
    return true
  }
}

/** Cuts the links of all clients, which have been stable, and watches them come back. */
export function simulate(herd: Herd): Return {
  const timeline = new Timeline()
  const random = createRandom(herd.seed)
  const accepts = createGate(herd.acceptsPerSecond)
  const attempts: number[] = []
  const returns: number[] = []
  const knock = () => {
    if (timeline.now < CUT_AT + herd.awayMs) return false
    attempts.push(timeline.now - CUT_AT)
    return accepts(timeline.now)
  }
  for (let i = 0; i < herd.clients; i++) {
    const client = new Client(timeline, random, knock, () => returns.push(timeline.now - CUT_AT))
    timeline.at(CUT_AT, () => client.cut(herd.code))
  }
  timeline.run(CUT_AT + LIMIT_MS)
  return { attempts, returns }
}

class Client {
  #state: State = IDLE
  #heardAt = 1
  #prefersPolling = false
  readonly #links = new Map<TransportName, object>()
  readonly #roundTripMs: number
  #isBack = false

  constructor(
    private readonly timeline: Timeline,
    private readonly random: Random,
    private readonly knock: () => boolean,
    private readonly onBack: () => void,
  ) {
    this.#roundTripMs = 20 + random.next() * 80
    // Long ago: the link is a good one.
    this.#send({ type: 'want' }, 1)
    this.#send({ type: 'opened', transport: 'websocket' }, 1)
    this.#send({ type: 'answered' }, 1)
  }

  cut(code: number): void {
    this.#links.clear()
    this.#send({ type: 'ended', transport: 'websocket', end: { code, message: '' } })
  }

  #send(event: Event, now = this.timeline.now): void {
    const [state, effects] = step(this.#state, event, {
      policy: POLICY,
      now,
      random: this.random.next(),
      heardAt: this.#heardAt,
      pingIntervalMs: 5_000,
      pingTimeoutMs: 5_000,
      prefersPolling: this.#prefersPolling,
    })
    this.#state = state
    if (now < CUT_AT) return
    for (const effect of effects) this.#obey(effect)
    // A state that has its ticks already gets them again: one that comes too early changes nothing.
    const due = deadlineOf(state)
    if (effects.length > 0 && due < CUT_AT + LIMIT_MS) this.timeline.at(due, () => this.#tick(due))
  }

  #tick(due: number): void {
    if (deadlineOf(this.#state) === due) this.#send({ type: 'tick' })
  }

  #obey(effect: Effect): void {
    if (effect.do === 'close') this.#links.delete(effect.transport)
    else if (effect.do === 'adopt') this.#links.delete('polling')
    else if (effect.do === 'remember') this.#prefersPolling = effect.polling
    else if (effect.do === 'open') this.#open(effect.transport)
    else if (effect.do === 'ping') this.#later(() => this.#hear())
    else if (effect.do === 'prove') this.#later(() => this.#send({ type: 'proven' }))
    else if (effect.do === 'move') this.#later(() => this.#send({ type: 'moved' }))
  }

  #hear(): void {
    this.#heardAt = this.timeline.now
  }

  #later(run: () => void, roundTrips = 1): void {
    this.timeline.at(this.timeline.now + this.#roundTripMs * roundTrips, run)
  }

  #open(transport: TransportName): void {
    const mark = {}
    this.#links.set(transport, mark)
    const ifCurrent = (run: () => void) => () => {
      if (this.#links.get(transport) === mark) run()
    }
    const refuse = ifCurrent(() => {
      this.#links.delete(transport)
      this.#send({ type: 'ended', transport, end: { code: 1006, message: 'refused' } })
    })
    const answer = ifCurrent(() => {
      this.#hear()
      this.#send({ type: 'answered' })
      if (!this.#isBack) this.onBack()
      this.#isBack = true
    })
    const accept = ifCurrent(() => {
      this.#hear()
      this.#send({ type: 'opened', transport })
      this.#later(answer)
    })
    // Half a round trip to the server, half of it back.
    this.#later(() => this.#later(this.knock() ? accept : refuse, 0.5), 0.5)
  }
}

/**
 * Compares the busiest window with the mean over the time in which the crowd came back: from the first in a hundred to
 * the last but one in a hundred, as a few stragglers say nothing about the crowd. Never less than a second, or else a
 * crowd that comes all at once would be an even one.
 *
 * @param times    What is counted, in milliseconds.
 * @param returns  When the clients were back.
 */
export function evenness(times: readonly number[], returns: readonly number[]): Evenness {
  const at = (share: number) => returns[Math.floor((returns.length - 1) * share)] as number
  const spanMs = Math.max(1_000, at(0.99) - at(0.01))
  // A second, but no more of the span than that a peak is seen in it.
  const windowMs = Math.min(1_000, spanMs / 10)
  const last = returns.at(-1) as number
  let [first, most, count] = [0, 0, 0]
  for (const time of times) {
    if (time > last) break
    while (time - (times[first] as number) >= windowMs) first++
    most = Math.max(most, ++count - first)
  }
  const mean = (count / spanMs) * 1_000
  const busiest = (most / windowMs) * 1_000
  return { spanMs, mean, busiest, ratio: busiest / mean }
}
