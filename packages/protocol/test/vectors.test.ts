import { describe, expect, it } from 'vitest'
import { fromHex, fromNotation, type Json } from '../scripts/notation'
import {
  encodeFrame,
  type FrameFields,
  HEADER_FLAGS,
  MESSAGE_DEFINITIONS,
  MESSAGE_TYPES,
  type MessageName,
  PROTOCOL_VERSION,
} from '../src/index'
import vectors from '../vectors.json'
import { CODECS, encode, errorOf, expectCanary, expectSame, readFrame } from './support'

interface FrameVector {
  name: string
  direction: string
  hex: string
  header: { type: MessageName; namespace: number; ackId?: number; room?: number; seq?: number; event?: number | string }
  body: Json
}

const frames = vectors.frames as FrameVector[]
const readOnly = vectors.readOnly as FrameVector[]

function fieldsOf({ header }: FrameVector): FrameFields {
  return { ...header, type: MESSAGE_TYPES[header.type] }
}

describe('vectors.json', () => {
  it('belongs to this version', () => {
    expect(vectors.version).toBe(PROTOCOL_VERSION)
    expect(vectors.types).toEqual(MESSAGE_TYPES)
    expect(vectors.flags).toEqual(HEADER_FLAGS)
  })

  it('has every message type, and each only in its direction', () => {
    expect(new Set(frames.map(({ header }) => header.type))).toEqual(new Set(Object.keys(MESSAGE_TYPES)))
    for (const { name, direction, header } of frames) {
      const allowed = MESSAGE_DEFINITIONS[header.type].direction
      if (allowed !== 'both') expect(direction, name).toBe(allowed)
    }
  })

  it('names each vector once', () => {
    const names = [...frames, ...readOnly, ...vectors.hostile].map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('frames', () => {
  const [compact] = CODECS as [(typeof CODECS)[0]]

  it.each(frames)('$name: is written with the golden bytes', (vector) => {
    const frame = encodeFrame(compact, fieldsOf(vector), fromNotation(vector.body))
    expectSame(Buffer.from(frame).toString('hex'), Buffer.from(fromHex(vector.hex)).toString('hex'))
  })

  it.each([...frames, ...readOnly])('$name: is read by every codec', (vector) => {
    const expected = fromNotation(vector.body)
    for (const codec of CODECS) {
      const { header, body } = readFrame(codec, fromHex(vector.hex))
      expectSame(body, expected, codec.name)
      const { namespace, ackId = -1, room = -1, seq = 0, event = '' } = vector.header
      const { bodyStart: _, ...fields } = header
      expect(fields).toEqual({ type: MESSAGE_TYPES[vector.header.type], namespace, ackId, room, seq, event })
    }
  })

  it.each(frames)('$name: msgpackr writes a body of the same value', (vector) => {
    const value = fromNotation(vector.body)
    const negativeZero = JSON.stringify(vector.body).includes('"-0"')
    for (const codec of CODECS) {
      for (const reader of CODECS) {
        const expected = negativeZero && codec.name === 'msgpackr' ? [0] : value
        expectSame(reader.decode(encode(codec, value), 0), expected, `${codec.name} to ${reader.name}`)
      }
    }
  })
})

describe('hostile frames', () => {
  it.each(vectors.hostile)('$name: is refused with $error', ({ hex, error }) => {
    for (const codec of CODECS) {
      expect(errorOf(() => readFrame(codec, fromHex(hex))).code).toBe(error)
      expectCanary(codec)
    }
  })
})
