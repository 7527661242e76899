import { CLOSE_CODES, LIMITS } from '@roomcast/protocol'
import type { Pinning } from '../process/pinning'
import { spreadOf } from '../report/statistics'
import type { Scenario } from './scenario'
import { SLACK_MS, Stage } from './stage'
import type { Tally } from './tally'
import { mib, tallyText } from './text'

const OFFERED_BYTES = 80 * 1_000_000
const MESSAGE_BYTES = 4_096
const OFFER_TIMEOUT_MS = 120_000
const TRANSPORTS = ['websocket', 'polling'] as const
const SETTLE_MS = 60_000

interface Offer {
  readonly transport: string
  /** Growth of RSS for each client. */
  readonly grownBytes: number
  readonly ends: Tally
  readonly closes: Tally
}

/** Far more than a client takes that takes nothing. */
export const offeredScenario: Scenario = {
  name: 'offered',
  full: { rounds: 3, windowMs: 0, connections: 40 },
  quick: { rounds: 1, windowMs: 0, connections: 40 },
  describe: ({ rounds, connections }) =>
    `${OFFERED_BYTES / 1_000_000} MB in messages of ${MESSAGE_BYTES} bytes, as fast as they can be emitted, to each of ${connections} ` +
    `clients whose process is stopped, each in a room of its own; ${rounds} servers for each transport; growth of RSS, divided by ${connections}`,
  async run({ rounds, connections }, pinning) {
    const offers: Offer[] = []
    for (let round = 0; round < rounds; round++) {
      for (const transport of TRANSPORTS) offers.push(await offerTo(transport, connections, pinning))
    }
    const bound = LIMITS.outgoingBytes * 1.1
    const slow = String(CLOSE_CODES.SLOW_CONSUMER)
    const of = (transport: string) => offers.filter((offer) => offer.transport === transport)
    return {
      lines: offers.map(
        ({ transport, grownBytes, ends, closes }) =>
          `${transport}: RSS ${mib(grownBytes)} a client; ended by the server ${tallyText(ends)}; known to the clients ${tallyText(closes)}`,
      ),
      verdicts: TRANSPORTS.flatMap((transport) => {
        const { median, min, max } = spreadOf(of(transport).map(({ grownBytes }) => grownBytes))
        return [
          {
            claim: `${transport}: RSS grew by ${mib(median)} a client (${mib(min)} .. ${mib(max)}), the budget and a tenth are ${mib(bound)}`,
            isKept: median <= bound,
          },
          {
            claim: `${transport}: every end is known to the client as ${slow}`,
            isKept: of(transport).every(
              ({ closes }) => closes[slow] === connections && Object.keys(closes).length === 1,
            ),
          },
        ]
      }),
      samples: offers,
    }
  },
}

async function offerTo(transport: (typeof TRANSPORTS)[number], connections: number, pinning: Pinning): Promise<Offer> {
  await using stage = new Stage(pinning)
  const { child: server, port } = await stage.server({})
  const clients = await stage.clients()
  const paced = { bytesPerSecond: 0, maxRate: 0 }
  // Each in a room of its own: what is kept once for all would be divided else.
  const who = { port, transport, count: connections, room: 'slow', hasOwnRooms: true }
  await clients.request('connect', { ...who, ...paced }, SLACK_MS)
  const offer = { rooms: Array.from({ length: connections }, (_, i) => `slow ${i}`), bytes: MESSAGE_BYTES }
  // Warm-up: the same to nobody, and a little to those who read it.
  await server.request('offer', { ...offer, rooms: ['nobody'], totalBytes: OFFERED_BYTES }, OFFER_TIMEOUT_MS)
  const { last } = await server.request('offer', { ...offer, totalBytes: 1 }, SLACK_MS)
  await clients.request('settle', { last, timeoutMs: SLACK_MS }, SLACK_MS)
  await server.request('ends', undefined, SLACK_MS)

  clients.freeze()
  const { before, largest } = await server.request('offer', { ...offer, totalBytes: OFFERED_BYTES }, OFFER_TIMEOUT_MS)
  const ends = await server.request('ends', undefined, SLACK_MS)
  clients.thaw()
  await clients.request('reconnected', { times: 1, timeoutMs: SETTLE_MS }, SETTLE_MS + SLACK_MS)
  const { closes } = await clients.request('report', undefined, SLACK_MS)
  return { transport, grownBytes: (largest - before) / connections, ends, closes }
}
