import type { Mode } from './mode'
import { gather, runTicks } from './ticks'

const PAUSED = 10
const FILL_BYTES = 16 * 1_048_576
const FILL_TIMEOUT_MS = 30_000
const SLACK_MS = 15_000

/** Some members of a room read nothing, with everything full that is between them and the server. */
export const pausedMode: Mode = {
  name: 'paused',
  title: 'Members who read nothing',
  roundsFactor: 0.6,
  serverFlags: [],
  features: ['paused'],
  describe: ({ members, windowMs, warmUpMs }) =>
    `${members} members of one room and ${PAUSED} more whose process is stopped, to whom ${FILL_BYTES / 1_048_576} MiB were sent ` +
    `before; one message of about 2 KB per tick, the next when the ${members} have it; ${windowMs} ms after ${warmUpMs} ms warm-up`,
  metrics: () => [
    {
      id: 'paused-cpu',
      title: `room with ${PAUSED} paused members`,
      unit: 'µs server CPU per delivery to the others',
      bounds: {},
    },
    { id: 'paused-memory', title: `server with ${PAUSED} paused members`, unit: 'MB of server RSS', bounds: {} },
  ],
  async measure(session, settings) {
    const { members, warmUpMs, windowMs } = settings
    const { server, connect, assertMembers, startLoad } = session
    const plan = { payload: 'state', perTick: 1, audience: 'room', turns: 'one' } as const
    await gather(session, [plan], settings, members)
    await runTicks(session, plan, warmUpMs)
    const alone = await runTicks(session, plan, windowMs)
    const before = await server.request('memory', undefined, SLACK_MS)

    const paused = await startLoad('paused members')
    await connect(PAUSED, 'paused', paused)
    await assertMembers(members + PAUSED)
    paused.freeze()
    await server.request('fill', { bytes: FILL_BYTES }, FILL_TIMEOUT_MS)
    const filled = await server.request('memory', undefined, SLACK_MS)
    const openAfterFill = await server.request('pausedMembers', undefined, SLACK_MS)
    await runTicks(session, plan, warmUpMs)
    const { ticks, deliveries, elapsedMs, cpuUs } = await runTicks(session, plan, windowMs)
    const after = await server.request('memory', undefined, SLACK_MS)
    const openAtEnd = await server.request('pausedMembers', undefined, SLACK_MS)
    await assertMembers(members + openAtEnd)
    paused.thaw()

    return [
      {
        metric: 'paused-cpu',
        value: cpuUs / deliveries,
        details: {
          deliveries,
          ticks,
          elapsedMs,
          cpuUs,
          perSecond: (deliveries / elapsedMs) * 1000,
          withoutPaused: alone.cpuUs / alone.deliveries,
        },
      },
      {
        metric: 'paused-memory',
        value: after.rssBytes / 1_000_000,
        details: {
          bytesGrown: (after.rssBytes - before.rssBytes) / PAUSED,
          bytesGrownByFill: (filled.rssBytes - before.rssBytes) / PAUSED,
          openAfterFill,
          openAtEnd,
          closedAtEnd: PAUSED - openAtEnd,
        },
      },
    ]
  },
}
