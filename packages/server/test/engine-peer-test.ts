import { test } from 'vitest'
import { Scene, type Suite } from './engine-scene'

/** A test that needs two nodes; skipped, with the reason in its title, where there is only one. */
export function peerTest(suite: Suite, title: string, run: (first: Scene, second: Scene) => Promise<void>): void {
  const { makePeer } = suite
  if ('none' in makePeer) {
    test.skip(`${title} (skipped: ${makePeer.none})`, () => {})
    return
  }
  test(title, async () => {
    await using first = await Scene.open(suite)
    await using second = await first.peer(suite)
    await run(first, second)
  })
}
