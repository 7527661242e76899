import { fileURLToPath } from 'node:url'
import { Child } from '../src/process/child'
import type { Pinning } from '../src/process/pinning'
import type { MicroTable } from '../src/report/results'
import { YOUNG_GENERATION_MB } from './allocation'
import type { MicroResult } from './micro-case'
import { microTablesOf } from './micro-tables'
import { formatMicroTable } from './micro-text'
import type { SuiteCommands } from './suite-process'
import type { SuiteName } from './suites'

/** What the command line says of the micro benchmarks. */
export interface MicroPlan {
  readonly rounds: number
  /** Windows too short for figures, to see that everything runs. */
  readonly isQuick: boolean
}

/** What they have in common with the rest of the run. */
export interface MicroSurroundings {
  readonly pinning: Pinning
  /** Folder for a CPU profile of each process; none if undefined. */
  readonly profileDirectory: string | undefined
}

const NAMES: readonly SuiteName[] = ['codec', 'gate', 'dispatch', 'rooms']

/** Milliseconds of CPU for each case. */
const FULL = { warmUpMs: 50, windowMs: 60 }
const QUICK = { warmUpMs: 20, windowMs: 15 }

const TIMEOUT_MS = 120_000

/**
 * Measures what single operations cost, without a network: a fresh process for each suite and round, on the core of
 * the servers, and one more for each suite that counts what is allocated.
 *
 * @param print     Told what came out.
 * @param progress  Told what is going on.
 * @returns For each group of cases a table of its time, and behind it one of what it allocates.
 * @throws Error if anything that is measured does not do what it should.
 */
export async function runMicro(
  { rounds, isQuick }: MicroPlan,
  surroundings: MicroSurroundings,
  print: (line: string) => void,
  progress: (line: string) => void,
): Promise<readonly MicroTable[]> {
  const settings = isQuick ? QUICK : FULL
  print(`\nmicro: ${rounds} rounds; single operations, each for ${settings.windowMs} ms of CPU in a round`)
  const results = new Map<SuiteName, (readonly MicroResult[])[]>(NAMES.map((suite) => [suite, []]))
  for (let round = 0; round < rounds; round++) {
    for (const suite of NAMES) {
      progress(`micro: round ${round + 1} of ${rounds}, ${suite}`)
      const result = await inProcess(suite, surroundings, [], (child) =>
        child.request('cpuTime', { suite, first: round, ...settings }, TIMEOUT_MS),
      )
      results.get(suite)?.push(result)
    }
  }
  const tables: MicroTable[] = []
  for (const suite of NAMES) {
    progress(`micro: what ${suite} allocates`)
    const flags = [`--min-semi-space-size=${YOUNG_GENERATION_MB}`, `--max-semi-space-size=${YOUNG_GENERATION_MB}`]
    const allocated = await inProcess(suite, surroundings, flags, (child) =>
      child.request('allocation', { suite, rounds, warmUpMs: settings.warmUpMs }, TIMEOUT_MS),
    )
    progress('')
    const times = microTablesOf(results.get(suite) ?? [], 'ns of CPU per operation')
    const allocations = microTablesOf(allocated, 'bytes allocated per operation')
    for (const [index, time] of times.entries()) {
      const allocation = allocations[index] as MicroTable
      tables.push(time, { ...allocation, title: `${allocation.title}: allocation` })
      print(`\n${formatMicroTable(time, allocation)}`)
    }
  }
  return tables
}

async function inProcess<T>(
  suite: SuiteName,
  { pinning, profileDirectory }: MicroSurroundings,
  flags: readonly string[],
  body: (child: Child<SuiteCommands>) => Promise<T>,
): Promise<T> {
  const profileFlags = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`]
  const { child } = await Child.start<SuiteCommands, undefined>({
    name: `micro ${suite}`,
    script: fileURLToPath(new URL('../micro/dist/suite-process.js', import.meta.url)),
    flags: ['--expose-gc', ...flags, ...profileFlags],
    core: pinning.kind === 'pinned' ? pinning.serverCore : undefined,
  })
  try {
    return await body(child)
  } finally {
    await child.stop()
  }
}
