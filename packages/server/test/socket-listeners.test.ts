import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type AnyListener, Emitter } from '../../protocol/src/index'
import { SocketListeners } from '../src/api/socket-listeners'

type Any = Record<string, (...args: unknown[]) => void>

class Compact extends Emitter<Any, Any> {
  override newTable(): SocketListeners {
    return new SocketListeners()
  }
}

/** Listeners that can be told apart. */
const LISTENERS: AnyListener[] = [() => 0, () => 1, () => 2]

const event = fc.constantFrom('a', 'b', 'c', '')
const listener = fc.constantFrom(...LISTENERS)
const step = fc.oneof(
  fc.tuple(fc.constantFrom('on' as const, 'once' as const, 'off' as const), event, listener),
  fc.tuple(fc.constantFrom('removeAllListeners' as const, 'fire' as const), event),
)

it('The listeners of a socket are those of any emitter, in the same order, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const [compact, plain] = [new Compact(), new Emitter<Any, Any>()]
      for (const [method, name, ...args] of steps) {
        for (const emitter of [compact, plain]) (emitter[method] as AnyListener)(name, ...args)
        expect(compact.eventNames()).toEqual(plain.eventNames())
        for (const each of ['a', 'b', 'c', '']) {
          expect(compact.listeners(each)).toEqual(plain.listeners(each))
          expect(compact.listenerCount(each)).toBe(plain.listenerCount(each))
        }
      }
    }),
  )
})

it('A lone listener of a socket is found without a list', () => {
  const table = new SocketListeners()
  const [one, other] = LISTENERS as [AnyListener, AnyListener]
  for (const name of ['x', 'y']) {
    expect(table.find(name)).toBeUndefined()
    table.set(name, [one])
    expect([table.find(name), table.get(name)]).toEqual([one, [one]])
    table.set(name, [one, other])
    expect(table.find(name)).toEqual([one, other])
  }
})

it('What is no function stays in a list, as several functions do: it fails when it is called, and not before', () => {
  const table = new SocketListeners()
  for (const listener of [{}, [() => 0], undefined] as unknown as AnyListener[]) {
    table.set('x', [listener])
    expect(table.find('x')).toEqual([listener])
    expect(table.get('x')).toEqual([listener])
  }
})
