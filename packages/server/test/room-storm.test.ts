import { expect, test } from 'vitest'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import { startPolicies } from './room-support'

const CLIENTS = 200
const ROOMS = 5
const LAST = 20
/** Messages in each period of the writer: 10,000 in a second. */
const BURST = 50
const PERIOD_MS = 5

test('1,000 joins while 10,000 messages are sent in a second: no hole and nothing twice, from the state on', async () => {
  await using server = await startPolicies({
    '*': { history: { messages: 100_000, bytes: 2 ** 26 }, authorize: () => true, snapshot: LAST },
  })
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawSession.connect(server.port)))
  const sent = Array.from({ length: ROOMS }, () => 0)
  const burst = () => {
    for (let i = 0; i < BURST; i++) {
      const room = i % ROOMS
      sent[room] = (sent[room] ?? 0) + 1
      server.io.to(`room:${room}`).emit('m', sent[room])
    }
  }
  const writer = setInterval(burst, PERIOD_MS)
  try {
    await until(() => (sent[0] as number) > LAST)
    // A few at a time: they are to come in the middle, not in front.
    const answers = await Promise.all(
      clients.map(async (client, index) => {
        await new Promise((resolve) => setTimeout(resolve, index * 5))
        const joins: Awaited<ReturnType<typeof client.join>>[] = []
        for (let room = 0; room < ROOMS; room++) joins.push(await client.join(`room:${(room + index) % ROOMS}`))
        return joins
      }),
    )
    clearInterval(writer)
    await until(() =>
      clients.every((client) =>
        [...sent.keys()].every((room) => client.stream(`room:${room}`).position === sent[room]),
      ),
    )
    clients.forEach((client, index) => {
      answers[index]?.forEach(({ seq = -1, messages = [] }, nth) => {
        const stream = client.stream(`room:${(nth + index) % ROOMS}`)
        expect([stream.begin, stream.gaps, stream.duplicates]).toEqual([seq, [], 0])
        expect(messages.map(({ position }) => position)).toEqual(
          Array.from({ length: LAST }, (_, i) => seq - LAST + 1 + i),
        )
        const all = [...messages, ...stream.received]
        for (const { position, args } of all) if (args[0] !== position) throw new Error(`${args[0]} is at ${position}`)
        expect(stream.received).toHaveLength(stream.top - seq)
      })
    })
    expect(answers.flat()).toHaveLength(CLIENTS * ROOMS)
  } finally {
    clearInterval(writer)
    for (const client of clients) client[Symbol.dispose]()
  }
}, 60_000)
