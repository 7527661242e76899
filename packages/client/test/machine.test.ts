import { describe, expect, test } from 'vitest'
import type { LinkEnd } from '../src/connection/states'
import { names, Rig } from './machine-rig'

const BLOCKED: LinkEnd = { code: 1006, message: 'test' }

describe('an attempt', () => {
  test('tries polling beside a WebSocket that has not opened after 2.5 s', () => {
    const rig = new Rig()
    expect(names(rig.want())).toEqual(['open websocket'])
    expect(names(rig.pass(2_499))).toEqual([])
    expect(names(rig.pass(1))).toEqual(['open polling'])
    expect(names(rig.opened('polling'))).toEqual(['remember polling', 'tell opened'])
    // The WebSocket stays, and may take over.
    expect(rig.state).toMatchObject({ name: 'open', transport: 'polling', rival: 'opening' })
    expect(names(rig.opened('websocket'))).toEqual(['prove'])
  })

  test('tries polling at once when the WebSocket is refused', () => {
    const rig = new Rig()
    rig.want()
    expect(names(rig.ended('websocket'))).toEqual(['open polling'])
    expect(names(rig.pass(5_000))).toEqual([])
    expect(names(rig.opened('polling'))).toEqual(['remember polling', 'tell opened'])
  })

  test('keeps the WebSocket, and closes polling, if the WebSocket opens first after all', () => {
    const rig = new Rig()
    rig.want()
    rig.pass(2_600)
    expect(names(rig.opened('websocket'))).toEqual(['close polling', 'tell opened'])
  })

  test('goes on with what is left when one of two fails, and fails with the last', () => {
    const rig = new Rig()
    rig.want()
    rig.pass(2_600)
    expect(names(rig.ended('polling'))).toEqual([])
    expect(names(rig.ended('websocket'))).toEqual(['tell failed'])
    expect(rig.told).toMatchObject({ verdict: 'backoff', isFinal: false, isExhausted: false })
  })

  test('ends after `timeout`, and everything that is on its way is closed', () => {
    const rig = new Rig()
    rig.want()
    const effects = rig.pass(20_000)
    expect(names(effects)).toEqual(['open polling', 'close websocket', 'close polling', 'tell failed'])
    expect(rig.told.end).toMatchObject({ code: 1006, message: 'timeout' })
  })

  test('that is shorter than 2.5 s tries both as well', () => {
    const rig = new Rig({ timeout: 2_000 })
    rig.want()
    expect(names(rig.pass(1_999))).toEqual(['open polling'])
  })

  test('ends at once with a refusal that is for good; what else is on its way is closed as left', () => {
    const rig = new Rig()
    rig.want()
    rig.pass(2_600)
    const effects = rig.ended('polling', 4001)
    expect(names(effects)).toEqual(['close websocket', 'tell failed'])
    expect(effects[0]).toMatchObject({ end: { code: 1000, message: '' } })
    expect(rig.told).toMatchObject({ verdict: 'never', isFinal: true, isExhausted: false })
    expect(rig.state.name).toBe('idle')
  })

  test('begins with polling when that was remembered, and looks for a WebSocket 10 s later', () => {
    const rig = new Rig()
    rig.prefersPolling = true
    expect(names(rig.want())).toEqual(['open polling'])
    expect(names(rig.opened('polling'))).toEqual(['remember polling', 'tell opened'])
    expect(names(rig.live(9_500).effects.slice(-1))).toEqual(['tell opened'])
    expect(names(rig.pass(500))).toContain('open websocket')
  })

  test('begins with polling after three WebSockets that died young, and not after two', () => {
    const rig = new Rig()
    const begin = () => {
      rig.connect().live(10_000)
      rig.ended('websocket')
      return names(rig.pass(1_000)).at(-1)
    }
    expect([begin(), begin(), begin()]).toEqual(['open websocket', 'open websocket', 'open polling'])
  })

  test('begins with the WebSocket again after one that lived for a minute, which clears the memory', () => {
    const rig = new Rig()
    for (let i = 0; i < 2; i++) {
      rig.connect().live(10_000)
      rig.ended('websocket')
      rig.pass(1_000)
    }
    rig.prefersPolling = true
    rig.connect().live(55_000)
    expect(rig.prefersPolling).toBe(true)
    rig.live(15_000)
    expect(rig.prefersPolling).toBe(false)
    rig.ended('websocket')
    rig.pass(1_000)
    rig.connect()
    rig.ended('websocket')
    expect(names(rig.pass(1_000))).toEqual(['attempt 1', 'open websocket'])
  })

  test('uses the WebSocket alone where polling is not allowed', () => {
    const rig = new Rig({ transports: ['websocket'] })
    rig.prefersPolling = true
    expect(names(rig.want())).toEqual(['open websocket'])
    expect(names(rig.pass(19_999))).toEqual([])
    expect(names(rig.pass(1))).toEqual(['close websocket', 'tell failed'])
  })

  test('uses polling alone where a WebSocket is not allowed, and never looks for one', () => {
    const rig = new Rig({ transports: ['polling'] })
    expect(names(rig.want())).toEqual(['open polling'])
    expect(names(rig.opened('polling'))).toEqual(['tell opened'])
    rig.live(600_000)
    rig.send({ type: 'wake' })
    rig.live(10_000)
    expect(names(rig.effects)).not.toContain('open websocket')
  })

  test('with polling first in the options looks for a WebSocket as soon as polling is open', () => {
    const rig = new Rig({ transports: ['polling', 'websocket'] })
    expect(names(rig.want())).toEqual(['open polling'])
    expect(names(rig.opened('polling'))).toEqual(['tell opened'])
    expect(names(rig.pass(0))).toEqual(['open websocket'])
  })

  test('without `upgrade` stays with polling, and closes the WebSocket beside it', () => {
    const rig = new Rig({ upgrade: false })
    rig.want()
    rig.pass(2_600)
    expect(names(rig.opened('polling'))).toEqual(['close websocket', 'remember polling', 'tell opened'])
    rig.live(600_000)
    expect(names(rig.effects.slice(-3))).not.toContain('open websocket')
  })
})

describe('a WebSocket that opens and lets nothing through', () => {
  test('is given up after 2.5 s; polling follows without a pause, and is open within 5 s', () => {
    const rig = new Rig()
    rig.want()
    rig.pass(300)
    rig.opened('websocket')
    expect(names(rig.pass(1_000))).toEqual(['ping'])
    expect(names(rig.pass(1_499))).toEqual([])
    expect(names(rig.pass(1))).toEqual(['close websocket', 'tell lost', 'open polling'])
    expect(rig.told.end.code).toBe(4008)
    rig.pass(300)
    expect(names(rig.opened('polling'))).toEqual(['remember polling', 'tell opened'])
    expect(rig.now - 1_000).toBeLessThan(5_000)
  })

  test.each([1006, 'silence'])('is followed at once only the first time, while polling is refused (%s)', (how) => {
    const rig = new Rig()
    rig.want()
    const delays: number[] = []
    for (let i = 0; i < 5; i++) {
      if (i > 0) rig.ended('polling')
      rig.opened('websocket')
      const { length } = rig.effects
      if (how === 1006) rig.ended('websocket')
      else while (rig.state.name === 'open') rig.pass(100)
      // The silent one has been followed already if there was no delay.
      if (rig.state.name === 'waiting') {
        delays.push(rig.delay)
        rig.pass(rig.delay)
      } else delays.push(0)
      expect(names(rig.effects.slice(length)).at(-1)).toBe('open polling')
    }
    expect(delays[0]).toBe(0)
    for (const delay of delays.slice(1)) expect(delay).toBeGreaterThan(100)
  })

  test('is no reason to hurry where there is nothing else', () => {
    const rig = new Rig({ transports: ['websocket'] })
    rig.want()
    rig.opened('websocket')
    rig.pass(2_500)
    expect(rig.delay).toBe(500)
  })
})

describe('a WebSocket that is to take over from polling', () => {
  const polling = () => {
    const rig = new Rig()
    rig.want()
    rig.ended('websocket')
    return rig.connect('polling')
  }
  const untilRival = (rig: Rig) => {
    const from = rig.now
    for (let i = 0; i < 10_000 && !rig.links.has('websocket'); i++) rig.live(500)
    return rig.now - from
  }

  /** Opens the rival, and has it let something through. */
  const prove = (rig: Rig) => {
    rig.opened('websocket')
    return rig.send({ type: 'proven' })
  }

  test('opens, lets something through, asks to move, and is adopted when the server has moved', () => {
    const rig = polling()
    rig.live(9_500)
    expect(names(rig.pass(500))).toContain('open websocket')
    expect(names(rig.opened('websocket'))).toEqual(['prove'])
    rig.hear()
    expect(names(rig.send({ type: 'proven' }))).toEqual(['move'])
    rig.hear()
    expect(names(rig.send({ type: 'moved' }))).toEqual(['adopt'])
    expect(rig.state).toMatchObject({ name: 'open', transport: 'websocket', rival: 'none' })
    rig.live(600_000)
    expect(names(rig.effects)).not.toContain('tell lost')
  })

  test.each([
    ['is refused', (rig: Rig) => rig.ended('websocket')],
    ['does not open', (rig: Rig) => rig.live(20_000)],
    ['lets nothing through', (rig: Rig) => [rig.opened('websocket'), rig.live(2_500)]],
    ['does not move', (rig: Rig) => [prove(rig), rig.live(5_000)]],
    ['is cut while it proves itself', (rig: Rig) => [rig.opened('websocket'), rig.ended('websocket')]],
    ['is cut while it moves', (rig: Rig) => [prove(rig), rig.ended('websocket')]],
  ] as const)('is tried again after pauses that double to five minutes when it %s', (_, fail) => {
    const rig = polling()
    const pauses = [untilRival(rig)]
    for (let i = 0; i < 6; i++) {
      fail(rig)
      expect(rig.state).toMatchObject({ name: 'open', transport: 'polling' })
      pauses.push(untilRival(rig))
    }
    const expected = [10_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000]
    for (const [i, pause] of pauses.entries()) expect(Math.abs(pause - (expected[i] as number))).toBeLessThan(3_500)
    expect(names(rig.effects)).not.toContain('tell lost')
  })

  test('leaves polling as it was when it fails while moving: polling goes on', () => {
    const rig = polling()
    untilRival(rig)
    prove(rig)
    expect(names(rig.ended('websocket'))).toEqual(['stay'])
  })

  test('that lets nothing through is given up after 2.5 s, and polling has never rested', () => {
    const rig = polling()
    untilRival(rig)
    rig.opened('websocket')
    expect(names(rig.pass(2_499))).not.toContain('close websocket')
    expect(names(rig.pass(1))).toEqual(['close websocket'])
    expect(names(rig.effects)).not.toContain('move')
  })

  test('has half of `pingTimeoutMs` to move: the server gives up the polling that rests after all of it', () => {
    for (const [pingTimeoutMs, limit] of [
      [5_000, 2_500],
      [1_000, 500],
      [60_000, 5_000],
    ] as const) {
      const rig = polling()
      rig.pingTimeoutMs = pingTimeoutMs
      untilRival(rig)
      prove(rig)
      expect(names(rig.pass(limit - 1))).not.toContain('stay')
      expect(names(rig.pass(1)).slice(0, 2)).toEqual(['close websocket', 'stay'])
    }
  })

  test('is closed with polling when that is lost, cut or left', () => {
    for (const advance of [() => [], (rig: Rig) => rig.opened('websocket'), prove]) {
      const begin = () => {
        const rig = polling()
        untilRival(rig)
        advance(rig)
        return rig
      }
      expect(names(begin().ended('polling'))).toEqual(['close websocket', 'tell lost'])
      expect(names(begin().send({ type: 'cut', end: BLOCKED }))).toEqual([
        'close polling',
        'close websocket',
        'tell lost',
      ])
      expect(names(begin().send({ type: 'leave' }))).toEqual(['close polling', 'close websocket'])
    }
  })

  test('is tried soon after something woke the machine, however long the pause was', () => {
    const rig = polling()
    for (let i = 0; i < 5; i++) {
      untilRival(rig)
      rig.ended('websocket')
    }
    rig.send({ type: 'wake' })
    rig.hear()
    expect(untilRival(rig)).toBeLessThanOrEqual(5_000)
  })
})
