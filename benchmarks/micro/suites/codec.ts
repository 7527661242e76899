import { createCompactCodec, createHeader, encodeFrame, MESSAGE_TYPES, readHeader } from '@roomcast/protocol'
import { Packr, Unpackr } from 'msgpackr'
import * as msgpackParser from 'socket.io-msgpack-parser'
import { Decoder, Encoder, type Packet, PacketType } from 'socket.io-parser'
import { PAYLOAD_NAMES, PAYLOADS, type PayloadName } from '../../src/payloads'
import { demand, each, type MicroCase, type MicroGroup } from '../micro-case'
import { isSameValue, variantsOf } from '../variants'

/*
 * An event with one argument to the bytes that go out, and back.
 */

/** Who turns events into messages: one buffer, or several. */
interface Translator {
  readonly name: string
  /** Whether bytes are among its values. */
  readonly hasBinary: boolean
  /** The value as its users have it. */
  asUsed?(value: unknown): unknown
  /** May answer with a view that the next call overwrites. */
  encode(event: string, value: unknown): Message
  /** As `[event, value]`. */
  decode(message: Message): unknown
}

type Message = Uint8Array | readonly Uint8Array[]

const BASELINE = 'msgpackr'
const EVENTS = ['tick', 'say', 'state', 'player moved'] as const
const VARIANTS = 16

/** So many operations take some hundred microseconds. */
const OPERATIONS: Readonly<Record<PayloadName, number>> = { tick: 512, chat: 512, state: 32, binary: 32 }

/** Groups of both directions for every payload. */
export function codecSuite(): readonly MicroGroup[] {
  return PAYLOAD_NAMES.flatMap((name) => [groupOf('encode', name), groupOf('decode', name)])
}

function groupOf(direction: 'decode' | 'encode', payload: PayloadName): MicroGroup {
  const variants = variantsOf<unknown>(PAYLOADS[payload], VARIANTS)
  const able = TRANSLATORS.filter(({ hasBinary }) => hasBinary || payload !== 'binary')
  return {
    title: `${direction} ${payload}`,
    baseline: BASELINE,
    cases: able.map((translator) => {
      const values = variants.map((value) => translator.asUsed?.(value) ?? value)
      return direction === 'encode'
        ? encoding(translator, values, OPERATIONS[payload])
        : decoding(translator, values, OPERATIONS[payload])
    }),
  }
}

function encoding(translator: Translator, values: readonly unknown[], operations: number): MicroCase {
  return {
    name: translator.name,
    operations,
    run: each(operations, (i) => translator.encode(EVENTS[i % EVENTS.length] as string, values[i % VARIANTS])),
    verify: () => verifyAll(translator, values),
  }
}

function decoding(translator: Translator, values: readonly unknown[], operations: number): MicroCase {
  const messages = values.map((value, i) => ownBytes(translator.encode(EVENTS[i % EVENTS.length] as string, value)))
  return {
    name: translator.name,
    operations,
    run: each(operations, (i) => translator.decode(messages[i % VARIANTS] as Message)),
    verify: () => verifyAll(translator, values),
  }
}

function verifyAll({ name, encode, decode }: Translator, values: readonly unknown[]): void {
  for (const value of values) {
    const decoded = decode(ownBytes(encode('tick', value)))
    demand(isSameValue(decoded, ['tick', value]), `${name} does not give back what it was given`)
  }
}

function ownBytes(message: Message): Message {
  return message instanceof Uint8Array ? copyOf(message) : message.map(copyOf)
}

/** A Buffer stays one: that is what ws hands over. The transport of Roomcast makes plain views. */
function copyOf(bytes: Uint8Array): Uint8Array {
  const { buffer } = Uint8Array.from(bytes)
  return bytes instanceof Buffer ? Buffer.from(buffer) : new Uint8Array(buffer)
}

const TRANSLATORS: readonly Translator[] = [
  roomcast(),
  msgpackr(),
  json(),
  socketIo('socket.io-parser', new Encoder(), new Decoder()),
  socketIo('socket.io-msgpack-parser', new msgpackParser.Encoder(), new msgpackParser.Decoder()),
]

function roomcast(): Translator {
  const codec = createCompactCodec()
  const header = createHeader()
  return {
    name: 'Roomcast: frame',
    hasBinary: true,
    encode: (event, value) => encodeFrame(codec, { type: MESSAGE_TYPES.EVENT, event }, [value]),
    decode(message) {
      const frame = message as Uint8Array
      const { event, bodyStart } = readHeader(frame, header)
      const [value] = codec.decode(frame, bodyStart) as unknown[]
      return [event, value]
    },
  }
}

/** Bytes are copied, since those of a message are gone with the callback that it came with. */
function msgpackr(): Translator {
  const packr = new Packr({ useRecords: false })
  const unpackr = new Unpackr({ useRecords: false, copyBuffers: true })
  return {
    name: BASELINE,
    hasBinary: true,
    encode: (event, value) => packr.pack([event, value]),
    decode: (message) => unpackr.unpack(message as Uint8Array),
  }
}

function json(): Translator {
  return {
    name: 'JSON and UTF-8',
    hasBinary: false,
    encode: (event, value) => Buffer.from(JSON.stringify([event, value])),
    decode: (message) => JSON.parse((message as Buffer).toString()),
  }
}

/** The part of the two parsers that is used here. */
interface ParserEncoder {
  encode(packet: Packet): unknown
}
interface ParserDecoder {
  add(message: Buffer | string): void
  on(event: 'decoded', listener: (packet: Packet) => void): unknown
}

/** Texts become bytes and back as in the libraries that write and read the WebSocket. */
function socketIo(name: string, encoder: ParserEncoder, decoder: ParserDecoder): Translator {
  const isText = name === 'socket.io-parser'
  let decoded: unknown
  decoder.on('decoded', ({ data }) => {
    decoded = data
  })
  return {
    name,
    hasBinary: true,
    // Other views come back as an ArrayBuffer from one of them.
    asUsed: (value) => (value instanceof Uint8Array ? Buffer.from(value.buffer as ArrayBuffer) : value),
    encode(event, value) {
      // The types of one of the parsers say less.
      const parts = encoder.encode({ type: PacketType.EVENT, nsp: '/', data: [event, value] }) as (Buffer | string)[]
      return parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))
    },
    decode(message) {
      const [first, ...attachments] = message as readonly Buffer[]
      decoder.add(isText ? (first as Buffer).toString() : (first as Buffer))
      for (const attachment of attachments) decoder.add(attachment)
      return decoded
    },
  }
}
