import { RoomcastError } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { RawUser } from '../../../test-kit/raw-user'
import { until } from '../../../test-kit/wait'
import { connect, cut, faultsOf, heard, lose, partsOf, settled, socketOf, startResumable } from './resume-support'

describe('rules of rooms that the client has joined', () => {
  test('are asked again, with the params of before', async () => {
    const asked: unknown[] = []
    await using server = await startResumable((io) =>
      io.rooms('r*', { authorize: (_joiner, room, params) => asked.push([room, params]) > 0 }),
    )
    const first = await connect(server)
    await first.join('r1', { key: 1 })
    await cut(server, first)
    server.io.to('r1').emit('say', 1)
    const next = await first.resume(server.port)
    await settled(next)
    expect(asked).toEqual([
      ['r1', { key: 1 }],
      ['r1', { key: 1 }],
    ])
    expect(next.stream('r1').delivered.map(({ args }) => args)).toEqual([[1]])
    expect(next.session?.recovered).toBe(true)
  })

  test.each([
    ['says no', () => false],
    [
      'throws a refusal',
      () => {
        throw new RoomcastError('BANNED', 'no')
      },
    ],
    ['says no later', async () => false],
  ])('one that %s has nothing replayed, and is left', async (_how, refuse) => {
    let isOpen = true
    await using server = await startResumable((io) => io.rooms('*', { authorize: () => isOpen || refuse() }))
    const first = await connect(server)
    const { room } = await first.join('secret')
    await first.join('other')
    await cut(server, first)
    server.io.to('secret').emit('say', 'secret')
    isOpen = false
    const before = first.resumeBody()
    const next = await first.resume(server.port)
    server.io.to('secret').emit('say', 'secret too')
    await next.sync(undefined, true)
    const index = (before.rooms as number[][]).findIndex(([number]) => number === room)
    expect(next.rooms[index]).toBeNull()
    expect(heard(next)).toEqual([])
    expect(next.session?.resumed).toBe(true)
    expect(socketOf(server, next).rooms).toEqual(new Set([first.sid]))
    await expect(next.history('secret')).rejects.toMatchObject({ code: 'HISTORY_REFUSED' })
  })

  describe.each([
    ['while the client was away', false],
    ['and was lost on its way', true],
  ])('a message to such a room and to the socket itself that was sent %s', (_when, isLost) => {
    test.each([
      ['comes alone, if the room is refused', ['a'], ['a']],
      ['comes alone, if both rooms that have it are refused', ['a', 'b'], ['a', 'b']],
      ['comes once, from the room', ['a'], []],
      ['comes once, from the room that is left', ['a', 'b'], ['a']],
    ])('%s', async (_what, rooms, refused: string[]) => {
      let isOpen = true
      await using server = await startResumable((io) =>
        io.rooms('*', { authorize: (_joiner, room) => isOpen || !refused.includes(room) }),
      )
      const first = await connect(server)
      for (const room of rooms) await first.join(room)
      const emit = () => {
        server.io.to([...rooms, first.sid]).emit('say', 'both')
        server.io.to(first.sid).emit('say', 'own')
      }
      if (isLost) await lose(server, first, emit)
      else {
        await cut(server, first)
        emit()
      }
      isOpen = false
      const next = await first.resume(server.port)
      await next.sync(undefined, true)
      expect(heard(next)).toEqual(['say(both)', 'say(own)'])
      expect(faultsOf(next)).toEqual([])
      expect(next.session?.recovered).toBe(true)
      const isOwn = refused.length === rooms.length
      expect(next.own?.delivered.map(({ args }) => args[0])).toEqual(isOwn ? ['both', 'own'] : ['own'])
    })
  })

  test('who was excepted as a member of a room that is refused now stays excepted', async () => {
    let isOpen = true
    await using server = await startResumable((io) =>
      io.rooms('*', { authorize: (_joiner, room) => isOpen || room !== 'muted' }),
    )
    const first = await connect(server)
    for (const room of ['all', 'muted']) await first.join(room)
    await cut(server, first)
    server.io.to('all').except('muted').emit('say', 'not for you')
    server.io.to('all').emit('say', 'for all')
    isOpen = false
    const next = await first.resume(server.port)
    await next.sync(undefined, true)
    expect(heard(next)).toEqual(['say(for all)'])
    expect(faultsOf(next)).toEqual([])
    expect(next.session?.recovered).toBe(true)
  })

  test('a message to a room and to one of its members comes once to a client with a link, and stays once when it is asked for again', async () => {
    await using server = await startResumable((io) => void io.rooms('*', { authorize: () => true }))
    const session = await connect(server)
    const { room = -1 } = await session.join('a')
    server.io.to(['a', session.sid]).emit('say', 1)
    server.io.to(session.sid).emit('say', 2)
    await settled(session)
    expect(heard(session)).toEqual(['say(1)', 'say(2)'])
    expect(faultsOf(session)).toEqual([])
    await session.sync([
      [0, 0],
      [room, 0],
    ])
    expect(heard(session).slice(2).sort()).toEqual(['say(1)', 'say(2)'])
  })

  test('a room without positions that is refused now is told to be left', async () => {
    let isOpen = true
    await using server = await startResumable((io) => io.rooms('*', { history: false, authorize: () => isOpen }))
    const first = await connect(server)
    await first.join('plain')
    await cut(server, first)
    isOpen = false
    const next = await first.resume(server.port)
    await settled(next)
    expect(socketOf(server, next).rooms).toEqual(new Set([first.sid]))
    expect(next.notices('left')).toEqual([[null, 'plain']])
  })
})

describe('what the server does to sessions without a link', () => {
  test('a revoked user has nothing to come back to', async () => {
    await using server = await startResumable(() => {}, { login: ({ id }: { id: string }) => ({ id }) })
    const ada = await connect(server, { auth: { id: 'ada' } })
    const bob = await connect(server, { auth: { id: 'bob' } })
    await cut(server, ada)
    await cut(server, bob)
    await server.io.revoke({ userId: 'ada' })
    expect((await ada.resume(server.port)).session?.resumed).toBe(false)
    expect((await bob.resume(server.port)).session?.resumed).toBe(true)
  })

  test.each([
    ['disconnect of its socket', false],
    ['disconnect of its socket with the connection', true],
  ])('after %s there is nothing to come back to', async (_how, close) => {
    await using server = await startResumable()
    const first = await connect(server)
    socketOf(server, first).disconnect(close)
    await until(() => server.io.sockets.sockets.size === 0, 'the socket to be gone')
    expect((await first.resume(server.port)).session?.resumed).toBe(false)
    expect(partsOf(server).sessions?.size).toBe(0)
  })

  test('disconnectSockets ends those that it means, and no others', async () => {
    await using server = await startResumable((io) =>
      io.on('connection', (socket) => void (socket.recovered || socket.join(String(socket.handshake.auth.room)))),
    )
    const a = await connect(server, { auth: { room: 'a' } })
    const b = await connect(server, { auth: { room: 'b' } })
    const c = await connect(server, { auth: { room: 'c' } })
    for (const each of [a, b, c]) await cut(server, each)
    server.io.in('a').disconnectSockets()
    server.io.in(c.sid).disconnectSockets(true)
    expect((await a.resume(server.port)).session?.resumed).toBe(false)
    expect((await b.resume(server.port)).session?.resumed).toBe(true)
    expect((await c.resume(server.port)).session?.resumed).toBe(false)
  })

  test('who is kicked from a room while away sees nothing that was sent to it afterwards, nor joins it', async () => {
    await using server = await startResumable((io) => {
      io.rooms('*', { authorize: () => true })
    })
    const first = await connect(server)
    await first.join('room')
    await cut(server, first)
    server.io.in(first.sid).socketsLeave('room')
    server.io.to('room').emit('say', 'secret')
    const next = await first.resume(server.port)
    server.io.to('room').emit('say', 'secret')
    await next.sync(undefined, true)
    expect(heard(next)).toEqual([])
    expect(socketOf(server, next).rooms).toEqual(new Set([first.sid]))
    expect(next.session?.recovered).toBe(true)
  })

  test('who is put into a room of others while away gets what is sent to it from then on', async () => {
    await using server = await startResumable((io) => {
      io.on('connection', (socket) => void (socket.handshake.auth.joins && socket.join('room')))
    })
    const other = await connect(server, { auth: { joins: true } })
    const first = await connect(server)
    await cut(server, first)
    server.io.to('room').emit('say', 'too early')
    server.io.in(first.sid).socketsJoin('room')
    server.io.to('room').emit('say', 1)
    const next = await first.resume(server.port)
    server.io.to('room').emit('say', 2)
    await settled(next)
    expect(heard(next)).toEqual(['say(1)', 'say(2)'])
    expect(faultsOf(next)).toEqual([])
    expect(next.session?.recovered).toBe(true)
    expect(other.client.closed).toBeNull()
  })
})

describe('presence', () => {
  // Without a time of grace the older socket is gone before the newer is there.
  const presence = { watch: () => true, flushMs: 0, graceMs: 60_000 }

  test.each([
    ['whose link was lost', true],
    ['whose old link is open', false],
  ])('a user who is resumed, %s, neither leaves nor joins', async (_how, isCut) => {
    await using server = await startResumable(
      (io) => io.on('connection', (socket) => void (socket.recovered || socket.join('room'))),
      { login: ({ id }: { id: string }) => ({ id }), presence },
    )
    const watcher = await RawUser.connect(server.port, { id: 'watcher' })
    const ada = await connect(server, { auth: { id: 'ada' } })
    const changes: unknown[] = []
    const list = await watcher.watch('room')
    const told = () => watcher.notices('users').length
    const before = told()
    if (isCut) await cut(server, ada)
    const next = await ada.resume(server.port)
    expect(next.session?.recovered).toBe(true)
    // A change that must come behind what the resume may have caused.
    await connect(server, { auth: { id: 'cyd' } })
    await until(() => watcher.notices('users').some(([, , , rows]) => JSON.stringify(rows).includes('cyd')), 'cyd')
    for (const [, , , rows, gone] of watcher.notices('users').slice(before)) {
      if ((gone as string[]).includes('ada')) changes.push('ada has left')
      if ((rows as [string][]).some(([id]) => id === 'ada')) changes.push('a row of ada')
    }
    expect(changes).toEqual([])
    expect(list).toBeDefined()
  })
})
