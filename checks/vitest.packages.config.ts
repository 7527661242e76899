import { defineConfig } from 'vitest/config'

/** The check of the packed packages: apart from `npm test`, because it installs from the registry. */
export default defineConfig({
  test: {
    include: ['checks/packages/**/*.test.ts'],
    reporters: ['verbose'],
    testTimeout: 120_000,
  },
})
