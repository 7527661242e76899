import { LIMITS } from '@roomcast/protocol'
import type { Socket } from '@roomcast/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RawList, RawUser } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

/*
 * A crowd joins a room within a second, and leaves it, while 20 members watch: what it costs them. Every list is compared with
 * the server's at the end. `STORM_USERS=20000` for more; each takes two files of this process.
 */

const USERS = Number(process.env.STORM_USERS ?? 5_000)
const WATCHERS = 20
/** Connections that are opened at once. */
const AT_ONCE = 250
const GRACE_MS = 500
/** Values of a row whose profile has one field: the list, four in it, and in the profile a key and a value. */
const ROWS_PER_FRAME = Math.floor(LIMITS.presenceFrameValues / 8)

/** A list, by the name of its notices. */
interface ListName {
  readonly name: 'count' | 'users'
  readonly room: string | null
}

interface Watcher {
  readonly user: RawUser
  readonly storm: RawList
  readonly everybody: RawList
}

/** What a watcher was sent of one list. */
interface Cost {
  readonly frames: number
  readonly bytes: number
}

describe(`${USERS} users and ${WATCHERS} who watch`, () => {
  let server: TestServer
  let users: RawUser[] = []
  let sockets: Socket[] = []
  let watchers: Watcher[] = []

  beforeAll(async () => {
    server = await startServer((io) => io.rooms('hall', { presence: { mode: 'count' } }), {
      login: ({ id, name }) => ({ id, name }),
      allowAnonymous: true,
      presence: { watch: () => true, graceMs: GRACE_MS },
    })
    const from = performance.now()
    for (let i = 0; i < USERS; i += AT_ONCE) {
      const size = Math.min(AT_ONCE, USERS - i)
      const batch = Array.from({ length: size }, (_, j) =>
        RawUser.connect(server.port, { id: `user${i + j}`, name: `User ${i + j}` }),
      )
      users.push(...(await Promise.all(batch)))
    }
    sockets = [...server.io.sockets.sockets.values()] as Socket[]
    for (let i = 0; i < WATCHERS; i++) {
      const user = await RawUser.connect(server.port)
      watchers.push({ user, storm: await user.watch('storm'), everybody: await user.watch() })
      await user.request('watch', 'hall', 'users')
    }
    const heap = process.memoryUsage().heapUsed / 1_048_576
    console.log(`${USERS} connected in ${(performance.now() - from).toFixed(0)} ms, heap ${heap.toFixed(0)} MiB`)
  }, 300_000)

  afterAll(async () => {
    for (const { user } of watchers) user.client.terminate()
    for (const { client } of users) client.terminate()
    users = []
    watchers = []
    await server?.[Symbol.asyncDispose]()
  }, 60_000)

  /** Frames of one list that came since a place in what the watcher has got. */
  function costOf(user: RawUser, from: number, name: string, room: string | null): Cost {
    const frames = user.client.frames
      .slice(from)
      .filter(
        ({ type, body }) => type === 'NOTICE' && (body as unknown[])[0] === name && (body as unknown[])[1] === room,
      )
    return { frames: frames.length, bytes: frames.reduce((sum, { bytes }) => sum + bytes.length, 0) }
  }

  /**
   * What each watcher is sent of lists while `run` changes them.
   *
   * @param isDone  Whether a watcher has all of it.
   */
  async function measure(
    what: string,
    lists: readonly ListName[],
    run: () => Promise<void> | void,
    isDone: (watcher: Watcher) => boolean,
  ): Promise<(Cost & { changedMs: number })[]> {
    const from = watchers.map(({ user }) => user.client.frames.length)
    const at = performance.now()
    await run()
    const changedMs = performance.now() - at
    await until(() => watchers.every(isDone), what)
    const tookMs = performance.now() - at
    return lists.map(({ name, room }) => {
      const costs = watchers.map(({ user }, i) => costOf(user, from[i] as number, name, room))
      const [cost = { frames: 0, bytes: 0 }] = costs
      const times = `changed in ${changedMs.toFixed(0)} ms, all there after ${tookMs.toFixed(0)} ms`
      console.log(`${what} (${name}): ${cost.frames} frames, ${cost.bytes} bytes for each watcher; ${times}`)
      // All of them are sent the same.
      expect(costs).toEqual(costs.map(() => cost))
      expect(cost.frames).toBeLessThanOrEqual(1 + tookMs / LIMITS.presenceFlushMs)
      return { ...cost, changedMs }
    })
  }

  /** Frames that may be needed: what fits into one bounds it below, and the pace of a crowd above. */
  function allowed(perFrame: number, changedMs: number): number {
    const full = Math.ceil(USERS / perFrame)
    // The machine may be too slow for a second.
    const late = Math.ceil(Math.max(0, changedMs - 1_200) / LIMITS.presenceFlushMs)
    return Math.max(5, full) + late
  }

  const storm: ListName = { name: 'users', room: 'storm' }
  const hall: ListName = { name: 'count', room: 'hall' }
  const joinAll = (room: string) => {
    for (const socket of sockets) socket.join(room)
  }
  const leaveAll = (room: string) => {
    for (const socket of sockets) socket.leave(room)
  }
  /** The same, over about a second. */
  const spread = async (act: (socket: Socket) => void) => {
    const from = performance.now()
    for (let i = 0; i < sockets.length; ) {
      const due = Math.min(sockets.length, Math.ceil((sockets.length * (performance.now() - from + 10)) / 1_000))
      for (; i < due; i++) act(sockets[i] as Socket)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async function expectTruth(): Promise<void> {
    const truth = (await server.io.users('storm').list())
      .map(({ user: { id, ...profile }, devices, joinedAt }) => ({ id, devices, joinedAt, profile }))
      .sort((a, b) => a.joinedAt - b.joinedAt || a.id.localeCompare(b.id))
    for (const { storm: list } of watchers) {
      const current = list.current().sort((a, b) => a.joinedAt - b.joinedAt || a.id.localeCompare(b.id))
      expect(current).toEqual(truth)
    }
  }

  const latestCount = ({ user }: Watcher) => user.notices('count').at(-1)?.[2]

  /** Both lists at once: of the room with rows, and of the one with numbers. */
  const inBoth = (act: (socket: Socket, room: string) => void) => (socket: Socket) => {
    act(socket, 'storm')
    act(socket, 'hall')
  }
  const join = inBoth((socket, room) => socket.join(room))
  const leave = inBoth((socket, room) => socket.leave(room))

  test.each([
    ['in one go', (act: (socket: Socket) => void) => sockets.forEach(act)],
    ['over a second', spread],
  ])(
    'join %s, and leave so',
    async (how, run) => {
      for (const [what, act, size] of [
        ['join', join, USERS],
        ['leave', leave, 0],
      ] as const) {
        const [rows, numbers] = await measure(
          `${what} ${how}`,
          [storm, hall],
          () => run(act),
          (watcher) => watcher.storm.size === size && latestCount(watcher) === size,
        )
        await expectTruth()
        expect(rows?.frames).toBeLessThanOrEqual(allowed(ROWS_PER_FRAME, rows?.changedMs ?? 0))
        expect(numbers?.frames).toBeLessThanOrEqual(allowed(Number.POSITIVE_INFINITY, numbers?.changedMs ?? 0))
        expect(numbers?.bytes).toBeLessThan(30 * (numbers?.frames ?? 0))
        if (how === 'in one go') expect(numbers?.frames).toBe(1)
      }
    },
    60_000,
  )

  test('who comes and goes within the storm costs nothing but their last state', async () => {
    const [cost] = await measure(
      'join, leave and join',
      [storm],
      () => {
        joinAll('storm')
        leaveAll('storm')
        for (const socket of sockets.slice(0, 100)) socket.join('storm')
      },
      ({ storm: list }) => list.size === Math.min(100, USERS),
    )
    expect(cost?.frames).toBeLessThanOrEqual(Math.ceil(USERS / 5_000))
    await expectTruth()
    leaveAll('storm')
    await until(() => watchers.every(({ storm: list }) => list.size === 0))
  }, 60_000)

  test('newcomers who watch, too, cost those who are there no frame more', async () => {
    const newcomers = users.slice(0, 500)
    const from = newcomers.map(({ client }) => client.frames.length)
    await measure(
      'join and watch',
      [storm],
      async () => {
        await Promise.all(
          newcomers.map(async (user, i) => {
            sockets[i]?.join('storm')
            await user.request('watch', 'storm', 'users')
          }),
        )
      },
      ({ storm: list }) => list.size === newcomers.length,
    )
    await expectTruth()
    const costs = newcomers.map((user, i) => costOf(user, from[i] as number, 'users', 'storm'))
    const frames = Math.max(...costs.map((cost) => cost.frames))
    const bytes = newcomers.map(({ client }, i) =>
      client.frames.slice(from[i]).reduce((sum, frame) => sum + frame.bytes.length, 0),
    )
    console.log(`each of ${newcomers.length} newcomers: at most ${frames} frames, ${Math.max(...bytes)} bytes in all`)
    await Promise.all(newcomers.map((user) => user.request('unwatch', 'storm', 'users')))
  }, 60_000)

  test('all are cut off', async () => {
    await measure(
      'everybody cut off',
      [{ name: 'users', room: null }, storm],
      () => {
        for (const { client } of users) client.terminate()
      },
      ({ everybody, storm: list }) => everybody.size === 0 && list.size === 0,
    )
    await expectTruth()
    expect(await server.io.users().list()).toEqual([])
    expect(server.faults).toEqual([])
  }, 60_000)
})
