import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Cores for the two processes of a measurement, or why they have none of their own. */
export type Pinning =
  | { readonly kind: 'pinned'; readonly serverCore: number; readonly loadCore: number }
  | { readonly kind: 'free'; readonly reason: string }

/** Chooses the first two cores this process may use, where `taskset` exists. */
export function choosePinning(): Pinning {
  if (process.platform !== 'linux') return { kind: 'free', reason: `no taskset on ${process.platform}` }
  const [serverCore, loadCore] = allowedCores()
  if (serverCore === undefined || loadCore === undefined) return { kind: 'free', reason: 'fewer than two cores' }
  const probe = spawnSync('taskset', ['-c', `${serverCore}`, 'true'])
  if (probe.status !== 0) return { kind: 'free', reason: 'taskset is missing or refused' }
  return { kind: 'pinned', serverCore, loadCore }
}

/** Command line that runs `executable` with `args` on `core`; on any core if it is undefined. */
export function pinnedCommand(
  core: number | undefined,
  executable: string,
  args: readonly string[],
): { file: string; args: string[] } {
  if (core === undefined) return { file: executable, args: [...args] }
  return { file: 'taskset', args: ['-c', `${core}`, executable, ...args] }
}

function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}
