import { describe, expect, it } from 'vitest'
import {
  createCompactCodec,
  encodeFrame,
  type FrameFields,
  MESSAGE_TYPES,
  RoomcastError,
  readArguments,
  readConnectBody,
  readErrorBody,
  toErrorBody,
  type ValueCodec,
} from '../src/index'
import { CompactEncoder } from '../src/values/compact-encoder'
import { CODECS, encode, errorOf, expectSame, readFrame } from './support'

const EVENT: FrameFields = { type: MESSAGE_TYPES.EVENT, event: 'outer', namespace: 1, ackId: 2 }

for (const codec of CODECS) {
  describe(`encoding, ${codec.name}`, () => {
    it('survives a toJSON that encodes another frame with the same codec', () => {
      let inner: Uint8Array | undefined
      const value = {
        before: 'x'.repeat(100),
        self: {
          toJSON() {
            inner = encodeFrame(codec, { type: MESSAGE_TYPES.EVENT, event: 'in', room: 7, seq: 8 }, [
              'inner',
              'y'.repeat(9_000),
            ])
            return 'spoken'
          },
        },
        after: [1, 2, 3],
      }
      const outer = encodeFrame(codec, EVENT, [value])
      expectSame(readFrame(codec, outer), {
        header: { type: 5, namespace: 1, ackId: 2, room: -1, seq: 0, event: 'outer', bodyStart: 9 },
        body: [{ before: 'x'.repeat(100), self: 'spoken', after: [1, 2, 3] }],
      })
      expectSame(readFrame(codec, inner as Uint8Array), {
        header: { type: 5, namespace: 0, ackId: -1, room: 7, seq: 8, event: 'in', bodyStart: 6 },
        body: ['inner', 'y'.repeat(9_000)],
      })
    })

    it('refuses a toJSON that encodes its own object without end', () => {
      const value = { toJSON: (): unknown => codec.encode(value, 0) }
      expect(errorOf(() => codec.encode(value, 0)).code).toBe('NOT_ENCODABLE')
      expectSame(codec.decode(encode(codec, [1]), 0), [1])
    })

    it('counts the values of a frame encoded within a toJSON by themselves', () => {
      const many = new Array(6_000).fill(0)
      const value = [many, { toJSON: () => codec.encode(many, 0).length }]
      expectSame(codec.decode(encode(codec, value), 0), [many, 6_003])
    })

    it('goes on after a value it refused', () => {
      for (const bad of [{ a: ['x'.repeat(5_000), 1n] }, [() => 1], new Map()]) {
        expect(errorOf(() => codec.encode(bad, 3)).code).toBe('NOT_ENCODABLE')
        expectSame(codec.decode(encode(codec, { ok: [true] }), 0), { ok: [true] })
      }
    })

    it('goes on after a toJSON that threw in the middle of a large value', () => {
      const bad = {
        toJSON() {
          throw new Error('no')
        },
      }
      errorOf(() => codec.encode(['x'.repeat(100_000), { deep: [bad] }], 0))
      expectSame(codec.decode(encode(codec, ['small']), 0), ['small'])
    })

    it('leaves nothing of one message in the next', () => {
      const secret = 'deadbeef'.repeat(50)
      for (let i = 0; i < 200; i++) {
        encode(codec, [secret, new TextEncoder().encode(secret)])
        for (const view of [
          new Float64Array(3),
          new Uint32Array(5),
          new DataView(new ArrayBuffer(7)),
          new ArrayBuffer(9),
        ]) {
          expect(Buffer.from(encode(codec, [view, i])).includes('beef')).toBe(false)
        }
      }
    })

    it('leaves exactly the room that was asked for, also more than a scratch holds', () => {
      for (const reserve of [0, 1, 162, 255, 256, 10_000]) {
        const bytes = codec.encode('ab', reserve)
        expect([bytes.length, ...bytes.subarray(reserve)]).toEqual([reserve + 3, 0xa2, 0x61, 0x62])
      }
    })
  })
}

describe('the scratch of the compact encoder', () => {
  it('is one buffer for small messages and is given up after a large one', () => {
    const encoder = new CompactEncoder()
    const small = encoder.encode('small', 0).buffer
    expect(encoder.encode('next', 0).buffer).toBe(small)
    const large = encoder.encode('x'.repeat(1_000_000), 0)
    expect(large.length).toBe(1_000_005)
    expect(encoder.encode('small', 0).buffer.byteLength).toBeLessThan(10_000)
  })

  it('is overwritten by the next message, as ValueCodec says', () => {
    const codec = createCompactCodec()
    const first = codec.encode('aaaa', 0)
    codec.encode('bbbb', 0)
    expect(Buffer.from(first).toString()).toContain('bbbb')
  })

  it('grows wherever a message needs it', () => {
    const codec = createCompactCodec()
    for (let length = 4_000; length < 4_120; length++) {
      for (const tail of ['t'.repeat(60), '語'.repeat(20), new Uint8Array(100), new Date(-1), 1.5, { a: [1] }]) {
        const value = ['x'.repeat(length), tail]
        expectSame(codec.decode(encode(codec, value), 0), value)
      }
    }
  })
})

describe('encode by msgpackr', () => {
  it('returns bytes that stay, in a buffer of their own size', () => {
    const codec = CODECS[1] as ValueCodec
    const first = codec.encode(['first'], 2)
    codec.encode(['x'.repeat(100_000)], 2)
    expect(first.buffer.byteLength).toBe(first.length)
    expectSame(codec.decode(first, 2), ['first'])
  })
})

describe('bodies', () => {
  it('pass over keys they do not know', () => {
    expect(readConnectBody({ nsp: '/', auth: 1, later: 2 })).toEqual({ nsp: '/', auth: 1 })
    expect(readErrorBody({ code: 'X', message: 'm', later: 2 })).toEqual({ code: 'X', message: 'm', data: undefined })
  })

  it('are refused with BAD_FRAME when they have another shape', () => {
    const wrong = [
      null,
      1,
      'x',
      [],
      {},
      new Date(0),
      Uint8Array.of(1),
      { nsp: '' },
      { nsp: 'x' },
      { nsp: `/${'x'.repeat(200)}` },
      { nsp: '/\n' },
    ]
    for (const body of wrong) expect(errorOf(() => readConnectBody(body)).code).toBe('BAD_FRAME')
    for (const body of [null, {}, 'x', new Date(0)]) expect(errorOf(() => readArguments(body)).code).toBe('BAD_FRAME')
  })

  it('tell the peer the text of a RoomcastError and of no other error', () => {
    const own = new RoomcastError('SOLD_OUT', 'nothing left', { data: { left: 0 }, cause: new Error('db password') })
    expect(toErrorBody(own, 'HANDLER_FAILED', 'failed')).toEqual({
      code: 'SOLD_OUT',
      message: 'nothing left',
      data: { left: 0 },
    })
    expect(toErrorBody(new Error('db password'), 'HANDLER_FAILED', 'failed')).toEqual({
      code: 'HANDLER_FAILED',
      message: 'failed',
    })
    expect(toErrorBody(null, 'HANDLER_FAILED', 'failed')).toEqual({ code: 'HANDLER_FAILED', message: 'failed' })
  })
})
