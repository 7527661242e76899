import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { createRandom } from '../../../test-kit/random'
import { RawUser } from '../../../test-kit/raw-user'
import type { TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { TimingWheel } from '../src/connection/timing-wheel'
import { MemberReports } from '../src/people/member-reports'
import { codec, insideOf, startWith, TestDirectory } from './directory-support'
import { ids, kept, lose, member, NOTHING, serve, socketOf } from './user-lists-support'

const MAIN = '/\0'

/** Nothing is left to report. */
function settled(directory: TestDirectory, server: TestServer): Promise<boolean> {
  return until(
    () => directory.open === 0 && insideOf(server).every(({ people }) => people.known.rosters.reports.isSettled),
  )
}

describe('what the directory is told', () => {
  test('is one batch for all that happens in a turn, with a profile that is encoded once', async () => {
    const directory = new TestDirectory()
    const counted = { encodes: 0 }
    const counting: typeof codec = {
      ...codec,
      encode: (value, reserve) => {
        if ((value as { tag?: string } | null)?.tag === 'mine') counted.encodes++
        return codec.encode(value, reserve)
      },
    }
    const login = ({ id }: { id: string }) => ({ id, tag: 'mine' })
    await using server = await startWith(directory, { codec: counting, login })
    using ada = await member(server, 'ada')
    await settled(directory, server)
    directory.batches.length = 0
    socketOf(server, ada).join(['a', 'b'])
    socketOf(server, ada).join('c')
    expect(directory.batches, 'not amid the turn').toEqual([])
    await settled(directory, server)
    expect(directory.batches).toHaveLength(1)
    const changes = directory.batches[0] ?? []
    expect(changes.map(({ room }) => room)).toEqual(['/\0a', '/\0b', '/\0c'])
    const profiles = changes.map((change) => change.member?.profile)
    expect(profiles[0]).toEqual(codec.encode({ tag: 'mine' }, 0))
    for (const profile of profiles) expect(profile).toBe(profiles[0])
    expect(counted.encodes).toBe(1)
  })

  test('is in batches of a bounded size, of which the first do not wait for the end of the turn', async () => {
    const directory = new TestDirectory()
    await using server = await startWith(directory)
    using ada = await member(server, 'ada')
    await settled(directory, server)
    directory.batches.length = 0
    socketOf(server, ada).join(Array.from({ length: 10_000 }, (_, i) => `room${i}`))
    expect(directory.batches.length).toBeGreaterThan(0)
    await settled(directory, server)
    expect(Math.max(...directory.batches.map(({ length }) => length))).toBeLessThanOrEqual(4_096)
    expect(directory.batches.flat()).toHaveLength(10_000)
    expect(directory.lines('/\0room9999')).toEqual(['ada 1'])
  })

  test('has namespaces apart', async () => {
    const directory = new TestDirectory()
    await using server = await startWith(directory, {}, (io) => serve(io.of('/other')))
    using _ada = await member(server, 'ada', 'a')
    await settled(directory, server)
    expect([MAIN, '/\0a', '/other\0', '/other\0a'].map((room) => directory.lines(room))).toEqual([
      ['ada 1'],
      ['ada 1'],
      [],
      [],
    ])
  })

  test('follows devices, profiles, and who is expected back', async () => {
    const directory = new TestDirectory()
    await using server = await startWith(directory)
    const lines = async () => {
      await settled(directory, server)
      return directory.lines('/\0a')
    }
    using one = await member(server, 'ada', 'a')
    using two = await member(server, 'ada', 'a')
    expect(await lines()).toEqual(['ada 2'])
    await lose(server, one)
    expect(await lines()).toEqual(['ada 1'])
    await lose(server, two)
    expect(await lines()).toEqual(['ada 0'])
    using three = await member(server, 'ada', 'a')
    expect(await lines()).toEqual(['ada 1'])
    await server.io.updateUser('ada', { color: 'red' })
    await settled(directory, server)
    for (const room of [MAIN, '/\0a']) {
      const found = directory.memory.get(room, 'ada')
      expect(codec.decode(found?.profile as Uint8Array, 0)).toEqual({ color: 'red' })
    }
    await three.call('leave', 'a')
    expect(await lines()).toEqual([])
    expect(directory.lines(MAIN)).toEqual(['ada 1'])
  })

  test('whoever leaves and comes back within a turn is the last of the list', async () => {
    const directory = new TestDirectory()
    await using server = await startWith(directory)
    using ada = await member(server, 'ada', 'a')
    using _bob = await member(server, 'bob', 'a')
    await settled(directory, server)
    socketOf(server, ada).leave('a')
    socketOf(server, ada).join('a')
    expect(await ids(server.io.users('a'))).toEqual(['bob', 'ada'])
  })

  test('one batch is on its way at a time, and what happens meanwhile is gathered', async () => {
    const directory = new TestDirectory()
    directory.isLater = true
    await using server = await startWith(directory)
    using ada = await member(server, 'ada')
    await settled(directory, server)
    directory.batches.length = 0
    let answer = () => {}
    directory.gate = new Promise((resolve) => {
      answer = resolve
    })
    const socket = socketOf(server, ada)
    socket.join('first')
    await until(() => directory.batches.length === 1)
    for (let i = 0; i < 100; i++) {
      socket.join('second')
      await setImmediate()
      if (i < 99) socket.leave('second')
    }
    expect(directory.batches).toHaveLength(1)
    answer()
    await settled(directory, server)
    expect(directory.mostOpen).toBe(1)
    const [first, ...more] = directory.batches.slice(1).map((batch) => new Set(batch.map(({ room }) => room)))
    expect([first, more]).toEqual([new Set(['/\0second']), []])
    expect(directory.lines('/\0second')).toEqual(['ada 1'])
  })
})

describe.each([
  ['at once', false],
  ['later', true],
])('changes that are refused, %s,', (_when, isLater) => {
  test('are reported, and everybody is told again with the next change', async () => {
    const directory = new TestDirectory()
    directory.isLater = isLater
    await using server = await startWith(directory)
    using ada = await member(server, 'ada', 'a', 'b')
    using bob = await member(server, 'bob', 'b', 'a')
    await settled(directory, server)
    directory.forget()
    let refusals = 1
    directory.refusal = () => (refusals-- > 0 ? 'before' : null)
    await ada.call('leave', 'b')
    await until(() => server.faults.length === 1)
    expect(server.faults).toMatchObject([
      { error: { code: 'ENGINE_FAILED', cause: { message: /refused/ } }, context: { where: 'engine' } },
    ])
    const calls = directory.batches.length
    await bob.call('join', 'c')
    await until(() => directory.batches.length > calls && directory.open === 0)
    expect([MAIN, '/\0a', '/\0b', '/\0c'].map((room) => directory.lines(room))).toEqual([
      ['ada 1', 'bob 1'],
      ['ada 1', 'bob 1'],
      ['bob 1'],
      ['bob 1'],
    ])
    expect(server.faults).toHaveLength(1)
  })

  test('are told again without another change, and then nothing waits', async () => {
    const directory = new TestDirectory()
    directory.isLater = isLater
    await using server = await startWith(directory)
    using ada = await member(server, 'ada', 'a')
    await settled(directory, server)
    let refusals = 3
    directory.refusal = () => (refusals-- > 0 ? 'before' : null)
    await ada.call('leave', 'a')
    await until(() => refusals < 0)
    await settled(directory, server)
    expect([directory.lines('/\0a'), directory.lines(MAIN)]).toEqual([[], ['ada 1']])
    expect(server.faults).toHaveLength(3)
    expect(kept(server.io).deadlines).toBe(0)
  })

  test('are told again before a list is read, which fails if they are refused once more', async () => {
    const directory = new TestDirectory()
    directory.isLater = isLater
    await using server = await startWith(directory)
    using ada = await member(server, 'ada', 'a')
    await settled(directory, server)
    directory.refusal = () => 'before'
    await ada.call('join', 'b')
    await until(() => server.faults.length > 0)
    const users = server.io.users('b')
    for (const read of [users.list(), users.count(), users.get('ada'), users.page()])
      expect(await errorOf(read)).toMatchObject({ code: 'ENGINE_FAILED' })
    directory.refusal = () => null
    expect(await ids(users)).toEqual(['ada'])
  })

  test('amid many batches lose no departure of those behind', async () => {
    const directory = new TestDirectory()
    await using server = await startWith(directory)
    using ada = await member(server, 'ada', 'stays')
    const rooms = Array.from({ length: 10_000 }, (_, i) => `room${i}`)
    const socket = socketOf(server, ada)
    socket.join(rooms)
    await settled(directory, server)
    directory.isLater = isLater
    let calls = 0
    directory.refusal = () => (++calls === 2 ? 'before' : null)
    for (const room of rooms) socket.leave(room)
    await settled(directory, server)
    expect(rooms.filter((room) => directory.memory.count(`/\0${room}`) > 0)).toEqual([])
    expect([directory.lines('/\0stays'), server.faults.length]).toEqual([['ada 1'], 1])
  })

  test('while users come, go and come again: in the end the directory has every list, in order', async () => {
    const random = createRandom()
    const context = `SEED=${random.seed}`
    const directory = new TestDirectory()
    directory.isLater = isLater
    await using server = await startWith(directory)
    const users = await Promise.all(Array.from({ length: 12 }, (_, i) => member(server, `user${i}`)))
    const rooms = ['a', 'b', 'c']
    // The model: users of a room in order of arrival.
    const model = new Map(rooms.map((room) => [room, new Set<string>()]))
    directory.refusal = () => (random.chance(0.5) ? random.pick(['before', 'after'] as const) : null)
    for (let i = 0; i < 2_000; i++) {
      const index = random.below(users.length)
      const socket = socketOf(server, users[index] as (typeof users)[number])
      const room = random.pick(rooms)
      const there = model.get(room) as Set<string>
      if (there.delete(`user${index}`)) socket.leave(room)
      else {
        there.add(`user${index}`)
        socket.join(room)
      }
      if (random.chance(0.4)) await setImmediate()
      if (random.chance(0.1))
        await server.io
          .users(room)
          .list()
          .catch(() => {})
    }
    directory.refusal = () => null
    for (const room of rooms) expect(await ids(server.io.users(room)), context).toEqual([...(model.get(room) ?? [])])
    await settled(directory, server)
    for (const [room, there] of model)
      expect(directory.lines(`/\0${room}`), context).toEqual([...there].map((id) => `${id} 1`))
    expect(directory.mostOpen, context).toBeLessThanOrEqual(1)
    expect(server.faults.length, context).toBeGreaterThan(0)
    for (const user of users) user.client.terminate()
  })
})

describe('in the end', () => {
  test('a namespace that nobody uses stays until the directory knows', async () => {
    const directory = new TestDirectory()
    directory.isLater = true
    const options = { cleanupEmptyChildNamespaces: true }
    await using server = await startWith(directory, options, (io) => void io.of(/^\/game/))
    using link = await member(server, 'somebody')
    const ada = await RawUser.over(link.client, '/game', { auth: { id: 'ada' } })
    await settled(directory, server)
    expect(directory.lines('/game\0')).toEqual(['ada 1'])
    const names = () => insideOf(server).map(({ name }) => name)
    let refusals = 1
    directory.refusal = () => (refusals-- > 0 ? 'before' : null)
    let answer = () => {}
    directory.gate = new Promise((resolve) => {
      answer = resolve
    })
    const known = insideOf(server)[1]?.people.known
    await server.io.of('/game').updateUser('ada', { leaves: 'while this is on its way' })
    await until(() => directory.open === 1)
    ada.disconnect()
    await until(() => known?.rosters.everybody.size === 0)
    answer()
    await until(() => server.faults.length === 1)
    expect(directory.mostOpen).toBe(1)
    expect(names()).toEqual(['/', '/game'])
    await until(() => names().length === 1, 'the namespace to go')
    expect(directory.lines('/game\0')).toEqual([])
    expect(server.faults).toHaveLength(1)
  })

  test('nothing is left of users who are gone', async () => {
    const directory = new TestDirectory()
    await using server = await startWith(directory)
    using ada = await member(server, 'ada', 'a', 'b')
    ada.disconnect()
    await until(() => directory.lines(MAIN).length === 0)
    expect(['/\0a', '/\0b'].map((room) => directory.lines(room))).toEqual([[], []])
    expect(kept(server.io)).toEqual(NOTHING)
  })

  test('a directory that is closed is told nothing, neither what is refused nor what happens', async () => {
    const directory = new TestDirectory()
    await using server = await startWith(directory)
    using ada = await member(server, 'ada', 'a')
    await settled(directory, server)
    socketOf(server, ada).join('b')
    directory.refusal = () => 'after'
    const [{ people }] = insideOf(server) as [ReturnType<typeof insideOf>[number]]
    people.close()
    expect(directory.lines('/\0b'), 'what had happened').toEqual(['ada 1'])
    const calls = directory.batches.length
    socketOf(server, ada).join('c')
    expect(await server.io.users('c').count()).toBe(0)
    await setImmediate()
    expect(directory.batches).toHaveLength(calls)
    expect(kept(server.io).deadlines).toBe(0)
  })

  test('departures that the directory does not take are forgotten when they are too many, which is reported once', () => {
    const faults: string[] = []
    const reports = new MemberReports(
      { entryOf: () => undefined, allEntries: () => [] },
      {
        namespaceName: '/',
        directory: Object.assign(new TestDirectory(), { setMembers: () => new Promise<void>(() => {}) }),
        wheel: new TimingWheel(),
        reportFault: (error) => faults.push((error as Error).message),
        onSettled: () => {},
      },
    )
    reports.note(null, 'first', 'gone')
    void reports.flush()
    for (let i = 0; i < 100_000; i++) reports.note('a', `user${i}`, 'gone')
    expect(faults).toEqual([])
    for (let i = 0; i < 10; i++) reports.note('b', `user${i}`, 'gone')
    expect(faults).toEqual([expect.stringContaining('too many')])
    reports.close()
  })
})
