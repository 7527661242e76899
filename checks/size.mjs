/*
 * The size budget of the client: everything that `import { io } from '@roomcast/client'` brings to a page, bundled
 * as ESM, minified, gzip -9. Run by `npm run check:size`.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/**
 * 24 KB: WebSocket, polling, codec, the life of a connection, logins and user lists, rooms and their streams. Why not 12:
 * docs/design/connection.md, "What was given up", people.md and delivery.md, "The size of the client".
 */
const BUDGET_BYTES = 24_576

const root = fileURLToPath(new URL('..', import.meta.url))
const inRoot = (/** @type {string} */ path) => `${root}${path}`
const gzipped = (/** @type {Uint8Array} */ bytes) => gzipSync(bytes, { level: 9 }).length
const format = (/** @type {number} */ bytes) => `${bytes.toLocaleString('en-US')} bytes`

const { outputFiles, metafile } = await build({
  entryPoints: [inRoot('packages/client/src/browser.ts')],
  alias: { '@roomcast/protocol': inRoot('packages/protocol/src/index.ts') },
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  metafile: true,
  minify: true,
  platform: 'browser',
  target: 'es2022',
  write: false,
})
const bundle = outputFiles[0]?.contents ?? new Uint8Array()
const size = gzipped(bundle)

console.log(
  `client bundle (ESM, minified): ${format(bundle.length)}, gzip -9: ${format(size)}, budget ${format(BUDGET_BYTES)}`,
)
const [output] = Object.values(metafile.outputs)
const parts = Object.entries(output?.inputs ?? {}).sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)
for (const [path, { bytesInOutput }] of parts.slice(0, 8))
  console.log(`  ${String(bytesInOutput).padStart(6)}  ${path}`)
if (parts.length > 8) console.log(`          and ${parts.length - 8} smaller files`)

// What the server gives to pages without a bundler.
for (const name of ['client.js', 'client.mjs']) {
  const script = inRoot(`packages/client/dist/standalone/${name}`)
  const bytes = existsSync(script) ? await readFile(script) : null
  const found = bytes ? `${format(bytes.length)}, gzip -9: ${format(gzipped(bytes))}` : 'not built'
  console.log(`standalone script (${name}): ${found}`)
}

if (size > BUDGET_BYTES) {
  console.error(`The client is ${format(size - BUDGET_BYTES)} over its budget.`)
  process.exitCode = 1
}
