import { expect, test } from 'vitest'
import { peerTest } from './engine-peer-test'
import { bytes, Scene, type Suite } from './engine-scene'

/** From start to close. */
export function lifeConformance(suite: Suite): void {
  test('an engine has a name and the id that it was made with, and says what it can do', async () => {
    await using scene = await Scene.open(suite)
    const { bus, log, name, nodeId } = scene.engine
    expect(name).toMatch(/./)
    expect(nodeId).toBe(scene.name('').replace(' ', '-a'))
    expect(typeof bus.capabilities.receivers).toBe('boolean')
    expect(typeof log.capabilities.outlivesProcess).toBe('boolean')
  })

  test('no event comes once it is closed, and closing it again does nothing', async () => {
    await using scene = await Scene.open(suite)
    const { bus } = scene.engine
    const channel = scene.name()
    await bus.subscribe([channel])
    await bus.publish(channel, bytes('before'))
    await scene.received(channel, 1)
    await scene.engine.close()
    const before = scene.seen.length
    await scene.engine.close()
    await scene.engine.close()
    expect(scene.seen).toHaveLength(before)
  })

  test('a receiver that closes the engine while it takes a frame gets no other', async () => {
    await using scene = await Scene.open(suite)
    const { bus } = scene.engine
    const channel = scene.name()
    await bus.subscribe([channel])
    const sent: unknown[] = []
    let closed: unknown
    scene.onFrame = () => {
      sent.push(bus.publish(channel, bytes('two')), bus.publish(channel, bytes('three')))
      closed = scene.engine.close()
    }
    await bus.publish(channel, bytes('one'))
    await scene.received(channel, 1)
    await closed
    // What was on its way may fail.
    await Promise.allSettled(sent)
    expect(scene.texts(channel)).toEqual(['one'])
  })

  peerTest(suite, 'a node that is closed is not found, and the other one goes on', async (first, second) => {
    const channel = first.name()
    await first.engine.bus.subscribe([channel])
    await second.engine.bus.subscribe([channel])
    await first.engine.close()
    await second.engine.bus.publish(channel, bytes('alone'))
    expect(await second.received(channel, 1)).toEqual(['alone'])
    expect(await second.engine.bus.sendNode(first.engine.nodeId, bytes('hello'))).toBe(false)
    expect(first.seen).toEqual([])
  })
}
