import type { Mode, Sample } from './mode'
import { measureEach, type TicksPlan } from './ticks'

const PER_TICK = [1, 16]

/** Messages to rooms of several sizes: what grows with the room, and what each message costs by itself. */
export const sizesMode: Mode = {
  name: 'sizes',
  title: 'Messages to rooms of several sizes',
  roundsFactor: 0.6,
  serverFlags: [],
  describe: ({ roomSizes, windowMs, warmUpMs }) =>
    `as broadcast, with ${roomSizes.join(' and ')} members: ticks of 1 and 16 messages; ` +
    `${windowMs} ms after ${warmUpMs} ms warm-up`,
  metrics: ({ roomSizes }) => roomSizes.flatMap((members) => PER_TICK.map((perTick) => metricOf(members, perTick))),
  async measure(session, settings) {
    const samples: Sample[] = []
    let connected = 0
    for (const members of settings.roomSizes) {
      await session.connect(members - connected)
      connected = members
      await session.assertMembers(members)
      const plans = PER_TICK.map((perTick): TicksPlan => {
        const metric = metricOf(members, perTick).id
        return { metric, payload: 'tick', perTick, audience: 'room', turns: 'one' }
      })
      samples.push(...(await measureEach(session, plans, settings)))
    }
    return samples
  },
}

function metricOf(members: number, perTick: number) {
  return {
    id: `sizes-${members}-${perTick}`,
    title: `room of ${members.toLocaleString('en-US')}, ${perTick} per tick`,
    unit: 'µs server CPU per delivery',
    bounds: {},
  }
}
