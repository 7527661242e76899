import { LIMITS } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import { bytes, KEEP, numbers, Scene, type Suite, text, textsOf } from './engine-scene'

const KEEP_NOTHING = { messages: 0, bytes: 0, ageMs: 0 }

/** The newest frame of each key. */
export function retainedConformance(suite: Suite): void {
  test('of each key the newest frame is retained, in order of offset', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.append(channel, 'a1', KEEP, 'a')
    await scene.append(channel, 'b1', KEEP, 'b')
    await scene.append(channel, 'no key', KEEP)
    await scene.append(channel, 'c1', KEEP, 'c')
    const { epoch } = await scene.append(channel, 'a2', KEEP, 'a')
    const page = await scene.engine.log.retained(channel)
    expect(page).toMatchObject({ epoch, top: 5, isGapless: true })
    expect(page.items.map(({ offset }) => offset)).toEqual([2, 4, 5])
    expect(textsOf(page)).toEqual(['b1', 'c1', 'a2'])
  })

  test('a frame with a key is also a message: it comes, it has a position, and it is kept', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.engine.bus.subscribe([channel])
    await scene.append(channel, 'one', KEEP, 'key')
    await scene.append(channel, 'two', KEEP, 'key')
    expect(await scene.received(channel, 2)).toEqual(['one', 'two'])
    expect(textsOf(await scene.engine.log.read(channel, null, 10))).toEqual(['one', 'two'])
  })

  test('a frame is retained beyond the limits of messages, and its channel keeps its epoch with it', async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const channel = scene.name()
    const { epoch } = await scene.append(channel, 'retained', KEEP_NOTHING, 'key')
    expect(await scene.append(channel, 'passing', KEEP_NOTHING)).toEqual({ epoch, offset: 2 })
    const page = await log.retained(channel)
    expect([textsOf(page), page.epoch, page.top]).toEqual([['retained'], epoch, 2])
    expect(await log.read(channel, null, 10)).toMatchObject({ items: [], epoch, top: 2 })
  })

  test('a frame is retained that is no message: nobody is handed it, and the offsets of messages go on without it', async () => {
    await using scene = await Scene.open(suite)
    const { log, bus } = scene.engine
    const channel = scene.name()
    await bus.subscribe([channel])
    await scene.append(channel, 'one', KEEP)
    expect(await log.retain(channel, 'key', bytes('value'))).toEqual({ isGapless: true })
    expect((await scene.append(channel, 'two', KEEP)).offset).toBe(2)
    expect(await scene.received(channel, 2)).toEqual(['one', 'two'])
    expect(textsOf(await log.read(channel, null, 10))).toEqual(['one', 'two'])
    expect(textsOf(await log.retained(channel))).toEqual(['value'])
  })

  test('what is retained is read by its key, replaced, and released', async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const [channel, other] = [scene.name(), scene.name('other')]
    const read = async (key: string) => {
      const frame = await log.retainedUnder(channel, key)
      return frame === null ? null : text(frame)
    }
    expect(await read('a')).toBeNull()
    const view = bytes('a1')
    await log.retain(channel, 'a', view)
    view.fill(0)
    await log.retain(channel, 'b', bytes('b1'))
    await log.retain(channel, 'a', bytes('a2'))
    await log.retain(other, 'a', bytes('other'))
    expect([await read('a'), await read('b'), await read('c')]).toEqual(['a2', 'b1', null])
    expect(textsOf(await log.retained(channel))).toEqual(['b1', 'a2'])
    await log.release(channel)
    await log.release(scene.name('never used'))
    expect([await read('a'), textsOf(await log.retained(channel))]).toEqual([null, []])
    expect(textsOf(await log.retained(other))).toEqual(['other'])
    expect(await log.retain(channel, 'a', bytes('a3'))).toEqual({ isGapless: true })
    expect(await read('a')).toBe('a3')
  })

  test('more keys than a channel retains: it says that it has lost some, until it is released', async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const channel = scene.name()
    for (const key of numbers(1, LIMITS.retainedKeys)) {
      expect((await log.retain(channel, key, bytes(key))).isGapless).toBe(true)
    }
    expect((await log.retain(channel, '1', bytes('again'))).isGapless).toBe(true)
    expect((await log.retain(channel, 'one more', bytes('one more'))).isGapless).toBe(false)
    expect(await log.retainedUnder(channel, '2')).toBeNull()
    expect((await log.retain(channel, '3', bytes('3'))).isGapless).toBe(false)
    await log.release(channel)
    expect((await log.retain(channel, '3', bytes('3'))).isGapless).toBe(true)
  })

  test('keys are opaque text, and every channel has its own', async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const keys = ['', 'a b', '*', '\0', 'Größe 🙂', '__proto__', 'constructor']
    const [first, second] = [scene.name('first'), scene.name('second')]
    for (const key of keys) await log.append(first, bytes(`of ${key}`), KEEP_NOTHING, key)
    await log.append(second, bytes('other'), KEEP_NOTHING, 'a b')
    expect(textsOf(await log.retained(first))).toEqual(keys.map((key) => `of ${key}`))
    expect(textsOf(await log.retained(second))).toEqual(['other'])
  })

  test(`a channel retains ${LIMITS.retainedKeys} keys: the longest unchanged goes first`, async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const channel = scene.name()
    const all = numbers(1, LIMITS.retainedKeys)
    await Promise.all(all.map((number) => log.append(channel, bytes(number), KEEP_NOTHING, number)))
    expect(textsOf(await log.retained(channel))).toEqual(all)
    await scene.append(channel, '1 again', KEEP_NOTHING, '1')
    await scene.append(channel, 'one more', KEEP_NOTHING, 'one more')
    const page = await log.retained(channel)
    expect(textsOf(page)).toEqual([...all.slice(2), '1 again', 'one more'])
    expect(page.isGapless).toBe(false)
  })
}
