import { MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { FrameProxy, randomFrameFaults } from '../../../test-kit/frame-proxy'
import { createRandom, type Random } from '../../../test-kit/random'
import { RawSession } from '../../../test-kit/raw-room'
import type { TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { type AnySession, connectOver, drained, socketOf, startPolicies, TRANSPORTS } from './room-support'

const CLIENTS = 4
const LOGGED = ['a', 'b', 'c']
const PLAIN = ['plain']

/** A message, and what has to become of it for each client. */
interface Sent {
  readonly id: number
  readonly isVolatile: boolean
  /** The room by whose stream it comes; null for one that comes without a position. Nobody else gets it. */
  readonly by: ReadonlyMap<AnySession, string | null>
}

/** Who is in which room, and who has to get what: by the rules, and by nothing of the server. */
class Model {
  readonly sent: Sent[] = []
  readonly members = new Map<AnySession, Set<string>>()

  constructor(
    private readonly server: TestServer,
    private readonly random: Random,
    readonly clients: readonly AnySession[],
  ) {
    for (const client of clients) this.members.set(client, new Set([client.sid]))
  }

  move(): void {
    const { random } = this
    const client = random.pick(this.clients)
    const room = random.pick([...LOGGED, ...PLAIN])
    const socket = socketOf(this.server, client)
    const rooms = this.members.get(client) as Set<string>
    if (random.chance(0.6)) {
      socket.join(room)
      rooms.add(room)
    } else {
      socket.leave(room)
      rooms.delete(room)
    }
  }

  emit(): void {
    const { random, server } = this
    const names = [...LOGGED, ...LOGGED, ...PLAIN, ...this.clients.map(({ sid }) => sid)]
    // A name twice is no other message than a name once.
    const to = [...new Set(Array.from({ length: random.below(4) }, () => random.pick(names)))]
    const except = random.chance(0.3) ? [random.pick(names)] : []
    const isVolatile = random.chance(0.1)
    const id = this.sent.length
    const chain = server.io.to(to).except(except)
    if (isVolatile) chain.volatile.emit('m', id)
    else chain.emit('m', id)
    const by = new Map<AnySession, string | null>()
    for (const [client, rooms] of this.members) {
      if (except.some((name) => rooms.has(name))) continue
      const hit = to.filter((name) => rooms.has(name))
      if (to.length > 0 && hit.length === 0) continue
      by.set(client, isVolatile ? null : (hit.find((name) => LOGGED.includes(name)) ?? null))
    }
    this.sent.push({ id, isVolatile, by })
  }

  /** Ids that a client has to get, in order. */
  expected(client: AnySession, isMeant: (sent: Sent, by: string | null) => boolean): number[] {
    return this.sent.flatMap((sent) => {
      const by = sent.by.get(client)
      return by !== undefined && isMeant(sent, by) ? [sent.id] : []
    })
  }
}

/** Ids of messages in the order in which they came. */
const received = ({ client }: AnySession) =>
  client.frames.filter(({ type }) => type === 'EVENT').map(({ body }) => (body as [number])[0])

/** A server whose sockets run what is in `work` when they are asked to, as handlers of an event. */
async function start(work: (() => void)[]): Promise<TestServer> {
  const server = await startPolicies({
    plain: { history: false },
    '*': { history: { messages: 10_000, bytes: 2 ** 24 } },
  })
  server.io.on('connection', (socket) => socket.on('run', () => work.shift()?.()))
  return server
}

describe('a random script of joins, leaves and emits', () => {
  test.each(TRANSPORTS)('brings everybody what is for them, once and in its order: %s', async (transport) => {
    const random = createRandom()
    console.log(`seed ${random.seed}`)
    const work: (() => void)[] = []
    await using server = await start(work)
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connectOver(transport, server.port)))
    const model = new Model(server, random, clients)
    for (let batch = 0; batch < 150; batch++) {
      const steps = 1 + random.below(15)
      const run = () => {
        for (let i = 0; i < steps; i++) random.chance(0.25) ? model.move() : model.emit()
      }
      if (random.chance(0.5)) run()
      else {
        work.push(run)
        await random.pick(clients).emit('run')
        await until(() => work.length === 0)
      }
      if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve))
    }
    await drained(...clients)
    for (const client of clients) {
      const got = received(client)
      const wanted = model.expected(client, () => true)
      const kept = new Set(model.expected(client, ({ isVolatile }) => !isVolatile))
      expect(got.filter((id) => kept.has(id))).toEqual([...kept])
      expect(wanted, 'nothing else, and volatile ones in their place').toEqual(expect.arrayContaining(got))
      expect(got).toEqual([...new Set(got)].sort((a, b) => a - b))
      for (const stream of [...client.ended, ...client.streams.values()]) {
        expect([stream.gaps, stream.duplicates, stream.position]).toEqual([[], 0, stream.top])
      }
      client[Symbol.dispose]()
    }
  })

  test('leaves no hole that sync does not close, whatever frames are lost', async () => {
    const random = createRandom()
    console.log(`seed ${random.seed}`)
    await using server = await start([])
    await using proxy = await FrameProxy.start(server.port, {
      spare: (type) => type !== MESSAGE_TYPES.EVENT && type !== MESSAGE_TYPES.NOTICE,
    })
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawSession.connect(proxy.port)))
    const model = new Model(server, random, clients)
    const faults = randomFrameFaults(random, { drop: 0.2, twice: 0.1 })
    for (let round = 0; round < 15; round++) {
      // Who is where does not change while frames are lost: what is left out goes by who is where now.
      for (let i = 0; i < 6; i++) model.move()
      await drained(...clients)
      proxy.filter = faults
      for (let i = 0; i < 60; i++) model.emit()
      await drained(...clients)
      if (random.chance(0.5)) await Promise.all(clients.map((client) => client.sync(undefined, true)))
      proxy.pass()
      for (const client of clients) {
        await client.sync(undefined, true)
        await client.repair()
      }
    }
    expect(proxy.count('drop')).toBeGreaterThan(100)
    for (const client of clients) {
      const streams = [...client.ended, ...client.streams.values()]
      const delivered = streams.flatMap((stream) => stream.delivered.map(({ args: [id] }) => id as number))
      expect(delivered.sort((a, b) => a - b)).toEqual(model.expected(client, (_sent, by) => by !== null))
      for (const stream of streams) {
        const ids = stream.delivered.map(({ args: [id] }) => id as number)
        expect(ids).toEqual([...ids].sort((a, b) => a - b))
        expect([stream.position, stream.losts]).toEqual([stream.top, []])
      }
      client[Symbol.dispose]()
    }
  })
})
