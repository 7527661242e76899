import type { Mode } from './mode'
import { describeTurns, turnMs, withCpu } from './turns'

const VISITORS = 100
/** Fewer warm up a slow server as well, which takes its time for all of them. */
const WARM_UP_VISITORS = 20
const CONNECT_TIMEOUT_MS = 60_000
/** A cycle that has begun goes on to its end. */
const SLACK_MS = 75_000

/** Many come and go at once in a room whose members see who is there. */
export const presenceMode: Mode = {
  name: 'presence',
  title: 'Who is in the room',
  roundsFactor: 0.6,
  serverFlags: [],
  features: ['presence'],
  describe: (settings) =>
    `${settings.members} members who see who is in their room; ${VISITORS} others come at once, and leave at once when every member ` +
    `has seen all of them; once or more in each turn; ${describeTurns(settings)}`,
  metrics: () => [
    { id: 'presence', title: 'a change seen by a member', unit: 'µs server CPU per change and member', bounds: {} },
  ],
  stages: () => [
    {
      async prepare({ load, target, assertMembers }, { members, warmUpMs }) {
        await load.request('watchPeople', { ...target, count: members }, CONNECT_TIMEOUT_MS)
        await assertMembers(members)
        await load.request('storm', { visitors: WARM_UP_VISITORS, windowMs: warmUpMs }, warmUpMs + SLACK_MS)
      },
      async measure(session, settings) {
        const windowMs = turnMs(settings)
        const { cycles, seen, messages, bytes, elapsedMs, cpuUs } = await withCpu(session, () =>
          session.load.request('storm', { visitors: VISITORS, windowMs }, windowMs + SLACK_MS),
        )
        await session.assertMembers(settings.members)
        return [{ metric: 'presence', cpuUs, count: seen, details: { cycles, messages, bytes, elapsedMs } }]
      },
    },
  ],
}
