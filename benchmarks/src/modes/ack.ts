import { OURS } from '../peers'
import type { Session } from '../session'
import type { Mode, ModeSettings, Turn } from './mode'
import { describeTurns, turnMs, withCpu } from './turns'

const DEPTHS = [1, 8]
const BOUNDS: Readonly<Record<number, number>> = { 1: 1.25, 8: 1.7 }
const SLACK_MS = 15_000

/** Events with an ack: each connection sends `depth` calls at once, and the next when all are answered. */
export const ackMode: Mode = {
  name: 'ack',
  title: 'Events with an ack',
  roundsFactor: 1,
  serverFlags: [],
  describe: (settings) =>
    `${settings.callers} connections, batches of 1 and 8 calls in one write each, the next batch when all are answered; ` +
    describeTurns(settings),
  metrics: () =>
    DEPTHS.map((depth) => ({
      id: `ack-${depth}`,
      title: `event with ack, ${depth} in flight per connection`,
      unit: 'µs server CPU per message',
      bounds: { [OURS]: BOUNDS[depth] ?? Number.NaN },
    })),
  stages: () => [
    {
      async prepare(session, { callers, warmUpMs }) {
        await session.connect(callers)
        await session.assertMembers()
        // The deepest first: it is the fastest way to have the code compiled, for all of them.
        for (const depth of [...DEPTHS].reverse()) await call(session, depth, warmUpMs)
      },
      async measure(session, settings) {
        const taken: Turn[] = []
        for (const depth of DEPTHS) taken.push(await measureDepth(session, depth, settings))
        return taken
      },
    },
  ],
}

function call({ load }: Session, depth: number, windowMs: number) {
  return load.request('call', { depth, windowMs }, windowMs + SLACK_MS)
}

async function measureDepth(session: Session, depth: number, settings: ModeSettings): Promise<Turn> {
  const { calls, elapsedMs, cpuUs } = await withCpu(session, () => call(session, depth, turnMs(settings)))
  return { metric: `ack-${depth}`, cpuUs, count: calls, details: { elapsedMs } }
}
