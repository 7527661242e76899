import { next } from '../../wait'
import { equal, failsWith, patterned, range } from '../assert'
import type { Scenario } from '../environment'

/** Sizes at which something in an encoder, a WebSocket frame or a body of polling changes. */
const SIZES = [
  0, 1, 2, 125, 126, 127, 128, 255, 256, 1_000, 4_095, 4_096, 16_383, 16_384, 65_400, 65_535, 65_536, 65_537, 100_000,
  131_072, 200_000, 262_144, 300_000,
]

const BOX = { a: { 'a key': [1, { b: null }] }, constructor: 1, hasOwnProperty: 'x', '': 2, ü: 3 }

/** What is sent, and what it has to arrive as where that is something else. */
const VALUES: readonly (readonly [value: unknown, expected?: unknown])[] = [
  [null],
  [true],
  [false],
  ...[0, 1, -1, 127, 128, 255, 256, -32, -33, -128, -129, 65_535, 65_536, 2 ** 31, -(2 ** 31), 2 ** 32].map(
    (n) => [n] as const,
  ),
  ...[2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 53, 0.1, -1.5, 1e300, 5e-324, -0].map((n) => [n] as const),
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((n) => [n] as const),
  [''],
  ['a'.repeat(31)],
  ['a'.repeat(32)],
  ['ascii'],
  ['été, Grüße, 日本語, עברית, 🙂👩‍👩‍👧‍👦'],
  ['\u0000\u0001\u001f\u007f\ufeff\u2028'],
  ['🙂'.repeat(20_000)],
  ['\ud800', '\ufffd'],
  [[]],
  [{}],
  [[1, [2, [3, [4, [5]]]], {}]],
  [BOX],
  [range(2_000)],
  [new Date(0)],
  [new Date(-1)],
  [new Date(1_700_000_000_123)],
  [new Date(8.64e15)],
  [
    [undefined, 1],
    [null, 1],
  ],
  [{ there: 1, gone: undefined }, { there: 1 }],
  [{ toJSON: () => ({ as: 'json' }) }, { as: 'json' }],
  [Object.assign(Object.create(null), { bare: 1 }), { bare: 1 }],
  [Uint8Array.of(1, 2, 255)],
  [Uint8Array.of(1, 2, 3, 4).subarray(1, 3), Uint8Array.of(2, 3)],
  [Uint8Array.of(1, 2, 3).buffer, Uint8Array.of(1, 2, 3)],
  [new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2), Uint8Array.of(2, 3)],
  [new Float64Array([0.5]), new Uint8Array(new Float64Array([0.5]).buffer)],
  [{ deep: [{ bytes: Uint8Array.of(9), at: new Date(5) }] }],
]

/** Values of every type, and binary of every size. */
export const VALUES_SCENARIOS: readonly Scenario[] = [
  {
    name: 'carries values of every type to the server and back, each as the protocol says',
    async run(scope) {
      const socket = await scope.connect()
      for (const [value, expected = value] of VALUES) {
        equal(await socket.emitWithAck('echo', value), expected, 'a value')
      }
      const all = VALUES.map(([value]) => value)
      const back = await new Promise((resolve) => {
        socket.emit('echo', ...all, (...args: unknown[]) => resolve(args))
      })
      const expected = VALUES.map(([value, other = value]) => other)
      equal(back, expected, 'all at once')
    },
  },
  {
    name: 'refuses values that the wire cannot carry, and sends nothing of them',
    async run(scope) {
      const socket = await scope.connect()
      const cycle: unknown[] = []
      cycle.push(cycle)
      for (const value of [1n, Symbol('x'), new Map(), { f: () => {} }, new Date(Number.NaN), cycle]) {
        await failsWith('NOT_ENCODABLE', () => socket.emitWithAck('note', 'bad', value), 'a bad value')
      }
      equal(await socket.emitWithAck('count of notes', 'bad'), 0, 'what arrived')
    },
  },
  {
    name: 'event names of all kinds arrive as they are',
    async run(scope) {
      const socket = await scope.connect()
      for (const name of ['constructor', '__proto__', 'toString', 'then', 'a b', 'é'.repeat(64), '🙂', '0']) {
        const arrived = next(socket, name)
        socket.emit('send', name, 'x')
        equal(await arrived, ['x'], `event ${name}`)
      }
    },
  },
  {
    name: 'carries binary of 0 to 300,000 bytes to the server and back, to the byte',
    async run(scope) {
      const socket = await scope.connect()
      for (const size of SIZES) {
        equal(await socket.emitWithAck('echo', patterned(size)), patterned(size), `${size} bytes`)
      }
    },
  },
  {
    name: 'carries binary of all sizes at once, to the byte and in order',
    async run(scope) {
      const socket = await scope.connect()
      // Little enough for what a client may have outstanding.
      const sizes = SIZES.filter((size) => size <= 131_072)
      const answers = await Promise.all(sizes.map((size) => socket.emitWithAck('echo', patterned(size))))
      for (const [i, size] of sizes.entries()) equal(answers[i], patterned(size), `${size} bytes`)
    },
  },
  {
    name: 'bytes that were emitted may be changed at once, and those that arrived may be kept',
    async run(scope) {
      const socket = await scope.connect()
      const bytes = new Uint8Array(1_000).fill(1)
      const echo = socket.emitWithAck('echo', bytes)
      bytes.fill(2)
      const kept = await echo
      for (const n of range(20)) await socket.emitWithAck('echo', new Uint8Array(2_000).fill(n))
      equal(kept, new Uint8Array(1_000).fill(1), 'the bytes of the emit')
    },
  },
]
