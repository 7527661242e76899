import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const source = (path: string) => fileURLToPath(new URL(`../../packages/${path}`, import.meta.url))

/** The suite as a script for pages, with the client as a page gets it. */
export async function bundleSuite(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./page.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    alias: {
      '@roomcast/client': source('client/src/browser.ts'),
      '@roomcast/protocol': source('protocol/src/index.ts'),
    },
  })
  return outputFiles[0]?.text ?? ''
}
