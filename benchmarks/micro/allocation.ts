import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { MicroCase, MicroGroup, MicroResult } from './micro-case'

/** Young generation of the process, in MB: nothing is collected while {@link MOST_BYTES} are counted. */
export const YOUNG_GENERATION_MB = 64

/** Bytes that one sample may allocate. */
const MOST_BYTES = 4 * 1024 * 1024
const MOST_RUNS = 200

/**
 * Counts what every case allocates: how much the heap, and the memory of array buffers outside of it, grow while
 * nothing is collected. Needs `--expose-gc` and a young generation of {@link YOUNG_GENERATION_MB}.
 *
 * @param warmUpMs  For each case: code that is not compiled yet allocates more.
 * @returns Bytes per operation, a list for each round.
 * @throws Error if there is no collector to call, or it runs by itself all the time.
 */
export async function measureAllocation(
  groups: readonly MicroGroup[],
  rounds: number,
  warmUpMs: number,
): Promise<readonly (readonly MicroResult[])[]> {
  if (globalThis.gc === undefined) throw new Error('allocation is counted with --expose-gc')
  const samples = new Map<MicroCase, number[]>()
  for (const { title, cases } of groups) {
    for (const each of cases) samples.set(each, await samplesOf(each, `${title}: ${each.name}`, rounds, warmUpMs))
  }
  return Array.from({ length: rounds }, (_, round) =>
    groups.map(({ title, baseline, cases }) => ({
      title,
      baseline,
      values: cases.map((each) => ({ name: each.name, value: samples.get(each)?.[round] ?? Number.NaN })),
    })),
  )
}

async function samplesOf(each: MicroCase, what: string, rounds: number, warmUpMs: number): Promise<number[]> {
  const lookBytes = costOfLooking()
  const until = performance.now() + warmUpMs
  do await growth(each, 1, lookBytes)
  while (performance.now() < until)
  let runs = 1
  const sample = async () => {
    for (;;) {
      const { bytes, isCollected } = await undisturbed(() => growth(each, runs, lookBytes))
      if (!isCollected) return Math.max(0, bytes)
      if (runs === 1) throw new Error(`${what}: a single run is collected while it is counted`)
      // Memory of array buffers brings the collector on, however large the young generation.
      runs = Math.ceil(runs / 2)
    }
  }
  const once = await sample()
  runs = Math.max(1, Math.min(MOST_RUNS, Math.floor(MOST_BYTES / Math.max(1, once))))
  const samples: number[] = []
  while (samples.length < rounds) {
    const bytes = await sample()
    samples.push(bytes / (runs * each.operations))
  }
  return samples
}

/** Counts without garbage of before, and says whether any was collected meanwhile. */
async function undisturbed(count: () => Promise<number>): Promise<{ bytes: number; isCollected: boolean }> {
  let collections = 0
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length
  })
  collect()
  await observersCalled()
  observer.observe({ entryTypes: ['gc'] })
  const bytes = await count()
  await observersCalled()
  observer.disconnect()
  return { bytes, isCollected: collections > 0 }
}

/** Observers are told of a collection in one of the next turns of the loop. */
async function observersCalled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
}

/** Twice: the memory of array buffers is freed at leisure, at the latest before the next collection. */
function collect(): void {
  globalThis.gc?.()
  globalThis.gc?.()
}

/** Bytes that so many runs allocate. */
async function growth(each: MicroCase, runs: number, lookBytes: number): Promise<number> {
  const { isAsync = false, reset } = each
  // To look allocates as well: as seldom as possible.
  const runsPerLook = reset === undefined ? runs : 1
  let bytes = 0
  for (let done = 0; done < runs; done += runsPerLook) {
    const before = allocatedBytes()
    for (let i = 0; i < runsPerLook; i++) {
      if (isAsync) await each.run()
      else each.run()
    }
    bytes += allocatedBytes() - before - lookBytes
    reset?.call(each)
  }
  return bytes
}

function allocatedBytes(): number {
  return getHeapStatistics().used_heap_size + process.memoryUsage().arrayBuffers
}

/** What {@link allocatedBytes} allocates itself, when it is warm. */
function costOfLooking(): number {
  const growths = Array.from({ length: 1_000 }, () => {
    const before = allocatedBytes()
    return allocatedBytes() - before
  })
  return Math.min(...growths)
}
