import {
  type AnnouncedLimits,
  type CloseName,
  createCompactCodec,
  encodeFrame,
  SUBPROTOCOL,
  TYPE_MASK,
} from '@roomcast/protocol'
import type { TransportName } from '../options'
import {
  FRAME_BYTES,
  MAX_TIMER_MS,
  PING,
  PING_INTERVAL_MS,
  PING_TIMEOUT_MS,
  PONG,
  SWITCH,
  SWITCHED,
  UNSUPPORTED_VERSION,
} from '../tables'
import type { MovableTransport, Transport, Transports, TransportTarget } from '../transport/transport'
import { type Congestion, Flow } from './flow'
import { IDLE, step } from './machine'
import type { PollingMemory } from './polling-memory'
import {
  deadlineOf,
  type Effect,
  type Env,
  type Event,
  type LinkEnd,
  type Policy,
  type State,
  type Told,
} from './states'
import { onWake } from './wake'

/** What a connection tells. Every method may call the connection; what it asks for happens afterwards. */
export interface ConnectionEvents {
  /** A frame of the server that is not the connection's own. */
  onFrame(frame: Uint8Array): void
  /** What the machine has to tell. */
  onTold(told: Told): void
  /** The state is another one. */
  onState(): void
  /** What waits to be sent is too much, or not any more. */
  onCongestion(congestion: Congestion): void
}

/** What a connection is made of. */
export interface ConnectionParts {
  readonly target: Omit<TransportTarget, 'silenceMs'>
  readonly transports: Transports
  readonly policy: Policy
  readonly memory: PollingMemory
}

/** What the clock of the wall may gain on ours: more means that the machine slept. */
const CLOCK_JUMP_MS = 2_000

const codec = createCompactCodec()
const PING_FRAME = encodeFrame(codec, { type: PING }, null).slice()

/** Keeps one connection as the machine says: owns the links, the timer, and the view of the world outside. */
export class Connection {
  #state: State = IDLE
  readonly #parts: ConnectionParts
  readonly #events: ConnectionEvents
  readonly #links: { polling?: MovableTransport; websocket?: Transport } = {}
  readonly flow: Flow
  readonly #waiting: Event[] = []
  #isStepping = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #stopWaking = () => {}
  #heardAt = 0
  #retryAfterMs = 0
  #clockGap = clockGap()
  /** What the server announced. */
  limits: AnnouncedLimits = {
    frameBytes: FRAME_BYTES,
    pingIntervalMs: PING_INTERVAL_MS,
    pingTimeoutMs: PING_TIMEOUT_MS,
  }

  constructor(parts: ConnectionParts, events: ConnectionEvents) {
    this.#parts = parts
    this.#events = events
    this.flow = new Flow(
      () => this.#link?.bufferedBytes(),
      (congestion) => events.onCongestion(congestion),
    )
  }

  /** What the connection is doing. */
  get state(): State {
    return this.#state
  }

  /** What carries it; undefined while no link is open. */
  get transport(): TransportName | undefined {
    return transportOf(this.#state)
  }

  /** Connects, if it does not already. */
  want(): void {
    this.#dispatch({ type: 'want' })
  }

  /** Closes the link, on purpose. */
  leave(): void {
    this.#dispatch({ type: 'leave' })
  }

  /** A namespace was connected or refused: the attempt was a success. */
  answered(): void {
    this.#dispatch({ type: 'answered' })
  }

  /** Ends the link for a reason of ours. */
  cut(code: number, message: CloseName): void {
    this.#dispatch({ type: 'cut', end: { code, message } })
  }

  /** The server has said how it will end the connection. */
  expectEnd(end: LinkEnd): void {
    this.#retryAfterMs = end.retryAfterMs ?? 0
    // A WebSocket has a close frame of its own.
    if (this.transport === 'polling') this.#links.polling?.close(end.code, end.message)
  }

  /** Sends one frame, if a link is open. */
  send(frame: Uint8Array): void {
    const link = this.#link
    if (!link) return
    link.send(frame)
    this.flow.onSent(frame.length)
  }

  /** What carries the connection. */
  get #link(): Transport | undefined {
    const { transport } = this
    return transport && this.#links[transport]
  }

  #dispatch(event: Event): void {
    this.#waiting.push(event)
    if (this.#isStepping) return
    this.#isStepping = true
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#step(next)
    } finally {
      this.#isStepping = false
    }
  }

  #step(event: Event): void {
    const before = this.#state
    const [state, effects] = step(before, event, this.#env())
    if (state === before && effects.length === 0) return
    this.#state = state
    this.#schedule()
    if (before.name === 'idle') this.#stopWaking = onWake(() => this.#dispatch({ type: 'wake' }))
    if (state.name === 'idle') this.#stopWaking()
    for (const effect of effects) this.#do(effect)
    if (!this.#link) this.flow.onLost()
    // Last: what listeners then send goes behind what had to be sent.
    if (state.name !== before.name || transportOf(state) !== transportOf(before)) this.#events.onState()
  }

  #tick(): void {
    const gap = clockGap()
    const hasJumped = Math.abs(gap - this.#clockGap) > CLOCK_JUMP_MS
    this.#clockGap = gap
    if (hasJumped) this.#dispatch({ type: 'wake' })
    this.#dispatch({ type: 'tick' })
    // A timer may be a little early.
    this.#schedule()
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const ms = Math.ceil(deadlineOf(this.#state) - now())
    if (ms < Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(() => this.#tick(), Math.min(Math.max(ms, 0), MAX_TIMER_MS))
    }
  }

  #env(): Env {
    const { policy, memory } = this.#parts
    return {
      policy,
      now: now(),
      random: Math.random(),
      heardAt: this.#heardAt,
      ...this.limits,
      get prefersPolling() {
        return memory.isSet()
      },
    }
  }

  #do(effect: Effect): void {
    const { polling, websocket } = this.#links
    switch (effect.do) {
      case 'open':
        return this.#open(effect.transport)
      case 'close': {
        const link = this.#links[effect.transport]
        // First forgotten: what it still reports concerns nobody.
        delete this.#links[effect.transport]
        return link?.close(effect.end.code, effect.end.message)
      }
      case 'ping':
        return this.send(PING_FRAME)
      case 'prove':
        return websocket?.send(PING_FRAME)
      case 'move':
        return polling?.pause((session, received) =>
          websocket?.send(encodeFrame(codec, { type: SWITCH }, { session, received })),
        )
      case 'stay':
        return polling?.resume()
      case 'adopt':
        delete this.#links.polling
        // It tells the server that we are here, behind it comes what has waited.
        websocket?.send(PING_FRAME)
        for (const frame of polling?.handOver() ?? []) websocket?.send(frame)
        return
      case 'remember':
        return this.#parts.memory.set(effect.polling)
      default:
        return this.#events.onTold(effect)
    }
  }

  #open(transport: TransportName): void {
    this.#retryAfterMs = 0
    const { transports, target: fixed } = this.#parts
    // Between the server's hold of a request and our own verdict.
    const target = { ...fixed, silenceMs: () => 0.8 * this.limits.pingIntervalMs + this.limits.pingTimeoutMs / 2 }
    const isCurrent = () => this.#links[transport] === link
    const link: MovableTransport | Transport = transports[transport](target, {
      onOpen: (subprotocol) => {
        if (!isCurrent()) return
        if (subprotocol === SUBPROTOCOL) this.#dispatch({ type: 'opened', transport })
        // The subprotocol of refusals, or none: the server would close with the same code.
        else link.close(UNSUPPORTED_VERSION, 'UNSUPPORTED_VERSION')
      },
      onSign: () => {
        this.#heardAt = now()
      },
      onFrame: (frame) => {
        if (isCurrent()) this.#onFrame(transport, frame)
      },
      onClose: (code, message, retryAfterMs = this.#retryAfterMs) => {
        if (!isCurrent()) return
        delete this.#links[transport]
        this.#dispatch({ type: 'ended', transport, end: { code, message, retryAfterMs } })
      },
    })
    // The cast: a link is of the kind that its transport says.
    this.#links[transport] = link as MovableTransport
  }

  #onFrame(transport: TransportName, frame: Uint8Array): void {
    const type = (frame[0] ?? 0) & TYPE_MASK
    if (this.transport && this.transport !== transport) {
      if (type === PONG) this.#dispatch({ type: 'proven' })
      if (type === SWITCHED) this.#dispatch({ type: 'moved' })
      // A sign of the rival says nothing about polling, before it has taken over.
      if (this.transport !== transport) return
    }
    this.#heardAt = now()
    if (type !== PONG && type !== SWITCHED) this.#events.onFrame(frame)
  }
}

/** Milliseconds of a clock that does not jump. */
function now(): number {
  return performance.now()
}

/** How far the clock of the wall is ahead. */
function clockGap(): number {
  return Date.now() - now()
}

function transportOf(state: State): TransportName | undefined {
  return state.name === 'open' ? state.transport : undefined
}
