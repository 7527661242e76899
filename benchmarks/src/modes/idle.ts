import { setTimeout as sleep } from 'node:timers/promises'
import { OURS } from '../peers'
import { type Mode, WARM_UP_CONNECTIONS } from './mode'

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
  describe: ({ idle }) =>
    `${idle} connections that joined one room, after ${WARM_UP_CONNECTIONS} that are not counted; ` +
    'growth of RSS after garbage collection',
  metrics: () => [
    { id: 'idle', title: 'idle connection in one room', unit: 'bytes of server RSS', bounds: { [OURS]: 1.8 } },
  ],
  async measure(session, { idle }) {
    await session.connect(WARM_UP_CONNECTIONS)
    await sleep(SETTLE_MS)
    const before = await session.server.request('memory', undefined, SLACK_MS)
    const cpuBefore = await session.server.request('cpu', undefined, SLACK_MS)
    await session.connect(idle)
    const cpuAfter = await session.server.request('cpu', undefined, SLACK_MS)
    await sleep(SETTLE_MS)
    const after = await session.server.request('memory', undefined, SLACK_MS)
    await session.assertMembers(WARM_UP_CONNECTIONS + idle)
    return [
      {
        metric: 'idle',
        value: (after.rssBytes - before.rssBytes) / idle,
        details: {
          connections: idle,
          rssBytes: after.rssBytes,
          heapBytesPerConnection: (after.heapBytes - before.heapBytes) / idle,
          connectCpuUs: (cpuAfter - cpuBefore) / idle,
        },
      },
    ]
  },
}
