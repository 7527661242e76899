import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex } from '../scripts/notation'
import { readVarint, varintEnd, varintLength, writeVarint } from '../src/frame/varint'
import {
  createHeader,
  encodeFrame,
  type FrameFields,
  HEADER_FLAGS,
  headerLength,
  isValidName,
  LIMITS,
  MESSAGE_DEFINITIONS,
  MESSAGE_TYPES,
  type MessageName,
  type MessageType,
  readHeader,
  withPosition,
  writeHeader,
} from '../src/index'
import vectors from '../vectors.json'
import { CODECS, errorOf, expectSame, readFrame, runs } from './support'

const [codec] = CODECS as [(typeof CODECS)[0]]
const TYPES = Object.entries(MESSAGE_TYPES) as [MessageName, MessageType][]
const number = fc.oneof(fc.nat(300), fc.maxSafeNat())
const name = fc
  .oneof(fc.string({ minLength: 1, maxLength: 20 }), fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }))
  .filter((text) => isValidName(text, LIMITS.eventNameBytes))

const anyFields: fc.Arbitrary<FrameFields> = fc.constantFrom(...TYPES).chain(([type, value]) => {
  const { header } = MESSAGE_DEFINITIONS[type]
  const has = (field: string, make: fc.Arbitrary<object>): fc.Arbitrary<object> =>
    header.includes(field) ? make : header.includes(`[${field}]`) ? fc.oneof(fc.constant({}), make) : fc.constant({})
  return fc
    .tuple(
      has('namespace', fc.record({ namespace: number })),
      has('ack', fc.record({ ackId: number })),
      has('room', fc.record({ room: number, seq: number })),
      has('event', fc.record({ event: fc.oneof(name, number) })),
    )
    .map((parts): FrameFields => Object.assign({ type: value }, ...parts))
})

describe('header', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(anyFields, (fields) => {
        const frame = encodeFrame(codec, fields, [])
        const { bodyStart, ...header } = readHeader(frame, createHeader())
        expectSame(header, { namespace: 0, ackId: -1, room: -1, seq: 0, event: '', ...fields })
        expect(bodyStart).toBe(frame.length - 1)
        expect(headerLength(header)).toBe(bodyStart)
      }),
      runs(2_000),
    )
  })

  it('is written from the first byte of the frame', () => {
    const frame = new Uint8Array(16).fill(0xee)
    const end = writeHeader(frame, { ...createHeader(), type: MESSAGE_TYPES.EVENT, ackId: 300, event: 'ab' })
    expect([...frame.subarray(0, end + 1)]).toEqual([0x45, 0xac, 0x02, 2, 0x61, 0x62, 0xee])
  })

  it('forgets the fields of the frame before', () => {
    const into = createHeader()
    readHeader(
      encodeFrame(codec, { type: MESSAGE_TYPES.EVENT, namespace: 1, ackId: 2, room: 3, seq: 4, event: 'x' }, []),
      into,
    )
    readHeader(Uint8Array.of(MESSAGE_TYPES.DISCONNECT, 0xc0), into)
    expect(into).toEqual({
      type: MESSAGE_TYPES.DISCONNECT,
      namespace: 0,
      ackId: -1,
      room: -1,
      seq: 0,
      event: '',
      bodyStart: 1,
    })
  })

  it('refuses every cut of every valid frame', () => {
    for (const { name: title, hex } of vectors.frames) {
      const frame = fromHex(hex)
      // Long texts and binaries look the same at every place.
      const step = frame.length > 500 ? 997 : 1
      for (let length = 0; length < frame.length; length += step) {
        const { code } = errorOf(() => readFrame(codec, frame.subarray(0, length)))
        expect(code, `${title}, ${length} bytes`).toMatch(/^BAD_(FRAME|VALUE)$/)
      }
    }
  })

  it('refuses any bytes with BAD_FRAME or reads them, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          expect(readHeader(bytes, createHeader()).bodyStart).toBeLessThan(bytes.length)
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_FRAME' })
        }
      }),
      runs(3_000),
    )
  })

  it('refuses unknown types', () => {
    const { CALL } = MESSAGE_TYPES
    const unknown = Array.from({ length: 32 }, (_, type) => type).filter((type) => type === 0 || type > CALL)
    for (const type of unknown) {
      expect(errorOf(() => readHeader(Uint8Array.of(type, 0xc0), createHeader())).code).toBe('BAD_FRAME')
    }
  })

  it('carries the fields of MESSAGE_DEFINITIONS and no others', () => {
    const fieldOf = { namespace: HEADER_FLAGS.NAMESPACE, ack: HEADER_FLAGS.ACK, room: HEADER_FLAGS.ROOM }
    for (const [title, type] of TYPES) {
      for (let flags = 0; flags < 8; flags++) {
        const bits = flags * 0x20
        const names = Object.entries(fieldOf).filter(([, flag]) => bits & flag)
        const header = MESSAGE_DEFINITIONS[title].header
        const isAllowed = names.every(([field]) => header.includes(field) || header.includes(`[${field}]`))
        const isComplete = !header.includes('ack') || (bits & HEADER_FLAGS.ACK) !== 0
        const numbers = names.flatMap(([field]) => (field === 'room' ? [1, 1] : [1]))
        const event = header.includes('event') ? [1, 0x61] : []
        const frame = Uint8Array.of(type | bits, ...numbers, ...event, 0xc0)
        const read = () => readHeader(frame, createHeader())
        if (isAllowed && isComplete) expect(read().bodyStart, title).toBe(frame.length - 1)
        else expect(errorOf(read).code, `${title} with ${names}`).toBe('BAD_FRAME')
      }
    }
  })

  it('takes a position into a frame that was encoded without, and the namespace that it is for', () => {
    const anyAck = fc.oneof(fc.constant(-1), number)
    fc.assert(
      fc.property(number, number, anyAck, name, number, number, (from, namespace, ackId, event, room, seq) => {
        const fields = { type: MESSAGE_TYPES.EVENT, ackId, event }
        const plain = encodeFrame(codec, { ...fields, namespace: from }, ['x', 1]).slice()
        const placed = encodeFrame(codec, { ...fields, namespace, room, seq }, ['x', 1]).slice()
        expectSame(withPosition(plain, namespace, room, seq), placed)
      }),
      runs(2_000),
    )
  })

  it('never quotes an event name in its errors', () => {
    const frame = Uint8Array.of(5, 9, ...Buffer.from('s3cret'), 0, 1, 2, 0x90)
    expect(errorOf(() => readHeader(frame, createHeader())).message).not.toContain('s3cret')
  })
})

describe('event names', () => {
  const read = (text: Uint8Array) => readHeader(Uint8Array.of(5, text.length, ...text, 0x90), createHeader()).event

  it('are read as they were written, by themselves and one after the other', () => {
    fc.assert(
      fc.property(name, (text) => {
        expect(read(Buffer.from(text))).toBe(text)
      }),
      runs(2_000),
    )
  })

  it('are read, or refused, whatever was read before', () => {
    const alike = fc.tuple(fc.constantFrom('a', 'b', 'é', '\n'), fc.nat(127), fc.constantFrom('', 'a', 'b', 'é'))
    const bytesOf = fc
      .tuple(alike, fc.constantFrom<BufferEncoding>('utf8', 'latin1'))
      .map(([[first, length, last], encoding]) => Buffer.from(first + 'a'.repeat(length) + last, encoding))
    fc.assert(
      fc.property(fc.array(bytesOf, { minLength: 20, maxLength: 60 }), (all) => {
        for (const bytes of [...all, ...all]) {
          const text = bytes.toString()
          const isUtf8 = Buffer.from(text).equals(bytes)
          if (isUtf8 && isValidName(text, LIMITS.eventNameBytes)) expect(read(bytes)).toBe(text)
          else expect(errorOf(() => read(bytes)).code).toBe('BAD_FRAME')
        }
      }),
      runs(200),
    )
  })

  it.each([
    ['empty', 'a'.repeat(0)],
    ['of 129 bytes', 'a'.repeat(129)],
    ['of 130 bytes in 65 characters', 'é'.repeat(65)],
    ['with a line end', 'a\nb'],
    ['with NUL', '\0'],
    ['with DEL', 'a\x7f'],
  ])('are refused when %s', (_, text) => {
    expect(isValidName(text, LIMITS.eventNameBytes)).toBe(false)
    if (text !== '') expect(errorOf(() => read(Buffer.from(text))).code).toBe('BAD_FRAME')
  })

  it.each(['ff', 'c3', 'c328', 'c0af', 'e282', 'eda080', 'f4908080'])(
    'are refused as bytes %s, which are not UTF-8',
    (hex) => {
      expect(errorOf(() => read(fromHex(hex))).code).toBe('BAD_FRAME')
    },
  )

  it('may hold a byte order mark, which is not dropped', () => {
    expect(read(Buffer.from('\ufeffa'))).toBe('\ufeffa')
  })

  it('are not valid with half of a surrogate pair', () => {
    for (const half of ['\ud800', '\udbff', '\udc00', '\udfff', '\udc00\ud800']) {
      expect(isValidName(`a${half}`, 128)).toBe(false)
    }
  })

  it('are measured in bytes of UTF-8', () => {
    for (const [char, most] of [
      ['a', 128],
      ['é', 64],
      ['語', 42],
      ['😀', 32],
    ] as const) {
      expect(isValidName(char.repeat(most), 128)).toBe(true)
      expect(isValidName(char.repeat(most + 1), 128)).toBe(false)
    }
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
    )
    fc.assert(
      fc.property(anyText, fc.nat(30), (text, limit) => {
        const hasControls = [...text].some((char) => char < ' ' || char === '\x7f')
        const bytes = Buffer.byteLength(text)
        // The bytes of half a pair are those of U+FFFD.
        const isWhole = Buffer.from(text).toString() === text
        expect(isValidName(text, limit)).toBe(text !== '' && !hasControls && isWhole && bytes <= limit)
      }),
      runs(3_000),
    )
  })
})

describe('varints', () => {
  it('are read as they were written, in the length that was announced', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          number,
          fc.integer({ min: 0, max: 53 }).map((bits) => Math.min(2 ** bits, Number.MAX_SAFE_INTEGER)),
        ),
        (value) => {
          const bytes = new Uint8Array(10)
          const end = writeVarint(bytes, 1, value)
          expect(end - 1).toBe(varintLength(value))
          expect(readVarint(bytes, 1)).toBe(value)
          expect(varintEnd).toBe(end)
          expect(readVarint(bytes.subarray(0, end - 1), 1)).toBe(-1)
        },
      ),
      runs(2_000),
    )
  })

  it.each([
    '8000',
    'ff00',
    '80808000',
    '8080808080808010',
    'ffffffffffffff10',
    '808080808080808001',
    'ffffffffffffffffff01',
  ])('are refused as %s: longer than needed, or beyond 2^53 - 1', (hex) => {
    expect(readVarint(fromHex(hex), 0)).toBe(-1)
  })
})
