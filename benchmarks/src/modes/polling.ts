import type { Mode } from './mode'

const WARM_UPS = 3
const SLACK_MS = 20_000

/** Events with an ack over HTTP long-polling. */
export const pollingMode: Mode = {
  name: 'polling',
  title: 'Events with an ack over HTTP long-polling',
  roundsFactor: 0.6,
  serverFlags: [],
  features: ['polling'],
  describe: ({ callers, windowMs, warmUpMs }) =>
    `${callers} clients, each with a GET that is held and one POST for each call, the next when that is taken and answered; ` +
    `${windowMs} ms after ${WARM_UPS * warmUpMs} ms warm-up`,
  metrics: () => [
    { id: 'polling', title: 'event with ack over long-polling', unit: 'µs server CPU per message', bounds: {} },
  ],
  async measure({ server, load, target, assertMembers }, { callers, warmUpMs, windowMs }) {
    await load.request('poll', { ...target, count: callers }, SLACK_MS)
    await assertMembers(callers)
    // Requests are slower than messages: it takes as many until the code is compiled.
    const longMs = WARM_UPS * warmUpMs
    await load.request('callByPolling', { windowMs: longMs }, longMs + SLACK_MS)
    const before = await server.request('cpu', undefined, SLACK_MS)
    const { calls, elapsedMs } = await load.request('callByPolling', { windowMs }, windowMs + SLACK_MS)
    const cpuUs = (await server.request('cpu', undefined, SLACK_MS)) - before
    const details = { messages: calls, elapsedMs, cpuUs, perSecond: (calls / elapsedMs) * 1000 }
    return [{ metric: 'polling', value: cpuUs / calls, details }]
  },
}
