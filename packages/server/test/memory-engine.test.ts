import { expect, test } from 'vitest'
import type { Member } from '../src/cluster/engine'
import { MemoryEngine } from '../src/cluster/memory/memory-engine'
import { MessageBudget } from '../src/cluster/message-budget'
import { bytes, KEEP, numbers, text } from './engine-scene'
import { startMemory, TestClock } from './memory-support'

const MEGABYTE = 2 ** 20

test('every answer of the memory engine is there at once', () => {
  const { engine } = startMemory(MEGABYTE)
  const { bus, directory, log, store } = engine
  const member: Member = { userId: 'ann', devices: 1, joinedAt: 1, profile: bytes('') }
  const answers: unknown[] = [
    bus.subscribe(['a']),
    bus.publish('a', bytes('x')),
    bus.sendNode('here', bytes('x')),
    log.append('a', bytes('x'), KEEP),
    log.read('a', null, 1),
    log.readLast('a', null, 1),
    log.retained('a'),
    directory.heartbeat({ nodeId: 'here', boot: 1 }),
    directory.setMembers([{ room: 'a', userId: 'ann', member }]),
    directory.count('a'),
    directory.list('a', { limit: 1 }),
    directory.reap('here', 1),
    store.put('a', bytes('x'), 1_000),
    store.get('a'),
    store.take('a'),
    store.consume('a', 1, 1, 1_000),
    engine.close(),
  ]
  for (const answer of answers) expect(answer).not.toBeInstanceOf(Promise)
})

test('a frame has come when append and publish return', () => {
  const came: string[] = []
  const { engine } = startMemory(MEGABYTE, { onFrame: (_channel, frame) => came.push(text(frame)) })
  engine.bus.subscribe(['room'])
  engine.log.append('room', bytes('appended'), KEEP)
  expect(came).toEqual(['appended'])
  engine.bus.publish('room', bytes('published'))
  expect(came).toEqual(['appended', 'published'])
})

test('what the receiver appends while it takes a frame is kept at once, and comes before the outermost append returns', () => {
  const log: string[] = []
  const { engine } = startMemory(MEGABYTE, {
    onFrame: (channel, frame, position) => {
      const name = text(frame)
      log.push(`begin ${name} ${position?.offset}`)
      if (name === 'outer') {
        const { position: inner } = engine.log.append(channel, bytes('inner'), KEEP)
        log.push(`kept ${inner.offset} of ${engine.log.read(channel, null, 0).top}`)
      }
      log.push(`end ${name}`)
    },
  })
  engine.bus.subscribe(['room'])
  engine.log.append('room', bytes('outer'), KEEP)
  expect(log).toEqual(['begin outer 1', 'kept 2 of 2', 'end outer', 'begin inner 2', 'end inner'])
})

test('a frame that waits does not come to a channel that was left in the meantime, nor to one subscribed to after it', () => {
  const came: string[] = []
  const { engine } = startMemory(MEGABYTE, {
    onFrame: (channel, frame) => {
      came.push(`${channel} ${text(frame)}`)
      if (channel !== 'first') return
      engine.bus.publish('left', bytes('waits'))
      engine.bus.unsubscribe(['left'])
      engine.bus.publish('back', bytes('waits'))
      engine.bus.unsubscribe(['back'])
      engine.bus.subscribe(['back'])
      engine.bus.publish('stays', bytes('waits'))
      engine.bus.subscribe(['stays'])
      engine.bus.publish('late', bytes('too early'))
      engine.bus.subscribe(['late'])
      engine.bus.publish('late', bytes('in time'))
    },
  })
  engine.bus.subscribe(['first', 'left', 'back', 'stays'])
  engine.bus.publish('first', bytes('one'))
  expect(came).toEqual(['first one', 'stays waits', 'late in time'])
})

test('10,000 frames may wait behind one, another is refused with ENGINE_OVERLOADED and not kept', () => {
  const came: string[] = []
  const codes: string[] = []
  const attempt = (send: () => void) => {
    try {
      send()
    } catch (error) {
      codes.push((error as { code: string }).code)
    }
  }
  const { engine } = startMemory(64 * MEGABYTE, {
    onFrame: (_channel, frame) => {
      came.push(text(frame))
      if (came.length > 1) return
      for (const number of numbers(1, 10_000)) engine.log.append('room', bytes(number), KEEP)
      attempt(() => engine.log.append('room', bytes('refused'), KEEP))
      attempt(() => engine.bus.publish('room', bytes('refused')))
      attempt(() => engine.bus.sendNode('here', bytes('refused')))
    },
  })
  engine.bus.subscribe(['room'])
  engine.log.append('room', bytes('0'), KEEP)
  expect(codes).toEqual(['ENGINE_OVERLOADED', 'ENGINE_OVERLOADED', 'ENGINE_OVERLOADED'])
  expect(came).toEqual(numbers(0, 10_000))
  expect(engine.log.append('room', bytes('10001'), KEEP).position.offset).toBe(10_002)
  expect(came.at(-1)).toBe('10001')
})

test('a fault of the receiver reaches who sent the frame, once those behind it have come', () => {
  const came: string[] = []
  const { engine } = startMemory(MEGABYTE, {
    onFrame: (channel, frame) => {
      came.push(text(frame))
      if (text(frame) !== 'one') return
      engine.bus.publish(channel, bytes('two'))
      throw new Error('fault')
    },
  })
  engine.bus.subscribe(['room'])
  expect(() => engine.log.append('room', bytes('one'), KEEP)).toThrow('fault')
  expect(came).toEqual(['one', 'two'])
  expect(engine.log.append('room', bytes('three'), KEEP).position.offset).toBe(2)
  expect(came).toEqual(['one', 'two', 'three'])
})

test('nodes without a name of their own have different ones', () => {
  const clock = new TestClock()
  const options = { budget: new MessageBudget(MEGABYTE, clock.wheel), wheel: clock.wheel }
  const ids = new Set(Array.from({ length: 100 }, () => new MemoryEngine(options).nodeId))
  expect(ids.size).toBe(100)
})

test('a closed engine has given everything back', () => {
  const { engine, budget, clock } = startMemory(64 * MEGABYTE)
  engine.bus.subscribe(numbers(1, 50))
  for (const number of numbers(1, 100)) {
    engine.log.append(number, bytes('kept'), KEEP, number)
    engine.store.put(number, bytes('value'), 60_000)
    engine.store.put(`${number} for good`, bytes('value'), null)
    engine.store.consume(number, 1, 2, 60_000)
  }
  expect(clock.wheel.size).toBe(300)
  engine.close()
  engine.close()
  expect([budget.bytes, engine.store.bytes, engine.log.size, clock.wheel.size]).toEqual([0, 0, 0, 0])
})
