import { expect, test } from 'vitest'
import type { Position } from '../src/cluster/engine'
import { bytes, KEEP, numbers, Scene, SHORT_MS, type Suite, textsOf } from './engine-scene'

/** What goes, and what is said of it. */
export function logLimitsConformance(suite: Suite): void {
  test('the newest are kept, as many as the limit says', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.appendNumbers(channel, 10, { ...KEEP, messages: 3 })
    const page = await scene.engine.log.read(channel, null, 100)
    expect([textsOf(page), page.top]).toEqual([numbers(8, 10), 10])
  })

  test('the newest are kept whose bytes are within the limit together', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    const keep = { ...KEEP, bytes: 10 }
    for (const text of ['aaaa', 'bbb', 'ccc']) await scene.append(channel, text, keep)
    expect(textsOf(await scene.engine.log.read(channel, null, 100))).toEqual(['aaaa', 'bbb', 'ccc'])
    await scene.append(channel, 'd', keep)
    expect(textsOf(await scene.engine.log.read(channel, null, 100))).toEqual(['bbb', 'ccc', 'd'])
    await scene.append(channel, 'eeeeeeeeee', keep)
    expect(textsOf(await scene.engine.log.read(channel, null, 100))).toEqual(['eeeeeeeeee'])
  })

  test('a frame larger than the limit comes and has its position, but is gone with all before it', async () => {
    await using scene = await Scene.open(suite)
    const { bus, log } = scene.engine
    const channel = scene.name()
    const keep = { ...KEEP, bytes: 10 }
    await bus.subscribe([channel])
    await scene.append(channel, 'one', keep)
    const { epoch, offset } = await scene.append(channel, 'larger than that', keep)
    expect(offset).toBe(2)
    expect(await scene.received(channel, 2)).toEqual(['one', 'larger than that'])
    expect(await log.read(channel, { epoch, offset: 1 }, 10)).toMatchObject({ items: [], top: 2, isGapless: false })
    expect(await log.read(channel, { epoch, offset: 2 }, 10)).toMatchObject({ items: [], top: 2, isGapless: true })
    await scene.append(channel, 'three', keep)
    const page = await log.read(channel, { epoch, offset: 2 }, 10)
    expect([textsOf(page), page.isGapless]).toEqual([['three'], true])
  })

  test('what is too old goes, though nothing is appended, and what is not too old stays', async () => {
    await using scene = await Scene.open(suite)
    const { bus, log } = scene.engine
    const [aging, staying] = [scene.name('aging'), scene.name('staying')]
    await bus.subscribe([aging, staying])
    const { epoch } = await scene.appendNumbers(aging, 3, { ...KEEP, ageMs: SHORT_MS })
    await scene.appendNumbers(staying, 3)
    const isEmpty = async () => (await log.read(aging, null, 10)).items.length === 0
    await scene.afterTime(SHORT_MS, isEmpty, 'the old messages to go')
    expect(await log.read(aging, { epoch, offset: 3 }, 10)).toMatchObject({ epoch, top: 3, isGapless: true })
    expect(await log.read(aging, { epoch, offset: 2 }, 10)).toMatchObject({ epoch, top: 3, isGapless: false })
    expect(textsOf(await log.read(staying, null, 10))).toEqual(numbers(1, 3))
    expect(await scene.append(aging, '4')).toEqual({ epoch, offset: 4 })
    expect(textsOf(await log.read(aging, null, 10))).toEqual(['4'])
  })

  test('the limits are those of the frame that was appended last', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.appendNumbers(channel, 10)
    await scene.append(channel, '11', { ...KEEP, messages: 5 })
    expect(textsOf(await scene.engine.log.read(channel, null, 100))).toEqual(numbers(7, 11))
    await scene.append(channel, '12', KEEP)
    expect(textsOf(await scene.engine.log.read(channel, null, 100))).toEqual(numbers(7, 12))
  })

  test('nothing is kept with a limit of 0, and a subscribed channel counts on', async () => {
    await using scene = await Scene.open(suite)
    const { bus, log } = scene.engine
    const channel = scene.name()
    await bus.subscribe([channel])
    const { epoch } = await scene.append(channel, 'one', { ...KEEP, messages: 0 })
    expect(await scene.append(channel, 'two', { ...KEEP, ageMs: 0 })).toEqual({ epoch, offset: 2 })
    expect(await scene.append(channel, 'three', { ...KEEP, bytes: 0 })).toEqual({ epoch, offset: 3 })
    expect(await scene.received(channel, 3)).toEqual(['one', 'two', 'three'])
    expect(await log.read(channel, null, 10)).toMatchObject({ epoch, items: [], top: 3, isGapless: false })
    expect(await log.readLast(channel, null, 10)).toMatchObject({ epoch, items: [], top: 3, isGapless: false })
  })

  test('a page says whether something is missing in front of it', async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const channel = scene.name()
    // 4, 5 and 6 are left.
    const { epoch } = await scene.appendNumbers(channel, 6, { ...KEEP, messages: 3 })
    const cases: [since: Position | null, isGapless: boolean, texts: string[]][] = [
      [null, false, ['4', '5', '6']],
      [{ epoch, offset: 0 }, false, ['4', '5', '6']],
      [{ epoch, offset: 2 }, false, ['4', '5', '6']],
      [{ epoch, offset: 3 }, true, ['4', '5', '6']],
      [{ epoch, offset: 4 }, true, ['5', '6']],
      [{ epoch, offset: 5 }, true, ['6']],
      [{ epoch, offset: 6 }, true, []],
      // There has been none of these: the channel cannot be the one that the position is of.
      [{ epoch, offset: 7 }, false, []],
      [{ epoch, offset: Number.MAX_SAFE_INTEGER }, false, []],
      [{ epoch: `${epoch}x`, offset: 3 }, false, ['4', '5', '6']],
      [{ epoch: '', offset: 6 }, false, ['4', '5', '6']],
    ]
    for (const [since, isGapless, texts] of cases) {
      const page = await log.read(channel, since, 100)
      expect([since, page.isGapless, textsOf(page), page.top]).toEqual([since, isGapless, texts, 6])
      const one = await log.read(channel, since, 1)
      expect([since, one.isGapless, textsOf(one)]).toEqual([since, isGapless, texts.slice(0, 1)])
    }
    const whole = scene.name('whole')
    await scene.appendNumbers(whole, 3)
    expect((await log.read(whole, null, 100)).isGapless).toBe(true)
  })

  test('a page of the newest says whether something is missing between it and the messages behind it', async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const channel = scene.name()
    // 4, 5 and 6 are left.
    await scene.appendNumbers(channel, 6, { ...KEEP, messages: 3 })
    const cases: [before: number | null, isGapless: boolean, texts: string[]][] = [
      [null, true, ['5', '6']],
      [7, true, ['5', '6']],
      [6, true, ['4', '5']],
      [5, true, ['4']],
      [4, false, []],
      [2, false, []],
      [1, true, []],
    ]
    for (const [before, isGapless, texts] of cases) {
      const page = await log.readLast(channel, before, 2)
      expect([before, page.isGapless, textsOf(page), page.top]).toEqual([before, isGapless, texts, 6])
    }
  })

  test('limits of one channel are nothing to another', async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const [small, large] = [scene.name('small'), scene.name('large')]
    for (const number of numbers(1, 20)) {
      await Promise.all([
        log.append(small, bytes(number), { ...KEEP, messages: 2 }),
        log.append(large, bytes(number), KEEP),
      ])
    }
    expect(textsOf(await log.read(small, null, 100))).toEqual(numbers(19, 20))
    expect(textsOf(await log.read(large, null, 100))).toEqual(numbers(1, 20))
  })
}
