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
    // The deepest is also the fastest way to have the code compiled, for all of them.
    await call(session, Math.max(...DEPTHS), settings.warmUpMs)
    const samples: Sample[] = []
    for (const depth of DEPTHS) samples.push(await measureDepth(session, depth, settings))
    return samples
  },
}

function call({ load }: Session, depth: number, windowMs: number) {
  return load.request('call', { depth, windowMs }, windowMs + SLACK_MS)
}

async function measureDepth(session: Session, depth: number, settings: ModeSettings): Promise<Sample> {
  const { server } = session
  await call(session, depth, settings.warmUpMs)
  const before = await server.request('cpu', undefined, SLACK_MS)
  const { calls, elapsedMs } = await call(session, depth, settings.windowMs)
  const cpuUs = (await server.request('cpu', undefined, SLACK_MS)) - before
  return {
    metric: `ack-${depth}`,
    value: cpuUs / calls,
    details: { messages: calls, elapsedMs, cpuUs, perSecond: (calls / elapsedMs) * 1000 },
  }
}
