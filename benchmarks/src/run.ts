import { fileURLToPath } from 'node:url'
import { runMicro } from '../micro/run-micro'
import type { Mode } from './modes/mode'
import { isRequired, parseOptions, type RunOptions, USAGE } from './options'
import type { Peer } from './peers'
import { killAllChildren } from './process/child'
import { choosePinning } from './process/pinning'
import { runtimePath } from './process/runtime'
import { formatComparison } from './report/comparison'
import { describeEnvironment, formatEnvironment, packageVersion } from './report/environment'
import { writeResults } from './report/files'
import { type ModeResult, type RoundSample, tableOf } from './report/results'
import { formatTable } from './report/text'
import { runScenario, type ScenarioResult } from './scenarios/run-scenario'
import { type SessionOptions, withSession } from './session'

/*
 * Composition: reads the command line, measures every peer in every round, prints and writes the report.
 */

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

process.on('exit', killAllChildren)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))

try {
  const argv = process.argv.slice(2)
  const options = parseOptions(argv)
  if (options) await run(options, argv)
  else process.stdout.write(USAGE)
} catch (error) {
  process.stderr.write(`\nFAILED: ${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}

async function run(options: RunOptions, argv: readonly string[]): Promise<void> {
  const started = Date.now()
  const pinning = choosePinning()
  const environment = describeEnvironment(pinning, options.peers)
  const peers = options.peers.filter((peer) => missingParts(peer).length === 0)
  const missing = options.peers
    .filter((peer) => !peers.includes(peer))
    .map((peer) => ({ ...peer, reason: missingParts(peer).join(', ') }))
  const common = { pinning, profileDirectory: options.isProfiled ? `${RESULTS}profiles` : undefined }

  print(formatEnvironment(environment))
  for (const { label, reason } of missing) print(`missing    ${label}: ${reason}`)
  for (const remark of options.remarks) print(`remark     ${remark}`)
  if (missing.some(isRequired)) throw new Error('a run without raw uWebSockets.js or Roomcast proves nothing')

  const modes: ModeResult[] = []
  const remarks = [...options.remarks]
  for (const mode of options.modes) {
    const rounds = Math.max(1, Math.round(options.rounds * mode.roundsFactor))
    const load = mode.describe(options.settings)
    print(`\n${mode.name}: ${rounds} rounds; ${load}`)
    const taking = peers.filter((peer) => peer.modes.includes(mode.name))
    const samples = await runMode(mode, taking, rounds, options, common)
    const tables = mode.metrics(options.settings).map((metric) => tableOf(metric, taking, samples))
    modes.push({ name: mode.name, title: mode.title, rounds, load, tables, samples })
    for (const table of tables) print(`\n${formatTable(table)}`)
    for (const remark of remarksOf(mode, taking, samples)) {
      print(`\nremark     ${remark}`)
      remarks.push(remark)
    }
  }

  const micro = options.micro === undefined ? [] : await runMicro(options.micro, common, print, progress)

  const scenarios: ScenarioResult[] = []
  for (const planned of options.scenarios) scenarios.push(await runScenario(planned, pinning, print))

  const seconds = Math.round((Date.now() - started) / 1000)
  const {
    files,
    results: { comparison },
  } = writeResults(
    RESULTS,
    {
      date: new Date().toISOString(),
      seconds,
      command: ['npm run bench', ...(argv.length === 0 ? [] : ['--', ...argv])].join(' '),
      environment,
      missing: missing.map(({ name, label, reason }) => ({ name, label, reason })),
      remarks,
      settings: { ...options.settings },
      modes,
      micro,
      scenarios,
    },
    // Arguments make it another run than the one whose report is kept.
    argv.length === 0,
  )
  if (comparison !== undefined) print(`\n${formatComparison(comparison)}`)
  print(`\nevery message was delivered and checked; ${seconds} s; in benchmarks/results: ${files.join(', ')}`)
  const broken = scenarios.filter(({ verdicts }) => verdicts.some(({ isKept }) => !isKept))
  if (broken.length > 0)
    throw new Error(`bounds that were not kept: ${broken.map(({ scenario }) => scenario).join(', ')}`)
}

/** Interleaved rounds: each measures every peer, beginning with another one. */
async function runMode(
  mode: Mode,
  peers: readonly Peer[],
  rounds: number,
  { settings }: RunOptions,
  common: Omit<SessionOptions, 'serverFlags' | 'features'>,
): Promise<RoundSample[]> {
  const samples: RoundSample[] = []
  const sessionOptions = { ...common, serverFlags: mode.serverFlags, features: mode.features ?? [] }
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < peers.length; turn++) {
      const peer = peers[(turn + round) % peers.length] as Peer
      progress(`${mode.name}: round ${round + 1} of ${rounds}, ${peer.label}`)
      const measured = await withSession(peer, sessionOptions, (session) => mode.measure(session, settings))
      samples.push(...measured.map((sample) => ({ ...sample, round, peer: peer.name })))
    }
  }
  progress('')
  return samples
}

/** Why a peer cannot take part; nothing if it can. */
function missingParts({ runtime = 'node', packages }: Peer): string[] {
  const missing = packages.filter((name) => packageVersion(name) === undefined)
  return [
    ...(runtimePath(runtime) === undefined ? [`no ${runtime}`] : []),
    ...(missing.length === 0 ? [] : [`no ${missing.join(', ')}, or not built`]),
  ]
}

/** What samples say of themselves, once for each round. */
function remarksOf({ name }: Mode, peers: readonly Peer[], samples: readonly RoundSample[]): Iterable<string> {
  return new Set(
    samples.flatMap(({ remark, peer, round }) => {
      const label = peers.find((one) => one.name === peer)?.label
      return remark === undefined ? [] : [`${name}, round ${round + 1}: ${label} ${remark}`]
    }),
  )
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** One line that overwrites itself, only where somebody watches. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
}
