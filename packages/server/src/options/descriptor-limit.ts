import { readFileSync } from 'node:fs'

/** Of all descriptors, those for connections: listeners, files, and requests that are refused need some too. */
const SHARE = 0.8

/**
 * Connections that the process has descriptors for; Infinity where the system does not say, or sets no limit. At the limit
 * the engine would do nothing but try to accept.
 *
 * @param limits  What Linux says of the limits of a process.
 */
export function connectionsByDescriptors(limits: string | null = readLimits()): number {
  const soft = /^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1]
  return soft === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(Number(soft) * SHARE))
}

function readLimits(): string | null {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return null
  }
}
