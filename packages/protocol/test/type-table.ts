/*
 * The table of values of PROTOCOL.md as data: what each JavaScript value arrives as, or why it is refused.
 * Every codec passes it here; the tests of the server and the client send it over a connection.
 */

/** A value that arrives. */
export interface CarriedRow {
  readonly title: string
  /** Makes the value anew, so that no test sees what another did to it. */
  readonly make: () => unknown
  /** Makes what arrives. */
  readonly arrives: () => unknown
}

/** A value that `encode` refuses with `NOT_ENCODABLE`. */
export interface RefusedRow {
  readonly title: string
  readonly make: () => unknown
  /** Part of the text of the error. */
  readonly reason: RegExp
}

function same(title: string, make: () => unknown): CarriedRow {
  return { title, make, arrives: make }
}

function becomes(title: string, make: () => unknown, arrives: () => unknown): CarriedRow {
  return { title, make, arrives }
}

function refused(title: string, make: () => unknown, reason: RegExp): RefusedRow {
  return { title, make, reason }
}

/** `depth` containers around a text, arrays and maps in turn. */
export function nested(depth: number): unknown {
  if (depth === 0) return 'core'
  return depth % 2 === 0 ? [nested(depth - 1)] : { in: nested(depth - 1) }
}

class Player {
  readonly #secret = 1
  hp = 100
  constructor(readonly name: string) {}
  get isAlive(): boolean {
    return this.hp > this.#secret
  }
  heal(): void {
    this.hp++
  }
}

class Money {
  constructor(readonly cents: number) {}
  toJSON(): unknown {
    return { cents: this.cents }
  }
}

class Shout extends Array<string> {}

/** Bytes 1 to 8 in the middle of a larger buffer, as a view that must not send its neighbours. */
function middle(): { buffer: ArrayBuffer; offset: number } {
  const bytes = new Uint8Array(24).fill(0xee)
  for (let i = 0; i < 8; i++) bytes[8 + i] = i + 1
  return { buffer: bytes.buffer, offset: 8 }
}

const ONE_TO_EIGHT = () => Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

/** A view of the bytes 1 to 8 by each class of view. */
function view(
  title: string,
  make: (buffer: ArrayBuffer, offset: number) => ArrayBufferView,
  title2 = 'its bytes',
): CarriedRow {
  return becomes(
    `${title} becomes ${title2}`,
    () => {
      const { buffer, offset } = middle()
      return make(buffer, offset)
    },
    ONE_TO_EIGHT,
  )
}

/** `-0` is the one value on which codecs differ: msgpackr sends `0`. */
export const NEGATIVE_ZERO: CarriedRow = same('-0', () => -0)

export const CARRIED: readonly CarriedRow[] = [
  same('null', () => null),
  same('true', () => true),
  same('false', () => false),
  becomes(
    'undefined becomes null',
    () => undefined,
    () => null,
  ),
  becomes(
    'undefined in an array becomes null',
    () => [1, undefined, 2],
    () => [1, null, 2],
  ),
  becomes(
    'an undefined property is left out',
    () => ({ a: undefined, b: 1, c: undefined }),
    () => ({ b: 1 }),
  ),
  becomes(
    'of 20 properties 15 are left out',
    () => Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i < 15 ? undefined : i])),
    () => ({ k15: 15, k16: 16, k17: 17, k18: 18, k19: 19 }),
  ),
  ...[0, 1, -1, 127, 128, 255, 256, 65_535, 65_536, -32, -33, -128, -129, -32_768, -32_769].map((n) =>
    same(`integer ${n}`, () => n),
  ),
  ...[2 ** 31, -(2 ** 31), 2 ** 32 - 1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53 - 1)].map((n) =>
    same(`integer ${n}`, () => n),
  ),
  ...[2 ** 53, -(2 ** 53), 2 ** 64, 1e300, 0.1, -0.5, 5e-324, Number.MAX_VALUE].map((n) => same(`float ${n}`, () => n)),
  same('NaN', () => NaN),
  same('Infinity', () => Infinity),
  same('-Infinity', () => -Infinity),
  ...[0, 1, 31, 32, 33, 40, 41, 255, 256, 65_535, 65_536].map((n) =>
    same(`text of ${n} characters`, () => 'x'.repeat(n)),
  ),
  ...[1, 10, 11, 64, 86, 30_000].map((n) => same(`text of ${n} characters of 3 bytes`, () => '語'.repeat(n))),
  same('text beyond the basic plane', () => '🎲 Zoë 語'),
  same('text with NUL and a byte order mark', () => '\ufeffa\0b'),
  becomes(
    'a lone high surrogate becomes U+FFFD',
    () => 'a\ud83cb',
    () => 'a\ufffdb',
  ),
  becomes(
    'a lone low surrogate becomes U+FFFD',
    () => '\udfb2',
    () => '\ufffd',
  ),
  becomes(
    'a lone surrogate in a key becomes U+FFFD',
    () => ({ '\ud83c': [1] }),
    () => ({ '\ufffd': [1] }),
  ),
  ...[0, 1, 1000, 1_760_000_000_123, (2 ** 32 - 1) * 1000, 2 ** 32 * 1000, 2 ** 34 * 1000 - 1, 2 ** 34 * 1000].map(
    (ms) => same(`Date ${ms} ms`, () => new Date(ms)),
  ),
  ...[-1, -999, -1000, -1001, -62_135_596_800_000, 8.64e15, -8.64e15].map((ms) =>
    same(`Date ${ms} ms`, () => new Date(ms)),
  ),
  ...[0, 1, 255, 256, 65_536].map((n) => same(`Uint8Array of ${n} bytes`, () => new Uint8Array(n).fill(9))),
  view('a Uint8Array of part of a buffer', (buffer, offset) => new Uint8Array(buffer, offset, 8)),
  view('a Buffer', (buffer, offset) => Buffer.from(buffer, offset, 8)),
  view('an Int8Array', (buffer, offset) => new Int8Array(buffer, offset, 8)),
  view('a Uint8ClampedArray', (buffer, offset) => new Uint8ClampedArray(buffer, offset, 8)),
  view('an Int16Array', (buffer, offset) => new Int16Array(buffer, offset, 4)),
  view('a Uint32Array', (buffer, offset) => new Uint32Array(buffer, offset, 2)),
  view('a Float32Array', (buffer, offset) => new Float32Array(buffer, offset, 2)),
  view('a Float64Array', (buffer, offset) => new Float64Array(buffer, offset, 1)),
  view('a BigInt64Array', (buffer, offset) => new BigInt64Array(buffer, offset, 1)),
  view('a DataView', (buffer, offset) => new DataView(buffer, offset, 8)),
  becomes('an ArrayBuffer becomes its bytes', () => ONE_TO_EIGHT().buffer, ONE_TO_EIGHT),
  same('an empty array', () => []),
  same('an empty object', () => ({})),
  same('arrays of 15, 16 and 9,000 values', () => [
    new Array(15).fill(1),
    new Array(16).fill('a'),
    new Array(9_000).fill(0),
  ]),
  same('an object of 16 properties', () => Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, i]))),
  becomes(
    'holes of a sparse array become null',
    () => Object.assign([1], { 2: 3 }),
    () => [1, null, 3],
  ),
  becomes(
    'an array of a subclass becomes an array',
    () => Shout.of('a', 'b'),
    () => ['a', 'b'],
  ),
  same('numeric, empty and inherited names as keys', () => ({
    1: 'a',
    '': 'b',
    constructor: 'c',
    toString: 'd',
    hasOwnProperty: 'e',
  })),
  same('a property named toJSON that is no function', () => ({ toJSON: 1, constructor: 2 })),
  becomes(
    'an object without a prototype becomes an object',
    () => Object.assign(Object.create(null), { a: 1 }),
    () => ({ a: 1 }),
  ),
  becomes(
    'a class instance becomes its own enumerable fields',
    () => new Player('Ada'),
    () => ({ hp: 100, name: 'Ada' }),
  ),
  becomes(
    'inherited properties stay behind',
    () => Object.create({ far: 1 }, { near: { value: 2, enumerable: true } }),
    () => ({ near: 2 }),
  ),
  becomes(
    'symbol keys and hidden properties stay behind',
    () => Object.defineProperty({ a: 1, [Symbol.for('s')]: 2 }, 'h', { value: 3 }),
    () => ({ a: 1 }),
  ),
  becomes(
    'toJSON speaks for its object',
    () => [new Money(250)],
    () => [{ cents: 250 }],
  ),
  becomes(
    'toJSON may answer undefined',
    () => [{ toJSON: () => undefined }],
    () => [null],
  ),
  becomes(
    'toJSON may answer a Date',
    () => ({ at: { toJSON: () => new Date(5) } }),
    () => ({ at: new Date(5) }),
  ),
  becomes(
    'a URL becomes its text',
    () => new URL('https://example.org/a'),
    () => 'https://example.org/a',
  ),
  becomes(
    'a getter is read',
    () => ({
      get a() {
        return 1
      },
    }),
    () => ({ a: 1 }),
  ),
  becomes(
    'the same object twice becomes two objects',
    () => {
      const a = { n: 1 }
      return [a, a]
    },
    () => [{ n: 1 }, { n: 1 }],
  ),
  same('nesting of 16', () => nested(16)),
]

function loop(): unknown {
  const ring: unknown[] = [1]
  ring.push({ ring })
  return ring
}

/** Few objects that share their parts: 10^12 values for whoever walks them all. */
function bush(): unknown {
  let part: unknown = 1
  for (let i = 0; i < 12; i++) part = new Array(10).fill(part)
  return part
}

export const REFUSED: readonly RefusedRow[] = [
  refused('a bigint', () => 10n, /a bigint \(send it as a string\)/),
  refused('a bigint within a value', () => ({ balance: [10n] }), /a bigint/),
  refused('a function', () => () => 1, /a function/),
  refused('a class', () => Player, /a function/),
  refused('a function as a property', () => ({ run() {} }), /a function/),
  refused('a symbol', () => Symbol('s'), /a symbol/),
  refused('an invalid Date', () => new Date(NaN), /an invalid Date/),
  refused('a Map', () => new Map([['a', 1]]), /a Map/),
  refused('a Set', () => new Set([1]), /a Set/),
  refused('a WeakMap', () => new WeakMap(), /a WeakMap/),
  refused('an iterator', () => new Map([['a', 1]]).keys(), /a Map Iterator/),
  refused('a generator', () => (function* () {})(), /a Generator/),
  refused('a Promise', () => Promise.resolve(1), /a Promise/),
  refused('an Error', () => new TypeError('secret text'), /a Error/),
  refused('a RegExp', () => /a/, /a RegExp/),
  refused('a Number object', () => Object(1), /a Number/),
  refused('a String object', () => Object('a'), /a String/),
  refused('a Boolean object', () => Object(true), /a Boolean/),
  refused('a SharedArrayBuffer', () => new SharedArrayBuffer(4), /a SharedArrayBuffer/),
  refused('a Blob', () => new Blob(['a']), /a Blob/),
  refused('an own property named __proto__', () => JSON.parse('{"__proto__": {"admin": true}}'), /"__proto__"/),
  refused('nesting of 17', () => nested(17), /nested deeper than 16/),
  refused(
    'an array that holds itself',
    () => {
      const a: unknown[] = []
      a.push(a)
      return a
    },
    /nested deeper than 16, or a cycle/,
  ),
  refused('a longer cycle', loop, /or a cycle/),
  refused(
    'a toJSON that returns its object',
    () => ({
      toJSON() {
        return this
      },
    }),
    /or a cycle/,
  ),
  refused('more than 10,000 values', () => new Array(10_000).fill(0), /more than 10000 values/),
  refused(
    'an array with a length of four billion',
    () => {
      const a: unknown[] = []
      a.length = 4e9
      return a
    },
    /more than 10000 values/,
  ),
  refused('few objects that share their parts many times', bush, /more than 10000 values/),
  refused(
    'a toJSON that throws',
    () => ({
      toJSON() {
        throw new Error('secret text')
      },
    }),
    /threw when it was read/,
  ),
  refused(
    'a getter that throws',
    () => [
      {
        get a() {
          throw new Error('secret text')
        },
      },
    ],
    /threw when it was read/,
  ),
  refused(
    'a Proxy that was revoked',
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return [proxy]
    },
    /threw when it was read/,
  ),
]
