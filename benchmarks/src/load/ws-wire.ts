/*
 * WebSocket framing (RFC 6455 section 5) on plain bytes: frames are built once, before anything is measured.
 */

/** Opcodes of RFC 6455 section 5.2. */
export const OPCODES = { TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const

const FIN = 0x80
const MASKED = 0x80
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

/** A whole frame as a client sends it. Payloads up to 65,535 bytes. */
export function clientFrame({ opcode, payload }: Message): Buffer {
  const masked = Buffer.from(payload)
  for (let i = 0; i < masked.length; i++) masked[i] = (masked[i] as number) ^ (MASK[i & 3] as number)
  return Buffer.concat([frameHeader(opcode, payload.length, MASKED), MASK, masked])
}

/** A whole frame as a server sends it. Payloads up to 65,535 bytes. */
export function serverFrame({ opcode, payload }: Message): Buffer {
  return Buffer.concat([frameHeader(opcode, payload.length, 0), payload])
}

/**
 * Reads the frame of a server that begins at `start`.
 *
 * @returns undefined if bytes are missing.
 * @throws Error on fragments and on frames of 64 KiB or more, which no server under test sends.
 */
export function readServerFrame(bytes: Buffer, start: number): ReadMessage | undefined {
  if (bytes.length < start + 2) return undefined
  const first = bytes[start] as number
  let length = bytes[start + 1] as number
  let from = start + 2
  if (!(first & FIN) || length > 126) throw new Error('a fragment, a masked frame or a frame of 64 KiB or more')
  if (length === 126) {
    if (bytes.length < start + 4) return undefined
    length = bytes.readUInt16BE(from)
    from += 2
  }
  const end = from + length
  if (bytes.length < end) return undefined
  return { opcode: first & 0x0f, payload: bytes.subarray(from, end), end }
}

function frameHeader(opcode: number, length: number, masked: number): Buffer {
  if (length < 126) return Buffer.from([FIN | opcode, masked | length])
  if (length > 0xffff) throw new RangeError('payload beyond 65,535 bytes')
  return Buffer.from([FIN | opcode, masked | 126, length >> 8, length & 0xff])
}
