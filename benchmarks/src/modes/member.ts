import { OURS } from '../peers'
import type { Session } from '../session'
import type { Mode, ModeSettings, Turn } from './mode'
import { FIRST_MEMBERS } from './ticks'
import { describeTurns, turnMs, withCpu } from './turns'

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
  describe: (settings) =>
    `one member of a room sends to ${settings.members} others, 1 and 16 messages in one write, the next when every one of them ` +
    `has received all of the last; ${describeTurns(settings)}`,
  metrics: () =>
    PER_BATCH.map((perBatch) => ({
      id: `member-${perBatch}`,
      title: `message of a member to the others, ${perBatch} per write`,
      unit: 'µs server CPU per delivery',
      bounds: BOUNDS[perBatch] ?? {},
    })),
  stages: () => [
    {
      async prepare(session, { members, warmUpMs }) {
        const first = Math.min(FIRST_MEMBERS, members)
        await session.connect(first)
        await session.connect(1, 'speaker')
        for (const perBatch of PER_BATCH) await say(session, perBatch, warmUpMs)
        await session.connect(members - first)
        await session.assertMembers()
      },
      async measure(session, settings) {
        const taken: Turn[] = []
        for (const perBatch of PER_BATCH) taken.push(await measureBatches(session, perBatch, settings))
        return taken
      },
    },
  ],
}

async function measureBatches(session: Session, perBatch: number, settings: ModeSettings): Promise<Turn> {
  const said = await withCpu(session, () => say(session, perBatch, turnMs(settings)))
  const { batches, deliveries, elapsedMs, cpuUs } = said
  return { metric: `member-${perBatch}`, cpuUs, count: deliveries, details: { batches, elapsedMs } }
}

function say({ load }: Session, perBatch: number, windowMs: number) {
  return load.request('say', { payload: 'tick', perBatch, windowMs }, windowMs + SLACK_MS)
}
