import type { CloseVerdict } from '@roomcast/protocol'
import { IDLE, step } from '../src/connection/machine'
import { deadlineOf, type Effect, type Event, type Policy, type State } from '../src/connection/states'
import type { TransportName } from '../src/options'

/** The options' defaults. */
export const POLICY: Policy = {
  transports: ['websocket', 'polling'],
  upgrade: true,
  timeout: 20_000,
  reconnection: true,
  reconnectionAttempts: Number.POSITIVE_INFINITY,
  reconnectionDelay: 1_000,
  reconnectionDelayMax: 20_000,
}

/** What was told of the end of a link or of an attempt. */
export type Told = Effect & { do: 'tell failed' | 'tell lost' }

/**
 * The machine with a clock that stands until it is moved, and a driver that obeys: it keeps the links that are open
 * or on their way. Fails when an effect opens what is there, closes what is not, or leaves other links than the state
 * has; when a state has no deadline; when what is told does not follow from what was told before.
 */
export class Rig {
  readonly policy: Policy
  state: State = IDLE
  now = 1_000
  random = 0.5
  heardAt = 0
  pingIntervalMs = 5_000
  pingTimeoutMs = 5_000
  prefersPolling = false
  /** Each with a mark of its own: what a link reports that was forgotten concerns nobody. */
  readonly links = new Map<TransportName, object>()
  readonly effects: Effect[] = []
  #isToldOpen = false

  constructor(policy: Partial<Policy> = {}) {
    this.policy = { ...POLICY, ...policy }
  }

  /** Does one step. @returns its effects. */
  send(event: Event): readonly Effect[] {
    const { policy, now, random, heardAt, pingIntervalMs, pingTimeoutMs, prefersPolling } = this
    const env = { policy, now, random, heardAt, pingIntervalMs, pingTimeoutMs, prefersPolling }
    const [state, effects] = step(this.state, event, env)
    const before = this.state
    this.state = state
    for (const effect of effects) this.#obey(effect)
    if (state.name === 'idle') this.#isToldOpen = false
    this.#check(before, event, effects)
    this.effects.push(...effects)
    return effects
  }

  want(): readonly Effect[] {
    return this.send({ type: 'want' })
  }

  opened(transport: TransportName): readonly Effect[] {
    if (transport === 'polling') this.heardAt = this.now
    return this.send({ type: 'opened', transport })
  }

  /** The link reports its end: the driver has forgotten it by then. */
  ended(transport: TransportName, code = 1006, retryAfterMs?: number): readonly Effect[] {
    this.links.delete(transport)
    return this.send({ type: 'ended', transport, end: { code, message: 'test', retryAfterMs } })
  }

  /** Something came from the server. */
  hear(): void {
    this.heardAt = this.now
  }

  answer(): void {
    this.hear()
    this.send({ type: 'answered' })
  }

  /** Lets time pass, with a tick whenever the state wants one. @returns the effects. */
  pass(ms: number): readonly Effect[] {
    const from = this.effects.length
    const end = this.now + ms
    let ticks = 0
    for (let due = deadlineOf(this.state); due <= end; due = deadlineOf(this.state)) {
      if (ticks++ > 10_000) throw new Error('the machine wants ticks without end')
      this.now = Math.max(this.now, due)
      this.send({ type: 'tick' })
    }
    this.now = end
    return this.effects.slice(from)
  }

  /** Opens a link and has a namespace answered on it. */
  connect(transport: TransportName = 'websocket'): this {
    if (this.state.name === 'idle') this.want()
    this.opened(transport)
    this.answer()
    return this
  }

  /** Lets time pass on a link that lives. */
  live(ms: number): this {
    for (let left = ms; left > 0; left -= 100) {
      this.pass(Math.min(left, 100))
      this.hear()
    }
    return this
  }

  /** Milliseconds until the next attempt. */
  get delay(): number {
    if (this.state.name !== 'waiting') throw new Error(`the state is ${this.state.name}`)
    return this.state.retryAt - this.now
  }

  /** The last end that was told. */
  get told(): Told {
    const isTold = (effect: Effect): effect is Told => effect.do === 'tell lost' || effect.do === 'tell failed'
    const told = this.effects.filter(isTold).at(-1)
    if (told === undefined) throw new Error('nothing was told')
    return told
  }

  #obey(effect: Effect): void {
    const expectTold = (isOpen: boolean) => {
      if (this.#isToldOpen !== isOpen) throw new Error(`${effect.do} after ${isOpen ? 'nothing' : 'tell'} opened`)
    }
    switch (effect.do) {
      case 'open':
        if (this.links.has(effect.transport)) throw new Error(`opens ${effect.transport}, which is there`)
        this.links.set(effect.transport, {})
        break
      case 'close':
        if (!this.links.delete(effect.transport)) throw new Error(`closes ${effect.transport}, which is not there`)
        break
      case 'adopt':
        if (!this.links.delete('polling')) throw new Error('adopts from a link that is not there')
        break
      case 'prove':
      case 'move':
        if (!this.links.has('websocket')) throw new Error(`${effect.do} without a WebSocket`)
        break
      case 'stay':
        if (!this.links.has('polling')) throw new Error(`${effect.do} without polling`)
        break
      case 'remember':
        this.prefersPolling = effect.polling
        break
      case 'tell opened':
        expectTold(false)
        this.#isToldOpen = true
        break
      case 'tell lost':
        expectTold(true)
        this.#isToldOpen = false
        break
      case 'tell failed':
      case 'tell attempt':
        expectTold(false)
    }
  }

  #check(before: State, event: Event, effects: readonly Effect[]): void {
    const { state, links } = this
    const trail = () => `${before.name} + ${event.type} → ${JSON.stringify(state)}, ${JSON.stringify(effects)}`
    const expected = linksOf(state)
    if (expected.length !== links.size || !expected.every((link) => links.has(link))) {
      throw new Error(`links ${[...links.keys()]}: ${trail()}`)
    }
    const hasDeadline = Number.isFinite(deadlineOf(state))
    if (hasDeadline === (state.name === 'idle')) throw new Error(`deadline ${deadlineOf(state)}: ${trail()}`)
    if (this.#isToldOpen !== (state.name === 'open')) throw new Error(`not told what is: ${trail()}`)
    for (const effect of effects) {
      const isEnd = effect.do === 'tell failed' || effect.do === 'tell lost'
      if (isEnd && effect.isFinal !== (state.name === 'idle')) throw new Error(`isFinal is wrong: ${trail()}`)
    }
  }
}

/** The links that a state says there are. */
export function linksOf(state: State): readonly TransportName[] {
  if (state.name === 'opening') return state.links
  if (state.name !== 'open') return []
  return state.rival === 'none' ? [state.transport] : [state.transport, 'websocket']
}

/** Short names of effects, for comparing. */
export function names(effects: readonly Effect[]): string[] {
  return effects.map((effect) => {
    switch (effect.do) {
      case 'open':
      case 'close':
        return `${effect.do} ${effect.transport}`
      case 'remember':
        return `${effect.polling ? 'remember' : 'forget'} polling`
      case 'tell attempt':
        return `attempt ${effect.attempt}`
      default:
        return effect.do
    }
  })
}

/** What follows an end by the table's verdict, for a link that was stable and the random number 0.5. */
export const DELAYS: Readonly<Record<CloseVerdict, number | null>> = { now: 500, backoff: 500, never: null }
