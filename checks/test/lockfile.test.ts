import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { root } from '../lib/root'

interface Entry {
  optionalDependencies?: Record<string, string>
  resolved?: string
  version?: string
}

const lock = JSON.parse(await readFile(`${root}/package-lock.json`, 'utf8')) as { packages: Record<string, Entry> }

test('the lockfile names no registry, so that any can serve it', () => {
  const entries = Object.entries(lock.packages)
  expect(entries.length, 'entries that were read').toBeGreaterThan(50)
  expect(entries.filter(([, { resolved }]) => resolved?.includes('://')).map(([path]) => path)).toEqual([])
})

// "npm ci" refuses a lockfile without them, and an "npm install" that could not fetch one leaves it out.
test('the lockfile has the optional packages of every platform', () => {
  const wanted = Object.entries(lock.packages).flatMap(([path, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {}).map((name) => ({ nested: `${path}/node_modules/${name}`, name })),
  )
  const has = (path: string) => lock.packages[path]?.version !== undefined
  const missing = wanted.filter(({ nested, name }) => !has(nested) && !has(`node_modules/${name}`))
  expect(missing.map(({ name }) => name)).toEqual([])
})
