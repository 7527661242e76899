import { MESSAGE_TYPES, type RoomcastError } from '@roomcast/protocol'
import type { Server, ServerOptions } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { createRandom } from '../../../test-kit/random'
import { RawClient } from '../../../test-kit/raw-client'
import { RawUser } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { idOf, ids, kept, lose, member, NOTHING, record, serve, socketOf, startPeople } from './user-lists-support'

describe('io.users(room)', () => {
  test('pages: nobody twice, and nobody is left out who stays', async () => {
    const random = createRandom()
    await using server = await startPeople()
    const stay = await Promise.all(Array.from({ length: 40 }, (_, i) => member(server, `stay${i}`, 'a')))
    const leaving = await Promise.all(Array.from({ length: 40 }, (_, i) => member(server, `leaves${i}`, 'a')))
    const order = await ids(server.io.users('a'))
    for (const limit of [1, 3, 7, 50]) {
      const seen: string[] = []
      let pages = 0
      for (let after: number | undefined; ; ) {
        const { users, next } = await server.io.users('a').page({ limit, after })
        expect(users.length).toBeLessThanOrEqual(limit)
        seen.push(...users.map(({ user }) => user.id))
        pages++
        // Somebody comes, somebody goes, and an entry that the next page would begin with may be the one.
        if (random.chance(0.5)) socketOf(server, random.pick(stay)).join(`other ${pages}`)
        const goes = leaving.length > 20 ? leaving.splice(random.below(leaving.length), 1) : []
        for (const user of goes) socketOf(server, user).disconnect()
        if (next === undefined) break
        after = next
      }
      const context = `limit ${limit}, SEED=${random.seed}`
      expect(new Set(seen).size, context).toBe(seen.length)
      for (const user of stay) expect(seen, context).toContain(idOf(server, user))
      expect(seen, context).toEqual(order.filter((id) => seen.includes(id)))
      expect(pages).toBeGreaterThanOrEqual(Math.floor(40 / limit))
    }
    expect(await server.io.users('a').page({ after: 1_000_000 })).toEqual({ users: [], next: undefined })
    expect((await server.io.users('a').page()).users).toHaveLength(await server.io.users('a').count())
    for (const user of [...stay, ...leaving]) user.client.terminate()
  })

  test.each([0, -1, 1.5, Number.NaN, '5'])('a page of %s entries is refused', async (limit) => {
    const server = await startPeople()
    expect(await errorOf(server.io.users().page({ limit: limit as number }))).toMatchObject({ code: 'INVALID_OPTION' })
    await server[Symbol.asyncDispose]()
  })

  test.each([-1, 1.5, Number.NaN, '5'])('a page after %s is refused', async (after) => {
    const server = await startPeople()
    expect(await errorOf(server.io.users().page({ after: after as number }))).toMatchObject({ code: 'INVALID_OPTION' })
    await server[Symbol.asyncDispose]()
  })

  test('listeners: on, once, off, of any view of the list', async () => {
    await using server = await startPeople()
    const heard: string[] = []
    const always = () => void heard.push('always')
    const never = () => void heard.push('never')
    server.io.users('a').on('join', always).on('join', never).on('leave', never)
    server.io.users('a').once('join', () => void heard.push('once'))
    server.io.users('a').off('join', never)
    server.io.users('a').off('leave')
    server.io.users('b').on('join', never).off()
    using ada = await member(server, 'ada', 'a', 'b')
    await ada.call('leave', 'a')
    await ada.call('join', 'a')
    expect(heard).toEqual(['always', 'once', 'always'])
  })

  test('listeners stay when the list is empty for a while', async () => {
    await using server = await startPeople()
    const a = record(server.io.users('a'))
    for (let i = 0; i < 3; i++) {
      using ada = await member(server, 'ada', 'a')
      await ada.call('leave', 'a')
      expect(kept(server.io).lists).toBe(0)
    }
    expect(a).toHaveLength(6)
  })

  test('listeners that throw are reported, and the others are told', async () => {
    await using server = await startPeople()
    for (const event of ['join', 'leave', 'change'] as const) {
      server.io.users('a').on(event, () => {
        throw new Error(`mine: ${event}`)
      })
    }
    const a = record(server.io.users('a'))
    using ada = await member(server, 'ada', 'a')
    await server.io.updateUser('ada', { x: 1 })
    await ada.call('leave', 'a')
    expect(a).toEqual(['join ada 1', 'change ada 1', 'leave ada 0'])
    expect(server.faults).toMatchObject(
      ['join', 'change', 'leave'].map((event) => ({
        error: { message: `mine: ${event}` },
        context: { where: 'listener', name: expect.stringContaining(event) },
      })),
    )
  })
})

describe('listeners that act', () => {
  /** Nobody may be left on a list whose socket is gone or elsewhere. */
  async function expectTruth(server: TestServer): Promise<void> {
    for (const room of [undefined, 'a', 'b']) {
      const sockets = [...server.io.sockets.sockets.values()].filter(
        (socket) => room === undefined || socket.rooms.has(room),
      )
      const truth = sockets.flatMap(({ user }) => (user === null ? [] : [user.id as string]))
      expect(await ids(server.io.users(room)), room ?? 'everybody').toEqual(truth)
    }
    const { accounts, listed } = kept(server.io)
    expect(accounts).toBe(listed)
  }

  test.each([true, false])(
    'a banned user is kicked as soon as they are listed, with the connection: %s',
    async (close) => {
      await using server = await startPeople()
      server.io.users().on('join', ({ user }) => {
        if (user.id === 'eve') server.io.toUser('eve').disconnectSockets(close)
      })
      using client = await RawClient.open(server.port)
      client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/', auth: { id: 'eve' } })
      await until(() => client.closed !== null || client.frames.some(({ type }) => type !== 'CONNECTED'), 'the kick')
      expect(server.io.sockets.sockets.size).toBe(0)
      await expectTruth(server)
      expect(server.faults).toEqual([])
    },
  )

  test('a room that is full takes its newest member out', async () => {
    await using server = await startPeople()
    server.io.users('a').on('join', ({ user }) => {
      if (user.id === 'eve') server.io.toUser('eve').socketsLeave('a')
    })
    using _ada = await member(server, 'ada', 'a')
    using _eve = await member(server, 'eve', 'a')
    await expectTruth(server)
  })

  test('a room that is full takes its newest socket out, told by the adapter', async () => {
    await using server = await startPeople()
    server.io.sockets.adapter.on('join-room', (room, id) => {
      if (room === 'a' && server.io.sockets.adapter.rooms.get('a')?.size === 2) server.io.in(id).socketsLeave('a')
    })
    using _ada = await member(server, 'ada', 'a')
    using eve = await member(server, 'eve', 'a')
    await expectTruth(server)
    await lose(server, eve)
    expect(await ids(server.io.users('a'))).toEqual(['ada'])
  })

  test('the adapter tells a kick from the room, and the socket is let in again', async () => {
    await using server = await startPeople()
    server.io.sockets.adapter.on('leave-room', (room, id) => {
      if (room === 'a') server.io.in(id).socketsJoin('a')
    })
    using ada = await member(server, 'ada', 'a')
    server.io.in('a').socketsLeave('a')
    await expectTruth(server)
    await lose(server, ada)
    await server.io.revoke({ userId: 'ada' })
    await expectTruth(server)
  })

  test('the adapter tells that a socket has left, and it is kicked for that', async () => {
    await using server = await startPeople()
    server.io.sockets.adapter.on('leave-room', (room, id) => {
      if (room === 'a') server.io.in(id).disconnectSockets()
    })
    using ada = await member(server, 'ada', 'a', 'b')
    server.io.in('a').socketsLeave('a')
    await ada.client.frame('DISCONNECT')
    await expectTruth(server)
    expect(kept(server.io)).toEqual(NOTHING)
  })

  test('the adapter tells that a socket is in, and it is kicked for that', async () => {
    await using server = await startPeople()
    server.io.sockets.adapter.on('join-room', (room, id) => {
      if (room === 'a') server.io.in(id).disconnectSockets()
    })
    using ada = await member(server, 'ada', 'b')
    server.io.in('b').socketsJoin('a')
    await ada.client.frame('DISCONNECT')
    await expectTruth(server)
    expect(kept(server.io)).toEqual(NOTHING)
  })

  test('the adapter tells of a new room, and who makes it is kicked for that', async () => {
    await using server = await startPeople()
    server.io.sockets.adapter.on('create-room', (room) => {
      if (room === 'a') server.io.disconnectSockets()
    })
    using ada = await member(server, 'ada', 'b')
    server.io.in('b').socketsJoin('a')
    await ada.client.frame('DISCONNECT')
    await expectTruth(server)
    expect([...server.io.sockets.adapter.rooms.keys()]).toEqual([])
    expect(kept(server.io)).toEqual(NOTHING)
  })

  test.each([true, false])(
    'the adapter tells of a new socket, and it is kicked for that, with the connection: %s',
    async (close) => {
      await using server = await startPeople()
      server.io.sockets.adapter.on('join-room', (room, id) => {
        if (room === id) server.io.in(id).disconnectSockets(close)
      })
      using client = await RawClient.open(server.port)
      client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/', auth: { id: 'ada' } })
      await until(() => client.closed !== null || client.frames.some(({ type }) => type !== 'CONNECTED'), 'the kick')
      expect(server.io.sockets.sockets.size).toBe(0)
      await expectTruth(server)
      expect(server.faults).toEqual([])
    },
  )

  test('an anonymous socket logs in, and is taken out of the first of its rooms', async () => {
    await using server = await startPeople()
    server.io.users('a').on('join', () => server.io.in('a').socketsLeave('a'))
    using user = await RawUser.connect(server.port)
    await user.call('join', 'a')
    await user.call('join', 'b')
    await user.request('login', { id: 'ada' })
    await expectTruth(server)
  })

  test.each(['a room', 'everybody', 'the adapter'])(
    'who becomes another is kicked meanwhile, by a listener of %s',
    async (who) => {
      await using server = await startPeople()
      using ada = await member(server, 'ada', 'a', 'b')
      const kick = () => server.io.disconnectSockets()
      if (who === 'a room') server.io.users('a').on('leave', kick)
      else if (who === 'everybody') server.io.users().on('leave', kick)
      else server.io.sockets.adapter.on('leave-room', kick)
      ada.send('login', { id: 'bob' })
      await ada.client.frame('DISCONNECT')
      await until(() => server.io.sockets.sockets.size === 0)
      await expectTruth(server)
      expect(kept(server.io)).toEqual(NOTHING)
    },
  )
})

describe('policies', () => {
  test('the first pattern that matches holds, and what it leaves out is as in the option', async () => {
    await using server = await startPeople({ presence: { graceMs: 0, watch: 'nobody' } }, (io) =>
      io
        .rooms('game:*:watchers', { presence: { mode: 'off' } })
        .rooms('game:*', { presence: { watch: () => true } })
        .rooms('*:count', { presence: { mode: 'count', watch: () => true } })
        .rooms('exactly', { presence: { watch: () => true } })
        .rooms('a*b*c', { presence: { watch: () => true } })
        .rooms('exactly', { presence: { mode: 'off' } }),
    )
    using ada = await member(server, 'ada')
    const answer = async (room: string) => {
      try {
        const [{ mode }] = (await ada.request('watch', room, 'users')) as [{ mode: string }]
        return mode
      } catch (error) {
        return (error as RoomcastError).code
      } finally {
        await ada.request('unwatch', room, 'users')
        await ada.request('unwatch', room, 'count')
      }
    }
    const answers: [string, string][] = [
      ['game:1', 'users'],
      ['game:', 'users'],
      ['game:1:watchers', 'WATCH_REFUSED'],
      ['game::watchers', 'WATCH_REFUSED'],
      ['game:1:watchers:2', 'users'],
      ['agame:1', 'WATCH_REFUSED'],
      ['game:1:count', 'users'],
      ['x:count', 'count'],
      [':count', 'count'],
      ['exactly', 'users'],
      ['exactly ', 'WATCH_REFUSED'],
      ['abc', 'users'],
      ['aXbXc', 'users'],
      ['abbc', 'users'],
      ['ac', 'WATCH_REFUSED'],
      ['acb', 'WATCH_REFUSED'],
      ['abcd', 'WATCH_REFUSED'],
    ]
    for (const [room, expected] of answers) expect([room, await answer(room)]).toEqual([room, expected])
    await ada.call('join', 'game:1')
    await lose(server, ada)
    expect(kept(server.io)).toEqual(NOTHING)
  })

  test('where the mode is off nothing is kept', async () => {
    await using server = await startPeople({}, (io) =>
      io.rooms('off', { presence: { mode: 'off', watch: () => true } }),
    )
    const off = record(server.io.users('off'))
    using ada = await member(server, 'ada', 'off')
    expect(await server.io.users('off').list()).toEqual([])
    expect(await errorOf(ada.watch('off'))).toMatchObject({ code: 'WATCH_REFUSED' })
    expect(kept(server.io)).toMatchObject({ lists: 0 })
    await ada.call('leave', 'off')
    expect(off).toEqual([])
  })

  test('where the server says off, rooms may say otherwise', async () => {
    await using server = await startPeople({ presence: { mode: 'off', watch: () => true, graceMs: 0 } }, (io) =>
      io.rooms('on', { presence: { mode: 'users' } }),
    )
    using ada = await member(server, 'ada', 'on', 'off')
    expect(await ids(server.io.users('on'))).toEqual(['ada'])
    expect(await ids(server.io.users('off'))).toEqual([])
    expect((await ada.watch('on')).ids()).toEqual(['ada'])
    expect(await errorOf(ada.watch('off'))).toMatchObject({ code: 'WATCH_REFUSED' })
    expect(await errorOf(ada.watch())).toMatchObject({ code: 'WATCH_REFUSED' })
    await lose(server, ada)
    expect(kept(server.io)).toEqual(NOTHING)
  })

  test.each([
    ['mode', { mode: 'all' }],
    ['watch', { watch: 'everybody' }],
    ['watch', { watch: true }],
    ['flushMs', { flushMs: -1 }],
    ['flushMs', { flushMs: 1.5 }],
    ['flushMs', { flushMs: 60_001 }],
    ['graceMs', { graceMs: Number.NaN }],
    ['graceMs', { graceMs: Number.POSITIVE_INFINITY }],
    ['graceMs', { graceMs: 600_001 }],
    ['graceMs', { graceMs: '100' }],
    ['presence', 'users'],
  ])('%s: %j is refused everywhere', async (name, presence) => {
    const refused = expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(name) })
    const policy = presence as { mode: 'users' }
    // What is refused does not listen.
    const start = async (options: ServerOptions, setUp?: (io: Server) => void) => {
      await using _server = await startServer(setUp, options)
    }
    expect(await errorOf(start({ presence: policy }))).toEqual(refused)
    expect(await errorOf(start({}, (io) => io.rooms('a', { presence: policy })))).toEqual(refused)
    expect(await errorOf(start({}, (io) => io.of('/x').rooms('a', { presence: policy })))).toEqual(refused)
    expect(await errorOf(start({}, (io) => io.of(/x/).rooms('a', { presence: policy })))).toEqual(refused)
  })

  test.each([undefined, 42, /a/])('a pattern that is no text, %s, is refused', async (pattern) => {
    await using server = await startServer()
    for (const target of [server.io, server.io.of('/x'), server.io.of(/y/)]) {
      expect(() => target.rooms(pattern as unknown as string, {})).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      )
    }
  })

  test('of namespaces by pattern hold in each of them', async () => {
    await using server = await startPeople({}, (io) => {
      const games = io
        .of(/^\/game-\d$/)
        .rooms('hall', { presence: { mode: 'count', watch: () => true } })
        .rooms('*', { presence: { watch: 'members' } })
      serve(games)
    })
    for (const name of ['/game-1', '/game-2']) {
      using client = await RawClient.open(server.port)
      const user = await RawUser.over(client, name, { auth: { id: 'ada' } })
      expect(await user.request('watch', 'hall', 'users')).toMatchObject([{ mode: 'count', count: 0 }])
      await user.call('join', 'table')
      expect((await user.watch('table')).ids()).toEqual(['ada'])
      expect(await errorOf(user.watch())).toMatchObject({ code: 'WATCH_REFUSED' })
      expect(await ids(server.io.of(name).users('table'))).toEqual(['ada'])
    }
    using ada = await member(server, 'ada', 'table')
    expect(await errorOf(ada.watch('table'))).toMatchObject({ code: 'WATCH_REFUSED' })
  })
})
