import type { Session } from '../session'
import type { Mode, ModeSettings, Sample } from './mode'

const PER_TICK = [1, 16]
const SLACK_MS = 25_000

/** Messages to a room: the server sends a tick, and the next when every member has all of it. */
export const broadcastMode: Mode = {
  name: 'broadcast',
  roundsFactor: 1,
  serverFlags: [],
  describe: ({ members, windowMs, warmUpMs }) =>
    `${members} members of one room, ticks of 1 and 16 messages sent in one turn of the event loop, the next tick ` +
    `when every member has received all of the last; ${windowMs} ms after ${warmUpMs} ms warm-up`,
  metrics: PER_TICK.map((perTick) => ({
    id: `broadcast-${perTick}`,
    title: `room broadcast, ${perTick} per tick`,
    unit: 'µs server CPU per delivery',
    budget: 1.05,
  })),
  async measure(session, settings) {
    await session.connect(settings.members)
    await session.assertMembers(settings.members)
    const samples: Sample[] = []
    for (const perTick of PER_TICK) samples.push(await measureTicks(session, perTick, settings))
    return samples
  },
}

async function measureTicks(session: Session, perTick: number, settings: ModeSettings): Promise<Sample> {
  await runTicks(session, perTick, settings.members, settings.warmUpMs)
  const { ticks, elapsedMs, cpuUs } = await runTicks(session, perTick, settings.members, settings.windowMs)
  const deliveries = ticks * perTick * settings.members
  return {
    metric: `broadcast-${perTick}`,
    value: cpuUs / deliveries,
    details: { deliveries, ticks, elapsedMs, cpuUs, perSecond: (deliveries / elapsedMs) * 1000 },
  }
}

async function runTicks({ server, load, gatePort }: Session, perTick: number, members: number, windowMs: number) {
  await load.request('watch', { gatePort, perTick }, SLACK_MS)
  const ticking = server.request('tick', { perTick, windowMs }, windowMs + SLACK_MS)
  // Where both know that something is wrong, the load knows what.
  const result = await ticking.catch(async (error) => {
    await load.request('delivered', undefined, SLACK_MS)
    throw error
  })
  const { frames } = await load.request('delivered', undefined, SLACK_MS)
  const sent = result.ticks * perTick * members
  if (frames !== sent) throw new Error(`${frames} of ${sent} messages delivered`)
  return result
}
