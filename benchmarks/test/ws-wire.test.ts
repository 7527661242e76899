import { describe, expect, test } from 'vitest'
import { clientFrame, OPCODES, readServerFrame, serverFrame } from '../src/load/ws-wire'

/** Around the lengths at which a length takes 0, 2 and 8 bytes of its own. */
const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000, 1_048_576]

describe('frames of every length', () => {
  test.each(LENGTHS)('a payload of %i bytes is read from the frame of a server as it was written', (length) => {
    const payload = patternOf(length)
    const before = Buffer.from([1, 2, 3])
    const frame = serverFrame({ opcode: OPCODES.BINARY, payload })
    const bytes = Buffer.concat([before, frame, before])
    const read = readServerFrame(bytes, before.length)
    expect(read?.opcode).toBe(OPCODES.BINARY)
    expect(read?.end).toBe(before.length + frame.length)
    expect(read?.payload.equals(payload)).toBe(true)
  })

  test.each(LENGTHS)('a frame with %i bytes of payload is not read before its last byte is there', (length) => {
    const frame = serverFrame({ opcode: OPCODES.TEXT, payload: patternOf(length) })
    const headerBytes = frame.length - length
    for (let end = 0; end < Math.min(frame.length, headerBytes + 2); end++) {
      expect(readServerFrame(frame.subarray(0, end), 0), `${end} bytes`).toBeUndefined()
    }
    expect(readServerFrame(frame.subarray(0, frame.length - 1), 0)).toBeUndefined()
    expect(readServerFrame(frame, 0)?.end).toBe(frame.length)
  })

  test.each(LENGTHS)('a client writes a payload of %i bytes masked, behind the same length', (length) => {
    const payload = patternOf(length)
    const frame = clientFrame({ opcode: OPCODES.BINARY, payload })
    const header = serverFrame({ opcode: OPCODES.BINARY, payload }).subarray(0, -length || undefined)
    header[1] = (header[1] as number) | 0x80
    expect(frame.subarray(0, header.length).equals(header)).toBe(true)
    const mask = frame.subarray(header.length, header.length + 4)
    const masked = frame.subarray(header.length + 4)
    const unmasked = Buffer.from(masked.map((byte, i) => byte ^ (mask[i & 3] as number)))
    expect(unmasked.equals(payload)).toBe(true)
  })
})

test('lengths are in network order, RFC 6455 section 5.2', () => {
  expect(serverFrame({ opcode: OPCODES.BINARY, payload: Buffer.alloc(0x1_0203) }).toString('hex', 0, 10)).toBe(
    '827f0000000000010203',
  )
  expect(serverFrame({ opcode: OPCODES.BINARY, payload: Buffer.alloc(0x102) }).toString('hex', 0, 4)).toBe('827e0102')
})

test('fragments and masked frames are refused', () => {
  expect(() => readServerFrame(Buffer.from([0x02, 0x00]), 0)).toThrow('a fragment or a masked frame')
  expect(() => readServerFrame(clientFrame({ opcode: OPCODES.TEXT, payload: Buffer.from('a') }), 0)).toThrow('masked')
})

function patternOf(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => i % 251))
}
