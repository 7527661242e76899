import { expect, test } from 'vitest'
import { until } from '../../../test-kit/wait'
import { peerTest } from './engine-peer-test'
import { bytes, KEEP, numbers, Scene, type Suite } from './engine-scene'

/** Frames to whoever subscribes now. */
export function busConformance(suite: Suite): void {
  test('a published frame comes to the node that published it, if it subscribes, and has no position', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.engine.bus.subscribe([channel])
    await scene.engine.bus.publish(channel, bytes('hello'))
    expect(await scene.received(channel, 1)).toEqual(['hello'])
    expect(scene.seen[0]).toMatchObject({ channel, position: null })
  })

  test('frames of a channel come in the order in which they were published, without waiting for each', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.engine.bus.subscribe([channel])
    await Promise.all(numbers(1, 500).map((number) => scene.engine.bus.publish(channel, bytes(number))))
    expect(await scene.received(channel, 500)).toEqual(numbers(1, 500))
  })

  test('frames are opaque: none, all byte values, a megabyte', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.engine.bus.subscribe([channel])
    const frames = [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, i) => i), new Uint8Array(2 ** 20).fill(7)]
    for (const frame of frames) await scene.engine.bus.publish(channel, frame)
    await scene.received(channel, 3)
    expect(scene.seen.map(({ frame }) => frame.length)).toEqual([0, 256, 2 ** 20])
    for (const [i, { frame }] of scene.seen.entries()) expect(Buffer.compare(frame, frames[i] as Uint8Array)).toBe(0)
  })

  test('of a view only the bytes of the view are sent', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.engine.bus.subscribe([channel])
    await scene.engine.bus.publish(channel, bytes('outside inside outside').subarray(8, 14))
    await scene.engine.bus.publish(channel, Buffer.from('of the pool'))
    expect(await scene.received(channel, 2)).toEqual(['inside', 'of the pool'])
  })

  test('channels are opaque text: patterns, blanks, control characters and any language are names like others', async () => {
    await using scene = await Scene.open(suite)
    const channels = ['*', '?[a-z]', '{a}', 'a b', 'a\r\nb', '\0', 'Größe 漢字 🙂', '__proto__', ''].map((name) =>
      scene.name(name),
    )
    await scene.engine.bus.subscribe(channels)
    for (const [i, channel] of channels.entries()) await scene.engine.bus.publish(channel, bytes(String(i)))
    for (const [i, channel] of channels.entries()) expect(await scene.received(channel, 1)).toEqual([String(i)])
    await scene.settled()
    expect(scene.seen.filter(({ channel }) => channels.includes(channel))).toHaveLength(channels.length)
  })

  test('nothing comes of a channel that is not subscribed', async () => {
    await using scene = await Scene.open(suite)
    const [subscribed, other] = [scene.name('subscribed'), scene.name('other')]
    await scene.engine.bus.subscribe([subscribed])
    await scene.engine.bus.publish(other, bytes('published'))
    await scene.engine.log.append(other, bytes('appended'), KEEP)
    await scene.engine.bus.publish(subscribed, bytes('last'))
    await scene.received(subscribed, 1)
    await scene.settled()
    expect(scene.texts(other)).toEqual([])
  })

  test('a channel that is subscribed twice brings each frame once, and one unsubscribe ends it', async () => {
    await using scene = await Scene.open(suite)
    const { bus } = scene.engine
    const channel = scene.name()
    await bus.subscribe([channel, channel])
    await bus.subscribe([channel])
    await bus.publish(channel, bytes('one'))
    await scene.received(channel, 1)
    await scene.settled()
    expect(scene.texts(channel)).toEqual(['one'])
    bus.unsubscribe([channel])
    await bus.publish(channel, bytes('two'))
    await scene.settled()
    expect(scene.texts(channel)).toEqual(['one'])
  })

  test('nothing comes after unsubscribe, and everything again after the next subscribe', async () => {
    await using scene = await Scene.open(suite)
    const { bus, log } = scene.engine
    const [channel, kept] = [scene.name(), scene.name('kept')]
    await bus.subscribe([channel, kept])
    bus.unsubscribe([channel, scene.name('never subscribed')])
    bus.unsubscribe([])
    await bus.publish(channel, bytes('missed'))
    await log.append(channel, bytes('missed too'), KEEP)
    await bus.publish(kept, bytes('still there'))
    expect(await scene.received(kept, 1)).toEqual(['still there'])
    await scene.settled()
    expect(scene.texts(channel)).toEqual([])
    await bus.subscribe([channel])
    await bus.publish(channel, bytes('back'))
    expect(await scene.received(channel, 1)).toEqual(['back'])
  })

  test('the caller may change a frame as soon as it was given', async () => {
    await using scene = await Scene.open(suite)
    const channel = scene.name()
    await scene.engine.bus.subscribe([channel])
    const frame = bytes('as given')
    const published = scene.engine.bus.publish(channel, frame)
    frame.fill(0)
    await published
    await scene.received(channel, 1)
    const received = scene.seen[0]?.frame as Uint8Array
    expect(Buffer.from(received).toString()).toBe('as given')
  })

  test('frames that the receiver sends while it takes one come behind it, each channel in its order', async () => {
    await using scene = await Scene.open(suite)
    const { bus, log } = scene.engine
    const [first, second] = [scene.name('first'), scene.name('second')]
    await bus.subscribe([first, second])
    const finished: string[] = []
    const sent: unknown[] = []
    scene.onFrame = ({ channel, text }) => {
      if (text === 'start') {
        sent.push(
          log.append(first, bytes('a'), KEEP),
          bus.publish(first, bytes('b')),
          log.append(second, bytes('c'), KEEP),
        )
        sent.push(log.append(first, bytes('d'), KEEP))
      }
      if (channel === first) finished.push(text)
    }
    await log.append(first, bytes('start'), KEEP)
    await scene.received(first, 4)
    await Promise.all(sent)
    expect(finished).toEqual(['start', 'a', 'b', 'd'])
    expect(await scene.received(second, 1)).toEqual(['c'])
    const offsets = scene.seen.filter(({ channel, position }) => channel === first && position !== null)
    expect(offsets.map(({ position }) => position?.offset)).toEqual([1, 2, 3])
  })

  test('the receiver may subscribe and unsubscribe while it takes a frame', async () => {
    await using scene = await Scene.open(suite)
    const { bus } = scene.engine
    const [first, second] = [scene.name('first'), scene.name('second')]
    await bus.subscribe([first])
    let subscribed: unknown
    scene.onFrame = ({ channel }) => {
      if (channel !== first) return
      bus.unsubscribe([first])
      subscribed = bus.subscribe([second])
    }
    await bus.publish(first, bytes('one'))
    await scene.received(first, 1)
    await subscribed
    await bus.publish(first, bytes('two'))
    await bus.publish(second, bytes('three'))
    expect(await scene.received(second, 1)).toEqual(['three'])
    await scene.settled()
    expect(scene.texts(first)).toEqual(['one'])
  })

  test('an engine that can tell says how many nodes received a frame', async () => {
    await using scene = await Scene.open(suite)
    const { bus, log } = scene.engine
    const channel = scene.name()
    const told = (receivers: number) => (bus.capabilities.receivers ? receivers : undefined)
    expect((await bus.publish(channel, bytes('nobody'))).receivers).toBe(told(0))
    expect((await log.append(channel, bytes('nobody'), KEEP)).receivers).toBe(told(0))
    await bus.subscribe([channel])
    expect((await bus.publish(channel, bytes('one'))).receivers).toBe(told(1))
    expect((await log.append(channel, bytes('one'), KEEP)).receivers).toBe(told(1))
  })

  test('a frame to one node comes to it, and to nobody of another name', async () => {
    await using scene = await Scene.open(suite)
    const { bus, nodeId } = scene.engine
    const frame = bytes('to you')
    const sent = bus.sendNode(nodeId, frame)
    frame.fill(0)
    expect(await sent).toBe(true)
    expect(await bus.sendNode(`${nodeId}-unknown`, bytes('to nobody'))).toBe(false)
    await until(() => scene.nodeFrames.length > 0, 'the frame')
    await scene.settled()
    expect(scene.nodeFrames).toEqual(['to you'])
    expect(scene.seen.map(({ text }) => text)).toEqual(['end'])
  })

  peerTest(
    suite,
    'a frame comes to every node that subscribes, and one to a node to that alone',
    async (first, second) => {
      const channel = first.name()
      await first.engine.bus.subscribe([channel])
      await second.engine.bus.subscribe([channel])
      await first.engine.bus.publish(channel, bytes('to all'))
      expect(await first.received(channel, 1)).toEqual(['to all'])
      expect(await second.received(channel, 1)).toEqual(['to all'])
      expect(await first.engine.bus.sendNode(second.engine.nodeId, bytes('to one'))).toBe(true)
      await until(() => second.nodeFrames.length > 0, 'the frame')
      await first.settled()
      expect([first.nodeFrames, second.nodeFrames]).toEqual([[], ['to one']])
    },
  )
}
