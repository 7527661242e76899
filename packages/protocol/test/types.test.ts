import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { isRoomcastError, LIMITS } from '../src/index'
import { CODECS, carry, encode, errorOf, expectCanary, expectSame } from './support'
import { CARRIED, NEGATIVE_ZERO, nested, REFUSED } from './type-table'

for (const codec of CODECS) {
  describe(`table of values, ${codec.name}`, () => {
    it.each(CARRIED)('carries $title', ({ make, arrives }) => {
      for (const reader of CODECS) expectSame(carry(make(), codec, reader), arrives())
    })

    it.each(REFUSED)('refuses $title', ({ make, reason }) => {
      const value = make()
      const error = errorOf(() => codec.encode(value, 0))
      expect(error.code).toBe('NOT_ENCODABLE')
      expect(error.message).toMatch(reason)
      expect(error.message).not.toContain('secret')
      expectCanary(codec)
    })

    it('leaves the value it encodes as it was', () => {
      for (const { make } of CARRIED) {
        const value = make()
        const before = inspect(value, { depth: 20 })
        codec.encode(value, 0)
        expect(inspect(value, { depth: 20 })).toBe(before)
      }
    })

    it('gives what a toJSON threw as the cause', () => {
      const fault = new Error('from the application')
      const error = errorOf(() =>
        codec.encode(
          {
            toJSON() {
              throw fault
            },
          },
          0,
        ),
      )
      expect(error.cause).toBe(fault)
    })

    it('encodes values of another realm like its own', () => {
      const foreign: unknown = runInNewContext(
        '({ at: new Date(5), raw: new Uint8Array([1, 2]).buffer, view: new Float32Array(1), list: [1, undefined], map: { a: 1 } })',
      )
      const here = {
        at: new Date(5),
        raw: Uint8Array.of(1, 2),
        view: new Uint8Array(4),
        list: [1, null],
        map: { a: 1 },
      }
      for (const reader of CODECS) expectSame(carry(foreign, codec, reader), here)
      for (const code of ['new Map()', 'new Error("x")', 'Promise.resolve()']) {
        const value: unknown = runInNewContext(code)
        expect(errorOf(() => codec.encode(value, 0)).code).toBe('NOT_ENCODABLE')
      }
    })

    it('decodes every value that it agrees to encode, at the bounds of depth and count', () => {
      const values = [
        nested(LIMITS.valueDepth),
        new Array(LIMITS.valueItems - 1).fill(0),
        pairs((LIMITS.valueItems - 2) / 2),
      ]
      for (const value of values) expectSame(carry(value, codec, codec), value)
      expect(errorOf(() => codec.encode(pairs(LIMITS.valueItems / 2), 0)).code).toBe('NOT_ENCODABLE')
    })
  })
}

function pairs(count: number): unknown {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))
}

describe('the compact codec', () => {
  const [compact, msgpackr] = CODECS as [(typeof CODECS)[0], (typeof CODECS)[0]]

  it('keeps the sign of zero, which msgpackr drops', () => {
    expectSame(carry(NEGATIVE_ZERO.make(), compact, compact), -0)
    expectSame(carry(NEGATIVE_ZERO.make(), compact, msgpackr), -0)
    expectSame(carry(NEGATIVE_ZERO.make(), msgpackr, compact), 0)
  })

  it('gives equal bytes for equal values with properties in the same order', () => {
    for (const { make } of CARRIED) expectSame(encode(compact, make()), encode(compact, make()))
  })

  it('reads each property once, so that a fickle getter cannot break the frame', () => {
    let reads = 0
    const fickle = {
      get a() {
        return reads++ === 0 ? 1 : undefined
      },
      b: 2,
    }
    expectSame(carry(fickle, compact, compact), { a: 1, b: 2 })
    expect(reads).toBe(1)
  })

  it('sends an array with the length it had at first, though a toJSON within changes it', () => {
    const list: unknown[] = []
    list.push({ toJSON: () => list.push(1, 2, 3) }, 'last')
    expectSame(carry(list, compact, compact), [5, 'last'])
  })
})

describe('errors of encoding', () => {
  it('are RoomcastErrors whatever the value does', () => {
    const traps = new Proxy(
      {},
      {
        ownKeys() {
          throw new RangeError('no keys for you')
        },
      },
    )
    for (const codec of CODECS) {
      try {
        codec.encode([traps], 0)
        expect.unreachable()
      } catch (error) {
        expect(isRoomcastError(error)).toBe(true)
      }
    }
  })
})
