import { describe, expect, test } from 'vitest'
import { names, Rig } from './machine-rig'

/** A link that has spoken, and falls silent now. */
const silent = () => new Rig().connect().live(20_000)
const count = (rig: Rig, name: string) => names(rig.effects).filter((effect) => effect === name).length

describe('a heartbeat', () => {
  test('is asked for after `pingIntervalMs` of silence; the link is lost after `pingTimeoutMs` more', () => {
    for (const [interval, timeout] of [
      [5_000, 5_000],
      [25_000, 20_000],
      [300, 200],
    ] as const) {
      const rig = new Rig()
      rig.pingIntervalMs = interval
      rig.pingTimeoutMs = timeout
      rig.connect().live(60_000)
      const pings = count(rig, 'ping')
      // What the machine looks at next may have been set before the last sign.
      rig.pass(interval - 1)
      expect(count(rig, 'ping')).toBe(pings)
      rig.pass(1)
      expect(count(rig, 'ping')).toBe(pings + 1)
      expect(names(rig.pass(timeout - 1))).toEqual([])
      expect(names(rig.pass(1)).slice(0, 2)).toEqual(['close websocket', 'tell lost'])
      expect(rig.told).toMatchObject({ verdict: 'now', end: { code: 4008 } })
    }
  })

  test('is any byte: a link that is never silent for long is never asked', () => {
    const rig = new Rig().connect().live(600_000)
    expect(count(rig, 'ping')).toBe(0)
    expect(count(rig, 'tell lost')).toBe(0)
  })

  test('that comes in the last millisecond is in time, and the next silence counts from it', () => {
    const rig = silent()
    rig.pass(9_999)
    rig.hear()
    expect(names(rig.pass(1))).toEqual([])
    expect(names(rig.pass(4_998))).toEqual([])
    expect(names(rig.pass(1))).toEqual(['ping'])
  })

  test('is asked for on polling too, which has no need to prove itself after it opened', () => {
    const rig = new Rig({ transports: ['polling'] })
    rig.want()
    rig.opened('polling')
    expect(names(rig.pass(4_999))).toEqual([])
    expect(names(rig.pass(1))).toEqual(['ping'])
    expect(names(rig.pass(5_000))).toContain('close polling')
  })

  test('is asked for at once when something wakes the machine', () => {
    const rig = silent()
    rig.pass(100)
    expect(names(rig.send({ type: 'wake' }))).toEqual(['ping'])
    expect(names(rig.pass(4_999))).toEqual([])
    expect(names(rig.pass(1))).toContain('tell lost')
  })

  test('is asked for by a WebSocket anew once it has taken over', () => {
    const rig = new Rig({ transports: ['polling', 'websocket'] }).connect('polling')
    rig.pass(0)
    rig.opened('websocket')
    rig.send({ type: 'proven' })
    rig.hear()
    rig.send({ type: 'moved' })
    expect(rig.state).toMatchObject({ transport: 'websocket' })
    rig.pass(9_999)
    expect(count(rig, 'tell lost')).toBe(0)
    rig.pass(1)
    expect(count(rig, 'tell lost')).toBe(1)
  })
})

describe('a tick that comes late', () => {
  test('finds no link dead at once: the machine asks again', () => {
    const rig = silent()
    rig.pass(5_000)
    rig.now += 60_000
    expect(names(rig.send({ type: 'tick' }))).toEqual(['ping'])
    rig.pass(100)
    rig.hear()
    rig.live(60_000)
    expect(count(rig, 'tell lost')).toBe(0)
  })

  test('by a second or less is in time', () => {
    const rig = silent()
    rig.pass(5_000)
    rig.now += 6_000
    expect(names(rig.send({ type: 'tick' }))).toEqual(['close websocket', 'tell lost'])
  })

  test('for the third time finds a link dead that has not spoken since', () => {
    const rig = silent()
    rig.pass(5_000)
    const late = () => {
      rig.now += 60_000
      return names(rig.send({ type: 'tick' }))
    }
    expect([late(), late(), late()]).toEqual([['ping'], ['ping'], ['close websocket', 'tell lost']])
  })

  test('has as many looks again once the link has spoken', () => {
    const rig = silent()
    for (let i = 0; i < 10; i++) {
      rig.pass(5_000)
      for (let j = 0; j < 2; j++) {
        rig.now += 60_000
        expect(names(rig.send({ type: 'tick' }))).toEqual(['ping'])
      }
      rig.hear()
    }
    expect(count(rig, 'tell lost')).toBe(0)
  })

  test('and each punctual one after it: a link that died meanwhile is found by the next', () => {
    const rig = silent()
    rig.pass(5_000)
    rig.now += 60_000
    rig.send({ type: 'tick' })
    expect(names(rig.pass(5_000))).toContain('tell lost')
  })

  test('condemns nobody while a page sleeps that is woken before its timers', () => {
    const rig = silent()
    rig.pass(5_000)
    rig.now += 3_600_000
    expect(names(rig.send({ type: 'wake' }))).toEqual(['ping'])
    expect(names(rig.send({ type: 'tick' }))).toEqual([])
    rig.hear()
    rig.live(60_000)
    expect(count(rig, 'tell lost')).toBe(0)
  })
})
