import type { Quantiles } from '../samples'
import type { Mode } from './mode'

const PER_SECOND = 5_000
/** Of so many windows of other modes: one call in a thousand is to be more than a handful. */
const WINDOWS = 4
/** Below this part of the offered rate a server is overloaded, and latencies say how long the window was. */
const ENOUGH = 0.95
const SLACK_MS = 30_000

const QUANTILES: readonly { readonly id: keyof Quantiles; readonly title: string }[] = [
  { id: 'p50', title: 'p50' },
  { id: 'p99', title: 'p99' },
  { id: 'p999', title: 'p99.9' },
]

/** How long calls take at a rate that does not depend on how long they take. */
export const latencyMode: Mode = {
  name: 'latency',
  title: 'Latency of an event with an ack',
  roundsFactor: 0.6,
  serverFlags: [],
  describe: ({ callers, windowMs, warmUpMs }) =>
    `${callers} connections, together ${PER_SECOND} calls a second by the clock, answered or not; time from when a call ` +
    `was due to its answer; ${WINDOWS * windowMs} ms after ${warmUpMs} ms warm-up`,
  metrics: () =>
    QUANTILES.map(({ id, title }) => ({
      id: `latency-${id}`,
      title: `event with ack at ${PER_SECOND.toLocaleString('en-US')} a second, ${title}`,
      unit: 'µs from due to answered',
      bounds: {},
    })),
  async measure({ server, load, connect, assertMembers }, { callers, warmUpMs, windowMs }) {
    await connect(callers)
    await assertMembers(callers)
    const longMs = WINDOWS * windowMs
    // At the rate of the clock it would take seconds until the code is compiled.
    await load.request('call', { depth: 8, windowMs: warmUpMs }, warmUpMs + SLACK_MS)
    await load.request('latency', { perSecond: PER_SECOND, windowMs: warmUpMs }, warmUpMs + SLACK_MS)
    const before = await server.request('cpu', undefined, SLACK_MS)
    const result = await load.request('latency', { perSecond: PER_SECOND, windowMs: longMs }, longMs + SLACK_MS)
    const cpuUs = (await server.request('cpu', undefined, SLACK_MS)) - before
    const { latencyUs, answeredPerSecond, elapsedMs } = result
    const isOverloaded = answeredPerSecond < ENOUGH * PER_SECOND
    const remark = `answered ${Math.round(answeredPerSecond)} of ${PER_SECOND} calls a second`
    const { count, max } = latencyUs
    const details = { calls: count, offeredPerSecond: PER_SECOND, answeredPerSecond, maxUs: max, elapsedMs, cpuUs }
    return QUANTILES.map(({ id }) => ({
      metric: `latency-${id}`,
      value: latencyUs[id],
      details: { ...details, isOverloaded: Number(isOverloaded) },
      ...(isOverloaded ? { remark } : {}),
    }))
  },
}
