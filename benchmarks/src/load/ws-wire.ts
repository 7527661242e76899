/*
 * WebSocket framing (RFC 6455 section 5) on plain bytes: frames are built once, before anything is measured.
 */

/** Opcodes of RFC 6455 section 5.2. */
export const OPCODES = { TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const

const FIN = 0x80
const MASKED = 0x80
/** In the second byte: the length follows in 2 bytes, or in 8. */
const LENGTH_16 = 126
const LENGTH_64 = 127
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d])
/** The nonce of RFC 6455 section 1.3; servers hash it, and none keeps it. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** A message as an application sees it. */
export interface Message {
  readonly opcode: number
  readonly payload: Buffer
}

/** A message read from the bytes of a server, and the position behind it. */
export interface ReadMessage extends Message {
  readonly end: number
}

/** The HTTP request that opens a WebSocket. `subprotocol` '' asks for none. */
export function upgradeRequest(port: number, path: string, subprotocol: string): string {
  const offer = subprotocol === '' ? '' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`
  return (
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n${offer}\r\n`
  )
}

/** A whole frame as a client sends it. */
export function clientFrame({ opcode, payload }: Message): Buffer {
  const masked = Buffer.from(payload)
  for (let i = 0; i < masked.length; i++) masked[i] = (masked[i] as number) ^ (MASK[i & 3] as number)
  return Buffer.concat([frameHeader(opcode, payload.length, MASKED), MASK, masked])
}

/** The frames of messages, one behind the other, as a client sends them. */
export function clientFrames(messages: readonly Message[]): Buffer {
  return Buffer.concat(messages.map(clientFrame))
}

/** A whole frame as a server sends it. */
export function serverFrame({ opcode, payload }: Message): Buffer {
  return Buffer.concat([frameHeader(opcode, payload.length, 0), payload])
}

/** The frames of messages, one behind the other, as a server sends them. */
export function serverFrames(messages: readonly Message[]): Buffer {
  return Buffer.concat(messages.map(serverFrame))
}

/**
 * Reads the frame of a server that begins at `start`.
 *
 * @returns undefined if bytes are missing.
 * @throws Error on fragments and masked frames, which no server under test sends.
 */
export function readServerFrame(bytes: Buffer, start: number): ReadMessage | undefined {
  if (bytes.length < start + 2) return undefined
  const first = bytes[start] as number
  const second = bytes[start + 1] as number
  if (!(first & FIN) || second & MASKED) throw new Error('a fragment or a masked frame')
  const from = start + 2 + lengthBytes(second)
  if (bytes.length < from) return undefined
  const end = from + readLength(bytes, start + 2, second)
  if (bytes.length < end) return undefined
  return { opcode: first & 0x0f, payload: bytes.subarray(from, end), end }
}

/** Bytes of the length behind the second byte of a frame. */
function lengthBytes(second: number): number {
  if (second < LENGTH_16) return 0
  return second === LENGTH_16 ? 2 : 8
}

function readLength(bytes: Buffer, at: number, second: number): number {
  if (second < LENGTH_16) return second
  return second === LENGTH_16 ? bytes.readUInt16BE(at) : Number(bytes.readBigUInt64BE(at))
}

function frameHeader(opcode: number, length: number, masked: number): Buffer {
  if (length < LENGTH_16) return Buffer.from([FIN | opcode, masked | length])
  if (length <= 0xffff) return Buffer.from([FIN | opcode, masked | LENGTH_16, length >> 8, length & 0xff])
  const header = Buffer.alloc(10)
  header[0] = FIN | opcode
  header[1] = masked | LENGTH_64
  header.writeBigUInt64BE(BigInt(length), 2)
  return header
}
