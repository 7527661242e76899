import type { Mode } from './mode'
import { describeTurns, turnMs, withCpu } from './turns'

const WARM_UPS = 3
const SLACK_MS = 20_000

/** Events with an ack over HTTP long-polling. */
export const pollingMode: Mode = {
  name: 'polling',
  title: 'Events with an ack over HTTP long-polling',
  roundsFactor: 0.6,
  serverFlags: [],
  features: ['polling'],
  describe: (settings) =>
    `${settings.callers} clients, each with a GET that is held and one POST for each call, the next when that is taken and answered; ` +
    describeTurns(settings, WARM_UPS * settings.warmUpMs),
  metrics: () => [
    { id: 'polling', title: 'event with ack over long-polling', unit: 'µs server CPU per message', bounds: {} },
  ],
  stages: () => [
    {
      async prepare({ load, target, assertMembers }, { callers, warmUpMs }) {
        await load.request('poll', { ...target, count: callers }, SLACK_MS)
        await assertMembers(callers)
        // Requests are slower than messages: it takes as many until the code is compiled.
        const longMs = WARM_UPS * warmUpMs
        await load.request('callByPolling', { windowMs: longMs }, longMs + SLACK_MS)
      },
      async measure(session, settings) {
        const windowMs = turnMs(settings)
        const { calls, elapsedMs, cpuUs } = await withCpu(session, () =>
          session.load.request('callByPolling', { windowMs }, windowMs + SLACK_MS),
        )
        return [{ metric: 'polling', value: cpuUs / calls, details: { messages: calls, elapsedMs, cpuUs } }]
      },
    },
  ],
}
