import { setTimeout as sleep } from 'node:timers/promises'
import { spreadOf } from '../report/statistics'
import type { Quantiles } from '../samples'
import type { Scenario } from './scenario'
import { SLACK_MS, Stage } from './stage'
import { number, quantileTable } from './text'

const KEYS = 50
const PER_SECOND = 1_000
const MESSAGE_BYTES = 4_096
const BYTES_PER_SECOND = 1_000_000
/** So that the plain stream may fall behind as far as it does: it is what `latest` is measured against. */
const UNLIMITED_BYTES = 2 ** 30
/** Pongs wait behind what is on its way, which is seconds of it. */
const LATE_PING_MS = 120_000
const ROOM = 'values'
/** The beginning. */
const START_MS = 2_000
const STEP_MS = 20

interface Round {
  /** Of the beginning, when nobody knows yet that the client is slow. */
  readonly first: Quantiles
  readonly ages: Quantiles
  /** Whether the client has the last value of each key in the end. */
  readonly isFinal: boolean
}

/** Values of which only the newest is wanted, to a client that reads less than there is. */
export const latestScenario: Scenario = {
  name: 'latest',
  full: { rounds: 3, windowMs: 10_000, connections: 1 },
  quick: { rounds: 1, windowMs: 3_000, connections: 1 },
  describe: ({ rounds, windowMs, connections }) =>
    `${PER_SECOND} updates of ${MESSAGE_BYTES} bytes a second over ${KEYS} keys, to ${connections} client that reads ` +
    `${BYTES_PER_SECOND / 1_000_000} MB/s; ${rounds} windows of ${windowMs} ms with latest(key) and with plain messages; age of a value when the client gets it`,
  async run({ rounds, windowMs, connections }, pinning) {
    const latest: Round[] = []
    const plain: Round[] = []
    const measure = async (keys: number): Promise<Round> => {
      await using stage = new Stage(pinning)
      const server = await stage.server(
        keys === 0 ? { maxOutgoingBytes: UNLIMITED_BYTES, pingTimeout: LATE_PING_MS } : {},
      )
      const clients = await stage.clients()
      const { port } = server
      const paced = { bytesPerSecond: BYTES_PER_SECOND, maxRate: 0 }
      await clients.request(
        'connect',
        { port, transport: 'websocket', count: connections, room: ROOM, ...paced },
        SLACK_MS,
      )
      const produce = (ms: number) =>
        server.produce({ room: ROOM, bytes: MESSAGE_BYTES, perSecond: PER_SECOND, windowMs: ms, keys })
      await clients.request('begin', undefined, SLACK_MS)
      await produce(START_MS)
      const first = await clients.request('ages', undefined, SLACK_MS)
      const { last } = await produce(windowMs)
      const ages = await clients.request('ages', undefined, SLACK_MS)
      // The rest of the plain stream would take as long again several times.
      if (keys === 0) await clients.request('pass', undefined, SLACK_MS)
      const deadline = performance.now() + SLACK_MS
      let isExact = false
      // The last message may take the place of an older one, in front of the last of another key.
      while (!isExact && performance.now() < deadline) {
        await sleep(STEP_MS)
        const finals = await clients.request('finals', undefined, SLACK_MS)
        isExact = finals.every((values) => isFinal(values, last, keys))
      }
      const { closes } = await clients.request('report', undefined, SLACK_MS)
      if (Object.keys(closes).length > 0) throw new Error(`a reader was closed: ${JSON.stringify(closes)}`)
      return { first, ages, isFinal: isExact }
    }
    for (let round = 0; round < rounds; round++) {
      latest.push(await measure(KEYS))
      plain.push(await measure(0))
    }
    const ages = latest.map((round) => round.ages)
    const plainAges = plain.map((round) => round.ages)
    const p50 = spreadOf(ages.map((each) => each.p50)).median
    const plainP50 = spreadOf(plainAges.map((each) => each.p50)).median
    return {
      lines: quantileTable('age of a value, ms', [
        [`latest(key), first ${START_MS / 1_000} s`, latest.map((round) => round.first)],
        ['latest(key), then', ages],
        [`plain, first ${START_MS / 1_000} s`, plain.map((round) => round.first)],
        ['plain, then', plainAges],
      ]),
      verdicts: [
        {
          claim: `final values are exact: of all ${KEYS} keys, in ${latest.filter((round) => round.isFinal).length} of ${rounds} rounds`,
          isKept: latest.every((round) => round.isFinal),
        },
        {
          claim: `values are fresher than in a plain stream: p50 ${number(p50)} ms, there ${number(plainP50)} ms`,
          isKept: p50 < plainP50,
        },
      ],
      samples: { latest, plain },
    }
  },
}

/** Whether these are the last numbers of all keys, of messages up to `last`. Key 0 comes first. */
function isFinal(values: readonly number[], last: number, keys: number): boolean {
  if (keys === 0) return values.length === 1 && values[0] === last
  return values.length === keys && values.every((value, key) => value === last - ((last - key) % keys))
}
