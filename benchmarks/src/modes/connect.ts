import { OURS } from '../peers'
import { type Mode, WARM_UP_CONNECTIONS } from './mode'
import { TURNS, WARM_UP_TURNS, withCpu } from './turns'

/** How many may come where a process may have so many connections: more come than are counted. */
export function mostComers(connections: number): number {
  return Math.max(1, TURNS * Math.floor((connections - WARM_UP_CONNECTIONS) / (WARM_UP_TURNS + TURNS)))
}

/** Connections that come, 64 at a time, and join one room. */
export const connectMode: Mode = {
  name: 'connect',
  title: 'Connecting',
  roundsFactor: 1,
  serverFlags: [],
  describe: ({ comers }) =>
    `connections that open and join one room, 64 at a time; ${TURNS} turns of ${perTurn(comers)} connections after ` +
    `${WARM_UP_CONNECTIONS} of them and ${WARM_UP_TURNS} turn`,
  metrics: () => [
    {
      id: 'connect',
      title: 'connect and join one room',
      unit: 'µs server CPU per connection',
      bounds: { [OURS]: 1.5 },
    },
  ],
  stages: () => [
    {
      prepare: ({ connect }) => connect(WARM_UP_CONNECTIONS),
      async measure(session, { comers }) {
        const connections = perTurn(comers)
        const { elapsedMs, cpuUs } = await withCpu(session, async () => {
          const start = performance.now()
          await session.connect(connections)
          return { elapsedMs: performance.now() - start }
        })
        await session.assertMembers()
        return [{ metric: 'connect', cpuUs, count: connections, details: { elapsedMs } }]
      },
    },
  ],
}

function perTurn(comers: number): number {
  return Math.ceil(comers / TURNS)
}
