import { defineConfig } from 'tsup'

// The three builds run side by side, so none of them cleans: the script does, before.
const dts = { compilerOptions: { stripInternal: true } }

export default defineConfig([
  {
    entry: { browser: 'src/browser.ts', node: 'src/node.ts' },
    format: ['esm', 'cjs'],
    dts,
    target: 'es2022',
    splitting: false,
  },
  {
    // For pages without a bundler; the server serves both.
    entry: { client: 'src/standalone.ts' },
    outDir: 'dist/standalone',
    format: ['iife'],
    outExtension: () => ({ js: '.js' }),
    minify: true,
    noExternal: [/./],
    platform: 'browser',
    target: 'es2022',
  },
  {
    entry: { client: 'src/browser.ts' },
    outDir: 'dist/standalone',
    format: ['esm'],
    outExtension: () => ({ js: '.mjs' }),
    minify: true,
    noExternal: [/./],
    platform: 'browser',
    target: 'es2022',
  },
])
