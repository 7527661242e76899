import { LIMITS } from '@roomcast/protocol'
import type { MemorySample } from './processes/server'
import type { Scenario } from './scenario'
import { SLACK_MS, Stage } from './stage'
import { MIB, tallyText, wholeOrTold, withinBudgets } from './text'

const MESSAGE_BYTES = 4_096
/** The part of the window in which the messages come to a budget. */
const PART_TO_BUDGET = 0.5
/** Messages around the window, so that everybody has a first one and a last one. */
const FRAME_MS = 1_000
/** The heartbeat finds a client that answers nothing after 10 s or less, too: here memory is to fill up. */
const LATE_PING_MS = 240_000
const SAMPLES = 20
const SETTLE_MS = 120_000
const ROOM = 'stalled'

/** Many readers that read nothing for a while: a switch that has failed, a network that is gone. */
export const stalledScenario: Scenario = {
  name: 'stalled',
  full: { rounds: 1, windowMs: 60_000, connections: 1_000 },
  quick: { rounds: 1, windowMs: 8_000, connections: 100 },
  describe: ({ windowMs, connections }) =>
    `${connections} members of a room that is sent ${rateOf(windowMs)} messages of ${MESSAGE_BYTES} bytes a second, whose process is stopped for ${windowMs} ms`,
  async run({ windowMs, connections }, pinning) {
    await using stage = new Stage(pinning)
    const server = await stage.server({ connectionStateRecovery: true, pingTimeout: LATE_PING_MS })
    const clients = await stage.clients()
    const { port } = server
    const produce = (ms: number) =>
      server.produce({ room: ROOM, bytes: MESSAGE_BYTES, perSecond: rateOf(windowMs), windowMs: ms, keys: 0 })
    const paced = { bytesPerSecond: 0, maxRate: 0 }
    await clients.request(
      'connect',
      { port, transport: 'websocket', count: connections, room: ROOM, ...paced },
      SETTLE_MS,
    )
    const { last } = await produce(FRAME_MS)
    await clients.request('settle', { last, timeoutMs: SLACK_MS }, 2 * SLACK_MS)

    await server.child.request('watch', { everyMs: windowMs / SAMPLES }, SLACK_MS)
    clients.freeze()
    await produce(windowMs)
    const ends = await server.child.request('ends', undefined, SLACK_MS)
    const samples = await server.child.request('watched', undefined, SLACK_MS)
    clients.thaw()
    const after = await produce(FRAME_MS)
    await clients.request('settle', { last: after.last, timeoutMs: SETTLE_MS }, SETTLE_MS + SLACK_MS)
    const report = await clients.request('report', undefined, SLACK_MS)
    const { recovered, notRecovered, closes } = report
    const grown = Math.max(...samples.map(({ rssBytes }) => rssBytes)) - (samples[0]?.rssBytes ?? 0)
    return {
      lines: [
        'seconds    server RSS    kernel TCP    connections',
        ...samples.map(sampleText),
        `ended by the server: ${tallyText(ends)}; known to the clients: ${tallyText(closes)}; back ${recovered} without loss, ${notRecovered} with`,
      ],
      verdicts: [
        withinBudgets('stalled readers', grown, connections, LIMITS.outgoingBytes),
        wholeOrTold(report),
        { claim: `all ${connections} readers have the last message in the end`, isKept: true },
      ],
      samples: { samples, report, ends },
    }
  },
}

/** Messages a second. */
function rateOf(windowMs: number): number {
  return Math.ceil(LIMITS.outgoingBytes / MESSAGE_BYTES / (PART_TO_BUDGET * (windowMs / 1_000)))
}

function sampleText({ ms, rssBytes, tcpBytes, connections }: MemorySample): string {
  const tcp = tcpBytes === undefined ? 'not told' : (tcpBytes / MIB).toFixed(1)
  return [
    (ms / 1_000).toFixed(1).padStart(7),
    `${(rssBytes / MIB).toFixed(1)} MiB`.padStart(14),
    `${tcp} MiB`.padStart(14),
    String(connections).padStart(15),
  ].join('')
}
