import { CLOSE_CODES, type CloseName, closeVerdict } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { DELAYS, names, Rig } from './machine-rig'

const ROWS = Object.entries(CLOSE_CODES).map(([name, code]) => [name as CloseName, code, closeVerdict(code)] as const)

/** A link that has lasted since it was answered. */
const stable = (policy = {}) => new Rig(policy).connect().live(70_000)

describe('the verdict of the table', () => {
  test.each(ROWS)('decides what follows %s (%i): %s', (_, code, verdict) => {
    const rig = stable()
    rig.ended('websocket', code)
    expect(rig.told).toMatchObject({ do: 'tell lost', verdict, isFinal: verdict === 'never', isExhausted: false })
    expect(rig.state.name === 'waiting' ? rig.delay : null).toBe(DELAYS[verdict])
  })

  test.each(ROWS)('decides what follows an attempt that ends with %s (%i): %s', (_, code, verdict) => {
    const rig = new Rig({ transports: ['websocket'] })
    rig.want()
    rig.ended('websocket', code)
    expect(rig.told).toMatchObject({ do: 'tell failed', verdict, isFinal: verdict === 'never' })
    expect(rig.state.name === 'waiting' ? rig.delay : null).toBe(verdict === 'never' ? null : 500)
  })

  test.each(ROWS)('decides what follows when we cut the link with %s (%i): %s', (name, code, verdict) => {
    const rig = stable()
    const effects = rig.send({ type: 'cut', end: { code, message: name } })
    expect(names(effects)).toEqual(['close websocket', 'tell lost'])
    expect(rig.state.name === 'waiting' ? rig.delay : null).toBe(DELAYS[verdict])
  })

  test('is `backoff` for a code that is not in the table', () => {
    const rig = stable()
    rig.ended('websocket', 4999)
    expect(rig.told.verdict).toBe('backoff')
    expect(rig.delay).toBe(500)
  })

  test('`now` stays at the first delay where links do not last, `backoff` does not', () => {
    for (const [code, delays] of [
      [4008, [500, 500, 500, 500]],
      [1006, [500, 1_000, 2_000, 4_000]],
    ] as const) {
      const rig = new Rig({ transports: ['websocket'] })
      rig.want()
      const seen: number[] = []
      for (const _ of delays) {
        rig.opened('websocket')
        rig.send({ type: 'answered' })
        rig.live(4_000)
        rig.ended('websocket', code)
        seen.push(rig.delay)
        rig.pass(rig.delay)
      }
      expect(seen).toEqual(delays)
    }
  })
})

describe('the delay', () => {
  test('is random between 0 and a bound that doubles to `reconnectionDelayMax`', () => {
    for (const random of [0, 0.25, 0.999_999]) {
      const rig = new Rig({ transports: ['websocket'] })
      rig.random = random
      rig.want()
      for (const bound of [1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000, 20_000]) {
        rig.ended('websocket')
        expect(rig.delay).toBeCloseTo(random * bound, 6)
        rig.pass(rig.delay)
      }
    }
  })

  test('is counted from `reconnectionDelay`', () => {
    const rig = new Rig({ transports: ['websocket'], reconnectionDelay: 100, reconnectionDelayMax: 300 })
    rig.want()
    for (const delay of [50, 100, 150, 150]) {
      rig.ended('websocket')
      expect(rig.delay).toBe(delay)
      rig.pass(delay)
    }
  })

  test('is added to what the server wants, which is the least, also for the verdict `now`', () => {
    for (const [code, least] of [
      [1012, 500],
      [4008, 500],
    ] as const) {
      const rig = stable()
      rig.ended('websocket', code, 30_000)
      expect(rig.delay).toBe(30_000 + least)
      expect(names(rig.pass(29_999))).toEqual([])
    }
    const rig = stable()
    rig.random = 0
    rig.ended('websocket', 1012, 30_000)
    expect(rig.delay).toBe(30_000)
  })

  test('ends when something wakes the machine, but not what the server wants', () => {
    const rig = stable()
    rig.ended('websocket', 1006)
    expect(names(rig.send({ type: 'wake' }))).toEqual(['attempt 1', 'open websocket'])
    const told = stable()
    told.ended('websocket', 1012, 30_000)
    expect(names(told.send({ type: 'wake' }))).toEqual([])
    expect(names(told.pass(29_999))).toEqual([])
    expect(names(told.pass(1))).toEqual(['attempt 1', 'open websocket'])
  })

  test('grows with links that do not last, though each was answered', () => {
    const rig = new Rig({ transports: ['websocket'] })
    for (const bound of [1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]) {
      rig.connect()
      rig.ended('websocket', CLOSE_CODES.SLOW_CONSUMER)
      expect(rig.delay).toBe(bound / 2)
      rig.pass(rig.delay)
    }
  })

  test('begins anew after a link that lasted 5 s after an answer, and only then', () => {
    const rig = new Rig({ transports: ['websocket'] })
    for (let i = 0; i < 4; i++) {
      rig.connect()
      rig.ended('websocket')
      rig.pass(rig.delay)
    }
    rig.opened('websocket')
    rig.hear()
    rig.live(60_000)
    // Not answered: it lived, but it was of no use.
    rig.ended('websocket')
    expect(rig.delay).toBeGreaterThan(5_000)
    rig.pass(rig.delay)
    rig.connect().live(4_500)
    rig.ended('websocket')
    expect(rig.delay).toBeGreaterThan(5_000)
    rig.pass(rig.delay)
    rig.connect().live(5_000)
    rig.ended('websocket')
    expect(rig.delay).toBe(500)
  })
})

describe('the end of the attempts', () => {
  test('comes after `reconnectionAttempts` without an answer', () => {
    for (const reconnectionAttempts of [0, 1, 3]) {
      const rig = new Rig({ transports: ['websocket'], reconnectionAttempts })
      rig.want()
      rig.ended('websocket')
      for (let i = 1; i <= reconnectionAttempts; i++) {
        expect(rig.told).toMatchObject({ isFinal: false, isExhausted: false })
        expect(names(rig.pass(rig.delay))).toEqual([`attempt ${i}`, 'open websocket'])
        rig.ended('websocket')
      }
      expect(rig.told).toMatchObject({ verdict: 'backoff', isFinal: true, isExhausted: true })
      expect(rig.state.name).toBe('idle')
    }
  })

  test('counts links that opened and were not answered, and begins anew with an answer', () => {
    const rig = new Rig({ transports: ['websocket'], reconnectionAttempts: 2 })
    for (let i = 0; i < 5; i++) {
      rig.connect()
      rig.ended('websocket')
      expect(names(rig.pass(rig.delay))).toEqual(['attempt 1', 'open websocket'])
    }
    for (let i = 0; i < 2; i++) {
      expect(rig.state.name).toBe('opening')
      rig.opened('websocket')
      rig.ended('websocket')
      if (rig.state.name === 'waiting') rig.pass(rig.delay)
    }
    expect(rig.told.isExhausted).toBe(true)
  })

  test('comes at once without `reconnection`', () => {
    const lost = stable({ reconnection: false })
    lost.ended('websocket')
    expect(lost.told).toMatchObject({ verdict: 'backoff', isFinal: true, isExhausted: false })
    const failed = new Rig({ reconnection: false, transports: ['websocket'] })
    failed.want()
    failed.ended('websocket')
    expect(failed.told).toMatchObject({ do: 'tell failed', isFinal: true, isExhausted: false })
  })

  const VIOLATIONS = ROWS.filter(([, code]) => code >= 4003 && code <= 4006)

  test.each(VIOLATIONS)('comes with the fifth link in a row that ends with %s (%i)', (_, code) => {
    const rig = new Rig({ transports: ['websocket'] })
    for (let i = 1; i < 5; i++) {
      // Also when each lasts.
      rig.connect().live(i % 2 === 0 ? 10_000 : 500)
      rig.ended('websocket', code)
      expect(rig.told.isFinal).toBe(false)
      rig.pass(rig.delay)
    }
    rig.connect()
    rig.ended('websocket', code)
    expect(rig.told).toMatchObject({ verdict: 'never', isFinal: true, isExhausted: false })
  })

  test('is put off by a link that lasts and ends otherwise, and not by one that does not last', () => {
    const rig = new Rig({ transports: ['websocket'] })
    const lose = (code: number, lifeMs: number) => {
      rig.connect().live(lifeMs)
      rig.ended('websocket', code)
      if (rig.state.name === 'waiting') rig.pass(rig.delay)
      return rig.told.isFinal
    }
    const violate = () => lose(CLOSE_CODES.BAD_FRAME, 500)
    for (let i = 0; i < 4; i++) expect(violate()).toBe(false)
    expect(lose(1006, 10_000)).toBe(false)
    for (let i = 0; i < 4; i++) expect(violate()).toBe(false)
    expect(lose(1006, 500)).toBe(false)
    expect(violate()).toBe(true)
  })

  test('is forgotten when somebody wants the connection anew', () => {
    const rig = new Rig({ transports: ['websocket'], reconnectionAttempts: 0 })
    rig.want()
    rig.ended('websocket')
    expect(rig.state.name).toBe('idle')
    expect(names(rig.want())).toEqual(['open websocket'])
  })
})
