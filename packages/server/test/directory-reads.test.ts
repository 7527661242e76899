import { isRoomcastError, LIMITS } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { RawUser } from '../../../test-kit/raw-user'
import { until } from '../../../test-kit/wait'
import type { MemberPage } from '../src/cluster/engine'
import { askEngine } from '../src/people/engine-answer'
import { startWith, stranger, TestDirectory } from './directory-support'
import { TestClock } from './memory-support'
import { ids, kept, lose, member, socketOf } from './user-lists-support'

const MAIN = '/\0'
const ROOM = '/\0a'

describe.each([
  ['at once', false],
  ['later', true],
])('a directory that answers %s', (_when, isLater) => {
  test('lists, counts, pages and finds users of all servers', async () => {
    const directory = new TestDirectory()
    directory.isLater = isLater
    await using server = await startWith(directory)
    using _ada = await RawUser.connect(server.port, { id: 'ada', name: 'Ada' })
    directory.memory.setMembers([stranger(MAIN, 'eve', { name: 'Eve', tags: ['x'] }, 3)])
    using _bob = await member(server, 'bob')
    const users = server.io.users()
    const list = await users.list()
    expect(list.map(({ user, devices }) => [user, devices])).toEqual([
      [{ id: 'ada', name: 'Ada' }, 1],
      [{ id: 'eve', name: 'Eve', tags: ['x'] }, 3],
      [{ id: 'bob' }, 1],
    ])
    for (const { user } of list) expect(Object.isFrozen(user)).toBe(true)
    expect(Object.isFrozen(list[1]?.user.tags)).toBe(true)
    expect(await users.count()).toBe(3)
    expect([await users.get('eve'), await users.get('ada')]).toEqual([list[1], list[0]])
    expect(await users.get('nobody')).toBeUndefined()
    const first = await users.page({ limit: 2 })
    const second = await users.page({ limit: 2, after: first.next })
    expect([first.users, second]).toEqual([list.slice(0, 2), { users: list.slice(2), next: undefined }])
    expect(await server.io.users('a').list()).toEqual([])
  })

  test('is told of what has just happened before it is read', async () => {
    const directory = new TestDirectory()
    directory.isLater = isLater
    await using server = await startWith(directory)
    using ada = await member(server, 'ada')
    using bob = await member(server, 'bob')
    const users = server.io.users('a')
    for (const user of [ada, bob]) socketOf(server, user).join('a')
    const read = [users.list(), users.count(), users.get('bob'), users.page()]
    const [list, count, found, page] = await Promise.all(read)
    expect(list).toMatchObject([{ user: { id: 'ada' } }, { user: { id: 'bob' } }])
    expect([count, found, page]).toEqual([2, (list as unknown[])[1], { users: list, next: undefined }])
    socketOf(server, ada).leave('a')
    expect(await ids(users)).toEqual(['bob'])
    const updated = server.io.updateUser('bob', { x: 1 })
    expect(await users.get('bob')).toMatchObject({ user: await updated })
  })

  test('has who is expected back, without a device', async () => {
    const directory = new TestDirectory()
    directory.isLater = isLater
    await using server = await startWith(directory)
    using ada = await member(server, 'ada', 'a')
    const before = await server.io.users('a').list()
    await lose(server, ada)
    expect(await server.io.users('a').list()).toEqual([{ ...before[0], devices: 0 }])
    using _again = await member(server, 'ada', 'a')
    expect(await server.io.users('a').list()).toEqual(before)
  })

  test('has more users than it is asked for at once, each of them once', async () => {
    const directory = new TestDirectory()
    directory.isLater = isLater
    const strangers = Array.from({ length: 2_500 }, (_, i) => stranger(ROOM, `user${i}`, { i }))
    directory.memory.setMembers(strangers)
    await using server = await startWith(directory)
    const limits: number[] = []
    const { list } = directory
    directory.list = (room, options) => {
      limits.push(options.limit)
      // Of those who are on the first page one goes, and comes again.
      const again = stranger(room, 'user7', { again: true })
      if (limits.length === 2) directory.memory.setMembers([{ room, userId: 'user7', member: null }, again])
      return list.call(directory, room, options)
    }
    const read = await server.io.users('a').list()
    expect(read.map(({ user }) => user.id)).toEqual([
      ...strangers.map(({ userId }) => userId).filter((id) => id !== 'user7'),
      'user7',
    ])
    expect(read.at(-1)?.user).toEqual({ id: 'user7', again: true })
    expect(limits.length).toBeGreaterThan(2)
    expect(Math.max(...limits)).toBeLessThan(2_500)
  })

  test('may fail: then whoever reads is told, and the next one is not', async () => {
    const directory = new TestDirectory()
    directory.isLater = isLater
    await using server = await startWith(directory)
    using _ada = await member(server, 'ada', 'a')
    const users = server.io.users('a')
    await users.count()
    const cause = new Error('the directory is away')
    directory.fault = () => {
      throw cause
    }
    const reads = [users.list(), users.count(), users.get('ada'), users.page()]
    for (const error of await Promise.all(reads.map(errorOf))) {
      expect(isRoomcastError(error)).toBe(true)
      expect(error).toMatchObject({ code: 'ENGINE_FAILED', cause })
    }
    directory.fault = null
    expect(await ids(users)).toEqual(['ada'])
    expect(server.faults).toEqual([])
    expect(kept(server.io).deadlines).toBe(0)
  })

  test('may end a page with what is no number, which is refused', async () => {
    const directory = new TestDirectory()
    directory.isLater = isLater
    await using server = await startWith(directory)
    for (const next of ['', '0', '-1', '1.5', '1e3', 'ann', '9007199254740993']) {
      directory.list = (): MemberPage => ({ members: [], next })
      expect(await errorOf(server.io.users('a').page()), next).toMatchObject({ code: 'ENGINE_FAILED' })
    }
  })

  test('may have a profile that cannot be read, which is refused', async () => {
    const directory = new TestDirectory()
    directory.isLater = isLater
    const { member: whole, ...rest } = stranger(ROOM, 'eve', { name: 'Eve' })
    if (whole === null) throw new Error('there is a member')
    directory.memory.setMembers([{ ...rest, member: { ...whole, profile: whole.profile.slice(0, -1) } }])
    await using server = await startWith(directory)
    expect(await errorOf(server.io.users('a').list())).toMatchObject({ code: 'BAD_VALUE' })
    expect(await server.io.users('a').count()).toBe(1)
  })
})

test('a user who is known here as everywhere is the same object in all lists', async () => {
  const directory = new TestDirectory()
  await using server = await startWith(directory)
  using ada = await member(server, 'ada', 'a')
  const { user } = socketOf(server, ada)
  for (const room of [undefined, 'a']) expect((await server.io.users(room).list())[0]?.user).toBe(user)
  // Another server knows better.
  directory.memory.setMembers([stranger(ROOM, 'ada', { name: 'Ada' })])
  expect((await server.io.users('a').get('ada'))?.user).toEqual({ id: 'ada', name: 'Ada' })
})

test('a reader waits for the engine as long as for any answer, and no longer', async () => {
  const clock = new TestClock()
  const ask = () => askEngine(clock.wheel, 'a count', () => new Promise<number>(() => {}))
  const failed = errorOf(Promise.resolve(ask()))
  let isLate = false
  const expire = () => {
    isLate = true
  }
  clock.wheel.schedule({ slot: null, dueAt: 0, expire }, LIMITS.ackTimeoutMs - 2_000)
  clock.advance(LIMITS.ackTimeoutMs - 2_000)
  await until(() => isLate)
  expect(clock.wheel.size, 'the reader still waits').toBe(1)
  clock.advance(2_000)
  expect(await failed).toMatchObject({ code: 'ENGINE_FAILED', message: expect.stringContaining('did not answer') })
  await until(() => clock.wheel.size === 0)
})
