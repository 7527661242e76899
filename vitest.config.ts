import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(`./packages/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@roomcast\/protocol\/msgpackr$/, replacement: source('protocol/src/msgpackr.ts') },
      { find: /^@roomcast\/protocol$/, replacement: source('protocol/src/index.ts') },
      { find: /^@roomcast\/server\/login$/, replacement: source('server/src/login/index.ts') },
      { find: /^@roomcast\/server$/, replacement: source('server/src/index.ts') },
      { find: /^@roomcast\/client$/, replacement: source('client/src/node.ts') },
    ],
  },
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'examples/*/test/**/*.test.ts',
      'checks/test/**/*.test.ts',
      'test-kit/test/**/*.test.ts',
      'benchmarks/test/**/*.test.ts',
    ],
    // Tests wait more than they compute: on two cores the default would be one file at a time.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
