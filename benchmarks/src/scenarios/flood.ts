import { CLOSE_CODES } from '@roomcast/protocol'
import type { Quantiles } from '../samples'
import type { FloodReport } from './processes/flooder'
import type { Scenario } from './scenario'
import { SLACK_MS, Stage } from './stage'
import { quantileTable, tallyText } from './text'

/** Pause of a bystander between an answer and its next call. */
const PAUSE_MS = 20

interface FloodRound {
  readonly trips: Quantiles
  readonly flood: FloodReport
}

/** A client that sends as fast as it can, beside others that call now and then. */
export const floodScenario: Scenario = {
  name: 'flood',
  full: { rounds: 5, windowMs: 4_000, connections: 50 },
  quick: { rounds: 3, windowMs: 2_000, connections: 50 },
  describe: ({ rounds, windowMs, connections }) =>
    `${connections} bystanders that call, and again ${PAUSE_MS} ms after the answer; ${rounds} windows of ${windowMs} ms each without and with ` +
    'a client that sends calls as fast as it can, and comes back at once when it is closed; what that costs the others is printed, and has no bound',
  async run({ rounds, windowMs, connections }, pinning) {
    await using stage = new Stage(pinning)
    const { port } = await stage.server({})
    const crowd = await stage.crowd()
    const flooder = await stage.flooder()
    await crowd.request('connect', { port, room: '', count: connections }, SLACK_MS)

    const call = async () => {
      await crowd.request('begin', undefined, SLACK_MS)
      return crowd.request('call', { windowMs, pauseMs: PAUSE_MS }, windowMs + SLACK_MS)
    }
    const callInFlood = async (): Promise<FloodRound> => {
      const flooding = flooder.request('flood', { port, windowMs }, windowMs + SLACK_MS)
      const trips = await call()
      return { trips, flood: await flooding }
    }

    await call()
    const without: Quantiles[] = []
    const flooded: FloodRound[] = []
    for (let round = 0; round < rounds; round++) {
      if (round % 2 === 0) without.push(await call())
      flooded.push(await callInFlood())
      if (round % 2 === 1) without.push(await call())
    }
    const trips = flooded.map((round) => round.trips)
    return {
      lines: [
        ...quantileTable('round trip of a call, ms', [
          ['without the flood', without],
          ['with the flood', trips],
        ]),
        ...flooded.map(
          ({ flood: { connections: opened, sent, answers, closes } }, index) =>
            `round ${index + 1}: ${opened} connections, ${sent} frames sent; came back ${tallyText(answers)}; closed with ${tallyText(closes)}`,
        ),
      ],
      verdicts: [
        {
          claim: `every connection that floods is answered, and then closed with ${RATE_LIMITED}`,
          isKept: flooded.every(({ flood }) => wasEnded(flood)),
        },
      ],
      samples: { without, flooded },
    }
  },
}

const RATE_LIMITED = String(CLOSE_CODES.RATE_LIMITED)

/** Whether it was answered, and every connection was closed for it but for the last, which may have left before. */
function wasEnded({ answers, closes, connections }: FloodReport): boolean {
  const ended = closes[RATE_LIMITED] ?? 0
  return (answers['ACK_ERROR RATE_LIMITED'] ?? 0) >= ended && ended > 0 && ended >= connections - 1
}
