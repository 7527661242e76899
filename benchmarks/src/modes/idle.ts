import { setTimeout as sleep } from 'node:timers/promises'
import { OURS } from '../peers'
import type { Mode, Sample } from './mode'

/**
 * 10,000 connections at once leave a young generation of up to 32 MB, which V8 takes back some seconds later,
 * or not. It is not memory of connections, so every server has it at its smallest from the start.
 */
const YOUNG_GENERATION = '--max-semi-space-size=1'
const SETTLE_MS = 500
const SLACK_MS = 15_000

/** Memory of connections that joined one room and do nothing. */
export const idleMode: Mode = {
  name: 'idle',
  title: 'Idle connections',
  roundsFactor: 0.6,
  serverFlags: [YOUNG_GENERATION],
  describe: ({ idle, warmUpConnections }) =>
    `${idle.join(' and ')} connections that joined one room, after ${warmUpConnections} that are not counted; ` +
    'growth of RSS after garbage collection',
  metrics: ({ idle }) =>
    idle.map((count) => ({
      id: `idle-${count}`,
      title: `idle connection in one room, ${count.toLocaleString('en-US')} of them`,
      unit: 'bytes of server RSS',
      bounds: { [OURS]: 1.8 },
    })),
  async measure(session, { idle, warmUpConnections }) {
    await session.connect(warmUpConnections)
    await sleep(SETTLE_MS)
    // The first collections drop code that only the start needed; that is not to lie between two readings.
    await session.server.request('memory', undefined, SLACK_MS)
    const before = await session.server.request('memory', undefined, SLACK_MS)
    const samples: Sample[] = []
    let connected = 0
    for (const count of idle) {
      await session.connect(count - connected)
      connected = count
      await sleep(SETTLE_MS)
      const after = await session.server.request('memory', undefined, SLACK_MS)
      samples.push({
        metric: `idle-${count}`,
        value: (after.rssBytes - before.rssBytes) / count,
        details: {
          connections: count,
          rssBytes: after.rssBytes,
          anonymousBytesPerConnection: (after.anonymousBytes - before.anonymousBytes) / count,
          heapBytesPerConnection: (after.heapBytes - before.heapBytes) / count,
        },
      })
    }
    await session.assertMembers(warmUpConnections + connected)
    return samples
  },
}
