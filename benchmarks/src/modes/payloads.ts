import { PAYLOAD_NAMES, PAYLOAD_TITLES, type PayloadName } from '../payloads'
import type { Mode } from './mode'
import { type TicksPlan, ticksStage } from './ticks'
import { describeTurns } from './turns'

/** Messages of several kinds and lengths to a room: what encoding costs, and what bytes cost. */
export const payloadsMode: Mode = {
  name: 'payloads',
  title: 'Messages of several kinds',
  roundsFactor: 0.6,
  serverFlags: [],
  describe: (settings) =>
    `as broadcast, with ${settings.payloadMembers} members, one message per tick, of each payload; ` +
    describeTurns(settings),
  metrics: ({ payloadMembers }) =>
    PAYLOAD_NAMES.map((payload) => ({
      id: `payloads-${payload}`,
      title: `room of ${payloadMembers}, ${PAYLOAD_TITLES[payload]}`,
      unit: 'µs server CPU per delivery',
      bounds: {},
    })),
  stages: ({ payloadMembers }) => [ticksStage(PAYLOAD_NAMES.map(planOf), payloadMembers)],
}

function planOf(payload: PayloadName): TicksPlan {
  return { metric: `payloads-${payload}`, payload, perTick: 1, audience: 'room', turns: 'one' }
}
