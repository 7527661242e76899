import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import type { MicroPlan } from '../micro/run-micro'
import { MODES } from './modes'
import type { Mode, ModeSettings } from './modes/mode'
import type { ModeName } from './modes/mode-name'
import { OURS, PEERS, type Peer, REFERENCE } from './peers'
import { SCENARIOS } from './scenarios'
import type { Scenario, ScenarioSettings } from './scenarios/scenario'

/** What to run. */
export interface RunOptions {
  readonly modes: readonly Mode[]
  /** undefined: no micro benchmarks. */
  readonly micro: MicroPlan | undefined
  readonly scenarios: readonly PlannedScenario[]
  readonly peers: readonly Peer[]
  /** Rounds of modes whose `roundsFactor` is 1. */
  readonly rounds: number
  readonly settings: ModeSettings
  /** Whether each server writes a CPU profile. */
  readonly isProfiled: boolean
  /** What was asked for and could not be done. */
  readonly remarks: readonly string[]
}

/** A scenario with what the command line says of it. */
export interface PlannedScenario {
  readonly scenario: Scenario
  readonly settings: ScenarioSettings
}

/** Named like a mode, but without peers. */
const MICRO = { name: 'micro' }

/** Text for `--help`. */
export const USAGE = `npm run bench -- [mode or scenario ...] [flags]

modes          ${[...MODES, MICRO].map(({ name }) => name).join(', ')}; all of them if nothing is given
scenarios      ${SCENARIOS.map(({ name }) => name).join(', ')}; only if named. A bound that is not kept ends the run with an error
--quick        short windows and few rounds, to see that everything runs
--rounds N     rounds of each mode (0.6 N where one is long or has no bounds; wire: 1) and scenario
--connections N  connections in everything that runs
--window MS    length of a measured window
--peers A,B    only these peers, ${REFERENCE}, and what they are compared with:
               ${PEERS.map(({ name, isOnRequest }) => (isOnRequest ? `${name} (only if named)` : name)).join(', ')}
--profile      each server writes a CPU profile to results/profiles (figures are then no figures)
`

interface Defaults extends ModeSettings {
  readonly rounds: number
}

const FULL: Defaults = {
  rounds: 5,
  windowMs: 800,
  warmUpMs: 500,
  callers: 50,
  members: 1_000,
  warmUpConnections: 4_000,
  comers: 3_000,
  roomSizes: [20, 10_000],
  payloadMembers: 100,
  idle: [2_000, 10_000],
}
const QUICK: Defaults = {
  ...FULL,
  rounds: 1,
  windowMs: 500,
  warmUpMs: 300,
  comers: 1_000,
  roomSizes: [20, 2_000],
  idle: [1_000, 2_000],
}

/** Part of the descriptor limit that connections may use; the rest is files, pipes and listeners. */
const DESCRIPTORS_USED = 0.95

/**
 * Reads the command line.
 *
 * @returns undefined if help was asked for.
 * @throws Error on anything unknown.
 */
export function parseOptions(argv: readonly string[]): RunOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      connections: { type: 'string' },
      window: { type: 'string' },
      peers: { type: 'string' },
    },
  })
  if (values.help) return undefined
  const defaults = values.quick ? QUICK : FULL
  const connections = values.connections === undefined ? undefined : positive('--connections', values.connections)
  const named = chosen('mode or scenario', positionals, [...MODES, MICRO, ...SCENARIOS])
  const modes = MODES.filter((mode) => named.includes(mode))
  const scenarios = positionals.length === 0 ? [] : SCENARIOS.filter((scenario) => named.includes(scenario))
  const rounds = values.rounds === undefined ? undefined : positive('--rounds', values.rounds)
  const windowMs = values.window === undefined ? undefined : positive('--window', values.window)
  const peers = chosenPeers(values.peers)
  const remarks: string[] = []
  const asked = connections === undefined ? defaults : withConnections(defaults, connections)
  const settings = withinLimit({ ...asked, windowMs: windowMs ?? defaults.windowMs }, modes, remarks)
  // Nobody who asks for some peers means operations that have none, unless they say so.
  const isMicro = positionals.length === 0 ? values.peers === undefined : named.includes(MICRO)
  return {
    modes,
    micro: isMicro ? { rounds: rounds ?? defaults.rounds, isQuick: values.quick } : undefined,
    scenarios: scenarios.map((scenario) => {
      const asPlanned = values.quick ? scenario.quick : scenario.full
      return {
        scenario,
        settings: {
          rounds: rounds ?? asPlanned.rounds,
          windowMs: windowMs ?? asPlanned.windowMs,
          connections: connections ?? asPlanned.connections,
        },
      }
    }),
    peers,
    rounds: rounds ?? defaults.rounds,
    settings,
    isProfiled: values.profile,
    remarks: [...remarks, ...(values.peers === undefined ? [] : idlers(peers, modes))],
  }
}

function withConnections(settings: ModeSettings, connections: number): ModeSettings {
  return {
    ...settings,
    callers: connections,
    members: connections,
    comers: connections,
    roomSizes: [connections],
    payloadMembers: connections,
    idle: [connections],
  }
}

/** Fewer connections where one process may not have as many. @param remarks  Gets a line for each number that is less. */
function withinLimit(settings: ModeSettings, chosenModes: readonly Mode[], remarks: string[]): ModeSettings {
  const limit = mostConnections()
  const warmUpConnections = Math.min(settings.warmUpConnections, Math.floor(limit / 4))
  const most = limit - warmUpConnections
  const fit = (name: ModeName, asked: readonly number[]) => {
    const isTooMuch = asked.some((count) => count > most)
    if (isTooMuch && chosenModes.some((mode) => mode.name === name)) {
      remarks.push(`${name}: ${most} connections, not ${asked.at(-1)}: the descriptor limit allows no more`)
    }
    return [...new Set(asked.map((count) => Math.min(count, most)))]
  }
  const { members, comers, roomSizes, idle } = settings
  return {
    ...settings,
    warmUpConnections,
    members: fit('broadcast', [members])[0] as number,
    comers: fit('connect', [comers])[0] as number,
    roomSizes: fit('sizes', roomSizes),
    idle: fit('idle', idle),
  }
}

function chosenPeers(names: string | undefined): readonly Peer[] {
  if (names === undefined) return PEERS.filter(({ isOnRequest = false }) => !isOnRequest)
  const named = chosen('peer', names.split(','), PEERS)
  const baselines = named.flatMap(({ comparison }) => (comparison === undefined ? [] : [comparison.baseline]))
  return chosen('peer', [REFERENCE, ...baselines, ...names.split(',')], PEERS)
}

/** Who has nothing to do. */
function idlers(peers: readonly Peer[], chosenModes: readonly Mode[]): string[] {
  const idle = peers.filter((peer) => !chosenModes.some(({ name }) => peer.modes.includes(name)))
  return idle.map(({ label, modes }) => `${label} takes part in ${modes.join(' and ')} only`)
}

function chosen<T extends { readonly name: string }>(what: string, names: readonly string[], all: readonly T[]) {
  const unknown = names.find((name) => !all.some((one) => one.name === name))
  if (unknown !== undefined) throw new Error(`unknown ${what} "${unknown}", not one of ${all.map((one) => one.name)}`)
  return names.length === 0 ? all : all.filter((one) => names.includes(one.name))
}

function positive(flag: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${flag} takes a positive whole number, not "${text}"`)
  return value
}

/** Connections that one process may have open. */
function mostConnections(): number {
  const limit = Number(spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout)
  return Number.isFinite(limit) && limit > 0 ? Math.floor(limit * DESCRIPTORS_USED) : Number.POSITIVE_INFINITY
}

/** Whether a run without `peer` proves nothing. */
export function isRequired(peer: Peer): boolean {
  return peer.name === REFERENCE || peer.name === OURS
}
