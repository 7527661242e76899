import { expect, test } from 'vitest'
import { peerTest } from './engine-peer-test'
import { bytes, Scene, SHORT_MS, type Suite, text } from './engine-scene'

const LONG_MS = 600_000

/** Small values under a key. */
export function storeConformance(suite: Suite): void {
  const readText = async (scene: Scene, key: string) => {
    const value = await scene.engine.store.get(key)
    return value === null ? null : text(value)
  }

  test('a value is there until it is taken, and is replaced by the next', async () => {
    await using scene = await Scene.open(suite)
    const { store } = scene.engine
    const key = scene.name()
    expect([await store.get(key), await store.take(key)]).toEqual([null, null])
    await store.put(key, bytes('first'), LONG_MS)
    await store.put(key, bytes('second'), LONG_MS)
    expect([await readText(scene, key), await readText(scene, key)]).toEqual(['second', 'second'])
    expect(text((await store.take(key)) as Uint8Array)).toBe('second')
    expect([await store.get(key), await store.take(key)]).toEqual([null, null])
  })

  test('keys and values are opaque', async () => {
    await using scene = await Scene.open(suite)
    const { store } = scene.engine
    const keys = ['', 'a b', '*', '\0', 'Größe 🙂', '__proto__'].map((name) => scene.name(name))
    for (const key of keys) await store.put(key, bytes(`of ${key}`), LONG_MS)
    for (const key of keys) expect(await readText(scene, key)).toBe(`of ${key}`)
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    await store.put(scene.name('all'), all, LONG_MS)
    expect(Buffer.compare((await store.get(scene.name('all'))) as Uint8Array, all)).toBe(0)
    await store.put(scene.name('none'), new Uint8Array(0), LONG_MS)
    expect((await store.get(scene.name('none')))?.length).toBe(0)
  })

  test('the caller may change a value that it gave, and one that it got', async () => {
    await using scene = await Scene.open(suite)
    const { store } = scene.engine
    const key = scene.name()
    const value = bytes('as given')
    const done = store.put(key, value, LONG_MS)
    value.fill(0)
    await done
    for (let i = 0; i < 2; i++) {
      const got = (await store.get(key)) as Uint8Array
      expect(text(got)).toBe('as given')
      got.fill(1)
    }
    const view = bytes('outside inside outside').subarray(8, 14)
    await store.put(key, view, LONG_MS)
    expect(await readText(scene, key)).toBe('inside')
  })

  test('a value is gone when its time is over, for who reads and for who takes', async () => {
    await using scene = await Scene.open(suite)
    const { store } = scene.engine
    const [read, taken, lasting] = [scene.name('read'), scene.name('taken'), scene.name('lasting')]
    await store.put(lasting, bytes('stays'), null)
    await store.put(taken, bytes('ends'), SHORT_MS)
    await store.put(read, bytes('ends'), SHORT_MS)
    await scene.afterTime(SHORT_MS, async () => (await store.get(read)) === null, 'the value to end')
    expect(await store.take(taken)).toBeNull()
    expect(await readText(scene, lasting)).toBe('stays')
  })

  test('a value that is put again has the time of the last put', async () => {
    await using scene = await Scene.open(suite)
    const { store } = scene.engine
    const [longer, lasting, shorter, mark] = ['longer', 'lasting', 'shorter', 'mark'].map((name) => scene.name(name))
    await store.put(longer as string, bytes('1'), SHORT_MS)
    await store.put(longer as string, bytes('2'), LONG_MS)
    await store.put(lasting as string, bytes('1'), SHORT_MS)
    await store.put(lasting as string, bytes('2'), null)
    await store.put(shorter as string, bytes('1'), null)
    await store.put(shorter as string, bytes('2'), SHORT_MS)
    await store.put(mark as string, bytes('ends last'), SHORT_MS)
    await scene.afterTime(SHORT_MS, async () => (await store.get(mark as string)) === null, 'the short ones to end')
    expect(await readText(scene, longer as string)).toBe('2')
    expect(await readText(scene, lasting as string)).toBe('2')
    expect(await readText(scene, shorter as string)).toBeNull()
  })

  test('of many who take a value at once, one gets it', async () => {
    await using scene = await Scene.open(suite)
    const { store } = scene.engine
    const key = scene.name()
    await store.put(key, bytes('prize'), LONG_MS)
    const answers = await Promise.all(Array.from({ length: 20 }, () => store.take(key)))
    expect(answers.filter((answer) => answer !== null)).toHaveLength(1)
  })

  test('as much is allowed in a window as its limit says; what is refused is not counted', async () => {
    await using scene = await Scene.open(suite)
    const { store } = scene.engine
    const key = scene.name()
    expect(await store.consume(key, 3, 10, LONG_MS)).toEqual({ isAllowed: true, left: 7 })
    expect(await store.consume(key, 8, 10, LONG_MS)).toEqual({ isAllowed: false, left: 7 })
    expect(await store.consume(key, 7, 10, LONG_MS)).toEqual({ isAllowed: true, left: 0 })
    expect(await store.consume(key, 1, 10, LONG_MS)).toEqual({ isAllowed: false, left: 0 })
    expect(await store.consume(scene.name('other'), 1, 10, LONG_MS)).toEqual({ isAllowed: true, left: 9 })
    expect(await store.consume(scene.name('third'), 11, 10, LONG_MS)).toEqual({ isAllowed: false, left: 10 })
  })

  test('of many who consume at once, as many are allowed as fit', async () => {
    await using scene = await Scene.open(suite)
    const { store } = scene.engine
    const key = scene.name()
    const answers = await Promise.all(Array.from({ length: 30 }, () => store.consume(key, 1, 10, LONG_MS)))
    expect(answers.filter(({ isAllowed }) => isAllowed)).toHaveLength(10)
  })

  test('a window ends its time after the first use, however often it is tried in between', async () => {
    await using scene = await Scene.open(suite)
    const { store } = scene.engine
    const key = scene.name()
    await store.consume(key, 1, 2, SHORT_MS)
    await store.consume(key, 1, 2, SHORT_MS)
    let refused = 0
    // A window that begins anew with each attempt would never end.
    const isAllowed = async () => {
      const answer = await store.consume(key, 1, 2, SHORT_MS)
      if (!answer.isAllowed) refused++
      return answer.isAllowed && answer.left === 1
    }
    expect(await isAllowed()).toBe(false)
    await scene.afterTime(SHORT_MS, isAllowed, 'the window to end')
    expect(refused).toBeGreaterThan(0)
  })

  peerTest(suite, 'what one node puts, another one reads, and one of both takes', async (first, second) => {
    const key = first.name()
    await first.engine.store.put(key, bytes('shared'), LONG_MS)
    expect(await readText(second, key)).toBe('shared')
    const answers = await Promise.all([first.engine.store.take(key), second.engine.store.take(key)])
    expect(answers.filter((answer) => answer !== null)).toHaveLength(1)
  })
}
