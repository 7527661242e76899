import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { PACKAGES, root } from '../lib/root'

const run = promisify(execFile)
const config = `${root}/.dependency-cruiser.cjs`

interface Violation {
  from: string
  rule: { name: string }
}

/** Runs the layer check as `npm run layers` does, over the packages in `folder`. @returns lines "rule: file". */
async function violationsIn(folder: string): Promise<string[]> {
  const args = [`${root}/node_modules/dependency-cruiser/bin/dependency-cruise.mjs`, '--config', config]
  // With this reporter the exit code is 0 whatever was found.
  const { stdout } = await run(process.execPath, [...args, '--output-type', 'json', 'packages'], {
    cwd: folder,
    maxBuffer: 64 * 1024 * 1024,
  })
  const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[]; totalCruised: number } }
  expect(summary.totalCruised, 'files that were read').toBeGreaterThan(5)
  return summary.violations.map(({ from, rule }) => `${rule.name}: ${from.replace('packages/', '')}`).sort()
}

const fixture = (name: string) => `${root}/checks/fixtures/layers/${name}`

/** Every fault of the broken tree with the rule that has to find it; nothing else is wrong there. */
const FAULTS = [
  'client-browser-without-ws: client/src/transport/imports-ws.ts',
  'client-without-node: client/src/transport/imports-node.ts',
  'cycle: server/src/connection/type-cycle-a.ts',
  'cycle: server/src/egress/cycle-a.ts',
  'engine-outside-transport: server/src/dispatch/imports-engine-late.ts',
  'engine-outside-transport: server/src/dispatch/imports-engine-type.ts',
  'engine-outside-transport: server/src/dispatch/imports-engine.ts',
  'engine-outside-transport: server/src/dispatch/imports-peer-engine.ts',
  'leaf-npm/server/observe: server/src/observe/imports-npm.ts',
  'leaf/server/observe: server/src/observe/imports-options.ts',
  'leaf/server/options: server/src/options/imports-layer.ts',
  'protocol-door-without-msgpackr: protocol/src/index.ts',
  'protocol-without-node: protocol/src/values/imports-node.ts',
  'sister-door/server: server/src/egress/imports-past-the-door.ts',
  'stranger/client: client/src/inbound/imports-server.ts',
  'unlisted/server/from: server/src/utils/shorten.ts',
  'unlisted/server/to: server/src/dispatch/imports-unlisted.ts',
  'unresolved: server/src/dispatch/imports-nothing.ts',
  'upward/client/node: client/src/node.ts',
  'upward/client/transport: client/src/transport/imports-upward-type.ts',
  'upward/protocol/tables: protocol/src/tables/imports-upward-type.ts',
  'upward/server/api: server/src/api/imports-door.ts',
  'upward/server/rooms: server/src/rooms/imports-upward-inline.ts',
  'upward/server/rooms: server/src/rooms/imports-upward-type.ts',
  'upward/server/rooms: server/src/rooms/imports-upward.ts',
  'upward/server/rooms: server/src/rooms/reexports-upward-type.ts',
]

test('the packages keep their layers, types included, and have no cycle', async () => {
  expect(await violationsIn(root)).toEqual([])
})

test('the layer check finds every fault of a broken tree, and only those', async () => {
  expect(await violationsIn(fixture('broken'))).toEqual(FAULTS)
})

test('the layer check allows what is meant to be allowed', async () => {
  expect(await violationsIn(fixture('sound'))).toEqual([])
})

test('each kind of rule has a fault that it finds', () => {
  const kind = (line: string) => line.split(/[/:]/)[0]
  const { forbidden } = createRequire(import.meta.url)(config) as { forbidden: { name: string }[] }
  const proven = new Set(FAULTS.map(kind))
  expect(forbidden.map((rule) => rule.name).filter((name) => !proven.has(kind(name)))).toEqual([])
})

interface UnlistedRule {
  name: string
  from: { pathNot: string[] }
}

/** Patterns of the parts of a package that the lists name, top to bottom, leaves at the end. */
function listedParts(pkg: string): string[] {
  const { forbidden } = createRequire(import.meta.url)(config) as { forbidden: UnlistedRule[] }
  return forbidden.find(({ name }) => name === `unlisted/${pkg}/from`)?.from.pathNot ?? []
}

test.each(PACKAGES)('every file and folder in src of %s is named in the layer lists', async (pkg) => {
  const listed = listedParts(pkg).map((pattern) => new RegExp(pattern))
  const entries = await readdir(`${root}/packages/${pkg}/src`, { withFileTypes: true })
  const paths = entries.map((entry) => `packages/${pkg}/src/${entry.name}${entry.isDirectory() ? '/' : ''}`)
  expect(paths.filter((path) => !listed.some((pattern) => pattern.test(path)))).toEqual([])
})

test.each(PACKAGES)('CONTRIBUTING.md tells the layers of %s in their order', async (pkg) => {
  const text = await readFile(`${root}/CONTRIBUTING.md`, 'utf8')
  // A list may go on in lines that begin with a space.
  const lines = text.replaceAll(/\n +/g, ' ').split('\n')
  const told = lines.find((line) => line.startsWith(`${pkg} `) && line.includes(' > '))
  const names = listedParts(pkg).map((pattern) => /src\/(\w+)/.exec(pattern)?.[1])
  expect(told?.split(/[>,\s]+/)).toEqual([pkg, ...names])
})
