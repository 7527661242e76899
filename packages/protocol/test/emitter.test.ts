import { describe, expect, it } from 'vitest'
import { type CatchAllListener, SocketEmitter } from '../src/index'

type Any = Record<string, (...args: unknown[]) => void>

class Probe extends SocketEmitter<Any, Any> {
  changes = 0
  override setOutgoing(listeners: readonly CatchAllListener[]): this {
    this.changes++
    return super.setOutgoing(listeners)
  }
}

describe('listeners', () => {
  it('are called in order of registration, and those removed meanwhile once more', () => {
    const probe = new Probe()
    const calls: string[] = []
    const second = () => calls.push('second')
    probe.on('x', () => {
      calls.push('first')
      probe.off('x', second)
      probe.on('x', () => calls.push('third'))
    })
    probe.on('x', second)
    probe.fire('x')
    expect(calls).toEqual(['first', 'second'])
    calls.length = 0
    probe.fire('x')
    expect(calls).toEqual(['first', 'third'])
  })

  it('are removed one registration at a time, the newest first', () => {
    const probe = new Probe()
    const calls: string[] = []
    const twice = () => calls.push('twice')
    probe.on('x', twice)
    probe.on('x', () => calls.push('other'))
    probe.once('x', twice)
    expect(probe.listeners('x')).toEqual([twice, expect.any(Function), twice])
    probe.off('x', twice).fire('x')
    expect(calls).toEqual(['twice', 'other'])
    probe.off('x', twice).off('x', twice).off('y', twice)
    expect(probe.listenerCount('x')).toBe(1)
  })

  it('of once are gone before their call, though they register again or everything is removed', () => {
    const probe = new Probe()
    let calls = 0
    const again = () => {
      calls++
      if (calls === 1) probe.once('x', again)
      if (calls === 2) probe.off()
    }
    probe.once('x', again)
    for (let i = 0; i < 4; i++) probe.fire('x')
    expect(calls).toBe(2)
  })

  it('leave no name behind when they are removed', () => {
    const probe = new Probe()
    const listener = () => {}
    probe.on('x', listener).on('y', listener).on('z', listener)
    expect(probe.eventNames()).toEqual(['x', 'y', 'z'])
    probe.off('x', listener).off('y')
    expect(probe.eventNames()).toEqual(['z'])
    probe.removeAllListeners()
    expect(probe.eventNames()).toEqual([])
    expect(probe.listeners('z')).toEqual([])
  })
})

describe('listeners of every event', () => {
  it('are told of it in their order, and those removed meanwhile once more', () => {
    const probe = new Probe()
    const calls: unknown[][] = []
    const second: CatchAllListener = (...args) => calls.push(['second', ...args])
    probe.onAny(() => probe.offAny(second))
    probe.onAny(second)
    probe.prependAny((...args) => calls.push(['zeroth', ...args]))
    expect(probe.notifyAny('e', [1])).toBe(true)
    expect(calls).toEqual([
      ['zeroth', 'e', 1],
      ['second', 'e', 1],
    ])
    expect(probe.listenersAny()).toHaveLength(2)
    probe.offAny(second).offAny()
    expect(probe.notifyAny('e', [])).toBe(false)
  })

  it('of one object are not changed by a change of what listenersAny returned', () => {
    const probe = new Probe()
    const list = probe.listenersAny() as CatchAllListener[]
    list.push(() => {})
    ;(probe.listenersAnyOutgoing() as CatchAllListener[]).push(() => {})
    expect([probe.listenersAny(), probe.listenersAnyOutgoing(), new Probe().listenersAny()]).toEqual([[], [], []])
  })

  it('tell their object when those of outgoing events change', () => {
    const probe = new Probe()
    const seen: unknown[] = []
    const listener: CatchAllListener = (...args) => seen.push(args)
    probe.onAnyOutgoing(listener).prependAnyOutgoing(listener)
    probe.notifyOutgoing('out', [2])
    probe.offAnyOutgoing(listener)
    probe.notifyOutgoing('out', [3])
    expect(probe.changes).toBe(3)
    expect(seen).toEqual([
      ['out', 2],
      ['out', 2],
      ['out', 3],
    ])
  })
})

describe('a listener of once', () => {
  it('is called with the same `this` as one of on, and has the length of the function', () => {
    const emitter = new Probe()
    const seen: unknown[] = []
    const listener = function (this: unknown, _a: unknown, _b: unknown) {
      seen.push(this)
    }
    emitter.on('x', listener)
    emitter.once('x', listener)
    expect(emitter.listenersOf('x').map(({ length }) => length)).toEqual([2, 2])
    for (const each of emitter.listenersOf('x')) each.apply(emitter, [1, 2])
    expect(seen).toEqual([emitter, emitter])
  })
})
