import { Bench } from 'tinybench'
import type { MicroGroup, MicroResult } from './micro-case'

/** How long each case runs. */
export interface TimeSettings {
  /** Milliseconds of CPU before its figure counts. */
  readonly warmUpMs: number
  readonly windowMs: number
}

/**
 * Runs every case once, beginning with case `first`, and takes its time.
 *
 * The clock is CPU of this process. What other processes do does not count, as it would on the wall's clock; what the
 * collector does on threads of its own does. All cases have warmed up before the first is measured: then
 * what they share is as it stays.
 *
 * @returns Nanoseconds of CPU per operation, the mean: the garbage of a case is in it.
 */
export async function measureCpuTime(
  groups: readonly MicroGroup[],
  first: number,
  { warmUpMs, windowMs }: TimeSettings,
): Promise<readonly MicroResult[]> {
  const bench = new Bench({
    now: cpuMs,
    time: windowMs,
    iterations: 1,
    warmupTime: warmUpMs,
    warmupIterations: 1,
    throws: true,
    // Garbage of the case before is its own. Only the young generation: code that has not run for some full
    // collections is thrown away, and cases wait for their turn.
    setup: () => globalThis.gc?.({ type: 'minor' }),
  })
  const all = groups.flatMap(({ title, cases }) => cases.map((each) => ({ title, each })))
  const start = first % all.length
  for (const { title, each } of [...all.slice(start), ...all.slice(0, start)]) {
    const { isAsync = false, reset } = each
    bench.add(taskName(title, each.name), () => each.run(), {
      async: isAsync,
      ...(reset === undefined ? {} : { afterEach: () => reset.call(each) }),
    })
  }
  await bench.run()
  return groups.map(({ title, baseline, cases }) => ({
    title,
    baseline,
    values: cases.map(({ name, operations }) => ({ name, value: meanMs(bench, title, name) * (1e6 / operations) })),
  }))
}

function meanMs(bench: Bench, title: string, name: string): number {
  const result = bench.getTask(taskName(title, name))?.result
  if (result?.state !== 'completed') throw new Error(`${title}, ${name}: ${result?.state ?? 'not run'}`)
  return result.latency.mean
}

function taskName(title: string, name: string): string {
  return `${title}: ${name}`
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
