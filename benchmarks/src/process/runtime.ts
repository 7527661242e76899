import { spawnSync } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import path from 'node:path'

/** Program that runs a server. */
export type Runtime = 'node' | 'bun'

/**
 * Executable of a runtime: Node is the one that runs this; Bun is what the environment variable BUN names, or
 * `bun` on the PATH.
 *
 * @returns A path; undefined if there is none.
 */
export function runtimePath(runtime: Runtime): string | undefined {
  if (runtime === 'node') return process.execPath
  if (process.env.BUN) return isExecutable(process.env.BUN) ? process.env.BUN : undefined
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => path.join(folder, runtime)).find(isExecutable)
}

/** Version of a runtime that is there, as it tells itself. */
export function runtimeVersion(runtime: Runtime): string | undefined {
  if (runtime === 'node') return process.version
  const executable = runtimePath(runtime)
  if (executable === undefined) return undefined
  const { status, stdout } = spawnSync(executable, ['--version'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
