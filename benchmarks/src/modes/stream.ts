import type { Mode } from './mode'
import { gather, measureTicks } from './ticks'

const MESSAGES = 16

/** Messages to a room that do not come together: each in a turn of its own of the server's event loop. */
export const streamMode: Mode = {
  name: 'stream',
  title: 'Messages to a room, one after the other',
  roundsFactor: 1,
  serverFlags: [],
  describe: ({ members, windowMs, warmUpMs }) =>
    `${members} members of one room, ${MESSAGES} messages, each sent in a turn of the event loop of its own, the next ` +
    `${MESSAGES} when every member has received all of them; ${windowMs} ms after ${warmUpMs} ms warm-up`,
  metrics: () => [
    {
      id: 'stream',
      title: `room broadcast, ${MESSAGES} messages in ${MESSAGES} turns of the event loop`,
      unit: 'µs server CPU per delivery',
      // Cheaper than whoever publishes each at once.
      bounds: { 'roomcast-ticks': 1 },
    },
  ],
  async measure(session, settings) {
    const plan = { metric: 'stream', payload: 'tick', perTick: MESSAGES, audience: 'room', turns: 'each' } as const
    await gather(session, [plan], settings, settings.members)
    return [await measureTicks(session, plan, settings)]
  },
}
