import type { Mode, Stage } from './mode'
import { measureEach, runTicks, type TicksPlan } from './ticks'
import { describeTurns } from './turns'

const PER_TICK = [1, 16]

/** Messages to rooms of several sizes: what grows with the room, and what each message costs by itself. */
export const sizesMode: Mode = {
  name: 'sizes',
  title: 'Messages to rooms of several sizes',
  roundsFactor: 0.6,
  serverFlags: [],
  describe: (settings) =>
    `as broadcast, with ${settings.roomSizes.join(' and ')} members: ticks of 1 and 16 messages; ${describeTurns(settings)}`,
  metrics: ({ roomSizes }) => roomSizes.flatMap((members) => PER_TICK.map((perTick) => metricOf(members, perTick))),
  stages: ({ roomSizes }) => roomSizes.map((members, i) => stageOf(members, members - (roomSizes[i - 1] ?? 0))),
}

/** @param more  Members that were not there in the stage before. */
function stageOf(members: number, more: number): Stage {
  const plans = PER_TICK.map((perTick): TicksPlan => {
    const metric = metricOf(members, perTick).id
    return { metric, payload: 'tick', perTick, audience: 'room', turns: 'one' }
  })
  return {
    async prepare(session, { warmUpMs }) {
      await session.connect(more)
      await session.assertMembers()
      for (const plan of plans) await runTicks(session, plan, warmUpMs)
    },
    measure: (session, settings) => measureEach(session, plans, settings),
  }
}

function metricOf(members: number, perTick: number) {
  return {
    id: `sizes-${members}-${perTick}`,
    title: `room of ${members.toLocaleString('en-US')}, ${perTick} per tick`,
    unit: 'µs server CPU per delivery',
    bounds: {},
  }
}
