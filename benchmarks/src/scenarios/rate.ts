import { spreadOf } from '../report/statistics'
import type { PaceReport } from './processes/clients'
import type { Scenario } from './scenario'
import { SLACK_MS, Stage } from './stage'

const PER_SECOND = 1_000
const MESSAGE_BYTES = 100
const MAX_RATE = 10
const ROOM = 'value'

interface Round extends PaceReport {
  readonly perSecond: number
  readonly isFinal: boolean
}

/** A client that wants to hear of a value now and then. */
export const rateScenario: Scenario = {
  name: 'rate',
  full: { rounds: 3, windowMs: 10_000, connections: 10 },
  quick: { rounds: 1, windowMs: 3_000, connections: 10 },
  describe: ({ rounds, windowMs, connections }) =>
    `${PER_SECOND} updates a second of one value, to ${connections} clients that have joined with maxRate ${MAX_RATE}; ${rounds} windows of ${windowMs} ms`,
  async run({ rounds, windowMs, connections }, pinning) {
    await using stage = new Stage(pinning)
    const server = await stage.server({})
    const clients = await stage.clients()
    const { port } = server
    const paced = { bytesPerSecond: 0, maxRate: MAX_RATE }
    await clients.request(
      'connect',
      { port, transport: 'websocket', count: connections, room: ROOM, ...paced },
      SLACK_MS,
    )
    const measured: Round[] = []
    for (let round = 0; round < rounds; round++) {
      await clients.request('begin', undefined, SLACK_MS)
      const { last } = await server.produce({
        room: ROOM,
        bytes: MESSAGE_BYTES,
        perSecond: PER_SECOND,
        windowMs,
        keys: 1,
      })
      await clients.request('settle', { last, timeoutMs: SLACK_MS }, 2 * SLACK_MS)
      const pace = await clients.request('pace', undefined, SLACK_MS)
      const finals = await clients.request('finals', undefined, SLACK_MS)
      const isFinal = finals.every((values) => values.length === 1 && values[0] === last)
      measured.push({ ...pace, perSecond: (pace.messages * 1_000) / windowMs, isFinal })
    }
    const { median, min, max } = spreadOf(measured.map(({ perSecond }) => perSecond))
    const most = Math.max(...measured.map(({ mostPerSecond }) => mostPerSecond))
    return {
      lines: [
        `values a second: ${median.toFixed(1)} (${min.toFixed(1)} .. ${max.toFixed(1)}); most in any second ${most}`,
      ],
      verdicts: [
        {
          // One more may come in a second that has an end of two intervals in it.
          claim: `no more than ${MAX_RATE} values a second, and 1 for its borders: ${most}`,
          isKept: most <= MAX_RATE + 1,
        },
        {
          claim: `the last value is delivered: in ${measured.filter(({ isFinal }) => isFinal).length} of ${rounds} rounds`,
          isKept: measured.every(({ isFinal }) => isFinal),
        },
      ],
      samples: measured,
    }
  },
}
