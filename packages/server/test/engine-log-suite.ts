import { expect, test } from 'vitest'
import type { Position } from '../src/cluster/engine'
import { peerTest } from './engine-peer-test'
import { bytes, KEEP, numbers, Scene, type Suite, text, textsOf } from './engine-scene'

/** Frames in one order, positions, and pages of them. */
export function logConformance(suite: Suite): void {
  test('positions begin at 1 and rise by one, in one epoch of up to 64 characters', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.engine.bus.subscribe([channel])
    const positions: Position[] = []
    for (const number of numbers(1, 5)) positions.push(await scene.append(channel, number))
    expect(positions.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5])
    const epochs = new Set(positions.map(({ epoch }) => epoch))
    expect(epochs.size).toBe(1)
    for (const epoch of epochs) expect(epoch).toMatch(/^.{1,64}$/u)
  })

  test('an appended frame comes to the subscriber with the position that its sender is told', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.engine.bus.subscribe([channel])
    const positions = [await scene.append(channel, 'a'), await scene.append(channel, 'b')]
    expect(await scene.received(channel, 2)).toEqual(['a', 'b'])
    expect(scene.seen.map(({ position }) => position)).toEqual(positions)
  })

  test('frames appended without waiting come in order of their positions, and each channel counts for itself', async () => {
    await using scene = await Scene.open(suite)
    const { bus, log } = scene.engine
    const channels = [scene.name('first'), scene.name('second'), scene.name('third')]
    await bus.subscribe(channels)
    const appends = numbers(1, 300).flatMap((number) =>
      channels.map((channel) => log.append(channel, bytes(number), KEEP)),
    )
    await Promise.all(appends)
    for (const channel of channels) {
      expect(await scene.received(channel, 300)).toEqual(numbers(1, 300))
      const offsets = scene.seen.filter((seen) => seen.channel === channel).map(({ position }) => position?.offset)
      expect(offsets).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
      expect(textsOf(await log.read(channel, null, 1_000))).toEqual(numbers(1, 300))
    }
  })

  test('a published frame has its place among the appended ones when it comes, but no position, and is not kept', async () => {
    await using scene = await Scene.open(suite)
    const { bus, log } = scene.engine
    const channel = scene.name()
    await bus.subscribe([channel])
    await scene.append(channel, 'kept 1')
    await bus.publish(channel, bytes('passing'))
    expect((await scene.append(channel, 'kept 2')).offset).toBe(2)
    expect(await scene.received(channel, 3)).toEqual(['kept 1', 'passing', 'kept 2'])
    expect(scene.seen.map(({ position }) => position?.offset ?? null)).toEqual([1, null, 2])
    expect(textsOf(await log.read(channel, null, 10))).toEqual(['kept 1', 'kept 2'])
  })

  test('what is appended while nobody subscribes is kept, and not handed over later', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.appendNumbers(channel, 3)
    await scene.engine.bus.subscribe([channel])
    const page = await scene.engine.log.read(channel, null, 10)
    expect([textsOf(page), page.top]).toEqual([numbers(1, 3), 3])
    expect(await scene.append(channel, '4')).toEqual({ epoch: page.epoch, offset: 4 })
    expect(await scene.received(channel, 1)).toEqual(['4'])
  })

  test('a page has what is behind a position, in order, with offset and time, as many as are asked for', async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const channel = scene.name()
    const before = Date.now()
    const { epoch } = await scene.appendNumbers(channel, 25)
    const page = await log.read(channel, { epoch, offset: 20 }, 3)
    expect(page).toMatchObject({ epoch, top: 25, isGapless: true })
    expect(page.items.map(({ offset, frame }) => [offset, text(frame)])).toEqual([
      [21, '21'],
      [22, '22'],
      [23, '23'],
    ])
    const times = (await log.read(channel, null, 25)).items.map(({ at }) => at)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    // The engine's clock may be another machine's.
    for (const at of times) expect(Math.abs(at - before)).toBeLessThan(60_000)
    expect((await log.read(channel, null, 0)).items).toEqual([])
  })

  test('page by page everything is read once, while more is appended', async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const channel = scene.name()
    let { epoch } = await scene.appendNumbers(channel, 40)
    const read: string[] = []
    for (let offset = 0; ; ) {
      const page = await log.read(channel, { epoch, offset }, 7)
      expect(page.isGapless).toBe(true)
      if (page.items.length === 0) break
      read.push(...textsOf(page))
      offset = page.items.at(-1)?.offset ?? 0
      if (offset < 45) epoch = (await scene.append(channel, String(page.top + 1))).epoch
    }
    expect(read).toEqual(numbers(1, read.length))
    expect(read.length).toBeGreaterThan(45)
  })

  test('the newest are read backwards, in order within each page', async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const channel = scene.name()
    const { epoch } = await scene.appendNumbers(channel, 10)
    const page = await log.readLast(channel, null, 4)
    expect(page).toMatchObject({ epoch, top: 10, isGapless: true })
    expect(page.items.map(({ offset }) => offset)).toEqual([7, 8, 9, 10])
    expect(textsOf(await log.readLast(channel, 7, 4))).toEqual(numbers(3, 6))
    expect(textsOf(await log.readLast(channel, 3, 4))).toEqual(numbers(1, 2))
    expect(textsOf(await log.readLast(channel, 11, 2))).toEqual(numbers(9, 10))
    expect(textsOf(await log.readLast(channel, 1_000, 2))).toEqual(numbers(9, 10))
    expect(textsOf(await log.readLast(channel, null, 1_000))).toEqual(numbers(1, 10))
    expect((await log.readLast(channel, null, 0)).items).toEqual([])
    expect(await log.readLast(channel, 1, 4)).toMatchObject({ items: [], top: 10, isGapless: true })
  })

  test('a channel that nobody has used has no items, and positions of elsewhere have a gap in it', async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const { epoch } = await scene.append(scene.name('other'), 'elsewhere')
    const channel = scene.name()
    expect(await log.read(channel, null, 10)).toMatchObject({ items: [], top: 0, isGapless: true })
    expect(await log.readLast(channel, null, 10)).toMatchObject({ items: [], top: 0 })
    expect(await log.readLast(channel, 5, 10)).toMatchObject({ items: [], top: 0 })
    expect(await log.retained(channel)).toMatchObject({ items: [], top: 0 })
    for (const offset of [1, 7]) {
      expect(await log.read(channel, { epoch, offset }, 10)).toMatchObject({ items: [], top: 0, isGapless: false })
    }
    expect((await log.read(channel, null, 10)).epoch).toMatch(/^.{1,64}$/u)
  })

  test('a channel that is subscribed keeps the epoch that it is read with', async () => {
    await using scene = await Scene.open(suite)
    const { bus, log } = scene.engine
    const channel = scene.name()
    await bus.subscribe([channel])
    const { epoch } = await log.read(channel, null, 0)
    expect((await log.readLast(channel, null, 1)).epoch).toBe(epoch)
    expect((await log.retained(channel)).epoch).toBe(epoch)
    expect(await log.read(channel, { epoch, offset: 0 }, 1)).toMatchObject({ epoch, top: 0, isGapless: true })
    expect(await scene.append(channel, 'first')).toEqual({ epoch, offset: 1 })
    expect(await log.read(channel, { epoch, offset: 0 }, 1)).toMatchObject({ epoch, top: 1, isGapless: true })
  })

  test('a position of another epoch always has a gap, whatever its offset, and is read from the oldest on', async () => {
    await using scene = await Scene.open(suite)
    const { log } = scene.engine
    const channel = scene.name()
    await scene.appendNumbers(channel, 3)
    for (const offset of [0, 1, 2, 3, 4, 1_000]) {
      const page = await log.read(channel, { epoch: 'another', offset }, 10)
      expect([page.isGapless, textsOf(page)]).toEqual([false, numbers(1, 3)])
    }
  })

  test('no two frames have the same position, even if the channel was forgotten between them', async () => {
    await using scene = await Scene.open(suite)
    const { bus, log } = scene.engine
    const channel = scene.name()
    const keepNothing = { messages: 0, bytes: 0, ageMs: 0 }
    const places = new Set<string>()
    const positions: Position[] = []
    for (let round = 0; round < 5; round++) {
      if (round % 2 === 0) await bus.subscribe([channel])
      for (const number of numbers(1, 3)) positions.push(await scene.append(channel, number, keepNothing))
      bus.unsubscribe([channel])
    }
    for (const { epoch, offset } of positions) places.add(`${epoch} ${offset}`)
    expect(places.size).toBe(15)
    // Either nothing is missing behind the last of them, or the channel is another one now.
    const last = positions.at(-1) as Position
    const page = await log.read(channel, last, 10)
    expect(page.isGapless).toBe(page.epoch === last.epoch)
    const first = await log.read(channel, positions[0] as Position, 10)
    expect(first.isGapless).toBe(false)
  })

  test('the caller may change what it appended, and what it was handed or has read', async () => {
    await using scene = await Scene.open(suite)
    const { bus, log } = scene.engine
    const channel = scene.name()
    await bus.subscribe([channel])
    const frame = bytes('as given')
    const appended = log.append(channel, frame, KEEP, 'key')
    frame.fill(0)
    await appended
    await scene.received(channel, 1)
    scene.seen[0]?.frame.fill(1)
    const pages = [() => log.read(channel, null, 1), () => log.readLast(channel, null, 1), () => log.retained(channel)]
    for (const page of [...pages, ...pages]) {
      const [item] = (await page()).items
      expect(text(item?.frame as Uint8Array)).toBe('as given')
      item?.frame.fill(2)
    }
    expect(scene.texts(channel)).toEqual(['as given'])
  })

  test('of a view only the bytes of the view are kept', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.engine.log.append(channel, bytes('outside inside outside').subarray(8, 14), KEEP, 'key')
    expect(textsOf(await scene.engine.log.read(channel, null, 1))).toEqual(['inside'])
    expect(textsOf(await scene.engine.log.retained(channel))).toEqual(['inside'])
  })

  peerTest(suite, 'frames that two nodes append come to both in the same order', async (first, second) => {
    const channel = first.name()
    const scenes = [first, second]
    for (const { engine } of scenes) await engine.bus.subscribe([channel])
    const appends = numbers(1, 200).flatMap((number) =>
      scenes.map(({ engine }, i) => engine.log.append(channel, bytes(`${i}:${number}`), KEEP)),
    )
    await Promise.all(appends)
    const order = await first.received(channel, 400)
    expect(await second.received(channel, 400)).toEqual(order)
    expect(textsOf(await second.engine.log.read(channel, null, 1_000))).toEqual(order)
    expect(order.filter((text) => text.startsWith('0'))).toEqual(numbers(1, 200).map((number) => `0:${number}`))
  })
}
