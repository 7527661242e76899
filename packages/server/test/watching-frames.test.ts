import { LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import type { Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../../test-kit/random'
import { RawClient, type RawFrame } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { type RawLink, RawUser } from '../../../test-kit/raw-user'
import type { TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { answerTo, member, OPEN, socketOf, startPeople, watches } from './watching-support'

describe('snapshots and frames', () => {
  test('who joins and leaves between two frames was never there', async () => {
    await using server = await startPeople({ presence: { ...OPEN, flushMs: 100 } })
    using watcher = await RawUser.connect(server.port)
    const list = await watcher.watch('lobby')
    using eve = await member(server, 'eve')
    for (let i = 0; i < 3; i++) {
      socketOf(server, eve).join('lobby')
      socketOf(server, eve).leave('lobby')
    }
    using _ada = await member(server, 'ada', 'lobby')
    await until(() => list.ids().includes('ada'))
    const bytes = list.frames.map(({ bytes }) => Buffer.from(bytes).toString('latin1')).join()
    expect(bytes).not.toContain('eve')
  })

  test('who leaves and joins again between two frames is there, with the new time', async () => {
    await using server = await startPeople({ presence: { ...OPEN, flushMs: 100 } })
    using ada = await member(server, 'ada', 'lobby')
    using watcher = await RawUser.connect(server.port)
    const list = await watcher.watch('lobby')
    await server.io.updateUser('ada', { n: 1 })
    socketOf(server, ada).leave('lobby')
    await until(() => Date.now() > (list.current()[0]?.joinedAt ?? 0))
    socketOf(server, ada).join('lobby')
    await until(() => list.frames.length > 0)
    const entry = await server.io.users('lobby').get('ada')
    expect(list.current()).toEqual([{ id: 'ada', devices: 1, joinedAt: entry?.joinedAt, profile: { n: 1 } }])
  })

  test('who is in the snapshot and leaves before the next frame is no ghost', async () => {
    await using server = await startPeople({ presence: { ...OPEN, flushMs: 200 } })
    using first = await RawUser.connect(server.port)
    const early = await first.watch('lobby')
    using eve = await member(server, 'eve', 'lobby')
    using second = await RawUser.connect(server.port)
    const late = await second.watch('lobby')
    expect(late.ids()).toEqual(['eve'])
    await eve.call('leave', 'lobby')
    using _ada = await member(server, 'ada', 'lobby')
    await until(() => early.ids().join() === 'ada' && late.ids().join() === 'ada')
  })

  test('no hole and no ghost under load: 200 watchers come while users come and go all the time', async () => {
    const random = createRandom()
    await using server = await startPeople({ presence: { ...OPEN, flushMs: 25 } })
    const users = await Promise.all(Array.from({ length: 80 }, (_, i) => member(server, `user${i}`)))
    const sockets = users.map((user) => socketOf(server, user))
    let isOver = false
    let hasEnded = false
    let steps = 0
    const write = () => {
      for (let i = random.below(40); i > 0; i--) {
        const socket = random.pick(sockets)
        if (random.chance(0.5)) socket.join('lobby')
        else socket.leave('lobby')
        if (random.chance(0.1)) server.io.updateUser(socket.user?.id as string, { n: steps }).catch(() => {})
        steps++
      }
      if (!isOver || steps < 2_000) setTimeout(write, random.below(4))
      else hasEnded = true
    }
    write()
    const lists = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const watcher = await RawUser.connect(server.port)
        const list = await watcher.watch('lobby')
        if (i % 5 === 0) {
          await watcher.request('unwatch', 'lobby', 'users')
          return { watcher, list: await watcher.watch('lobby') }
        }
        return { watcher, list }
      }),
    )
    isOver = true
    const truth = async () =>
      (await server.io.users('lobby').list())
        .map(({ user: { id, ...profile }, devices, joinedAt }) => ({ id, devices, joinedAt, profile }))
        .sort((a, b) => a.id.localeCompare(b.id))
    await until(() => hasEnded, 'the writer to end')
    const expected = JSON.stringify(await truth())
    for (const { list } of lists) {
      const current = () => JSON.stringify(list.current().sort((a, b) => a.id.localeCompare(b.id)))
      await until(() => current() === expected, `the list of a watcher, SEED=${random.seed}`)
    }
    for (const { watcher } of lists) watcher.client.terminate()
    for (const { client } of users) client.terminate()
  })
})

/** Values of a body as the gate counts them. */
function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Date || ArrayBuffer.isView(value)) return 1
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countValues(item), 1)
  return Object.values(value).reduce((sum: number, item) => sum + 1 + countValues(item), 1)
}

/** No frame with rows is larger than the limits say, but for what stands around the rows. */
function expectSmallFrames(frames: readonly RawFrame[]): number {
  let largest = 0
  for (const { bytes, body } of frames) {
    expect(bytes.length).toBeLessThan(LIMITS.presenceFrameBytes + 300)
    expect(countValues(body)).toBeLessThan(LIMITS.presenceFrameValues + 20)
    largest = Math.max(largest, bytes.length)
  }
  return largest
}

/** Answers to `watch` and `users`, and the notices. */
const listFrames = (frames: readonly RawFrame[]) => frames.filter(({ type }) => type === 'ACK' || type === 'NOTICE')

/** Connects users, a few at a time. */
async function crowd(server: TestServer, size: number, profileOf: (i: number) => object): Promise<RawUser[]> {
  const users: RawUser[] = []
  for (let i = 0; i < size; i += 250) {
    const count = Math.min(250, size - i)
    const batch = Array.from({ length: count }, (_, j) => RawUser.connect(server.port, profileOf(i + j)))
    users.push(...(await Promise.all(batch)))
  }
  return users
}

describe('large lists', () => {
  test('3,000 users with profiles of 200 bytes: in pages, while some come and go', async () => {
    await using server = await startPeople({ presence: { ...OPEN, graceMs: 0 } })
    const text = 'p'.repeat(180)
    const users = await crowd(server, 3_000, (i) => ({ id: `user${i}`, text, n: i }))
    server.io.socketsJoin('lobby')
    using watcher = await RawUser.connect(server.port)
    const reading = watcher.watch('lobby')
    // While it reads: some leave from every page, some come, some change.
    for (let i = 0; i < 60; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      const socket = socketOf(server, users[(i * 49) % 3_000] as RawUser)
      if (i % 3 === 0) socket.leave('lobby')
      else if (i % 3 === 1) await server.io.updateUser(socket.user?.id as string, { n: -i })
      else {
        socket.leave('lobby')
        socket.join('lobby')
      }
    }
    const list = await reading
    const truth = async () =>
      (await server.io.users('lobby').list())
        .map(({ user: { id, ...profile }, devices, joinedAt }) => ({ id, devices, joinedAt, profile }))
        .sort((a, b) => a.id.localeCompare(b.id))
    const settled = async () => {
      const expected = JSON.stringify(await truth())
      await until(
        () => JSON.stringify(list.current().sort((a, b) => a.id.localeCompare(b.id))) === expected,
        'the list',
      )
    }
    await settled()
    const pages = listFrames(watcher.client.frames).filter(({ type }) => type === 'ACK')
    expect(pages.length).toBeGreaterThan(4)
    expect(expectSmallFrames(pages)).toBeGreaterThan(100_000)
    // All leave at once, and all come at once.
    server.io.socketsLeave('lobby')
    await settled()
    expect(list.ids()).toEqual([])
    server.io.socketsJoin('lobby')
    await settled()
    expect(list.ids()).toHaveLength(3_000)
    expectSmallFrames(list.frames)
    for (const { client } of users) client.terminate()
    await until(() => list.ids().length === 0, 'the list to be empty')
    expectSmallFrames(list.frames)
  }, 60_000)

  test.each([
    ['many small values', 60, (i: number) => ({ id: `user${i}`, list: Array.from({ length: 1_000 }, () => 1) })],
    ['as many bytes as may be', 300, (i: number) => ({ id: `user${i}`, text: 'x'.repeat(1_000) })],
    ['long ids of letters that take three bytes', 500, (i: number) => ({ id: `${'Ж'.repeat(40)}一二三${i}` })],
    [
      'fields of every kind',
      300,
      (i: number) => ({
        id: `user${i}`,
        name: `User ${i}`,
        at: new Date(i),
        bytes: new Uint8Array(20),
        nothing: null,
        deep: { a: [{ b: [{ c: 1 }] }], 'a key': -1.5 },
        empty: [{}, [], ''],
      }),
    ],
  ])(
    '%s',
    async (_what, size, profileOf) => {
      await using server = await startPeople({ presence: { ...OPEN, graceMs: 0 } })
      const users = await crowd(server, size, profileOf)
      using watcher = await RawUser.connect(server.port)
      const lobby = await watcher.watch('lobby')
      const everybody = await watcher.watch()
      expect(everybody.ids()).toHaveLength(size)
      server.io.socketsJoin('lobby')
      await until(() => lobby.ids().length === size)
      expect(lobby.current().map(({ id, profile }) => ({ id, ...profile }))).toEqual(
        (await server.io.users('lobby').list()).map(({ user }) => user),
      )
      server.io.socketsLeave('lobby')
      await until(() => lobby.ids().length === 0)
      expectSmallFrames(listFrames(watcher.client.frames))
      for (const { client } of users) client.terminate()
      await until(() => everybody.ids().length === 0)
      expectSmallFrames(listFrames(watcher.client.frames))
    },
    60_000,
  )
})

describe('over polling', () => {
  test('a watcher is told the same', async () => {
    await using server = await startPeople()
    using poller = (await RawPoller.open(server.port)).start()
    const watcher = await RawUser.over(poller, '/', { auth: { id: 'poll' } })
    using other = await RawUser.connect(server.port)
    const lists = [await watcher.watch('lobby'), await other.watch('lobby')]
    const count = await watcher.request('watch', null, 'count')
    expect(count).toMatchObject([{ mode: 'count', count: 1 }])
    using ada = await member(server, 'ada', 'lobby')
    await watcher.call('join', 'lobby')
    await server.io.updateUser('ada', { name: 'Ada' })
    await until(() => lists.every((list) => list.current().some(({ profile }) => profile.name === 'Ada')))
    await until(() => lists.every((list) => list.ids().join() === 'ada,poll'))
    await ada.call('leave', 'lobby')
    await until(() => lists.every((list) => list.ids().join() === 'poll'))
    await until(() => watcher.notices('count').length > 0)
    await watcher.request('unwatch', 'lobby', 'users')
    const { topics } = server.io as unknown as { topics: { size: number } }
    await watcher.request('unwatch', null, 'count')
    expect(watches(server)).toBe(1)
    // Its own topic and that of the room it is in, perhaps.
    expect(topics.size).toBeLessThanOrEqual(2)
  })

  test('a watcher that moves to a WebSocket misses nothing, and can end it there', async () => {
    await using server = await startPeople({ presence: { ...OPEN, watch: 'members' } })
    using poller = (await RawPoller.open(server.port)).start()
    // One link, whatever carries it: what came over polling, then what came over the WebSocket.
    let webSocket: RawClient | null = null
    const link: RawLink = {
      get frames() {
        const moved = webSocket?.frames.filter(({ type }) => type !== 'SWITCHED') ?? []
        return [...poller.frames, ...moved]
      },
      send: (fields, body) => (webSocket ?? poller).send(fields, body),
    }
    const watcher = await RawUser.over(link, '/', { auth: { id: 'mover' } })
    await watcher.call('join', 'lobby')
    const users = await Promise.all(Array.from({ length: 30 }, (_, i) => member(server, `user${i}`)))
    const sockets = users.map((user) => socketOf(server, user))
    let isOver = false
    const write = () => {
      const socket = sockets[Math.floor(Math.random() * sockets.length)] as Socket
      if (socket.rooms.has('lobby')) socket.leave('lobby')
      else socket.join('lobby')
      if (!isOver) setTimeout(write, 1)
    }
    write()
    const list = await watcher.watch('lobby')
    const everybody = await watcher.watch()
    await until(() => list.frames.length > 3)
    // Of two GETs the earlier is answered without frames; then none is held, and what was received is known.
    poller.pause()
    await poller.poll()
    using client = await RawClient.open(server.port)
    client.send({ type: MESSAGE_TYPES.SWITCH }, { session: poller.session, received: poller.received })
    await client.frame('SWITCHED')
    webSocket = client
    client.send({ type: MESSAGE_TYPES.PING }, null)
    await client.frame('PONG')
    expect([...server.io.sockets.sockets.values()].filter(({ conn }) => conn.transport.name === 'polling')).toEqual([])
    const moved = list.frames.length
    await until(() => list.frames.length > moved + 5)
    isOver = true
    await until(async () => {
      const { length } = list.frames
      const truth = (await server.io.users('lobby').list()).map(({ user }) => user.id as string).sort()
      return list.ids().join() === truth.join() && length === list.frames.length
    }, 'the list to be right')
    using _late = await member(server, 'late', 'lobby')
    await until(() => list.ids().includes('late') && everybody.ids().includes('late'))
    await watcher.call('leave', 'lobby')
    await until(() => watcher.notices('unwatched').length === 1)
    expect(watches(server)).toBe(1)
    client.closeWith(1000)
    await until(() => watches(server) === 0)
    for (const user of users) user.client.terminate()
  })
})

test('what a watcher gets holds no address, no socket id, no credentials and no claims', async () => {
  const secrets = ['claim-3f9a', 'token-77b1', 'data-5e2c', 'header-11aa', '127.0.0.1', '0000:ffff', 'x-secret']
  await using server = await startPeople(
    {
      login: ({ id, name }) => ({ id, name, claims: { role: 'claim-3f9a' }, expiresAt: Date.now() + 3_600_000 }),
    },
    (io) => io.on('connection', (socket) => void Object.assign(socket.data, { note: 'data-5e2c' })),
  )
  using watcher = await RawUser.connect(server.port, { id: 'watcher' })
  for (const room of [null, 'lobby']) await watcher.watch(room)
  await watcher.request('watch', 'lobby', 'count')
  const sids: string[] = []
  for (let round = 0; round < 3; round++) {
    const options = { headers: { 'x-secret': 'header-11aa', 'user-agent': 'header-11aa' } }
    using ada = await RawUser.connect(server.port, { id: 'ada', name: 'Ada', token: 'token-77b1' }, options)
    sids.push(ada.sid)
    await ada.call('join', 'lobby')
    await server.io.updateUser('ada', { name: `Ada ${round}` })
    await ada.request('login', { id: 'bob', token: 'token-77b1' })
    await ada.call('join', 'lobby')
    await until(() => watcher.notices('users').some((notice) => JSON.stringify(notice).includes('bob')))
  }
  expect(JSON.stringify(await answerTo(watcher, 'watch', 'lobby', 'users'))).toContain('bob')
  // Its own end of the login is in CONNECTED, and in nothing else.
  const frames = watcher.client.frames.filter(({ type }) => type !== 'CONNECTED')
  expect(frames.length).toBeGreaterThan(5)
  for (const { bytes, body } of frames) {
    const text = Buffer.from(bytes).toString('latin1')
    for (const secret of [...secrets, ...sids, watcher.sid]) expect(text).not.toContain(secret)
    // Rows have four fields at most.
    expect(JSON.stringify(body)).not.toMatch(/claims|expires|token|address|sid/)
  }
})
