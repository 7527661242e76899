import { OURS } from '../peers'
import type { Session } from '../session'
import type { Mode, ModeSettings, Sample } from './mode'
import { FIRST_MEMBERS } from './ticks'

const PER_BATCH = [1, 16]
const BOUNDS: Readonly<Record<number, Readonly<Record<string, number>>>> = { 1: {}, 16: { [OURS]: 1.1 } }
const SLACK_MS = 25_000

/** Messages of one member to the others: `socket.to(room)`. */
export const memberMode: Mode = {
  name: 'member',
  title: 'Messages of a member to the others',
  roundsFactor: 1,
  serverFlags: [],
  features: ['say'],
  describe: ({ members, windowMs, warmUpMs }) =>
    `one member of a room sends to ${members} others, 1 and 16 messages in one write, the next when every one of them ` +
    `has received all of the last; ${windowMs} ms after ${warmUpMs} ms warm-up`,
  metrics: () =>
    PER_BATCH.map((perBatch) => ({
      id: `member-${perBatch}`,
      title: `message of a member to the others, ${perBatch} per write`,
      unit: 'µs server CPU per delivery',
      bounds: BOUNDS[perBatch] ?? {},
    })),
  async measure(session, settings) {
    const first = Math.min(FIRST_MEMBERS, settings.members)
    await session.connect(first)
    await session.connect(1, 'speaker')
    for (const perBatch of PER_BATCH) await say(session, perBatch, settings.warmUpMs)
    await session.connect(settings.members - first)
    await session.assertMembers(settings.members + 1)
    const samples: Sample[] = []
    for (const perBatch of PER_BATCH) samples.push(await measureBatches(session, perBatch, settings))
    return samples
  },
}

async function measureBatches(session: Session, perBatch: number, settings: ModeSettings): Promise<Sample> {
  const { server } = session
  await say(session, perBatch, settings.warmUpMs)
  const before = await server.request('cpu', undefined, SLACK_MS)
  const { batches, deliveries, elapsedMs } = await say(session, perBatch, settings.windowMs)
  const cpuUs = (await server.request('cpu', undefined, SLACK_MS)) - before
  return {
    metric: `member-${perBatch}`,
    value: cpuUs / deliveries,
    details: { deliveries, batches, elapsedMs, cpuUs, perSecond: (deliveries / elapsedMs) * 1000 },
  }
}

function say({ load }: Session, perBatch: number, windowMs: number) {
  return load.request('say', { payload: 'tick', perBatch, windowMs }, windowMs + SLACK_MS)
}
