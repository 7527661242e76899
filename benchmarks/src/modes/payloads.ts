import { PAYLOAD_NAMES, PAYLOAD_TITLES, type PayloadName } from '../payloads'
import type { Mode } from './mode'
import { gather, measureEach, type TicksPlan } from './ticks'

/** Messages of several kinds and lengths to a room: what encoding costs, and what bytes cost. */
export const payloadsMode: Mode = {
  name: 'payloads',
  title: 'Messages of several kinds',
  roundsFactor: 0.6,
  serverFlags: [],
  describe: ({ payloadMembers, windowMs, warmUpMs }) =>
    `as broadcast, with ${payloadMembers} members, one message per tick, of each payload; ` +
    `${windowMs} ms after ${warmUpMs} ms warm-up`,
  metrics: ({ payloadMembers }) =>
    PAYLOAD_NAMES.map((payload) => ({
      id: `payloads-${payload}`,
      title: `room of ${payloadMembers}, ${PAYLOAD_TITLES[payload]}`,
      unit: 'µs server CPU per delivery',
      bounds: {},
    })),
  async measure(session, settings) {
    const plans = PAYLOAD_NAMES.map(planOf)
    await gather(session, plans, settings, settings.payloadMembers)
    return await measureEach(session, plans, settings)
  },
}

function planOf(payload: PayloadName): TicksPlan {
  return { metric: `payloads-${payload}`, payload, perTick: 1, audience: 'room', turns: 'one' }
}
