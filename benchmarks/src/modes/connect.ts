import { setTimeout as sleep } from 'node:timers/promises'
import { OURS } from '../peers'
import type { Mode } from './mode'

const SETTLE_MS = 500
const SLACK_MS = 15_000

/** Connections that come, 64 at a time, and join one room. */
export const connectMode: Mode = {
  name: 'connect',
  title: 'Connecting',
  roundsFactor: 1,
  serverFlags: [],
  describe: ({ comers, warmUpConnections }) =>
    `${comers} connections that open and join one room, 64 at a time, after ${warmUpConnections} that are not counted`,
  metrics: () => [
    {
      id: 'connect',
      title: 'connect and join one room',
      unit: 'µs server CPU per connection',
      bounds: { [OURS]: 1.5 },
    },
  ],
  async measure({ server, connect, assertMembers }, { comers, warmUpConnections }) {
    await connect(warmUpConnections)
    await sleep(SETTLE_MS)
    const before = await server.request('cpu', undefined, SLACK_MS)
    const start = performance.now()
    await connect(comers)
    const elapsedMs = performance.now() - start
    const cpuUs = (await server.request('cpu', undefined, SLACK_MS)) - before
    await assertMembers(warmUpConnections + comers)
    const perSecond = (comers / elapsedMs) * 1000
    return [{ metric: 'connect', value: cpuUs / comers, details: { connections: comers, elapsedMs, cpuUs, perSecond } }]
  },
}
