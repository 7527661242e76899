import { answerRequests } from '../src/process/control'
import { measureAllocation } from './allocation'
import { measureCpuTime, type TimeSettings } from './cpu-time'
import type { MicroGroup, MicroResult } from './micro-case'
import { SUITES, type SuiteName } from './suites'

/*
 * The process that runs one suite, once.
 */

/** Commands of the process. Each verifies every case before and after. */
export interface SuiteCommands {
  /** Nanoseconds of CPU per operation. @param first  Case to begin with. */
  cpuTime(args: TimeSettings & { suite: SuiteName; first: number }): Promise<readonly MicroResult[]>
  /** Bytes per operation, for each round. */
  allocation(args: { suite: SuiteName; rounds: number; warmUpMs: number }): Promise<readonly (readonly MicroResult[])[]>
}

answerRequests<SuiteCommands>(
  {
    cpuTime: ({ suite, first, ...settings }) => verified(suite, (groups) => measureCpuTime(groups, first, settings)),
    allocation: ({ suite, rounds, warmUpMs }) =>
      verified(suite, (groups) => measureAllocation(groups, rounds, warmUpMs)),
  },
  undefined,
)

async function verified<T>(suite: SuiteName, measure: (groups: readonly MicroGroup[]) => Promise<T>): Promise<T> {
  const groups = await SUITES[suite]()
  await verify(suite, groups)
  const results = await measure(groups)
  // What was measured still did the same at the end.
  await verify(suite, groups)
  return results
}

async function verify(suite: SuiteName, groups: readonly MicroGroup[]): Promise<void> {
  for (const { title, cases } of groups) {
    for (const each of cases) {
      try {
        await each.verify()
      } catch (error) {
        const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
        throw new Error(`${suite}: ${title}: ${each.name}: ${reason}`)
      }
    }
  }
}
