/*
 * CPU time of the codecs for one body. From the root of the repository:
 *
 *   npx esbuild packages/protocol/scripts/codec-bench.ts --bundle --platform=node --format=esm \
 *     --packages=external --outfile=node_modules/.cache/codec-bench.mjs && node node_modules/.cache/codec-bench.mjs
 *
 * Prints nanoseconds of process CPU per operation, the median of the rounds; the codecs take turns within a
 * round, so that a change of clock speed meets all of them. Numbers of a run: docs/design/codec.md.
 *
 * Another version of the compact codec takes its turns as well when the path of its build follows: a bundle of
 * packages/protocol/src/index.ts of that version, made with the same options. Numbers of a few nanoseconds differ
 * from one process to the next, so compare the medians of several.
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createCompactCodec, type ValueCodec } from '../src/index'
import { createMsgpackrCodec } from '../src/msgpackr'
import { assertBodyAllowed } from '../src/values/gate'

const ROUNDS = 9
const ROUND_MS = 60

const PAYLOADS: Record<string, unknown> = {
  small: [{ id: 12345, ok: true }],
  tick: [{ symbol: 'AAPL', bid: 187.42, ask: 187.45, size: 300, time: 1_760_000_000_123, venue: 'XNAS' }],
  chat: [
    {
      from: { id: 'u_81723', name: 'Zoë Müller' },
      text: 'Shall we meet at the café around 8? I will bring the slides.',
      room: 'lobby',
      at: 1_760_000_000_123,
    },
  ],
  chatCjk: [
    {
      from: { id: 'u_81723', name: '小林さくら' },
      text: '今日の会議は午後三時からです。資料を持ってきてください。',
      room: 'lobby',
    },
  ],
  game: [
    Array.from({ length: 40 }, (_, i) => ({
      id: i * 37,
      x: i * 10.5,
      y: 720.25 - i,
      vx: -i,
      hp: 100 - i,
      name: `player-${i}`,
    })),
  ],
  binary: [new Uint8Array(4096).map((_, i) => i)],
}

const encoder = new TextEncoder()
const textDecoder = new TextDecoder()
const json: ValueCodec = {
  name: 'JSON (text to bytes, no checks)',
  encode: (value) => encoder.encode(JSON.stringify(value)),
  decode: (bytes): unknown => JSON.parse(textDecoder.decode(bytes)),
}

const codecs = [createCompactCodec(), createMsgpackrCodec(), json]
const [, , otherBuild] = process.argv
if (otherBuild !== undefined) {
  const other = (await import(pathToFileURL(resolve(otherBuild)).href)) as { createCompactCodec(): ValueCodec }
  codecs.splice(1, 0, { ...other.createCompactCodec(), name: 'compact of the other build' })
}
let sink: unknown

/** Nanoseconds of CPU per call of `run`. */
function measure(run: () => unknown): number {
  const before = process.cpuUsage()
  const until = performance.now() + ROUND_MS
  let calls = 0
  while (performance.now() < until) {
    for (let i = 0; i < 100; i++) sink = run()
    calls += 100
  }
  const used = process.cpuUsage(before)
  return ((used.user + used.system) * 1000) / calls
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number
}

function compare(work: ReadonlyMap<string, () => unknown>): string {
  const results = new Map<string, number[]>([...work.keys()].map((name) => [name, []]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of work) {
      const ns = measure(run)
      // The first round warms up.
      if (round > 0) results.get(name)?.push(ns)
    }
  }
  return [...results].map(([name, all]) => `${name} ${median(all).toFixed(0)}`).join('   ')
}

console.log(`Node ${process.version}, ns CPU per operation`)
for (const [name, value] of Object.entries(PAYLOADS)) {
  const body = codecs[0]?.encode(value, 0).slice() ?? new Uint8Array()
  const isBinary = name === 'binary'
  const usable = isBinary ? codecs.filter((codec) => codec !== json) : codecs
  console.log(`\n${name} (${body.length} bytes)`)
  console.log(`  encode   ${compare(new Map(usable.map((codec) => [codec.name, () => codec.encode(value, 8)])))}`)
  const decoding = usable.map((codec): [string, () => unknown] => {
    const bytes = codec.encode(value, 0).slice()
    return [codec.name, () => codec.decode(bytes, 0)]
  })
  decoding.push(['gate alone', () => assertBodyAllowed(body, 0, body.length)])
  console.log(`  decode   ${compare(new Map(decoding))}`)
}
if (sink === console) console.log('')
