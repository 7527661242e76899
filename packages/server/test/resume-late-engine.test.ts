import type { Server } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../../test-kit/random'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import type { Engine } from '../src/cluster/engine'
import { connect, cut, heard, LateEngine, memory, partsOf, settled, socketOf, startResumable } from './resume-support'

const random = createRandom()
console.info(`late engine: SEED=${random.seed}`)

function startLate(setUp: (io: Server) => void = () => {}) {
  return startResumable(setUp, { engine: new LateEngine(memory().engine, random) })
}

/** Follows the streams that the tests use, so that they are known when the others come. */
async function warmUp(server: Awaited<ReturnType<typeof startLate>>, ...rooms: string[]): Promise<RawSession> {
  const session = await RawSession.connect(server.port)
  socketOf(server, session).join(rooms)
  await until(() => partsOf(server).streams.size === rooms.length + 1, 'the streams')
  await settled(session)
  return session
}

/** Emits something in every turn until it is stopped. */
function startWriter(write: (count: number) => void): () => Promise<number> {
  let count = 0
  let isOn = true
  const done = (async () => {
    while (isOn) {
      write(++count)
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  return async () => {
    isOn = false
    await done
    return count
  }
}

describe('an engine whose answers come later', () => {
  test('the very first client gets what everybody is sent', async () => {
    await using server = await startLate()
    const first = await connect(server)
    await until(() => partsOf(server).streams.size === 1, 'the stream')
    server.io.emit('say', 1)
    await until(() => heard(first).length === 1, 'the event')
    await first.repair()
    const delivered = [...first.streams.values()].flatMap((stream) => stream.delivered)
    expect(
      delivered.map(({ args: [number] }) => number),
      'of streams that it is in',
    ).toEqual([1])
  })

  test('who joins a room gets what is sent to it from then on', async () => {
    await using server = await startLate()
    const first = await connect(server)
    socketOf(server, first).join('room')
    server.io.to('room').emit('say', 1)
    await until(() => partsOf(server).streams.get('/\0room'), 'the stream')
    server.io.to('room').emit('say', 2)
    await until(() => heard(first).includes('say(2)'), 'the second')
    await first.repair()
    const [room] = [...first.streams.values()].slice(-1)
    expect(room?.delivered.map(({ args: [number] }) => number)).toEqual([1, 2])
  })

  test('who has left at once is not in the room', async () => {
    await using server = await startLate()
    const first = await connect(server)
    socketOf(server, first).join('secret')
    socketOf(server, first).leave('secret')
    await until(() => partsOf(server).streams.get('/\0secret'), 'the stream')
    const other = await connect(server)
    socketOf(server, other).join('secret')
    server.io.to('secret').emit('say', 'secret')
    await until(() => heard(other).length === 1, 'the event')
    await first.sync(undefined, true)
    expect(heard(first)).toEqual([])
    expect(
      [...first.streams.keys()].filter((number) => number === partsOf(server).streams.get('/\0secret')?.number),
    ).toEqual([])
  })

  test('a secret is for one, of fifty at once', async () => {
    await using server = await startLate()
    const first = await connect(server)
    await cut(server, first)
    const all = await Promise.all(Array.from({ length: 50 }, () => first.resume(server.port)))
    await Promise.all(all.map(settled))
    const open = all.filter(({ client }) => client.closed === null)
    // The secret stays good until the first sync: one that comes later takes the place of one that came before.
    expect(open.filter(({ sid }) => sid === first.sid)).toHaveLength(1)
    expect(new Set(server.io.sockets.sockets.keys())).toEqual(new Set(open.map(({ sid }) => sid)))
    expect(server.io.sockets.sockets.size).toBe(open.length)
  })

  test.each([
    ['whose link was lost', true, false],
    ['whose old link is open', false, false],
    ['whose link was lost, and which syncs', true, true],
    ['whose old link is open, and which syncs', false, true],
  ])('a client that is resumed, %s, has no hole while somebody writes', async (_how, isCut, syncs) => {
    await using server = await startLate((io) =>
      io.on('connection', (socket) => void (socket.recovered || socket.join(['a', 'b']))),
    )
    await warmUp(server, 'a', 'b')
    let session = await connect(server)
    const { sid } = session
    const stop = startWriter((count) => {
      server.io.to('a').emit('a', count)
      server.io.to(sid).emit('own', count)
      server.io.emit('all', count)
      server.io.to(['b', 'a']).emit('both', count)
    })
    const faults: string[] = []
    for (let round = 0; round < 20; round++) {
      if (isCut) await cut(server, session)
      const next = await session.resume(server.port)
      expect(next.session).toMatchObject({ resumed: true })
      await until(() => [...next.streams.values()].every(({ received }) => received.length > 0), 'messages')
      await settled(next)
      const isMissing = [...next.streams.values()].some(({ missing }) => missing.length > 0)
      if (next.session?.recovered && isMissing) faults.push(`round ${round}: something is missing`)
      if (syncs) await next.sync(undefined, true)
      if (syncs) await next.repair()
      session.client.terminate()
      session = next
    }
    const count = await stop()
    await settled(session)
    if (syncs) await session.sync(undefined, true)
    else expect(faults).toEqual([])
    for (const { delivered, losts, missing } of session.streams.values()) {
      expect([losts, missing]).toEqual([[], []])
      for (const event of new Set(delivered.map((each) => each.event))) {
        const numbers = delivered.filter((each) => each.event === event).map(({ args: [number] }) => number as number)
        const [first = 0] = numbers
        expect(numbers, String(event)).toEqual(Array.from({ length: count - first + 1 }, (_, i) => first + i))
      }
    }
  })

  test('a client that joins has no hole and no duplicate while somebody writes', async () => {
    await using server = await startLate((io) => void io.rooms('*', { authorize: () => true, snapshot: () => 'state' }))
    await warmUp(server, 'room')
    const stop = startWriter((count) => void server.io.to('room').emit('say', count))
    const faults: string[] = []
    for (let round = 0; round < 20; round++) {
      const session = await RawSession.connect(server.port)
      const { seq = 0 } = await session.join('room')
      await until(() => session.stream('room').received.length > 3, 'messages')
      await settled(session)
      const { received } = session.stream('room')
      const positions = received.map(({ position }) => position)
      const expected = positions.map((_, i) => seq + 1 + i)
      if (String(positions) !== String(expected)) faults.push(`round ${round}: behind ${seq}: ${positions.slice(0, 8)}`)
      session.client.terminate()
    }
    await stop()
    expect(faults).toEqual([])
  })
})

/** An engine of which some parts are others. */
function withParts(late: LateEngine, parts: Partial<Pick<Engine, 'bus' | 'store'>>): Engine {
  return {
    name: 'failing',
    nodeId: 'here',
    log: late.log,
    bus: late.bus,
    directory: late.directory,
    store: late.store,
    ...parts,
    start: (events) => late.start(events),
    close: () => late.close(),
  }
}

test('a store that fails is reported, and ends neither the process nor the sessions of others', async () => {
  const late = new LateEngine(memory().engine, random)
  let fails = false
  const failing = withParts(late, {
    store: {
      ...late.store,
      put: async (...args) => {
        if (fails) throw new Error('no store')
        return late.store.put(...args)
      },
      take: async (key) => {
        if (fails) throw new Error('no store')
        return late.store.take(key)
      },
    },
  })
  const rejections: unknown[] = []
  const note = (error: unknown) => void rejections.push(error)
  process.on('unhandledRejection', note)
  try {
    await using server = await startResumable(() => {}, { engine: failing })
    const first = await connect(server)
    fails = true
    const second = await RawSession.connect(server.port)
    await cut(server, second)
    await new Promise((resolve) => setImmediate(resolve))
    fails = false
    await until(() => rejections.length + server.faults.length > 0, 'something to be told')
    expect(rejections).toEqual([])
    await settled(first)
    expect(first.client.closed).toBeNull()
  } finally {
    process.off('unhandledRejection', note)
  }
})

test.each([
  ['the first of two rooms', ['a']],
  ['the second of two rooms', ['b']],
  ['both rooms', ['a', 'b']],
])(
  'when %s cannot be followed, what was sent to them meanwhile comes once to everybody in them',
  async (_which, lost: string[]) => {
    const late = new LateEngine(memory().engine, random)
    const subscribe: Engine['bus']['subscribe'] = async (channels) => {
      await late.bus.subscribe(channels)
      if (lost.some((room) => channels.includes(`/\0${room}`))) throw new Error('no bus')
    }
    await using server = await startResumable(() => {}, {
      engine: withParts(late, { bus: { ...late.bus, subscribe } }),
    })
    const members: [session: RawSession, rooms: string[]][] = []
    for (const rooms of [['a'], ['b'], ['a', 'b'], ['b', 'a'], []]) members.push([await connect(server), rooms])
    const excepted = await connect(server)
    members.push([excepted, ['a', 'b']])
    for (const [session, rooms] of members) socketOf(server, session).join(rooms)
    for (const count of [1, 2]) server.io.to(['a', 'b']).except(excepted.sid).emit('say', count)
    const { streams } = partsOf(server)
    const isOpening = () => ['a', 'b'].some((room) => streams.isOpening(`/\0${room}`))
    expect(isOpening()).toBe(true)
    await until(() => !isOpening(), 'the streams to be open, or not')
    for (const [session, rooms] of members) {
      await settled(session)
      const isMeant = rooms.length > 0 && session !== excepted
      expect(heard(session), `in ${rooms}`).toEqual(isMeant ? ['say(1)', 'say(2)'] : [])
    }
    expect(new Set(server.faults.map(({ error }) => (error as Error).message))).toEqual(new Set(['no bus']))
  },
)
