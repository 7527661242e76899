import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { fromHex } from '../scripts/notation'
import {
  assertBodyAllowed,
  encodeFrame,
  isRoomcastError,
  MESSAGE_TYPES,
  RoomcastError,
  type ValueCodec,
} from '../src/index'
import vectors from '../vectors.json'
import { CODECS, carry, encode, expectCanary, expectSame, readFrame, runs } from './support'

vi.setConfig({ testTimeout: 20_000 * Number(process.env.FUZZ_RUNS ?? 1) })

const [compact, msgpackr] = CODECS as [ValueCodec, ValueCodec]

/** Values of every type that arrive as they were sent with both codecs; `-0` has its own test. */
const leaf: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, 0, NaN, Infinity, -Infinity),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double().map((n) => (n === 0 ? 0 : n)),
  fc.float().map((n) => (n === 0 ? 0 : n)),
  fc.string(),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.uint8Array({ maxLength: 300 }),
  fc.date({ noInvalidDate: true }),
)

const key = fc
  .oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 12 }))
  .filter((text) => text !== '__proto__')

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 8 },
    leaf,
    fc.array(tie('value'), { maxLength: 8 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 8 }).map((entries) => Object.fromEntries(entries)),
  ),
}))

describe('values', () => {
  it('go through either codec and come out of either as they were', () => {
    fc.assert(
      fc.property(value, (sent) => {
        const bodies = CODECS.map((codec) => encode(codec, sent))
        for (const body of bodies) for (const reader of CODECS) expectSame(reader.decode(body, 0), sent)
      }),
      runs(1_500),
    )
  })

  it('are encoded again to the same bytes after they were decoded', () => {
    fc.assert(
      fc.property(value, (sent) => {
        const body = encode(compact, sent)
        expectSame(encode(compact, compact.decode(body, 0)), body)
      }),
      runs(500),
    )
  })

  it('are at home at any place in a buffer, with any room in front', () => {
    fc.assert(
      fc.property(value, fc.nat(400), (sent, reserve) => {
        for (const codec of CODECS) {
          const bytes = codec.encode(sent, reserve)
          for (const reader of CODECS) expectSame(reader.decode(bytes, reserve), sent)
        }
      }),
      runs(500),
    )
  })

  it('of any kind at all are encoded or refused with NOT_ENCODABLE, by both codecs alike', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
      withObjectString: true,
      withBoxedValues: true,
    })
    fc.assert(
      fc.property(anything, (sent) => {
        const [ours, theirs] = CODECS.map((codec) => outcome(codec, sent))
        expectSame(theirs, ours)
      }),
      runs(2_000),
    )
  })
})

/** What arrives of a value, or the text of the refusal; `-0` as `0`, on which the codecs differ. */
function outcome(codec: ValueCodec, sent: unknown): unknown {
  try {
    return withoutNegativeZero(carry(sent, codec, compact))
  } catch (error) {
    if (isRoomcastError(error) && error.code === 'NOT_ENCODABLE') return error.message
    throw error
  }
}

function withoutNegativeZero(node: unknown): unknown {
  if (node === 0) return 0
  if (Array.isArray(node)) return node.map(withoutNegativeZero)
  if (typeof node !== 'object' || node === null || node instanceof Date || node instanceof Uint8Array) return node
  return Object.fromEntries(Object.entries(node).map(([name, item]) => [name, withoutNegativeZero(item)]))
}

/** What a codec makes of bytes: the value, or that it refused them. */
function reading(codec: ValueCodec, bytes: Uint8Array): { value: unknown } | 'refused' {
  try {
    return { value: codec.decode(bytes, 0) }
  } catch (error) {
    if (error instanceof RoomcastError && error.code === 'BAD_VALUE') return 'refused'
    throw error
  }
}

function isAllowed(bytes: Uint8Array): boolean {
  try {
    assertBodyAllowed(bytes, 0, bytes.length)
    return true
  } catch {
    return false
  }
}

function expectSameReading(bytes: Uint8Array): boolean {
  const ours = reading(compact, bytes)
  expectSame(reading(msgpackr, bytes), ours)
  expect(ours !== 'refused').toBe(isAllowed(bytes))
  return ours !== 'refused'
}

/** Bytes that begin like values more often than chance would have it. */
const likely = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        0x90,
        0x91,
        0x92,
        0x80,
        0x81,
        0x82,
        0xa0,
        0xa1,
        0xa3,
        0xc0,
        0xc2,
        0xca,
        0xcb,
        0xcc,
        0xcf,
        0xd3,
        0xd6,
        0xd7,
        0xd9,
        0xc4,
        0xc7,
        0xff,
        12,
      ),
      fc.nat(255),
    ),
    { maxLength: 40 },
  )
  .map((list) => Uint8Array.from(list))

describe('bytes', () => {
  it('at random are read alike by both codecs, or refused by both with BAD_VALUE', () => {
    let accepted = 0
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), likely), (bytes) => {
        if (expectSameReading(bytes)) accepted++
      }),
      runs(8_000),
    )
    expect(accepted).toBeGreaterThan(0)
    for (const codec of CODECS) expectCanary(codec)
  })

  it('of bodies with a few bytes changed, dropped or doubled are read alike by both codecs', () => {
    const change = fc.record({
      at: fc.nat(),
      byte: fc.nat(255),
      kind: fc.constantFrom('set', 'drop', 'insert', 'flip'),
    })
    let accepted = 0
    fc.assert(
      fc.property(value, fc.array(change, { minLength: 1, maxLength: 4 }), (sent, changes) => {
        const bytes = [...encode(compact, sent)]
        for (const { at, byte, kind } of changes) {
          const place = at % bytes.length
          if (kind === 'drop' && bytes.length > 1) bytes.splice(place, 1)
          else if (kind === 'insert') bytes.splice(place, 0, byte)
          else bytes[place] = kind === 'flip' ? (bytes[place] as number) ^ (1 << (byte & 7)) : byte
        }
        if (expectSameReading(Uint8Array.from(bytes))) accepted++
      }),
      runs(2_500),
    )
    expect(accepted).toBeGreaterThan(0)
    for (const codec of CODECS) expectCanary(codec)
  })

  it('of golden frames with one bit turned throw only RoomcastErrors', () => {
    const short = vectors.frames.map(({ hex }) => fromHex(hex)).filter((frame) => frame.length < 200)
    for (const frame of short) {
      for (let bit = 0; bit < frame.length * 8; bit++) {
        const changed = Uint8Array.from(frame)
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
        try {
          readFrame(compact, changed)
        } catch (error) {
          if (!isRoomcastError(error)) throw error
        }
      }
    }
    expectCanary(compact)
  })
})

describe('decoded values', () => {
  it('outlive the bytes they were read from', () => {
    fc.assert(
      fc.property(value, (sent) => {
        for (const codec of CODECS) {
          const bytes = encode(codec, sent)
          const read = codec.decode(bytes, 0)
          bytes.fill(0xaa)
          expectSame(read, sent)
        }
      }),
      runs(500),
    )
  })

  it('have binaries in buffers of their own, whatever holds the frame', () => {
    const raw = Uint8Array.of(1, 2, 3)
    for (const codec of CODECS) {
      const frame = Buffer.from(encodeFrame(codec, { type: MESSAGE_TYPES.EVENT, event: 'x' }, [raw, new Uint8Array(0)]))
      const { body } = readFrame(codec, frame)
      const [first] = body as [Uint8Array]
      expectSame(body, [raw, new Uint8Array(0)])
      expect(first.buffer.byteLength).toBe(3)
      expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype)
    }
  })
})
