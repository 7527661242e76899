import type { Traffic } from '../load/traffic'
import { PAYLOAD_NAMES, PAYLOAD_TITLES } from '../payloads'
import type { Session } from '../session'
import type { Mode, Sample } from './mode'
import { runTicks } from './ticks'

const CONNECTIONS = 10
/** Long enough for one of whatever is sent. */
const WINDOW_MS = 1
const SLACK_MS = 15_000

/** Bytes that cross the wire, as the load has counted them on its connections. */
export const wireMode: Mode = {
  name: 'wire',
  title: 'Bytes on the wire',
  // Bytes are the same each time.
  roundsFactor: 0,
  serverFlags: [],
  describe: () =>
    `${CONNECTIONS} connections; bytes of TCP, both ways, of a connect with everything until the room is joined, of a call ` +
    'with its answer, and of a message to a member with each payload',
  metrics: () => [
    { id: 'wire-connect', title: 'connect and join one room', unit: 'bytes both ways', bounds: {} },
    { id: 'wire-call', title: 'event with ack and its answer', unit: 'bytes both ways', bounds: {} },
    ...PAYLOAD_NAMES.map((payload) => ({
      id: `wire-${payload}`,
      title: `message to a member, ${PAYLOAD_TITLES[payload]}`,
      unit: 'bytes both ways',
      bounds: {},
    })),
  ],
  async measure(session) {
    const { load } = session
    const samples: Sample[] = []
    const count = async (metric: string, act: () => Promise<number>) => {
      const before = await traffic(session)
      const times = await act()
      samples.push(sampleOf(metric, times, before, await traffic(session)))
    }
    await count('wire-connect', async () => {
      await session.connect(CONNECTIONS)
      return CONNECTIONS
    })
    await session.assertMembers(CONNECTIONS)
    await count('wire-call', async () => {
      const { calls } = await load.request('call', { depth: 1, windowMs: WINDOW_MS }, SLACK_MS)
      return calls
    })
    for (const payload of PAYLOAD_NAMES) {
      await count(`wire-${payload}`, async () => {
        const plan = { payload, perTick: 1, audience: 'room', turns: 'one' } as const
        return (await runTicks(session, plan, WINDOW_MS)).deliveries
      })
    }
    return samples
  },
}

function traffic({ load }: Session): Promise<Traffic> {
  return load.request('traffic', undefined, SLACK_MS)
}

function sampleOf(metric: string, times: number, before: Traffic, after: Traffic): Sample {
  const sentBytes = (after.sentBytes - before.sentBytes) / times
  const receivedBytes = (after.receivedBytes - before.receivedBytes) / times
  return { metric, value: sentBytes + receivedBytes, details: { times, sentBytes, receivedBytes } }
}
