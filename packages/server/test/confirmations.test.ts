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

  /**
   * Sends as much as the window lets over a path, for ten seconds of a clock of ours.
   *
   * @param roundTripMs  Of a frame when nothing is in front of it.
   * @param bytesPerMs   What the path passes on.
   * @param burstMs      It passes on everything at multiples of this.
   * @returns The windows of the last five seconds, in whole kilobytes.
   */
  function windowsOf(roundTripMs: number, bytesPerMs: number, burstMs = 1): number[] {
    const confirmations = new Confirmations()
    const pongs: { payload: Uint8Array; at: number }[] = []
    const windows: number[] = []
    let handed = 0
    let passedAt = 0
    for (let now = 0; now < 10_000; now++) {
      while (pongs[0] !== undefined && pongs[0].at <= now) {
        confirmations.confirm(answer((pongs.shift() as { payload: Uint8Array }).payload), now)
      }
      const window = Math.max(65_536, 2 * confirmations.pathBytes)
      if (now >= 5_000) windows.push(Math.round(window / 1_000))
      while (handed - confirmations.confirmed < window) {
        handed += 1_024
        passedAt = Math.max(passedAt, now) + 1_024 / bytesPerMs
        if (confirmations.unmarked(handed) < 16_384) continue
        const payload = confirmations.mark(handed, now, now)
        const leavesAt = Math.ceil(passedAt / burstMs) * burstMs
        if (payload !== null) pongs.push({ payload, at: leavesAt + roundTripMs })
      }
    }
    return windows
  }

  test('a long path is found to have place for more, up to what it has', () => {
    const windows = windowsOf(200, 1_000)
    expect(Math.min(...windows)).toBeGreaterThan(200)
    expect(Math.max(...windows)).toBeLessThanOrEqual(450)
  })

  test('a slow reader on a short path is given no more, in bursts neither', () => {
    expect(Math.max(...windowsOf(1, 1_000))).toBe(66)
    expect(Math.max(...windowsOf(1, 1_000, 50))).toBe(66)
    expect(Math.max(...windowsOf(1, 100, 100))).toBe(66)
  })
})
