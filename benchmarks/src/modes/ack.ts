import { OURS } from '../peers'
import type { Session } from '../session'
import type { Mode, ModeSettings, Sample } from './mode'

const DEPTHS = [1, 8]
const BOUNDS: Readonly<Record<number, number>> = { 1: 1.25, 8: 1.7 }
const SLACK_MS = 15_000

/** Events with an ack: each connection sends `depth` calls at once, and the next when all are answered. */
export const ackMode: Mode = {
  name: 'ack',
  title: 'Events with an ack',
  roundsFactor: 1,
  serverFlags: [],
  describe: ({ callers, windowMs, warmUpMs }) =>
    `${callers} connections, batches of 1 and 8 calls in one write each, the next batch when all are answered; ` +
    `${windowMs} ms after ${warmUpMs} ms warm-up`,
  metrics: () =>
    DEPTHS.map((depth) => ({
      id: `ack-${depth}`,
      title: `event with ack, ${depth} in flight per connection`,
      unit: 'µs server CPU per message',
      bounds: { [OURS]: BOUNDS[depth] ?? Number.NaN },
    })),
  async measure(session, settings) {
    await session.connect(settings.callers)
    await session.assertMembers(settings.callers)
    const samples: Sample[] = []
    for (const depth of DEPTHS) samples.push(await measureDepth(session, depth, settings))
    return samples
  },
}

async function measureDepth({ server, load }: Session, depth: number, settings: ModeSettings): Promise<Sample> {
  const { warmUpMs, windowMs } = settings
  await load.request('call', { depth, windowMs: warmUpMs }, warmUpMs + SLACK_MS)
  const before = await server.request('cpu', undefined, SLACK_MS)
  const { calls, elapsedMs } = await load.request('call', { depth, windowMs }, windowMs + SLACK_MS)
  const cpuUs = (await server.request('cpu', undefined, SLACK_MS)) - before
  return {
    metric: `ack-${depth}`,
    value: cpuUs / calls,
    details: { messages: calls, elapsedMs, cpuUs, perSecond: (calls / elapsedMs) * 1000 },
  }
}
