/*
 * Writes packages/protocol/vectors.json. The file is the contract: run this only to add cases, and look at
 * every line that changes. From the root of the repository:
 *
 *   npx esbuild packages/protocol/scripts/make-vectors.ts --bundle --platform=node --format=esm \
 *     --outfile=node_modules/.cache/make-vectors.mjs && node node_modules/.cache/make-vectors.mjs
 */
import { writeFileSync } from 'node:fs'
import {
  createCompactCodec,
  createHeader,
  encodeFrame,
  type FrameFields,
  HEADER_FLAGS,
  MESSAGE_TYPES,
  PROTOCOL_VERSION,
  readHeader,
} from '../src/index'
import { HOSTILE, READ_ONLY } from './byte-cases'
import { fromHex, type Json, toHex, toNotation } from './notation'
import { FRAMES } from './vector-cases'

const codec = createCompactCodec()
const TYPE_NAMES = new Map<number, string>(Object.entries(MESSAGE_TYPES).map(([name, number]) => [number, name]))

function headerOf(bytes: Uint8Array): { [key: string]: Json } {
  const { type, namespace, ackId, room, seq, event } = readHeader(bytes, createHeader())
  const header: { [key: string]: Json } = { type: TYPE_NAMES.get(type) ?? '', namespace }
  if (ackId >= 0) header.ackId = ackId
  if (room >= 0) Object.assign(header, { room, seq })
  if (event !== '') header.event = event
  return header
}

function describe(name: string, direction: string, bytes: Uint8Array): Json {
  const body = codec.decode(bytes, readHeader(bytes, createHeader()).bodyStart)
  return { name, direction, hex: toHex(bytes), header: headerOf(bytes), body: toNotation(body) }
}

const frames = FRAMES.map(({ name, direction, fields, body }) =>
  describe(name, direction, encodeFrame(codec, fields as FrameFields, body).slice()),
)
const readOnly = READ_ONLY.map(({ name, hex }) => describe(name, 'both', fromHex(hex)))

const about = [
  'Test vectors of the Roomcast wire protocol; PROTOCOL.md explains it.',
  '"frames": an encoder writes exactly these bytes from header and body, a decoder reads them back.',
  '"readOnly": a decoder accepts these bytes, an encoder writes a shorter form.',
  '"hostile": a receiver refuses these frames with this error code.',
  'hex: bytes in lower case; "61*300" is the byte 61 three hundred times; parts are joined where a space stands.',
  'header: namespace 0 is the main namespace; a field that is missing is absent in the frame.',
  'body: JSON, where a map with one key that begins with "$" stands for what JSON does not have:',
  '{"$float": "NaN" | "Infinity" | "-Infinity" | "-0"}: a float64;',
  '{"$time": ms}: a timestamp, milliseconds since 1970-01-01T00:00:00Z; {"$bin": hex}: binary;',
  '{"$text": [text, n]}: the text n times; {"$list": [value, n]}: an array of n times the value.',
  'A JSON number that is an integer within ±(2^53 - 1) is written as an integer, any other as a float64.',
]

const section = (rows: readonly unknown[]) => rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n')
writeFileSync(
  'packages/protocol/vectors.json',
  `{
  "about": ${JSON.stringify(about, null, 4).replace(/\n\]$/, '\n  ]')},
  "version": ${PROTOCOL_VERSION},
  "types": ${JSON.stringify(MESSAGE_TYPES)},
  "flags": ${JSON.stringify(HEADER_FLAGS)},
  "frames": [
${section(frames)}
  ],
  "readOnly": [
${section(readOnly)}
  ],
  "hostile": [
${section(HOSTILE)}
  ]
}
`,
)
console.log(`${frames.length} frames, ${readOnly.length} read-only, ${HOSTILE.length} hostile`)
