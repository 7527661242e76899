import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { runtimePath, runtimeVersion } from '../src/process/runtime'

const folder = mkdtempSync(path.join(os.tmpdir(), 'runtime-'))
const bun = path.join(folder, 'bun')
writeFileSync(bun, '#!/bin/sh\necho 9.8.7\n')
chmodSync(bun, 0o755)
const notExecutable = path.join(folder, 'text')
writeFileSync(notExecutable, '')

afterEach(() => vi.unstubAllEnvs())
afterAll(() => rmSync(folder, { recursive: true }))

test('Bun is what the environment variable BUN names', () => {
  vi.stubEnv('BUN', bun)
  vi.stubEnv('PATH', '')
  expect(runtimePath('bun')).toBe(bun)
})

test('without the variable, Bun is looked for on the PATH', () => {
  vi.stubEnv('BUN', '')
  vi.stubEnv('PATH', ['/nowhere', folder].join(path.delimiter))
  expect(runtimePath('bun')).toBe(bun)
})

test.each([notExecutable, folder, '/nowhere/bun'])(
  'a variable that names no executable (%s) is not made up for',
  (named) => {
    vi.stubEnv('BUN', named)
    vi.stubEnv('PATH', folder)
    expect(runtimePath('bun')).toBeUndefined()
    expect(runtimeVersion('bun')).toBeUndefined()
  },
)

test('a runtime tells its version', () => {
  vi.stubEnv('BUN', bun)
  expect(runtimeVersion('bun')).toBe('9.8.7')
  expect(runtimeVersion('node')).toBe(process.version)
})
