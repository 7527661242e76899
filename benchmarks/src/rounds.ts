import type { AloneMode, Mode, ModeSettings, Sample, Turn, TurnsMode } from './modes/mode'
import { TURNS, WARM_UP_TURNS } from './modes/turns'
import type { Peer } from './peers'
import type { RoundSample } from './report/results'
import type { Session } from './session'

/** What the rounds of a mode are made with. */
export interface RoundsOptions {
  readonly rounds: number
  readonly settings: ModeSettings
  /** Starts the processes for a peer. */
  readonly open: (peer: Peer) => Promise<Session>
  /** Gets a line about what is measured now. */
  readonly progress: (line: string) => void
}

/** Several rounds: each measures every peer, on fresh servers. */
export async function runRounds(mode: Mode, peers: readonly Peer[], options: RoundsOptions): Promise<RoundSample[]> {
  const { rounds, progress } = options
  const samples: RoundSample[] = []
  for (let round = 0; round < rounds; round++) {
    const told = {
      ...options,
      progress: (what: string) => progress(`${mode.name}: round ${round + 1} of ${rounds}, ${what}`),
    }
    const order = shuffled(peers)
    const taken = 'stages' in mode ? await takeTurns(mode, order, told) : await takeEach(mode, order, told)
    for (const [peer, ofPeer] of taken) samples.push(...ofPeer.map((sample) => ({ ...sample, round, peer: peer.name })))
  }
  progress('')
  return samples
}

type Taken = ReadonlyMap<Peer, readonly Sample[]>

/** One server after the other. */
async function takeEach(mode: AloneMode, peers: readonly Peer[], options: RoundsOptions): Promise<Taken> {
  const { settings, open, progress } = options
  const taken = new Map<Peer, readonly Sample[]>()
  for (const peer of peers) {
    progress(peer.label)
    const session = await open(peer)
    try {
      taken.set(peer, await session.awake(() => mode.measure(session, settings)))
    } finally {
      await session.close()
    }
  }
  return taken
}

/**
 * All servers at once, in turns. Each turn has them in another order: who comes before leaves its traces in the caches of the
 * processor, and some are better guests than others.
 */
async function takeTurns(mode: TurnsMode, peers: readonly Peer[], options: RoundsOptions): Promise<Taken> {
  const { settings, open, progress } = options
  const sessions: { readonly peer: Peer; readonly session: Session; readonly turns: Turn[] }[] = []
  try {
    for (const peer of peers) {
      progress(`${peer.label} starts`)
      sessions.push({ peer, session: await open(peer), turns: [] })
    }
    for (const stage of mode.stages(settings)) {
      for (const { peer, session } of sessions) {
        progress(`${peer.label} warms up`)
        await session.awake(() => stage.prepare(session, settings))
      }
      for (let turn = 0; turn < WARM_UP_TURNS + TURNS; turn++) {
        progress(`turn ${turn + 1} of ${WARM_UP_TURNS + TURNS}`)
        for (const { session, turns } of shuffled(sessions)) {
          const measured = await session.awake(() => stage.measure(session, settings))
          if (turn >= WARM_UP_TURNS) turns.push(...measured)
        }
      }
    }
  } finally {
    await Promise.all(sessions.map(({ session }) => session.close()))
  }
  return new Map(sessions.map(({ peer, turns }) => [peer, summed(turns)]))
}

/** One sample for each metric, of all its turns. */
function summed(turns: readonly Turn[]): Sample[] {
  const totals = new Map<string, Record<string, number>>()
  for (const { metric, cpuUs, count, details } of turns) {
    const total = totals.get(metric) ?? {}
    for (const [name, value] of Object.entries({ count, cpuUs, ...details })) total[name] = (total[name] ?? 0) + value
    totals.set(metric, total)
  }
  return [...totals].map(([metric, details]) => {
    const { cpuUs = 0, count = 0 } = details
    return { metric, value: cpuUs / count, details }
  })
}

/** The same in a random order (Fisher and Yates). */
function shuffled<T>(list: readonly T[]): T[] {
  const copy = [...list]
  for (let left = copy.length; left > 1; left--) {
    const [one] = copy.splice(Math.floor(Math.random() * left), 1)
    copy.push(one as T)
  }
  return copy
}
