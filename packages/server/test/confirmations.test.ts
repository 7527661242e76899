import { describe, expect, test } from 'vitest'
import { Confirmations } from '../src/transport/confirmations'

/** The payload of a ping as its pong brings it back. */
const answer = (payload: Uint8Array | null) => (payload as Uint8Array).buffer as ArrayBuffer

describe('what a WebSocket confirms', () => {
  test('is what was handed over in front of the ping that is answered; one answer may stand for several', () => {
    const confirmations = new Confirmations()
    const [first, second, third] = [100, 200, 300].map((bytes) => confirmations.mark(bytes, bytes, bytes))
    expect(confirmations.isPending).toBe(true)
    expect(confirmations.pendingSince).toBe(100)
    expect(confirmations.unmarked(350)).toBe(50)
    expect(confirmations.confirm(answer(second as Uint8Array), 400)).toBe(true)
    expect(confirmations.confirmed).toBe(200)
    expect(confirmations.pendingSince).toBe(300)
    expect(confirmations.confirm(answer(first as Uint8Array), 400), 'an answer that comes again').toBe(false)
    expect(confirmations.confirmed).toBe(200)
    confirmations.confirm(answer(third as Uint8Array), 400)
    expect(confirmations.isPending).toBe(false)
    expect(confirmations.pendingSince).toBe(Number.POSITIVE_INFINITY)
  })

  test('is not what nobody asked: other pongs, of the engine or of a client that makes them up, mean nothing', () => {
    const confirmations = new Confirmations()
    confirmations.mark(100, 0, 0)
    const forged = new ArrayBuffer(8)
    for (const bytes of [0, 99, 101, Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      new DataView(forged).setFloat64(0, bytes)
      expect(confirmations.confirm(forged, 1)).toBe(false)
    }
    expect(confirmations.confirm(new ArrayBuffer(0), 1)).toBe(false)
    expect(confirmations.confirm(new ArrayBuffer(125), 1)).toBe(false)
    expect(confirmations.confirmed).toBe(0)
  })

  test('has at most 16 pings on its way, and goes on when they are answered', () => {
    const confirmations = new Confirmations()
    const payloads = Array.from({ length: 16 }, (_, i) => confirmations.mark(i + 1, 0, 0))
    expect(confirmations.mark(17, 0, 0)).toBeNull()
    expect(confirmations.unmarked(17)).toBe(1)
    confirmations.confirm(answer(payloads[0] as Uint8Array), 1)
    expect(confirmations.mark(17, 0, 0)).not.toBeNull()
  })

  test('tells what the path has place for: on a long one twice as much from round to round, until it is full', () => {
    const confirmations = new Confirmations()
    const roundTripMs = 200
    const bytesPerMs = 1_000
    let handed = 0
    let now = 0
    let window = 65_536
    const rounds: number[] = []
    for (let round = 0; round < 8; round++) {
      handed += window
      const payload = confirmations.mark(handed, now, now)
      // The path passes on so much in a millisecond, and is empty at the beginning of each round.
      now += Math.max(roundTripMs, window / bytesPerMs)
      confirmations.confirm(answer(payload), now)
      window = Math.max(65_536, 2 * confirmations.pathBytes)
      rounds.push(Math.round(window / 1_000))
    }
    expect(rounds.slice(0, 2)).toEqual([131, 262])
    expect(rounds.at(-1), 'twice what has place on it').toBe(400)
  })

  test('a slow reader on a short path is given no more, however long its answers take', () => {
    const confirmations = new Confirmations()
    confirmations.confirm(answer(confirmations.mark(1_000, 0, 0)), 1)
    let handed = 1_000
    let now = 1
    for (let round = 0; round < 20; round++) {
      handed += 65_536
      const payload = confirmations.mark(handed, now, now)
      now += 65.5
      confirmations.confirm(answer(payload), now)
    }
    expect(2 * confirmations.pathBytes).toBeLessThan(65_536)
  })
})
