import { createRandom, type Random } from '../../../test-kit/random'
import type { Effect, Event, Policy } from '../src/connection/states'
import { deadlineOf } from '../src/connection/states'
import type { TransportName } from '../src/options'
import { Rig } from './machine-rig'

/**
 * What becomes of a link: it works; is refused; nothing ever comes back; it opens and is mute; it opens and is cut
 * without a word; it is answered and then ended by the server.
 */
export type Fate = 'blackhole' | 'cut' | 'ended' | 'mute' | 'refused' | 'works'
export type Fates = Readonly<Record<TransportName, Fate>>

/** Events that nothing in the world has caused. */
export type Stray = Event['type'] & ('answered' | 'cut' | 'leave' | 'moved' | 'proven' | 'tick' | 'wake' | 'want')

/** A tick does not begin more attempts than these in one second, however short the delays come out. */
const MAX_ATTEMPTS_PER_SECOND = 12
/** For the last frame of a round trip, and the tick that is a part of a millisecond late. */
const EPSILON_MS = 5

/** A network around the machine, on a clock that is moved by hand. The rig checks every step. */
export class World {
  readonly rig: Rig
  fates: Fates = { websocket: 'works', polling: 'works' }
  endCode = 1006
  retryAfterMs: number | undefined
  #latenessMs = 0
  readonly #random: Random
  readonly #latencyMs: number
  /** Of each link, as it was when it was opened: one that was mute stays so. */
  readonly #fateOf = new WeakMap<object, Fate>()
  #due: { readonly at: number; readonly run: () => void }[] = []
  /** When a tick began an attempt. */
  #attempts: number[] = []
  /** When polling has to be open at the latest: nothing else gets through, and nobody has intervened. */
  #pollingBy = Number.POSITIVE_INFINITY

  constructor(policy: Partial<Policy>, latencyMs: number, seed: number) {
    this.rig = new Rig(policy)
    this.#latencyMs = latencyMs
    this.#random = createRandom(seed)
  }

  get isUseful(): boolean {
    const { state } = this.rig
    return state.name === 'open' && state.answeredAt > 0 && this.#lives(state.transport)
  }

  setFates(fates: Fates): void {
    this.fates = fates
    this.#pollingBy = Number.POSITIVE_INFINITY
  }

  /** Whether polling won lately. */
  setMemory(isPolling: boolean): void {
    this.rig.prefersPolling = isPolling
  }

  /** How late the machine's timer is from now on. */
  setLateness(ms: number): void {
    this.#latenessMs = ms
    this.#pollingBy = Number.POSITIVE_INFINITY
  }

  stray(type: Stray): void {
    this.#pollingBy = Number.POSITIVE_INFINITY
    if (type === 'cut') this.#send({ type, end: { code: this.endCode, message: 'stray' } })
    else this.#send({ type })
  }

  /** Lets time pass; ends early when `until` is fulfilled. */
  pass(ms: number, until = () => false): void {
    const { rig } = this
    const end = rig.now + ms
    let idle = 0
    while (!until()) {
      const tickAt = Math.max(rig.now, deadlineOf(rig.state) + this.#latenessMs)
      const next = this.#due.reduce((first, due) => (due.at < first.at ? due : first), { at: tickAt, run: this.#tick })
      if (next.at > end) break
      idle = next.at > rig.now ? 0 : idle + 1
      if (idle > 100) throw new Error(`nothing advances: ${JSON.stringify(rig.state)}`)
      rig.now = Math.max(rig.now, next.at)
      this.#due = this.#due.filter((due) => due !== next)
      next.run()
      if (rig.now > this.#pollingBy) throw new Error(`polling is late: ${JSON.stringify(rig.state)}`)
    }
    rig.now = Math.max(rig.now, until() ? rig.now : end)
  }

  readonly #tick = () => this.#send({ type: 'tick' })

  #send(event: Event): void {
    const { rig } = this
    rig.random = this.#random.next()
    const before = rig.state
    const effects = rig.send(event)
    if (rig.state.name === 'opening' && before.name !== 'opening') {
      if (event.type === 'tick') this.#countAttempt()
      this.#expectPolling()
    }
    if (rig.state.name === 'open' || rig.state.name === 'idle') this.#pollingBy = Number.POSITIVE_INFINITY
    for (const effect of effects) this.#obey(effect)
  }

  #countAttempt(): void {
    const { now } = this.rig
    this.#attempts = this.#attempts.filter((at) => at > now - 1_000)
    this.#attempts.push(now)
    if (this.#attempts.length > MAX_ATTEMPTS_PER_SECOND) throw new Error('attempts without end')
  }

  #expectPolling(): void {
    const { websocket, polling } = this.fates
    const { transports, timeout } = this.rig.policy
    const isDead = websocket === 'blackhole' || websocket === 'refused'
    if (!isDead || polling !== 'works' || !transports.includes('polling') || this.#latenessMs > 0) return
    // Room for it: what takes longer than the attempt may take cannot succeed.
    if (timeout / 2 <= 2 * this.#latencyMs + EPSILON_MS) return
    this.#pollingBy = this.rig.now + 2_500 + 2 * this.#latencyMs + EPSILON_MS
  }

  #obey(effect: Effect): void {
    if (effect.do === 'open') this.#open(effect.transport)
    else if (effect.do === 'prove') this.#ask('websocket', () => this.#hear({ type: 'proven' }))
    else if (effect.do === 'move') this.#ask('websocket', () => this.#hear({ type: 'moved' }))
    else if (effect.do === 'ping') {
      const { state } = this.rig
      if (state.name === 'open') this.#ask(state.transport, () => this.rig.hear())
    }
  }

  #open(transport: TransportName): void {
    const fate = this.fates[transport]
    this.#fateOf.set(this.rig.links.get(transport) as object, fate)
    const end = (code: number) => () => {
      this.rig.links.delete(transport)
      const { retryAfterMs } = this
      this.#send({ type: 'ended', transport, end: { code, message: fate, retryAfterMs } })
    }
    if (fate === 'blackhole') return
    if (fate === 'refused') return this.#later(transport, end(1006))
    this.#later(transport, () => {
      if (transport === 'polling') this.rig.hear()
      this.#send({ type: 'opened', transport })
      if (fate === 'cut') this.#later(transport, end(1006), 0)
      else if (fate !== 'mute') this.#later(transport, () => this.#hear({ type: 'answered' }))
      if (fate === 'ended') this.#later(transport, end(this.endCode), 3)
    })
  }

  #hear(event: Event): void {
    this.rig.hear()
    this.#send(event)
  }

  /** Later, if the link lives by then. */
  #ask(transport: TransportName, run: () => void): void {
    this.#later(transport, () => {
      if (this.#lives(transport)) run()
    })
  }

  #lives(transport: TransportName): boolean {
    const link = this.rig.links.get(transport)
    return this.fates[transport] === 'works' && link !== undefined && this.#fateOf.get(link) === 'works'
  }

  /** Later, unless the link is gone or another one by then. */
  #later(transport: TransportName, run: () => void, roundTrips = 1): void {
    const link = this.rig.links.get(transport)
    const at = this.rig.now + this.#latencyMs * roundTrips
    this.#due.push({
      at,
      run: () => {
        if (link !== undefined && this.rig.links.get(transport) === link) run()
      },
    })
  }
}
