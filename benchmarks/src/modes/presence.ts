import type { Mode } from './mode'

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
  describe: ({ members, windowMs, warmUpMs }) =>
    `${members} members who see who is in their room; ${VISITORS} others come at once, and leave at once when every member ` +
    `has seen all of them; again and again for ${windowMs} ms after ${warmUpMs} ms warm-up`,
  metrics: () => [
    { id: 'presence', title: 'a change seen by a member', unit: 'µs server CPU per change and member', bounds: {} },
  ],
  async measure({ server, load, target, assertMembers }, { members, warmUpMs, windowMs }) {
    await load.request('watchPeople', { ...target, count: members }, CONNECT_TIMEOUT_MS)
    await assertMembers(members)
    await load.request('storm', { visitors: WARM_UP_VISITORS, windowMs: warmUpMs }, warmUpMs + SLACK_MS)
    const before = await server.request('cpu', undefined, SLACK_MS)
    const storm = await load.request('storm', { visitors: VISITORS, windowMs }, windowMs + SLACK_MS)
    const cpuUs = (await server.request('cpu', undefined, SLACK_MS)) - before
    await assertMembers(members)
    const { cycles, seen, messages, bytes, elapsedMs } = storm
    return [
      {
        metric: 'presence',
        value: cpuUs / seen,
        details: {
          seen,
          cycles,
          elapsedMs,
          cpuUs,
          messagesPerChange: messages / seen,
          bytesPerChange: bytes / seen,
        },
      },
    ]
  },
}
