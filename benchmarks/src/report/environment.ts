import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Peer } from '../peers'
import type { Pinning } from '../process/pinning'
import { runtimeVersion } from '../process/runtime'

/** What a figure depends on besides the code. */
export interface Environment {
  readonly machine: string
  /** Processes that wanted a core in the last minute. */
  readonly loadAverage: number
  readonly node: string
  readonly pinning: string
  /** Versions by package name, and of runtimes other than Node by theirs. */
  readonly packages: Readonly<Record<string, string>>
}

/** Load average from which figures suffer. */
const BUSY = 0.5

/** What no peer names, but has a part in its figures. */
const UNNAMED_PACKAGES = ['engine.io', 'msgpackr', 'socket.io-parser', 'tinybench']

/** Describes this machine and the versions of what `peers` need. */
export function describeEnvironment(pinning: Pinning, peers: readonly Peer[]): Environment {
  const cpus = os.cpus()
  const names = new Set([...peers.flatMap(({ packages }) => packages), ...UNNAMED_PACKAGES])
  const runtimes = new Set(peers.flatMap(({ runtime = 'node' }) => (runtime === 'node' ? [] : [runtime])))
  const gigabytes = Math.round(os.totalmem() / 2 ** 30)
  return {
    machine: `${cpus.length} x ${cpus[0]?.model ?? 'unknown CPU'}, ${gigabytes} GB, ${os.type()} ${os.release()} ${os.arch()}`,
    loadAverage: os.loadavg()[0] ?? 0,
    node: process.version,
    pinning:
      pinning.kind === 'pinned'
        ? `server pinned to core ${pinning.serverCore}, load to core ${pinning.loadCore}`
        : `not pinned: ${pinning.reason}`,
    packages: Object.fromEntries([
      ...[...names].map((name) => [name, packageVersion(name) ?? 'missing']),
      ...[...runtimes].map((name) => [name, runtimeVersion(name) ?? 'missing']),
    ]),
  }
}

/** Lines for the terminal. */
export function formatEnvironment({ machine, loadAverage, node, pinning, packages }: Environment): string {
  const versions = Object.entries(packages).map((entry) => entry.join(' '))
  const remark = loadAverage > BUSY ? ': other work is running, expect a wide spread' : ''
  return [
    `machine    ${machine}`,
    `busy       load average ${loadAverage.toFixed(1)} before the run${remark}`,
    `node       ${node}; ${versions.join(', ')}`,
    `processes  ${pinning}; loopback; a fresh server and a fresh load for every peer and round`,
  ].join('\n')
}

/** Version of an installed package; undefined if it is missing or not built. */
export function packageVersion(name: string): string | undefined {
  let folder: string
  try {
    const entry = fileURLToPath(import.meta.resolve(name))
    if (!existsSync(entry)) return undefined
    folder = path.dirname(entry)
  } catch {
    return undefined
  }
  for (; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const manifest = readManifest(path.join(folder, 'package.json'))
    if (manifest?.name === name) return manifest.version
  }
  return undefined
}

function readManifest(file: string): { name?: string; version?: string } | undefined {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}
