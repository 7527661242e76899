import { CLOSE_CODES, LIMITS } from '@roomcast/protocol'
import { ROOM } from '../payloads'
import type { Quantiles } from '../samples'
import type { ClientsReport } from './processes/clients'
import type { Scenario, Verdict } from './scenario'
import { SLACK_MS, Stage } from './stage'
import type { Tally } from './tally'
import { mib, quantileTable, tallyText, wholeOrTold, withinBudgets, withinNoise } from './text'

const PAUSED = 10
/** With {@link MESSAGE_BYTES} a paused client is over its budget in the first half of a window of ten seconds. */
const PER_SECOND = 50
const MESSAGE_BYTES = 4_096
/** Messages around a window, so that everybody has a first one and a last one. */
const FRAME_MS = 200
const SETTLE_MS = 60_000
/** The heartbeat finds a client that answers nothing after 10 s or less, too: here it is to be the budget. */
const LATE_PING_MS = 120_000

interface Round {
  readonly ages: Quantiles
  /** How much more RSS there was than before the window, at most. */
  readonly grownBytes: number
  readonly latestMs: number
}

/** One with paused clients. */
interface PausedRound extends Round {
  readonly clients: ClientsReport
  /** How the server has ended their connections, by the end of the window. */
  readonly ends: Tally
}

/** A room with healthy members, and some that read nothing for a while. */
export const pausedLatencyScenario: Scenario = {
  name: 'paused-latency',
  full: { rounds: 5, windowMs: 10_000, connections: 1_000 },
  quick: { rounds: 3, windowMs: 8_000, connections: 100 },
  describe: ({ rounds, windowMs, connections }) =>
    `${connections} healthy members of a room that is sent ${PER_SECOND} messages of ${MESSAGE_BYTES} bytes a second; ` +
    `${rounds} windows of ${windowMs} ms each without and with ${PAUSED} more members whose process is stopped`,
  async run({ rounds, windowMs, connections }, pinning) {
    await using stage = new Stage(pinning)
    const server = await stage.server({ connectionStateRecovery: true, pingTimeout: LATE_PING_MS })
    const crowd = await stage.crowd()
    await crowd.request('connect', { port: server.port, room: ROOM, count: connections }, 2 * SLACK_MS)
    const produce = (ms: number) =>
      server.produce({ room: ROOM, bytes: MESSAGE_BYTES, perSecond: PER_SECOND, windowMs: ms, keys: 0 })

    const measure = async (): Promise<Round> => {
      const before = await server.child.request('memory', undefined, SLACK_MS)
      await crowd.request('begin', undefined, SLACK_MS)
      const { last, rssBytes, latestMs } = await produce(windowMs)
      return { ages: await crowd.request('ages', { last }, SLACK_MS), grownBytes: rssBytes - before, latestMs }
    }
    const measurePaused = async (): Promise<PausedRound> => {
      const clients = await stage.clients()
      const { port } = server
      const paced = { bytesPerSecond: 0, maxRate: 0 }
      await clients.request('connect', { port, transport: 'websocket', count: PAUSED, room: ROOM, ...paced }, SLACK_MS)
      const { last } = await produce(FRAME_MS)
      await clients.request('settle', { last, timeoutMs: SLACK_MS }, SLACK_MS)
      await server.child.request('ends', undefined, SLACK_MS)
      clients.freeze()
      const round = await measure()
      const ends = await server.child.request('ends', undefined, SLACK_MS)
      clients.thaw()
      const after = await produce(FRAME_MS)
      await clients.request('settle', { last: after.last, timeoutMs: SETTLE_MS }, SETTLE_MS + SLACK_MS)
      const report = await clients.request('report', undefined, SLACK_MS)
      await clients.stop()
      return { ...round, clients: report, ends }
    }

    // Warm-up: what is allocated for the first time stays.
    await measure()
    const without: Round[] = []
    const withPaused: PausedRound[] = []
    for (let round = 0; round < rounds; round++) {
      // Each kind follows the other as often as it goes before it.
      if (round % 2 === 0) without.push(await measure())
      withPaused.push(await measurePaused())
      if (round % 2 === 1) without.push(await measure())
    }
    const ages = withPaused.map((round) => round.ages)
    const agesWithout = without.map((round) => round.ages)
    const grown = withPaused.map(({ grownBytes }) => grownBytes)
    const grownWithout = without.map(({ grownBytes }) => grownBytes)
    const slow = String(CLOSE_CODES.SLOW_CONSUMER)
    return {
      lines: [
        ...quantileTable('age of a message, ms', [
          ['without paused members', agesWithout],
          [`with ${PAUSED} paused members`, ages],
        ]),
        `RSS grew in the rounds without by ${grownWithout.map(mib).join(', ')}; with by ${grown.map(mib).join(', ')}`,
        ...withPaused.map(({ clients, ends }, index) => {
          const { recovered, notRecovered, closes } = clients
          return `round ${index + 1}: ended by the server ${tallyText(ends)}; known to the clients ${tallyText(closes)}; back ${recovered} without loss, ${notRecovered} with`
        }),
      ],
      verdicts: [
        ...withinNoise('latency of healthy members', ages, agesWithout),
        // The largest: what the first round has allocated the others may find.
        withinBudgets('paused members', Math.max(...grown) - Math.max(...grownWithout), PAUSED, LIMITS.outgoingBytes),
        wholeOrTold(sum(withPaused)),
        {
          claim: `every end of a paused member is known to it as ${slow}`,
          isKept: withPaused.every(
            ({ clients }) => clients.closes[slow] === PAUSED && Object.keys(clients.closes).length === 1,
          ),
        } satisfies Verdict,
      ],
      samples: { without, withPaused },
    }
  },
}

function sum(rounds: readonly PausedRound[]) {
  const total = { delivered: 0, told: 0, silent: 0, disordered: 0 }
  for (const { clients } of rounds) {
    total.delivered += clients.delivered
    total.told += clients.told
    total.silent += clients.silent
    total.disordered += clients.disordered
  }
  return total
}
