import { describe, expect, test } from 'vitest'
import { createRandom } from '../../../test-kit/random'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import type { UwsWire } from '../src/transport/uws-wire'
import { arrived, asPolled, chooseRate, enterAll, firsts, recordPublishes } from './latest-support'
import { type AnySession, codeOf, connectOver, drained, socketOf, startPolicies, TRANSPORTS } from './room-support'

const authorize = () => true
const book = {
  authorize,
  latest: { key: (_event: string, key: unknown) => (typeof key === 'string' ? key : undefined) },
}

/** A rate so low that only the first of its values comes while a test runs. */
const RARELY = 0.01

/** Second arguments of the quotes that have come. */
function numbersOf({ client }: AnySession): unknown[] {
  return client.frames.filter(({ event }) => event === 'quote').map(({ body }) => (body as unknown[])[1])
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('join with a rate: the first value comes at once, the last one for certain, other messages as usual', async () => {
    await using server = await startPolicies({ book })
    const { io } = server
    using slow = await connectOver(transport, server.port)
    using fast = await connectOver(transport, server.port)
    await slow.request('join', 'book', null, null, 5)
    await fast.join('book')
    for (let i = 1; i <= 100; i++) {
      io.to('book').emit('quote', 'AAPL', i)
      if (i % 10 === 0) io.to('book').emit('news', i)
    }
    const quotes = () =>
      slow.client.frames.filter(({ event }) => event === 'quote').map(({ body }) => body as unknown[])
    const last = ['AAPL', 100]
    await until(() => quotes().some(([, value]) => value === 100), 'the last value')
    expect(asPolled(transport, quotes())).toEqual(asPolled(transport, [['AAPL', 1], last]))
    await arrived(slow, fast)
    expect(firsts(slow, 'news')).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
    expect(asPolled(transport, numbersOf(fast))).toEqual(
      asPolled(
        transport,
        Array.from({ length: 100 }, (_, i) => i + 1),
      ),
    )
    expect(server.faults).toEqual([])
  })

  test('a rate is changed while joined: what waits comes at once, and nothing is lost', async () => {
    await using server = await startPolicies({ book })
    using ada = await connectOver(transport, server.port)
    await ada.request('join', 'book', null, null, RARELY)
    const say = (n: number) => server.io.to('book').emit('quote', 'k', n)
    const heard = () => asPolled(transport, numbersOf(ada))
    say(1)
    say(2)
    say(3)
    await chooseRate(ada, 'book', RARELY)
    expect(heard()).toEqual([1])
    await chooseRate(ada, 'book', RARELY * 2)
    expect(heard()).toEqual(asPolled(transport, [1, 3]))
    say(4)
    say(5)
    await chooseRate(ada, 'book', null)
    expect(heard()).toEqual(asPolled(transport, [1, 3, 4, 5]))
    say(6)
    say(7)
    await arrived(ada)
    expect(heard()).toEqual(asPolled(transport, [1, 3, 4, 5, 6, 7]))
  })
})

describe('a chosen rate', () => {
  test('of 10 under 1,000 values a second: ten a second, and the last value is exact', async () => {
    await using server = await startPolicies({ book })
    using ada = await RawSession.connect(server.port)
    await ada.request('join', 'book', null, null, 10)
    const published = recordPublishes(server)
    const begin = performance.now()
    let last = 0
    let before = begin
    /** Seconds in which the process stood still so long that a value may have come late: machines differ. */
    const stalled = new Set<number>()
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const now = performance.now()
        if (now - before > 40) for (const at of [before, now]) stalled.add(Math.floor((at - begin) / 1_000))
        before = now
        while (last < now - begin) server.io.to('book').emit('quote', 'k', ++last)
        if (now - begin < 4_000) return
        clearInterval(timer)
        resolve()
      }, 1)
    })
    await until(() => published.at(-1)?.args[1] === last, 'the last value')
    expect(last).toBeGreaterThan(3_900)
    for (const second of [0, 1, 2, 3]) {
      const count = published.filter(({ at }) => Math.floor((at - begin) / 1_000) === second).length
      expect(count, `second ${second}`).toBeLessThanOrEqual(11)
      if (!stalled.has(second)) expect(count, `second ${second}`).toBeGreaterThanOrEqual(9)
    }
    const values = published.map(({ args }) => args[1])
    await until(
      () => ada.client.frames.filter(({ event }) => event === 'quote').length === values.length,
      'all of them',
    )
    expect(ada.client.frames.filter(({ event }) => event === 'quote').map(({ body }) => (body as number[])[1])).toEqual(
      values,
    )
  })

  test('is shared: one encode and one publish for all members of equal rate, and one for those without', async () => {
    await using server = await startPolicies({ book })
    const sessions: RawSession[] = []
    for (const rate of [2, 2, 2, 2.4, 1, null, null]) {
      const session = await RawSession.connect(server.port)
      sessions.push(session)
      await session.request('join', 'book', null, null, rate)
    }
    const published = recordPublishes(server)
    server.io.to('book').emit('quote', 'k', 1)
    expect(new Set(published.map(({ topic }) => topic)).size).toBe(3)
    expect(published).toHaveLength(3)
    server.io.to('book').emit('quote', 'k', 2)
    server.io.to('book').emit('quote', 'k', 3)
    // Those without a rate have two more.
    expect(published).toHaveLength(5)
    await until(() => sessions.every((session) => session.client.frames.at(-1)?.event === 'quote'), 'values')
    await until(() => published.length === 7, 'the last value of both rates')
    await arrived(...sessions)
    const heard = sessions.map(({ client }) =>
      client.frames.filter(({ event }) => event === 'quote').map(({ body }) => (body as number[])[1]),
    )
    const [some, all] = [
      [1, 3],
      [1, 2, 3],
    ]
    expect(heard).toEqual([some, some, some, some, some, all, all])
    for (const session of sessions) session.client.terminate()
  })

  test('ends with the room; who comes is not given what was sent before', async () => {
    await using server = await startPolicies({ book })
    const { io } = server
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    using cyd = await RawSession.connect(server.port)
    await ada.request('join', 'book', null, null, RARELY)
    io.to('book').emit('quote', 'a', 1)
    io.to('book').emit('quote', 'a', 2)
    await bob.request('join', 'book', null, null, RARELY)
    await cyd.request('join', 'book', null, null, RARELY)
    io.to('book').emit('quote', 'b', 3)
    await cyd.leave('book')
    const quotes = (session: RawSession) =>
      session.client.frames.filter(({ event }) => event === 'quote').map(({ body }) => body)
    await chooseRate(ada, 'book', null)
    await chooseRate(bob, 'book', null)
    await arrived(cyd)
    expect(quotes(ada)).toEqual([
      ['a', 1],
      ['a', 2],
      ['b', 3],
    ])
    expect(quotes(bob)).toEqual([['b', 3]])
    expect(quotes(cyd)).toEqual([])
    // It has no rate in the room that it joins again.
    await cyd.join('book')
    for (let i = 4; i < 9; i++) io.to('book').emit('quote', 'a', i)
    await arrived(cyd)
    expect(quotes(cyd)).toHaveLength(5)
  })

  test('leaves out who is excepted, also from what waits: they have what was meant for them', async () => {
    await using server = await startPolicies({ book })
    const sessions: RawSession[] = []
    for (let i = 0; i < 3; i++) {
      const session = await RawSession.connect(server.port)
      await session.request('join', 'book', null, null, 5)
      sessions.push(session)
    }
    const [ada, bob, cyd] = sessions.map((session) => socketOf(server, session))
    server.io.to('book').emit('quote', 'k', 0)
    ada?.to('book').emit('quote', 'k', 1)
    bob?.to('book').emit('quote', 'k', 2)
    cyd?.to('book').latest('other').emit('quote', 'other', 3)
    const heard = (session: RawSession) =>
      session.client.frames.filter(({ event }) => event === 'quote').map(({ body }) => (body as number[])[1])
    await until(() => heard(sessions[0] as RawSession).length === 3, 'what waited')
    await arrived(...sessions)
    expect(sessions.map(heard)).toEqual([
      [0, 2, 3],
      [0, 1, 3],
      [0, 2],
    ])
    for (const session of sessions) session.client.terminate()
  })

  test('of a value for two rooms is that of the first that a member is in', async () => {
    await using server = await startPolicies({ 'book:*': book })
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    await ada.request('join', 'book:1', null, null, 5)
    await ada.join('book:2')
    await bob.join('book:2')
    const emitter = server.io.to('book:1').to('book:2').latest('k')
    for (let i = 1; i <= 5; i++) emitter.emit('v', i)
    await until(() => firsts(ada, 'v').length === 2, 'the last')
    await arrived(ada, bob)
    expect(firsts(ada, 'v')).toEqual([1, 5])
    expect(firsts(bob, 'v')).toEqual([1, 2, 3, 4, 5])
  })

  test('is refused where the client has not joined by itself, and where it is none', async () => {
    await using server = await startPolicies({ book })
    using ada = await RawSession.connect(server.port)
    expect(await codeOf(chooseRate(ada, 'book', 1))).toBe('JOIN_REFUSED')
    enterAll(server, 'book', ada)
    expect(await codeOf(chooseRate(ada, 'book', 1))).toBe('JOIN_REFUSED')
    await ada.join('book')
    await chooseRate(ada, 'book', 1)
    for (const rate of [0, -1, 0.001, 1_001, Number.NaN, '10', [10], true]) {
      expect([rate, await codeOf(chooseRate(ada, 'book', rate))]).toEqual([rate, 'INVALID_REQUEST'])
      expect([rate, await codeOf(ada.request('join', 'book', null, null, rate))]).toEqual([rate, 'INVALID_REQUEST'])
    }
    expect(await codeOf(chooseRate(ada, '', 1))).toBe('INVALID_REQUEST')
    socketOf(server, ada).leave('book')
    expect(await codeOf(chooseRate(ada, 'book', 1))).toBe('JOIN_REFUSED')
    expect(server.faults).toEqual([])
  })

  test('holds nothing back that io.close() would lose', async () => {
    await using server = await startPolicies({ book })
    using ada = await RawSession.connect(server.port)
    await ada.request('join', 'book', null, null, RARELY)
    for (let i = 1; i <= 5; i++) server.io.to('book').emit('quote', 'k', i)
    await server.io.close()
    await ada.client.close()
    expect(ada.client.frames.filter(({ event }) => event === 'quote').map(({ body }) => body)).toEqual([
      ['k', 1],
      ['k', 5],
    ])
  })
})

test('whoever comes, goes, chooses and is left out: nothing but what was meant, in order, and the newest of each in the end', async () => {
  const random = createRandom()
  await using server = await startPolicies({ room: book })
  const { io } = server
  const keys = ['a', 'b', 'c']
  const clients = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const session = await RawSession.connect(server.port)
      return {
        session,
        socket: socketOf(server, session),
        isIn: false,
        rate: null as number | null,
        meant: [] as (readonly [string, number])[],
        /** Of each value what it has to get. */
        newest: new Map<string, number>(),
      }
    }),
  )
  let number = 0
  for (let round = 0; round < 60; round++) {
    for (let step = random.below(12); step > 0; step--) {
      const client = random.pick(clients)
      const key = random.pick(keys)
      const isOthers = random.chance(0.4)
      const value = ++number
      for (const each of clients)
        if (each.isIn && !(isOthers && each === client)) {
          each.meant.push([key, value])
          each.newest.set(key, value)
        }
      const from = isOthers ? client.socket.to('room') : io.to('room')
      from.emit('v', key, value)
    }
    const client = random.pick(clients)
    if (!client.isIn) {
      client.rate = random.pick([null, 20, 50, 200])
      await client.session.request('join', 'room', null, null, client.rate)
      client.isIn = true
    } else {
      const what = random.below(4)
      if (what < 2) {
        client.rate = random.pick([null, 20, 50, 200])
        await chooseRate(client.session, 'room', client.rate)
      } else if (what === 2) {
        await client.session.leave('room')
        client.isIn = false
        // What waits is not for who has left.
        client.newest.clear()
      }
    }
    if (random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, random.below(30)))
  }
  for (const client of clients.filter(({ isIn }) => isIn)) await chooseRate(client.session, 'room', null)
  await drained(...clients.map(({ session }) => session))
  for (const [i, { session, socket, meant, newest, isIn, rate }] of clients.entries()) {
    const heard = session.client.frames.filter(({ event }) => event === 'v').map(({ body }) => body as [string, number])
    const what = `client ${i}, rate ${rate}, SEED=${random.seed}`
    for (const key of keys) {
      const own = (list: readonly (readonly [string, number])[]) =>
        list.filter(([name]) => name === key).map(([, n]) => n)
      const [mine, came] = [own(meant), own(heard)]
      expect(
        came.every((n) => mine.includes(n)),
        what,
      ).toBe(true)
      expect(came, what).toEqual([...new Set(came)].sort((a, b) => a - b))
      if (isIn && newest.has(key)) expect(came.at(-1), what).toBe(newest.get(key))
    }
    const bytes = session.client.frames.reduce((sum, frame) => sum + frame.bytes.length, 0)
    expect((socket.wire as UwsWire).handed, `${what}: bytes in the account of the link`).toBe(bytes)
    session.client.terminate()
  }
  expect(server.faults).toEqual([])
}, 60_000)
