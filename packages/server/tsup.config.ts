import { cp } from 'node:fs/promises'
import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts', login: 'src/login/index.ts' },
  format: ['esm', 'cjs'],
  dts: { compilerOptions: { stripInternal: true } },
  clean: true,
  target: 'es2022',
  platform: 'node',
  shims: true,
  // The browser client is served from here; the client package is built first.
  onSuccess: async () => {
    await cp('../client/dist/standalone', 'dist/client', { recursive: true })
  },
})
