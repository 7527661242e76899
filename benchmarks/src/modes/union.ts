import type { Mode } from './mode'
import { gather, measureTicks } from './ticks'

const MESSAGES = 16

/** Messages to several rooms at once, without those in another one: each member gets them once. */
export const unionMode: Mode = {
  name: 'union',
  title: 'Messages to several rooms, except one',
  roundsFactor: 0.6,
  serverFlags: [],
  features: ['groups'],
  describe: ({ members, windowMs, warmUpMs }) =>
    `${members} connections, half of them in room a, three quarters in room b, a tenth in room c; ticks of ${MESSAGES} ` +
    'messages to a and b except c, the next tick when everyone concerned has received all of the last; ' +
    `${windowMs} ms after ${warmUpMs} ms warm-up`,
  metrics: () => [
    {
      id: 'union',
      title: `messages to two rooms except a third, ${MESSAGES} per tick`,
      unit: 'µs server CPU per delivery',
      bounds: {},
    },
  ],
  async measure(session, settings) {
    const plan = { metric: 'union', payload: 'tick', perTick: MESSAGES, audience: 'union', turns: 'one' } as const
    await gather(session, [plan], settings, settings.members, 'grouped')
    return [await measureTicks(session, plan, settings)]
  },
}
