import { type CloseVerdict, closeVerdict } from '@roomcast/protocol'
import type { TransportName } from '../options'
import { ABNORMAL, BAD_FRAME, CONNECT_LIMIT, NORMAL, PING_TIMEOUT } from '../tables'
import { backoffDelay } from './backoff'
import {
  FALLBACK_MS,
  LATE_MS,
  MAX_BAD_WEBSOCKETS,
  MAX_LATENESS,
  MAX_VIOLATIONS,
  MOVE_MS,
  RIVAL_FIRST_MS,
  RIVAL_MAX_MS,
  STABLE_MS,
  UNPROVEN_INTERVAL_MS,
  UNPROVEN_TIMEOUT_MS,
  YOUNG_MS,
} from './patience'
import type { Effect, Env, Event, LinkEnd, Open, Opening, Past, State, Step } from './states'

/*
 * The life of a connection as one pure function: (state, event) → state and effects. Sockets, timers, the clock and
 * chance are in connection.ts.
 *
 *            want                    opened
 *   idle ───────────► opening ────────────────────► open ◄──┐ WebSocket takes over from polling:
 *    ▲                 │   ▲  WebSocket, and          │     │ rival opening → proving → moving → moved
 *    │ leave,          │   │  polling beside it after │     └─┐
 *    │ final      failed   │  2.5 s or a refusal      │ lost, │ silent, cut
 *    │                 ▼   │                          ▼
 *    └───────────── waiting ◄─────────────────────────┘
 *                      └── after the delay, or at once when something wakes it
 *
 * What can repeat, and what ends it: attempts (`reconnectionAttempts`; the delay grows to `reconnectionDelayMax`),
 * links that the server ends for what we sent (MAX_VIOLATIONS in a row), WebSockets that die young (after three of them
 * polling comes first), attempts to take over (the pause doubles to RIVAL_MAX_MS).
 */

type Handler<S extends State, E extends Event> = (state: S, event: E, env: Env) => Step
/** Every pair of state and event has its place. */
type Table = {
  [Name in State['name']]: {
    [Type in Event['type']]: Handler<State & { name: Name }, Event & { type: Type }>
  }
}

export const IDLE: State = { name: 'idle' }

const NEW: Past = { failures: 0, flaps: 0, violations: 0, badWebSockets: 0 }
const TIMEOUT: LinkEnd = { code: ABNORMAL, message: 'timeout' }
const LEFT: LinkEnd = { code: NORMAL, message: '' }
const SILENT: LinkEnd = { code: PING_TIMEOUT, message: 'no sign of life' }

const stay = (state: State): Step => [state, []]

const TABLE: Table = {
  idle: {
    want: (_, __, env) => begin(NEW, env),
    leave: stay,
    tick: stay,
    wake: stay,
    opened: stay,
    ended: stay,
    proven: stay,
    moved: stay,
    answered: stay,
    cut: stay,
  },
  opening: {
    want: stay,
    leave: (state) => [IDLE, closing(state.links, LEFT)],
    tick: onOpeningTick,
    wake: stay,
    opened: onOpened,
    ended: onAttemptEnded,
    proven: stay,
    moved: stay,
    answered: stay,
    cut: stay,
  },
  open: {
    want: stay,
    leave: (state) => [IDLE, closing([state.transport, ...rivalOf(state)], LEFT)],
    tick: onOpenTick,
    // Another network may let the WebSocket through that the last one did not.
    wake: (state, _, env) => {
      const rivalAt =
        state.rival === 'none' && state.rivalAt < NEVER ? Math.min(state.rivalAt, env.now + MOVE_MS) : state.rivalAt
      // What was asked is not asked again: who wakes often must not wait for ever.
      return state.pingedAt > env.heardAt && env.now < state.beatAt
        ? [{ ...state, rivalAt }, []]
        : ping({ ...state, rivalAt, lateness: 0 }, env)
    },
    opened: (state, { transport }, env) =>
      state.rival === 'opening' && transport === 'websocket'
        ? [{ ...state, rival: 'proving', rivalAt: env.now + FALLBACK_MS }, [{ do: 'prove' }]]
        : [state, []],
    proven: (state, _, env) =>
      state.rival === 'proving'
        ? [{ ...state, rival: 'moving', rivalAt: env.now + Math.min(MOVE_MS, env.pingTimeoutMs / 2) }, [{ do: 'move' }]]
        : [state, []],
    ended: (state, { transport, end }, env) => {
      if (transport === state.transport) return lose(state, end, env, [])
      return state.rival === 'none' ? [state, []] : rivalFailed(state, env)
    },
    moved: (state, _, env) =>
      state.rival === 'moving'
        ? [
            { ...state, ...watch(env), transport: 'websocket', openedAt: env.now, rival: 'none', rivalAt: NEVER },
            [{ do: 'adopt' }],
          ]
        : [state, []],
    answered: (state, _, env) => [
      { ...state, answeredAt: state.answeredAt || env.now, past: { ...state.past, failures: 0 } },
      [],
    ],
    cut: (state, { end }, env) => lose(state, end, env, closing([state.transport], end)),
  },
  waiting: {
    want: stay,
    leave: () => [IDLE, []],
    tick: (state, _, env) => (env.now < state.retryAt ? [state, []] : retry(state.past, env)),
    wake: (state, _, env) =>
      env.now < state.notBefore ? [{ ...state, retryAt: state.notBefore }, []] : retry(state.past, env),
    opened: stay,
    ended: stay,
    proven: stay,
    moved: stay,
    answered: stay,
    cut: stay,
  },
}

const NEVER = Number.POSITIVE_INFINITY

/** The next state, and what has to be done. */
export function step(state: State, event: Event, env: Env): Step {
  // The cast: TypeScript does not see that state and handler go together; the type of the table does.
  return (TABLE[state.name][event.type] as unknown as Handler<State, Event>)(state, event, env)
}

function begin(past: Past, env: Env): Step {
  const { transports, timeout } = env.policy
  const isPollingFirst = env.prefersPolling || past.badWebSockets >= MAX_BAD_WEBSOCKETS
  // Polling comes first if it may come at all; the sort keeps the order of what is equal.
  const order = isPollingFirst
    ? [...transports].sort((a, b) => Number(b === 'polling') - Number(a === 'polling'))
    : transports
  const [first, ...rest] = order as [TransportName, ...TransportName[]]
  return [
    {
      name: 'opening',
      past,
      links: [first],
      rest,
      // An attempt that is shorter than the wait has to try both as well.
      nextAt: rest.length > 0 ? env.now + Math.min(FALLBACK_MS, timeout / 2) : NEVER,
      failAt: env.now + timeout,
    },
    [{ do: 'open', transport: first }],
  ]
}

function retry(past: Past, env: Env): Step {
  const failures = past.failures + 1
  const [state, effects] = begin({ ...past, failures }, env)
  return [state, [{ do: 'tell attempt', attempt: failures }, ...effects]]
}

function onOpeningTick(state: Opening, _: Event, env: Env): Step {
  if (env.now >= state.failAt) return fail(state.past, TIMEOUT, env, closing(state.links, TIMEOUT))
  return env.now >= state.nextAt ? openNext(state, state.links) : [state, []]
}

function openNext(state: Opening, links: readonly TransportName[]): Step {
  const [next, ...rest] = state.rest as [TransportName, ...TransportName[]]
  return [{ ...state, links: [...links, next], rest, nextAt: NEVER }, [{ do: 'open', transport: next }]]
}

function onAttemptEnded(state: Opening, { transport, end }: Event & { type: 'ended' }, env: Env): Step {
  const links = state.links.filter((link) => link !== transport)
  // Who is asked to stay away does not try another door.
  if (closeVerdict(end.code) === 'never' || end.retryAfterMs) return fail(state.past, end, env, closing(links, LEFT))
  if (state.rest.length > 0) return openNext(state, links)
  return links.length > 0 ? [{ ...state, links }, []] : fail(state.past, end, env, [])
}

function onOpened(state: Opening, { transport }: Event & { type: 'opened' }, env: Env): Step {
  const { policy, now } = env
  const { transports, upgrade } = policy
  const others = state.links.filter((link) => link !== transport)
  const mayRise = transport === 'polling' && upgrade && transports.includes('websocket')
  const isRising = mayRise && others.length > 0
  const isFallback = transport === 'polling' && transports[0] === 'websocket'
  const worse = state.past.badWebSockets - MAX_BAD_WEBSOCKETS
  // Where polling is the first choice a WebSocket takes over at once, unless those before have died young.
  const isRisky = isFallback || worse >= 0 || env.prefersPolling
  const open: Open = {
    name: 'open',
    past: state.past,
    transport,
    openedAt: now,
    answeredAt: 0,
    ...watch(env),
    rival: isRising ? 'opening' : 'none',
    rivalTries: 0,
    rivalAt: !mayRise ? NEVER : isRising ? state.failAt : isRisky ? now + rivalPause(worse) : now,
  }
  return [
    open,
    [
      ...(isRising ? [] : closing(others, LEFT)),
      ...(transport === 'polling' && (isFallback || worse >= 0) ? [{ do: 'remember', polling: true } as const] : []),
      { do: 'tell opened' },
    ],
  ]
}

/** Begins to look for signs of life of a link that is new. */
function watch({ now }: Env): Pick<Open, 'beatAt' | 'lateness' | 'pingedAt'> {
  return { beatAt: now + UNPROVEN_INTERVAL_MS, pingedAt: 0, lateness: 0 }
}

function onOpenTick(state: Open, _: Event, env: Env): Step {
  if (env.now < state.rivalAt) return env.now < state.beatAt ? [state, []] : beat(state, env)
  if (state.rival !== 'none') {
    const [next, effects] = rivalFailed(state, env)
    return [next, [...closing(['websocket'], TIMEOUT), ...effects]]
  }
  return [
    { ...state, rival: 'opening', rivalAt: env.now + env.policy.timeout },
    [{ do: 'open', transport: 'websocket' }],
  ]
}

function rivalFailed(state: Open, { now }: Env): Step {
  const next: Open = {
    ...state,
    rival: 'none',
    rivalTries: state.rivalTries + 1,
    rivalAt: now + rivalPause(state.rivalTries),
  }
  return [next, state.rival === 'moving' ? [{ do: 'stay' }] : []]
}

function rivalPause(failures: number): number {
  return Math.min(RIVAL_MAX_MS, RIVAL_FIRST_MS * 2 ** Math.max(0, failures))
}

/** Looks whether the server lives. Any byte counts. */
function beat(state: Open, env: Env): Step {
  const { now, heardAt, pingIntervalMs } = env
  const isProven = hasSpoken(state, env)
  if (state.pingedAt > 0 && heardAt < state.pingedAt) {
    const judgeAt = state.pingedAt + patience(state, env)
    if (now < judgeAt) return [{ ...state, beatAt: judgeAt }, []]
    const isLate = now - state.beatAt > LATE_MS
    if (isLate && state.lateness < MAX_LATENESS) return ping({ ...state, lateness: state.lateness + 1 }, env)
    return lose(state, SILENT, env, closing([state.transport], SILENT))
  }
  const askAt = isProven ? heardAt + pingIntervalMs : state.openedAt + UNPROVEN_INTERVAL_MS
  if (now >= askAt) return ping({ ...state, lateness: 0 }, env)
  const isOld = state.transport === 'websocket' && now - state.openedAt > YOUNG_MS
  return [
    { ...state, pingedAt: 0, lateness: 0, beatAt: askAt },
    isOld && env.prefersPolling ? [{ do: 'remember', polling: false }] : [],
  ]
}

/** A polling session was answered when it opened; a WebSocket may be open and let nothing through. */
function hasSpoken({ transport, openedAt }: Open, { heardAt }: Env): boolean {
  return transport === 'polling' || heardAt >= openedAt
}

/** How long a sign that was asked for may take. */
function patience(state: Open, env: Env): number {
  return hasSpoken(state, env) ? env.pingTimeoutMs : UNPROVEN_TIMEOUT_MS
}

function ping(state: Open, env: Env): Step {
  // Looks again when the next one would be due: with a long patience the answer to this one does not put it off.
  const nextMs = Math.min(patience(state, env), env.pingIntervalMs)
  return [{ ...state, pingedAt: env.now, beatAt: env.now + nextMs }, [{ do: 'ping' }]]
}

/** An open link is gone. */
function lose(state: Open, end: LinkEnd, env: Env, effects: readonly Effect[]): Step {
  const { past, transport } = state
  const { now, policy } = env
  const isStable = state.answeredAt > 0 && now - state.answeredAt >= STABLE_MS
  const isViolation = end.code >= BAD_FRAME && end.code <= CONNECT_LIMIT
  const isOld = now - state.openedAt > YOUNG_MS
  const isBad = transport === 'websocket' && (end.code === ABNORMAL || end === SILENT)
  const isMute = isBad && !hasSpoken(state, env)
  const next: Past = {
    failures: past.failures,
    flaps: isStable ? 0 : past.flaps + 1,
    // Of a link that was good for long it says little: what poisons comes again at once.
    violations: isViolation ? (isOld ? 1 : past.violations + 1) : isStable ? 0 : past.violations,
    badWebSockets: !isBad || isOld ? 0 : isMute ? MAX_BAD_WEBSOCKETS : past.badWebSockets + 1,
  }
  const verdict = next.violations < MAX_VIOLATIONS ? closeVerdict(end.code) : 'never'
  // A WebSocket that never said a word is no reason to wait: polling is next. Once: if polling is refused, it is not.
  const isNews = isMute && past.badWebSockets < MAX_BAD_WEBSOCKETS && policy.transports.length > 1
  const given = [...effects, ...closing(rivalOf(state), LEFT)]
  if (isNews) {
    const [opening, opens] = begin(next, env)
    return [opening, [...given, { do: 'tell lost', end, verdict, isFinal: false, isExhausted: false }, ...opens]]
  }
  const tries = isStable || verdict === 'now' ? 0 : past.flaps + past.failures
  return pause('tell lost', next, end, verdict, tries, env, given)
}

/** An attempt has come to nothing. */
function fail(past: Past, end: LinkEnd, env: Env, effects: readonly Effect[]): Step {
  return pause('tell failed', past, end, closeVerdict(end.code), past.failures + past.flaps, env, effects)
}

/** Tells what happened, and waits for the next attempt if there is one. @param tries  Exponent of the delay. */
function pause(
  tell: 'tell failed' | 'tell lost',
  past: Past,
  end: LinkEnd,
  verdict: CloseVerdict,
  tries: number,
  env: Env,
  effects: readonly Effect[],
): Step {
  const { policy, now, random } = env
  const mayRetry = policy.reconnection && verdict !== 'never'
  const isExhausted = mayRetry && past.failures >= policy.reconnectionAttempts
  const isFinal = isExhausted || !mayRetry
  const all: Effect[] = [...effects, { do: tell, end, verdict, isFinal, isExhausted }]
  if (isFinal) return [IDLE, all]
  const notBefore = now + (end.retryAfterMs ?? 0)
  return [{ name: 'waiting', past, retryAt: notBefore + backoffDelay(policy, tries, random), notBefore }, all]
}

/** The link of the rival, if there is one. */
function rivalOf(state: Open): TransportName[] {
  return state.rival === 'none' ? [] : ['websocket']
}

function closing(names: readonly TransportName[], end: LinkEnd): Effect[] {
  return names.map((transport) => ({ do: 'close', transport, end }))
}
