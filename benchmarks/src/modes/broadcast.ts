import { OURS } from '../peers'
import type { Mode } from './mode'
import { gather, measureEach, type TicksPlan } from './ticks'

const PER_TICK = [1, 16]

/** Messages to a room: the server sends a tick, and the next when every member has all of it. */
export const broadcastMode: Mode = {
  name: 'broadcast',
  title: 'Messages to a room',
  roundsFactor: 1,
  serverFlags: [],
  describe: ({ members, windowMs, warmUpMs }) =>
    `${members} members of one room, ticks of 1 and 16 messages sent in one turn of the event loop, the next tick ` +
    `when every member has received all of the last; ${windowMs} ms after ${warmUpMs} ms warm-up`,
  metrics: () =>
    PER_TICK.map((perTick) => ({
      id: `broadcast-${perTick}`,
      title: `room broadcast, ${perTick} per tick`,
      unit: 'µs server CPU per delivery',
      bounds: { [OURS]: 1.05 },
    })),
  async measure(session, settings) {
    const plans = PER_TICK.map(planOf)
    await gather(session, plans, settings, settings.members)
    return await measureEach(session, plans, settings)
  },
}

function planOf(perTick: number): TicksPlan {
  return { metric: `broadcast-${perTick}`, payload: 'tick', perTick, audience: 'room', turns: 'one' }
}
