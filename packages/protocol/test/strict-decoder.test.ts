import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { fromHex } from '../scripts/notation'
import { assertBodyAllowed, createCompactCodec, isRoomcastError } from '../src/index'
import { encode, errorOf, expectCanary, expectSame, runs } from './support'

/*
 * The compact decoder refuses by itself what the gate refuses for the other codec. These tests hold the two
 * together: the gate walks the bytes in another way, and knows nothing of values.
 */

vi.setConfig({ testTimeout: 20_000 * Number(process.env.FUZZ_RUNS ?? 1) })

const codec = createCompactCodec()

/** Whether `check` lets bytes through; fails on any error but BAD_VALUE. */
function isAllowed(check: () => unknown): boolean {
  try {
    check()
    return true
  } catch (error) {
    if (isRoomcastError(error) && error.code === 'BAD_VALUE') return false
    throw error
  }
}

/** Fails unless gate and decoder say the same; returns what they say. */
function verdict(bytes: Uint8Array, start = 0): boolean {
  const isRead = isAllowed(() => codec.decode(bytes, start))
  if (isRead !== isAllowed(() => assertBodyAllowed(bytes, start, bytes.length))) {
    throw new Error(`${isRead ? 'only the decoder' : 'only the gate'} takes ${Buffer.from(bytes).toString('hex')}`)
  }
  return isRead
}

/** Fails unless both verdicts occurred: a test in which everything is refused proves little. */
function expectBoth(verdicts: Iterable<boolean>): void {
  expect(new Set(verdicts)).toEqual(new Set([true, false]))
}

const bytesOf = (size: number, value: bigint): number[] =>
  Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * (size - 1 - i))) & 0xffn))

const EDGES = [0n, 1n, 3n, 12n, 31n, 127n, 128n, 255n, 256n, 999_999_999n, 1_000_000_000n].flatMap((n) => [n, -n])
const WIDE_EDGES = [2n ** 31n, 2n ** 32n, 2n ** 34n, 2n ** 53n, 2n ** 63n, 8_640_000_000_000n].flatMap((n) => [
  n - 1n,
  n,
  n + 1n,
  -n - 1n,
  -n,
  1n - n,
])
const LEADS = [0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf4, 0xf5]
const SECONDS = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xe2, 0xff]

const edge = fc.oneof(fc.constantFrom(...EDGES, ...WIDE_EDGES), fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }))

/** Texts on both sides of the length from which a TextDecoder reads them, some of them not UTF-8. */
const textBytes: fc.Arbitrary<number[]> = fc
  .tuple(
    fc.constantFrom(0, 0, 20, 40),
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 10 }).map((text) => [...Buffer.from(text)]),
      fc.array(fc.constantFrom(0x61, ...LEADS, ...SECONDS), { maxLength: 5 }),
      fc.constantFrom('__proto__', '__proto_', '__proto___', 'constructor').map((text) => [...Buffer.from(text)]),
    ),
  )
  .map(([padding, tail]) => [...new Array<number>(padding).fill(0x61), ...tail])

/** Mostly the length that is right. */
const slip = fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-1, 1, 255) })

/** A type byte and a length, in one of the forms that hold it. */
function headed(length: number, fix: [number, number] | null, types: Record<number, number>, form: number): number[] {
  const forms = Object.entries(types).filter(([size]) => length < 256 ** Number(size))
  if (fix !== null && length < fix[1] && form % 3 > 0) return [fix[0] + length]
  const [size, type] = forms[form % forms.length] as [string, number]
  return [type, ...bytesOf(Number(size), BigInt(length))]
}

const text = fc
  .tuple(textBytes, slip, fc.nat())
  .map(([bytes, off, form]) => [
    ...headed(Math.max(0, bytes.length + off), [0xa0, 0x20], { 1: 0xd9, 2: 0xda, 4: 0xdb }, form),
    ...bytes,
  ])

const scalar: fc.Arbitrary<number[]> = fc.oneof(
  fc.constantFrom(0xc0, 0xc2, 0xc3, 0x00, 0x7f, 0xe0, 0xff).map((byte) => [byte]),
  fc
    .tuple(fc.constantFrom(0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3), edge)
    .map(([type, n]) => [type, ...bytesOf(1 << (type & 3), n)]),
  text,
  fc
    .tuple(fc.nat(40), slip, fc.nat())
    .map(([length, off, form]) => [
      ...headed(Math.max(0, length + off), null, { 1: 0xc4, 2: 0xc5, 4: 0xc6 }, form),
      ...new Array<number>(length).fill(7),
    ]),
  // Timestamps, and extensions that are none.
  edge.map((n) => [0xd6, 0xff, ...bytesOf(4, n)]),
  fc.tuple(edge, edge).map(([ns, s]) => [0xd7, 0xff, ...bytesOf(8, (ns << 34n) | (s & 0x3_ffff_ffffn))]),
  fc.tuple(edge, edge).map(([ns, s]) => [0xc7, 12, 0xff, ...bytesOf(4, ns), ...bytesOf(8, s)]),
  fc
    .tuple(fc.constantFrom(0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8), edge)
    .map(([type, n]) => [type, ...bytesOf(4, n), ...bytesOf(12, n)]),
)

const { node } = fc.letrec<{ node: number[] }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', maxDepth: 18 },
    { weight: 3, arbitrary: scalar },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.array(tie('node'), { maxLength: 5 }), slip, fc.nat())
        .map(([items, off, form]) => [
          ...headed(Math.max(0, items.length + off), [0x90, 0x10], { 2: 0xdc, 4: 0xdd }, form),
          ...items.flat(),
        ]),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.array(
            fc.tuple(fc.oneof({ weight: 20, arbitrary: text }, { weight: 1, arbitrary: tie('node') }), tie('node')),
            { maxLength: 4 },
          ),
          slip,
          fc.nat(),
        )
        .map(([entries, off, form]) => [
          ...headed(Math.max(0, entries.length + off), [0x80, 0x10], { 2: 0xde, 4: 0xdf }, form),
          ...entries.flat(2),
        ]),
    },
  ),
}))

describe('the compact decoder and the gate', () => {
  it('agree on bodies made of every type with values around every bound', () => {
    const verdicts: boolean[] = []
    fc.assert(
      fc.property(node, fc.constantFrom('', '', '', 'cut', 'tail'), (bytes, change) => {
        const body = change === 'cut' ? bytes.slice(0, -1) : change === 'tail' ? [...bytes, 0xc0] : bytes
        verdicts.push(verdict(Uint8Array.from(body)))
      }),
      runs(8_000),
    )
    expectBoth(verdicts)
    expectCanary(codec)
  })

  it('agree on bytes at random behind any of the types', () => {
    const verdicts: boolean[] = []
    fc.assert(
      fc.property(fc.nat(255), fc.uint8Array({ maxLength: 24 }), (type, rest) => {
        verdicts.push(verdict(Uint8Array.of(type, ...rest)), verdict(Uint8Array.of(0x91, type, ...rest)))
      }),
      runs(5_000),
    )
    expectBoth(verdicts)
  })

  it('agree on every start of a sequence of UTF-8, in short and long texts and in keys', () => {
    const verdicts: boolean[] = []
    for (let lead = 0x80; lead < 0x100; lead++) {
      for (const second of SECONDS) {
        for (let length = 1; length <= 4; length++) {
          const sequence = [lead, second, 0x80, 0xbf].slice(0, length)
          const long = [...new Array<number>(30).fill(0x61), ...sequence]
          verdicts.push(verdict(Uint8Array.of(0xa0 + length, ...sequence)))
          // What follows the text may look like the rest of it.
          verdicts.push(verdict(Uint8Array.of(0x92, 0xa0 + length, ...sequence, 0x80)))
          verdicts.push(verdict(Uint8Array.of(0xd9, long.length, ...long)))
          verdicts.push(verdict(Uint8Array.of(0x81, 0xa0 + length, ...sequence, 0xc0)))
        }
      }
    }
    expectBoth(verdicts)
  })

  it('agree on integers and times at their bounds', () => {
    const verdicts: boolean[] = []
    for (const n of [...EDGES, ...WIDE_EDGES]) {
      for (const type of [0xcf, 0xd3]) verdicts.push(verdict(Uint8Array.of(type, ...bytesOf(8, n))))
      for (const ns of [0n, 1n, 999_999_999n, 1_000_000_000n, 0xffff_ffffn]) {
        verdicts.push(verdict(Uint8Array.of(0xc7, 12, 0xff, ...bytesOf(4, ns), ...bytesOf(8, n))))
        verdicts.push(verdict(Uint8Array.of(0xd7, 0xff, ...bytesOf(8, (ns << 34n) | (n & 0x3_ffff_ffffn)))))
      }
    }
    expectBoth(verdicts)
  })

  it.each([
    ['9,999 values in an array', 'dc270f c0*9999', true],
    ['10,000 values in an array', 'dc2710 c0*10000', false],
    ['9,999 values in two arrays', '92 dc1387 c0*4999 dc1386 c0*4998', true],
    ['10,000 values in two arrays', '92 dc1387 c0*4999 dc1387 c0*4999', false],
    ['4,999 pairs', 'de1387 a0c0*4999', true],
    ['5,000 pairs', 'de1388 a0c0*5000', false],
    ['arrays nested 16 deep', '91*15 90', true],
    ['arrays nested 17 deep', '91*16 90', false],
    ['maps nested 16 deep', '81a0*15 80', true],
    ['maps nested 17 deep', '81a0*16 80', false],
    ['a scalar below 16 arrays', '91*16 c0', true],
    ['an array as a key below 16 arrays', '91*15 81 90 c0', false],
    ['a timestamp of each form', '93 d6ff 00*4 d7ff 00*8 c70cff 00*12', true],
    ['a timestamp that says it has 11 bytes', 'c70bff 00*12', false],
    ['a timestamp that says it has 13 bytes', 'c70dff 00*12', false],
    ['another extension of 12 bytes', 'c70c01 00*12', false],
    ['another extension of 8 bytes', 'd701 00*8', false],
    ['another extension of 4 bytes', 'd601 00*4', false],
    ['more values claimed than bytes, and too deep', '91*16 9f', false],
  ])('agree on %s', (_, hex, isRead) => {
    expect(verdict(fromHex(hex))).toBe(isRead)
  })
})

describe('the compact decoder', () => {
  it('looks at nothing in front of the body, and counts offsets from its start', () => {
    const bytes = fromHex('c1c1c1 92a16101')
    expectSame(codec.decode(bytes, 3), ['a', 1])
    expect(errorOf(() => codec.decode(fromHex('c1c1 93a161c1'), 2)).message).toBe(
      'body refused at byte 4: type not allowed',
    )
    expect(errorOf(() => codec.decode(bytes, bytes.length)).code).toBe('BAD_VALUE')
    expect(errorOf(() => codec.decode(bytes, bytes.length + 1)).code).toBe('BAD_VALUE')
  })

  it('names the rule and never the content', () => {
    const rules: [string, string][] = [
      ['c1', 'type not allowed'],
      ['d40000', 'type not allowed'],
      ['a1ff', 'invalid UTF-8'],
      ['cfffffffffffffffff', 'integer beyond 2^53 - 1'],
      ['d7ffffffffff00000000', 'timestamp out of range'],
      ['81c001', 'key "__proto__", or one that is not a string'],
      ['92c0', 'truncated value'],
      ['91*16 90', 'nested deeper than 16'],
      ['dc2710 c0*10000', 'more than 10000 values'],
    ]
    const secret = [0xa8, ...Buffer.from('pa55word')]
    for (const [hex, rule] of rules) {
      const { message, data, cause } = errorOf(() => codec.decode(Uint8Array.of(0x92, ...secret, ...fromHex(hex)), 0))
      expect(message).toMatch(/^body refused at byte \d+: /)
      expect(message).toContain(rule)
      expect(message).not.toContain('pa55')
      expect([data, cause]).toEqual([undefined, undefined])
    }
    expect(errorOf(() => codec.decode(fromHex('c0c0'), 0)).message).toContain('bytes after the value')
  })

  it('drops no byte order mark, in a short text, a long one and a key', () => {
    for (const sent of ['\ufeff', '\ufeffa', `\ufeff${'a'.repeat(40)}`]) {
      expectSame(codec.decode(encode(codec, { [sent]: sent }), 0), { [sent]: sent })
    }
  })

  it('keeps neither the bytes it has read nor those it has refused', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const used = ['93a16101c1', '93a1610102'].map((hex) => {
      const bytes = fromHex(hex)
      isAllowed(() => codec.decode(bytes, 0))
      return new WeakRef(bytes)
    })
    await vi.waitFor(() => {
      collect()
      // Not the bytes themselves: the error would hold them.
      expect(used.map((bytes) => bytes.deref() === undefined)).toEqual([true, true])
    })
  })

  it('starts afresh after a body that it refused in the middle of its containers', () => {
    const deep = Uint8Array.of(...new Array<number>(15).fill(0x91), 0xdc, 0x10, 0x00, 0xc1, ...new Array(4095).fill(0))
    for (let i = 0; i < 5; i++) {
      expect(errorOf(() => codec.decode(deep, 0)).message).toContain('type not allowed')
      const most = new Array(9_999).fill(null)
      expectSame(codec.decode(encode(codec, most), 0), most)
      expectCanary(codec)
    }
  })
})
