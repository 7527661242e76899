import { withPosition } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../test-kit/random'
import { roomcastDialect } from '../src/load/dialects/roomcast'
import { socketioDialect } from '../src/load/dialects/socketio'
import { ExpectedStream } from '../src/load/expected-stream'
import { type Place, tickRun } from '../src/load/frame-run'
import { type Message, OPCODES, serverFrame, serverFrames } from '../src/load/ws-wire'

const ROOM = 200
const random = createRandom()

/** As a load expects it. */
function expectBehind(position: number): ExpectedStream {
  const frameAt = (at: Place | undefined) => serverFrames(roomcastDialect.tick('tick', at))
  return new ExpectedStream(tickRun({ room: ROOM, position }, frameAt))
}

/** As a server makes it: from the frame without a position. */
function tickAt(position: number, room = ROOM): Buffer {
  const [tick] = roomcastDialect.tick('tick') as [Message]
  const payload = Buffer.from(withPosition(tick.payload, 0, room, position))
  return serverFrame({ opcode: OPCODES.BINARY, payload })
}

function ticks(first: number, last: number): Buffer {
  return Buffer.concat(Array.from({ length: last - first + 1 }, (_, i) => tickAt(first + i)))
}

/** Hands `bytes` over in pieces. @returns How many were taken when a frame began that was not expected, or all. */
function takeInPieces(stream: ExpectedStream, bytes: Buffer): number {
  let pos = 0
  while (pos < bytes.length) {
    const piece = bytes.subarray(pos, pos + 1 + random.below(400))
    const taken = stream.take(piece, 0, piece.length)
    pos += taken
    if (taken < piece.length) break
  }
  return pos
}

describe(`frames with positions, seed ${random.seed}`, () => {
  test.each([0, 100, 16_300, 2_097_100])(
    '200 ticks behind position %i are taken in whatever pieces they arrive',
    (before) => {
      const stream = expectBehind(before)
      const bytes = ticks(before + 1, before + 200)
      expect(takeInPieces(stream, bytes)).toBe(bytes.length)
      expect(stream.frames).toBe(200)
      expect(stream.isAtBoundary).toBe(true)
      expect(stream.place).toEqual({ room: ROOM, position: before + 200 })
    },
  )

  test.each([
    ['skips a position', (at: number) => ticks(at + 1, at + 1)],
    ['repeats a position', (at: number) => ticks(at - 1, at - 1)],
    ['is of another room', (at: number) => tickAt(at, ROOM + 1)],
    ['has no position', () => serverFrames(roomcastDialect.tick('tick'))],
    ['has another body', (at: number) => changeLastByte(tickAt(at))],
  ])('a tick that %s is not taken, wherever in a run it is', (_, wrong) => {
    for (const at of [1, 64, 65, 127, 128, 129, 16_383, 16_384, 16_385]) {
      const before = Math.max(0, at - 70)
      const right = at - 1 > before ? ticks(before + 1, at - 1) : Buffer.alloc(0)
      const stream = expectBehind(before)
      const bytes = Buffer.concat([right, wrong(at), ticks(at + 1, at + 3)])
      expect(stream.take(bytes, 0, bytes.length), `position ${at}`).toBe(right.length)
      expect(stream.place).toEqual({ room: ROOM, position: at - 1 })
    }
  })

  test('a tick whose end differs is an error, when its beginning was taken', () => {
    const stream = expectBehind(7)
    const wrong = changeLastByte(tickAt(8))
    expect(stream.take(wrong, 0, 20)).toBe(20)
    expect(stream.isAtBoundary).toBe(false)
    expect(() => stream.take(wrong, 20, wrong.length)).toThrow('a frame differs from the expected one')
  })
})

test('ticks without positions are taken over and over', () => {
  const frame = serverFrames(roomcastDialect.tick('tick'))
  const stream = new ExpectedStream(tickRun(undefined, () => frame))
  const bytes = Buffer.concat(new Array<Buffer>(150).fill(frame))
  expect(takeInPieces(stream, bytes)).toBe(bytes.length)
  expect(stream.frames).toBe(150)
  expect(stream.place).toBeUndefined()
  expect(stream.take(tickAt(1), 0, frame.length)).toBe(0)
})

test('a tick of 64 KiB is taken in pieces, with positions too', () => {
  const places: Place[] = [1, 2, 3].map((position) => ({ room: ROOM, position }))
  const frameAt = (at: Place | undefined) => serverFrames(roomcastDialect.tick('binary', at))
  const bytes = Buffer.concat(places.map(frameAt))
  const stream = new ExpectedStream(tickRun({ room: ROOM, position: 0 }, frameAt))
  expect(stream.take(bytes, 0, bytes.length)).toBe(bytes.length)
  expect(stream.frames).toBe(3)
  expect(stream.place).toEqual({ room: ROOM, position: 3 })
})

test('a tick of two frames counts when both are there, and what begins between ticks is not taken', () => {
  const tick = serverFrames(socketioDialect.tick('binary'))
  const [head] = socketioDialect.tick('binary').map(serverFrame) as [Buffer]
  const stream = new ExpectedStream(tickRun(undefined, () => tick))
  expect(stream.take(tick, 0, head.length)).toBe(head.length)
  expect(stream.frames).toBe(0)
  expect(stream.isAtBoundary).toBe(false)
  expect(stream.take(tick, head.length, tick.length)).toBe(tick.length)
  expect(stream.frames).toBe(1)
  expect(stream.isAtBoundary).toBe(true)
  const ping = serverFrame({ opcode: OPCODES.TEXT, payload: Buffer.from('2') })
  const bytes = Buffer.concat([tick, ping, tick])
  expect(stream.take(bytes, 0, bytes.length)).toBe(tick.length)
})

function changeLastByte(frame: Buffer): Buffer {
  frame[frame.length - 1] = (frame[frame.length - 1] as number) ^ 1
  return frame
}
