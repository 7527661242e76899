import type { AloneMode, Mode, ModeSettings, Sample, TurnsMode } from './modes/mode'
import { TURNS, WARM_UP_TURNS } from './modes/turns'
import type { Peer } from './peers'
import type { RoundSample } from './report/results'
import { median } from './report/statistics'
import { openSession, type Session, type SessionOptions } from './session'

/** What the rounds of a mode are made with. */
export interface RoundsOptions extends Omit<SessionOptions, 'serverFlags' | 'features'> {
  readonly rounds: number
  readonly settings: ModeSettings
  /** Gets a line about what is measured now. */
  readonly progress: (line: string) => void
}

/** Several rounds: each measures every peer, on fresh servers, and begins with another one. */
export async function runRounds(mode: Mode, peers: readonly Peer[], options: RoundsOptions): Promise<RoundSample[]> {
  const { rounds, progress } = options
  const sessionOptions = { ...options, serverFlags: mode.serverFlags, features: mode.features ?? [] }
  const samples: RoundSample[] = []
  for (let round = 0; round < rounds; round++) {
    const told = (what: string) => progress(`${mode.name}: round ${round + 1} of ${rounds}, ${what}`)
    const taken =
      'stages' in mode
        ? await takeTurns(mode, peers, round, sessionOptions, options.settings, told)
        : await takeEach(mode, inOrder(peers, round), sessionOptions, options.settings, told)
    for (const [peer, ofPeer] of taken)
      samples.push(...joined(ofPeer).map((sample) => ({ ...sample, round, peer: peer.name })))
  }
  progress('')
  return samples
}

type Taken = ReadonlyMap<Peer, readonly Sample[]>

/** One server after the other. */
async function takeEach(
  mode: AloneMode,
  peers: readonly Peer[],
  options: SessionOptions,
  settings: ModeSettings,
  told: (what: string) => void,
): Promise<Taken> {
  const taken = new Map<Peer, readonly Sample[]>()
  for (const peer of peers) {
    told(peer.label)
    const session = await openSession(peer, options)
    try {
      taken.set(peer, await session.awake(() => mode.measure(session, settings)))
    } finally {
      await session.close()
    }
  }
  return taken
}

/** All servers at once, in turns. */
async function takeTurns(
  mode: TurnsMode,
  peers: readonly Peer[],
  round: number,
  options: SessionOptions,
  settings: ModeSettings,
  told: (what: string) => void,
): Promise<Taken> {
  const allTurns = WARM_UP_TURNS + TURNS
  const taken = new Map<Peer, Sample[]>()
  const sessions: { readonly session: Session; readonly peer: Peer; readonly samples: Sample[] }[] = []
  try {
    for (const peer of inOrder(peers, round)) {
      told(`${peer.label} starts`)
      const samples: Sample[] = []
      sessions.push({ session: await openSession(peer, options), peer, samples })
      taken.set(peer, samples)
    }
    for (const stage of mode.stages(settings)) {
      for (const { session, peer } of sessions) {
        told(`${peer.label} warms up`)
        await session.awake(() => stage.prepare(session, settings))
      }
      for (let turn = 0; turn < allTurns; turn++) {
        told(`turn ${turn + 1} of ${allTurns}`)
        for (const { session, samples } of inOrder(sessions, round * allTurns + turn)) {
          const measured = await session.awake(() => stage.measure(session, settings))
          if (turn >= WARM_UP_TURNS) samples.push(...measured)
        }
      }
    }
  } finally {
    await Promise.all(sessions.map(({ session }) => session.close()))
  }
  return taken
}

/** The samples of each metric as one: every turn's value, the median of them, and counts added up. */
function joined(samples: readonly Sample[]): Omit<RoundSample, 'peer' | 'round'>[] {
  const byMetric = new Map<string, Sample[]>()
  for (const sample of samples) byMetric.set(sample.metric, [...(byMetric.get(sample.metric) ?? []), sample])
  return [...byMetric.values()].map((ofMetric) => {
    const values = ofMetric.map(({ value }) => value)
    const details: Record<string, number> = {}
    for (const sample of ofMetric) {
      for (const [name, count] of Object.entries(sample.details)) details[name] = (details[name] ?? 0) + count
    }
    return { ...(ofMetric[0] as Sample), value: median(values), values, details }
  })
}

/**
 * A list in another order each time: over as many times as it is long, each entry is once at each place, and, if the length is even,
 * once behind each other entry (a Latin square that is balanced for first-order carry-over: E. J. Williams 1949). Whoever comes before
 * leaves caches to whoever comes next, and some are better guests than others.
 */
export function inOrder<T>(list: readonly T[], time: number): T[] {
  const { length } = list
  return list.map((_, place) => {
    const step = place % 2 === 0 ? place / 2 : length - (place + 1) / 2
    return list[(step + time) % length] as T
  })
}
