import { CLOSE_CODES, LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import type { Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { connect, errorOf, type Pair, pair, pairs } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer, type TestServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'

/** Which of the pairs got which of the events that were emitted before this call. */
async function arrivals(server: TestServer, all: readonly Pair[]): Promise<string[]> {
  server.io.emit('end')
  const before = await Promise.all(all.map((one) => one.eventsBefore('end')))
  return before.map((events) => events.join(' '))
}

describe('membership', () => {
  test('a socket is in the room of its own id from the start, and in those it joins', async () => {
    await using server = await startServer()
    using one = await pair(server)
    const { socket } = one
    expect([...socket.rooms]).toEqual([socket.id])
    expect(socket.id).toBe(one.client.id)
    socket.join('a')
    socket.join(['b', 'c', 'a'])
    expect([...socket.rooms]).toEqual([socket.id, 'a', 'b', 'c'])
    socket.leave('b')
    socket.leave('never joined')
    expect([...socket.rooms]).toEqual([socket.id, 'a', 'c'])
    // To one, to none, and on from there.
    socket.leave('a')
    expect([...socket.rooms]).toEqual([socket.id, 'c'])
    socket.leave('c')
    expect([...socket.rooms]).toEqual([socket.id])
    socket.join(['a', 'b'])
    expect([...socket.rooms]).toEqual([socket.id, 'a', 'b'])
  })

  test('rooms is a copy', async () => {
    await using server = await startServer()
    using one = await pair(server)
    one.socket.rooms.add('forged')
    one.socket.rooms.delete(one.socket.id)
    expect([...one.socket.rooms]).toEqual([one.socket.id])
    server.io.to('forged').emit('forged')
    expect(await arrivals(server, [one])).toEqual([''])
  })

  test('the room of its own id is left only with the namespace', async () => {
    await using server = await startServer()
    using one = await pair(server)
    one.socket.leave(one.socket.id)
    expect(one.socket.rooms.has(one.socket.id)).toBe(true)
    server.io.to(one.socket.id).emit('direct')
    expect(await arrivals(server, [one])).toEqual(['direct'])
  })

  test('another socket may join the room of an id, and leave it again', async () => {
    await using server = await startServer()
    using all = await pairs(server, 3)
    const [a, b] = all
    b.socket.join(a.socket.id)
    server.io.to(a.socket.id).emit('both')
    b.socket.to(a.socket.id).emit('only a')
    expect([...(server.io.sockets.adapter.rooms.get(a.socket.id) ?? [])].sort()).toEqual(
      [a.socket.id, b.socket.id].sort(),
    )
    b.socket.leave(a.socket.id)
    server.io.to(a.socket.id).emit('a again')
    expect(await arrivals(server, all)).toEqual(['both only a a again', 'both', ''])
  })

  test('the room of an id outlives its socket while somebody else is in it', async () => {
    await using server = await startServer()
    using all = await pairs(server, 2)
    const [a, b] = all
    const { id } = a.socket
    b.socket.join(id)
    const gone = next(a.socket, 'disconnect')
    a.client.disconnect()
    await gone
    expect([...(server.io.sockets.adapter.rooms.get(id) ?? [])]).toEqual([b.socket.id])
    server.io.to(id).emit('to the heir')
    expect(await arrivals(server, [b])).toEqual(['to the heir'])
    b.socket.leave(id)
    expect(server.io.sockets.adapter.rooms.has(id)).toBe(false)
  })

  test('a socket that joined in middleware is in the room when it is admitted', async () => {
    const seen: unknown[] = []
    await using server = await startServer((io) => {
      io.use((socket, next) => {
        socket.join(['lobby', 'dropped'])
        socket.leave('dropped')
        seen.push(socket.rooms.size, io.sockets.adapter.rooms.has('lobby'), socket.connected, socket.emit('too early'))
        next()
      })
      io.on('connection', (socket) => seen.push([...socket.rooms].slice(1)))
    })
    using one = await pair(server)
    expect(seen).toEqual([0, false, false, false, ['lobby']])
    server.io.to('lobby').emit('welcome')
    server.io.to('dropped').emit('dropped')
    expect(await arrivals(server, [one])).toEqual(['welcome'])
  })

  test('a socket that middleware refused is in no room', async () => {
    await using server = await startServer((io) =>
      io.use((socket, next) => {
        socket.join('lobby')
        next(new Error('no'))
      }),
    )
    using client = connect(server.url)
    await next(client, 'connect_error')
    expect(server.io.sockets.adapter.rooms.size).toBe(0)
    expect(server.io.sockets.sockets.size).toBe(0)
  })

  test('after the disconnect a socket is in no room, and joining does nothing', async () => {
    await using server = await startServer()
    using one = await pair(server)
    one.socket.join('a')
    const gone = next(one.socket, 'disconnect')
    one.client.disconnect()
    await gone
    one.socket.join('b')
    one.socket.leave('a')
    expect(one.socket.rooms.size).toBe(0)
    expect(server.io.sockets.adapter.rooms.size).toBe(0)
  })

  test('1,000 joins and leaves leave nothing behind', async () => {
    await using server = await startServer()
    using one = await pair(server)
    const { adapter } = server.io.sockets
    for (let i = 0; i < 1_000; i++) {
      one.socket.join(`room ${i}`)
      expect(adapter.rooms.has(`room ${i}`)).toBe(true)
      one.socket.leave(`room ${i}`)
    }
    expect([...adapter.rooms.keys()]).toEqual([one.socket.id])
    one.socket.join(Array.from({ length: 1_000 }, (_, i) => `room ${i}`))
    expect(adapter.rooms.size).toBe(1_001)
    const gone = next(one.socket, 'disconnect')
    one.client.disconnect()
    await gone
    expect(adapter.rooms.size).toBe(0)
    expect(adapter.sids.size).toBe(0)
  })
})

describe('room names', () => {
  test.each([
    ['an empty text', ''],
    ['a number', 5],
    ['null', null],
    ['undefined', undefined],
    ['an object', {}],
    ['a Set of names', new Set(['a'])],
    ['201 bytes', 'x'.repeat(LIMITS.roomNameBytes + 1)],
    ['67 characters of 3 bytes', '語'.repeat(67)],
    ['a NUL', 'a\0'],
    ['a line break', 'a\nb'],
    ['DEL', '\x7f'],
    ['half of a surrogate pair', 'a\ud800'],
  ])('%s is refused with INVALID_ROOM_NAME', async (_what, name) => {
    await using server = await startServer()
    const room = name as string
    const { io } = server
    const withoutSockets = [
      () => io.to(room),
      () => io.in(room),
      () => io.except(room),
      () => io.to(['fine', room]),
      () => io.to('fine').except(['fine', room]),
      () => io.socketsJoin(room),
      () => io.socketsLeave(room),
    ]
    for (const call of withoutSockets) expect((await errorOf(call)).code, String(call)).toBe('INVALID_ROOM_NAME')
    using one = await pair(server)
    const { socket } = one
    const withSocket = [
      () => socket.join(room),
      () => socket.join(['fine', room]),
      () => socket.to(room),
      () => socket.except(room),
      () => socket.broadcast.to(room),
      () => socket.volatile.to(room),
    ]
    for (const call of withSocket) expect((await errorOf(call)).code, String(call)).toBe('INVALID_ROOM_NAME')
    expect([...socket.rooms], 'of a list with a bad name nothing is joined').toEqual([socket.id])
  })

  test('no two names mean the same room, whatever they look like', async () => {
    const names = ['a', 'a:b', 'b', '0:', '0:a', ':', '1:a', '#', '*', '+', '/', '//', 'a/', 'a/b', '/a', ' ', 'A']
    names.push('constructor', '__proto__', 'toString', 'é', 'e\u0301', '語', '🎲', 'x'.repeat(200), '語'.repeat(66))
    names.push('$', '%00', '\\', '"', "'", ' a', 'a ', 'undefined', '0', '-1')
    await using server = await startServer((io) => io.of('/other'))
    using one = await pair(server)
    const other = server.io.of('/other')
    for (const name of names) {
      one.socket.join(name)
      for (const target of names) {
        server.io.to(target).emit(`of ${names.indexOf(name)}: ${names.indexOf(target)}`)
        other.to(target).emit('of another namespace')
      }
      one.socket.leave(name)
    }
    expect(await arrivals(server, [one])).toEqual([names.map((_, i) => `of ${i}: ${i}`).join(' ')])
  })

  test('the name of an id or of a topic of the engine lets nobody listen in', async () => {
    await using server = await startServer((io) => io.of('/other'))
    using all = await pairs(server, 2)
    const [a, b] = all
    using inOther = await pair(server, { nsp: '/other' })
    inOther.socket.join([a.socket.id, '0:r', 'r', '0:'])
    b.socket.join('r')
    server.io.to('r').emit('r')
    server.io.to(a.socket.id).emit('to a')
    a.socket.emit('direct')
    server.io.of('/other').emit('end')
    expect(await arrivals(server, all)).toEqual(['to a direct', 'r'])
    expect(await inOther.eventsBefore('end')).toEqual([])
  })
})

describe('chains choose each socket at most once', () => {
  /** Rooms: a holds 0 and 1, b holds 1 and 2, c holds 3. */
  async function startFour() {
    const server = await startServer()
    const all = await pairs(server, 4)
    all[0].socket.join('a')
    all[1].socket.join(['a', 'b'])
    all[2].socket.join('b')
    all[3].socket.join('c')
    return {
      server,
      all,
      io: server.io,
      async [Symbol.asyncDispose]() {
        all[Symbol.dispose]()
        await server[Symbol.asyncDispose]()
      },
    }
  }

  test('from the server: union of to, without those of except', async () => {
    await using it = await startFour()
    const { io, all } = it
    io.emit('all')
    io.to('a').emit('a')
    io.in('a').in('b').emit('ab')
    io.to(['a', 'b', 'a']).emit('list')
    io.to('a').to('a').to('a').emit('aaa')
    io.to('a').except('b').emit('a-b')
    io.except('a').emit('-a')
    io.except(['a', 'c']).emit('-ac')
    io.except('a').to('b').emit('b-a')
    io.to('a').except('a').emit('nobody')
    io.to([]).emit('empty list is everybody')
    io.to('nobody').emit('nobody')
    io.to('a').to(all[0].socket.id).to(all[3].socket.id).emit('ids')
    io.except(all[0].socket.id).emit('-id')
    io.to(['a', 'b', 'c']).except(all[1].socket.id).except('c').emit('union-id-c')
    expect(await arrivals(it.server, all)).toEqual([
      'all a ab list aaa a-b empty list is everybody ids union-id-c',
      'all a ab list aaa empty list is everybody ids -id',
      'all ab list -a -ac b-a empty list is everybody -id union-id-c',
      'all -a empty list is everybody ids -id',
    ])
  })

  test('from a socket: never to itself', async () => {
    await using it = await startFour()
    const { all } = it
    const { socket } = all[1]
    socket.to('a').emit('a')
    socket.in('b').emit('b')
    socket.to(['a', 'b']).emit('ab')
    socket.to('a').to('b').except('b').emit('ab-b')
    socket.except('a').emit('-a')
    socket.broadcast.emit('all')
    socket.broadcast.to('c').emit('c')
    socket.broadcast.except('c').emit('-c')
    socket.local.emit('local')
    socket.to(socket.id).emit('nobody')
    socket.to(all[0].socket.id).emit('to 0')
    socket.nsp.to('a').emit('the namespace does not know who')
    expect(await arrivals(it.server, all)).toEqual([
      'a ab ab-b all -c local to 0 the namespace does not know who',
      'the namespace does not know who',
      'b ab -a all -c local',
      '-a all c local',
    ])
  })

  test('a chain can be kept, used again and continued', async () => {
    await using it = await startFour()
    const a = it.io.to('a')
    const ab = a.to('b')
    a.emit('a')
    ab.emit('ab')
    a.except('b').emit('a-b')
    a.emit('a')
    expect(await arrivals(it.server, it.all)).toEqual(['a ab a-b a', 'a ab a', 'ab', ''])
  })

  test('flags leave the choice as it is', async () => {
    await using it = await startFour()
    const { io, all } = it
    io.local.emit('local')
    io.to('a').local.emit('local a')
    io.volatile.emit('volatile')
    io.volatile.to('a').except('b').emit('volatile a-b')
    io.to(['a', 'b']).volatile.emit('volatile ab')
    io.to(all[3].socket.id).volatile.emit('volatile id')
    io.compress(false).to('c').emit('c')
    all[0].socket.volatile.to('a').emit('volatile from 0')
    all[0].socket.broadcast.volatile.emit('volatile others')
    all[0].socket.compress(true).broadcast.emit('compress others')
    all[0].socket.volatile.emit('direct')
    expect(await arrivals(it.server, all)).toEqual([
      'local local a volatile volatile a-b volatile ab direct',
      'local local a volatile volatile ab volatile from 0 volatile others compress others',
      'local volatile volatile ab volatile others compress others',
      'local volatile volatile id c volatile others compress others',
    ])
  })
})

describe('bulk operations', () => {
  test('fetchSockets finds the sockets of a chain, with their data', async () => {
    await using server = await startServer()
    using all = await pairs(server, 3)
    all[0].socket.join('a')
    all[1].socket.join(['a', 'b'])
    all[1].socket.data.name = 'Bob'
    const ids = async (sockets: Promise<{ id: string }[]>) => (await sockets).map(({ id }) => id)
    const [id0, id1, id2] = all.map(({ socket }) => socket.id) as [string, string, string]
    expect(await ids(server.io.fetchSockets())).toEqual([id0, id1, id2])
    expect(await ids(server.io.in('a').fetchSockets())).toEqual([id0, id1])
    expect(await ids(server.io.to(['a', 'b']).except('b').fetchSockets())).toEqual([id0])
    expect(await ids(server.io.except('a').fetchSockets())).toEqual([id2])
    expect(await ids(all[0].socket.to('a').fetchSockets())).toEqual([id1])
    expect(await ids(server.io.in('nobody').fetchSockets())).toEqual([])
    const [bob] = await server.io.in(id1).fetchSockets()
    expect(bob).toMatchObject({ id: id1, data: { name: 'Bob' }, rooms: new Set([id1, 'a', 'b']) })
    expect(bob?.handshake.address).toBe('127.0.0.1')
    bob?.emit('hello', 1)
    bob?.join('c')
    bob?.leave('a')
    expect([...all[1].socket.rooms]).toEqual([id1, 'b', 'c'])
    await until(() => all[1].received.length === 1)
    bob?.disconnect()
    await until(() => !all[1].client.connected)
  })

  test('socketsJoin and socketsLeave change many at once', async () => {
    await using server = await startServer()
    using all = await pairs(server, 3)
    server.io.socketsJoin(['a', 'b'])
    server.io.in('a').except(all[0].socket.id).socketsJoin('c')
    all[2].socket.to('a').socketsLeave(['a', 'c'])
    server.io.socketsLeave('never')
    expect(all.map(({ socket }) => [...socket.rooms].slice(1).join(''))).toEqual(['b', 'b', 'abc'])
  })

  test('disconnectSockets ends the sockets of a chain, and with true their connections', async () => {
    await using server = await startServer()
    using all = await pairs(server, 3)
    const reasons: unknown[] = []
    for (const [i, { socket, client }] of all.entries()) {
      client.on('disconnect', (reason) => reasons.push([i, reason]))
      if (i < 2) socket.join('a')
    }
    server.io.in('a').except(all[1].socket.id).disconnectSockets()
    await until(() => reasons.length === 1)
    server.io.disconnectSockets(true)
    await until(() => reasons.length === 3 && server.io.engine.clientsCount === 0)
    expect(reasons.sort()).toEqual([0, 1, 2].map((i) => [i, 'io server disconnect']))
    expect(server.io.sockets.sockets.size).toBe(0)
  })
})

describe('events of the adapter', () => {
  function record(server: TestServer): string[] {
    const log: string[] = []
    const { adapter } = server.io.sockets
    adapter.on('create-room', (room) => void log.push(`create ${room}`))
    adapter.on('join-room', (room, id) => void log.push(`join ${room} ${id}`))
    adapter.on('leave-room', (room, id) => void log.push(`leave ${room} ${id}`))
    adapter.on('delete-room', (room) => void log.push(`delete ${room}`))
    return log
  }

  test('create-room before join-room, leave-room before delete-room', async () => {
    await using server = await startServer()
    const log = record(server)
    using all = await pairs(server, 2)
    const [a, b] = all.map(({ socket }) => socket) as [Socket, Socket]
    expect(log).toEqual([a.id, b.id].flatMap((id) => [`create ${id}`, `join ${id} ${id}`]))
    log.length = 0
    a.join('r')
    a.join('r')
    b.join('r')
    a.leave('r')
    a.leave('r')
    b.leave('r')
    expect(log).toEqual([
      'create r',
      `join r ${a.id}`,
      `join r ${b.id}`,
      `leave r ${a.id}`,
      `leave r ${b.id}`,
      'delete r',
    ])
    log.length = 0
    a.join(['r', 's'])
    log.length = 0
    const gone = next(a, 'disconnect')
    all[0].client.disconnect()
    await gone
    expect(log.sort()).toEqual(
      [`leave r ${a.id}`, 'delete r', `leave s ${a.id}`, 'delete s', `leave ${a.id} ${a.id}`, `delete ${a.id}`].sort(),
    )
  })

  test('the room of an id is deleted with its last member, once', async () => {
    await using server = await startServer()
    using all = await pairs(server, 2)
    const log = record(server)
    const [a, b] = all.map(({ socket }) => socket) as [Socket, Socket]
    b.join(a.id)
    const gone = next(a, 'disconnect')
    all[0].client.disconnect()
    await gone
    b.leave(a.id)
    expect(log).toEqual([`join ${a.id} ${b.id}`, `leave ${a.id} ${a.id}`, `leave ${a.id} ${b.id}`, `delete ${a.id}`])
  })

  test('a listener sees the membership as it is after the event, and one that throws is reported', async () => {
    await using server = await startServer()
    using one = await pair(server)
    const { adapter } = server.io.sockets
    const sizes: unknown[] = []
    for (const event of ['join-room', 'leave-room'] as const) {
      adapter.on(event, (room) => void sizes.push(adapter.rooms.get(room)?.size ?? 0))
    }
    adapter.on('create-room', () => {
      throw new Error('in the listener')
    })
    one.socket.join('r')
    one.socket.leave('r')
    expect(sizes).toEqual([1, 0])
    expect(server.faults).toMatchObject([{ context: { where: 'listener' } }])
  })

  test('a join-room listener may greet the socket that joins, even in the room of its own id', async () => {
    await using server = await startServer((io) => {
      io.use(async (socket, next) => {
        socket.join('lobby')
        await new Promise((resolve) => setImmediate(resolve))
        next()
      })
      io.sockets.adapter.on('join-room', (room, id) => {
        io.to(room).emit(room === id ? 'in the own room' : 'in the lobby')
      })
    })
    using one = await pair(server)
    expect(await arrivals(server, [one])).toEqual(['in the own room in the lobby'])
  })

  test('rooms and sids show who is where, and cannot be changed', async () => {
    await using server = await startServer()
    using all = await pairs(server, 2)
    const { adapter } = server.io.sockets
    const [a, b] = all.map(({ socket }) => socket) as [Socket, Socket]
    a.join(['r', 's'])
    b.join('r')
    expect([...adapter.rooms.keys()].sort()).toEqual([a.id, b.id, 'r', 's'].sort())
    expect(adapter.rooms.get('r')).toEqual(new Set([a.id, b.id]))
    expect(adapter.rooms.get(a.id)).toEqual(new Set([a.id]))
    expect(adapter.rooms.get('nobody')).toBeUndefined()
    expect(adapter.rooms.has('s')).toBe(true)
    expect(adapter.rooms.size).toBe(4)
    expect(adapter.sids.get(a.id)).toEqual(new Set([a.id, 'r', 's']))
    expect(adapter.sids.size).toBe(2)
    expect(new Map(adapter.sids)).toEqual(
      new Map([
        [a.id, new Set([a.id, 'r', 's'])],
        [b.id, new Set([b.id, 'r'])],
      ]),
    )
    const visited: string[] = []
    adapter.rooms.forEach((ids, room) => void visited.push(`${room} ${ids.size}`))
    expect(visited.sort()).toEqual([`${a.id} 1`, `${b.id} 1`, 'r 2', 's 1'].sort())
    ;(adapter.rooms.get('r') as Set<string>).clear()
    expect(adapter.rooms.get('r')?.size).toBe(2)
  })
})

describe('leaving is a barrier', () => {
  /** Payload that makes the engine write at once, beside one that it gathers. */
  const SIZES = [1, 20_000]

  test('of what is emitted to a room after leave() nothing arrives, though others get it', async () => {
    await using server = await startServer((io) =>
      io.on('connection', (socket) => {
        socket.on('leave now', () => {
          for (const size of SIZES) io.to('r').emit('before', new Uint8Array(size))
          socket.leave('r')
          for (const size of SIZES) io.to('r').emit('after', new Uint8Array(size))
        })
      }),
    )
    using all = await pairs(server, 2)
    const [leaver, stayer] = all
    for (let round = 0; round < 20; round++) {
      for (const { socket } of all) socket.join('r')
      // From outside and from inside of a message handler.
      if (round % 2 === 0) leaver.client.emit('leave now')
      else {
        for (const size of SIZES) server.io.to('r').emit('before', new Uint8Array(size))
        leaver.socket.leave('r')
        for (const size of SIZES) server.io.to('r').emit('after', new Uint8Array(size))
      }
      await until(() => !leaver.socket.rooms.has('r'))
    }
    const before = Array<string>(40).fill('before').join(' ')
    const both = Array<string>(20).fill('before before after after').join(' ')
    expect(await arrivals(server, [leaver, stayer])).toEqual([before, both])
  })

  test.each(['server', 'client'])('a namespace that the %s ended gets no frame of its rooms any more', async (side) => {
    await using server = await startServer((io) => io.of('/game'))
    const game = server.io.of('/game')
    using leaver = await RawClient.connect(server.port)
    leaver.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/game' })
    const { namespace } = await leaver.frame('CONNECTED')
    using stayer = await pair(server, { nsp: '/game' })
    game.socketsJoin('r')
    const [socket] = [...game.sockets.values()] as [Socket]
    game.to('r').emit('before')
    game.emit('before')
    if (side === 'server') socket.disconnect()
    else {
      leaver.send({ type: MESSAGE_TYPES.DISCONNECT, namespace }, null)
      await until(() => !socket.connected)
    }
    for (const size of SIZES) {
      game.to('r').emit('after', new Uint8Array(size))
      game.emit('after', new Uint8Array(size))
      game.to(socket.id).emit('after', new Uint8Array(size))
      socket.emit('after')
    }
    game.emit('end')
    expect(await stayer.eventsBefore('end')).toEqual(['before', 'before', 'after', 'after', 'after', 'after'])
    server.io.emit('end')
    await until(() => leaver.frames.some(({ event }) => event === 'end'))
    const events = leaver.frames.filter(({ type }) => type === 'EVENT' || type === 'DISCONNECT')
    expect(events.map(({ type, event }) => (type === 'EVENT' ? event : type))).toEqual([
      'before',
      'before',
      ...(side === 'server' ? ['DISCONNECT'] : []),
      'end',
    ])
  })
})

const FRAME = new Uint8Array(64 * 1024)

describe('volatile', () => {
  /** Sends to a client that reads nothing until that is noticed. */
  async function congest(socket: Socket): Promise<void> {
    await until(() => {
      if (!socket.volatile.emit('filler', FRAME)) return true
      for (let i = 0; i < 3; i++) socket.emit('filler', FRAME)
      return false
    }, 'a congested socket')
  }

  test('a congested receiver is skipped, a healthy one is not, and what is not volatile waits', async () => {
    await using server = await startServer(() => {}, { maxOutgoingBytes: 16 * 1024 * 1024 })
    using slow = await RawClient.connect(server.port)
    const [socket] = [...server.io.sockets.sockets.values()] as [Socket]
    using healthy = await pair(server)
    slow.pause()
    await congest(socket)
    server.io.socketsJoin('r')
    expect(socket.volatile.emit('skipped')).toBe(false)
    server.io.volatile.emit('skipped 1')
    server.io.volatile.to('r').emit('skipped 2')
    server.io.to(['r', socket.id]).volatile.emit('skipped 3')
    server.io.to(socket.id).volatile.emit('skipped 4')
    healthy.socket.broadcast.volatile.emit('skipped 5')
    server.io.to('r').emit('kept')
    socket.emit('kept too')
    expect(socket.conn.buffered).toBeGreaterThan(0)
    slow.resume()
    await until(() => slow.frames.some(({ event }) => event === 'kept too'), 'the frames that waited')
    await until(() => socket.conn.buffered === 0)
    expect(socket.volatile.emit('again')).toBe(true)
    server.io.volatile.to('r').emit('again')
    await until(() => slow.frames.filter(({ event }) => event === 'again').length === 2)
    const names = slow.frames.filter(({ type }) => type === 'EVENT').map(({ event }) => event)
    expect(names.filter((name) => name !== 'filler')).toEqual(['kept', 'kept too', 'again', 'again'])
    expect(await arrivals(server, [healthy])).toEqual(['skipped 1 skipped 2 skipped 3 kept again'])
  })
})

describe('a client that reads nothing', () => {
  test('is cut off when more than maxOutgoingBytes wait for it, and its room goes on without a hole', async () => {
    await using server = await startServer(() => {}, { maxOutgoingBytes: 256 * 1024 })
    using slow = await RawClient.connect(server.port)
    const [socket] = [...server.io.sockets.sockets.values()] as [Socket]
    using healthy = await pair(server)
    let disconnected: unknown[] | undefined
    socket.on('disconnect', (...args) => {
      disconnected = args
    })
    server.io.socketsJoin('r')
    slow.pause()
    let sent = 0
    await until(() => {
      for (let i = 0; i < 2 && !disconnected; i++) server.io.to('r').emit('n', sent++, FRAME)
      return disconnected
    }, 'the slow client to be cut off')
    expect(disconnected).toMatchObject(['transport error', { code: CLOSE_CODES.SLOW_CONSUMER }])
    expect(server.io.sockets.sockets.size).toBe(1)
    slow.resume()
    await until(() => slow.closed)
    expect(slow.closed?.code, 'what it is told behind everything that was sent').toBe(CLOSE_CODES.SLOW_CONSUMER)
    const got = slow.frames.filter(({ event }) => event === 'n').map(({ body }) => (body as number[])[0])
    expect(got, 'what it got has no hole').toEqual(got.map((_, i) => i))
    server.io.emit('end')
    await healthy.eventsBefore('end')
    const numbers = healthy.received.filter(([event]) => event === 'n').map(([, n]) => n)
    expect(numbers).toEqual(Array.from({ length: sent }, (_, i) => i))
  })
})

describe('compression', () => {
  const TEXT = 'all work and no play '.repeat(2_500)

  async function bytesFor(client: RawClient, emit: () => void): Promise<number> {
    const before = client.bytesRead
    const count = client.frames.length
    emit()
    await until(() => client.frames.length > count)
    expect(client.frames.at(-1)?.body).toEqual([TEXT])
    return client.bytesRead - before
  }

  test('with perMessageDeflate frames over the threshold are compressed, unless compress(false)', async () => {
    await using server = await startServer(() => {}, { perMessageDeflate: true })
    using client = await RawClient.connect(server.port, '/', undefined, { perMessageDeflate: true })
    const [socket] = [...server.io.sockets.sockets.values()] as [Socket]
    socket.join('r')
    expect(client.extensions).toContain('permessage-deflate')
    expect(await bytesFor(client, () => socket.emit('a', TEXT))).toBeLessThan(5_000)
    expect(await bytesFor(client, () => server.io.to('r').emit('a', TEXT))).toBeLessThan(5_000)
    expect(await bytesFor(client, () => server.io.emit('a', TEXT))).toBeLessThan(5_000)
    expect(await bytesFor(client, () => socket.compress(true).emit('a', TEXT))).toBeLessThan(5_000)
    expect(await bytesFor(client, () => socket.compress(false).emit('a', TEXT))).toBeGreaterThan(TEXT.length)
    expect(await bytesFor(client, () => server.io.compress(false).emit('a', TEXT))).toBeGreaterThan(TEXT.length)
    expect(await bytesFor(client, () => server.io.to('r').compress(false).emit('a', TEXT))).toBeGreaterThan(TEXT.length)
  })

  test('the threshold is an option', async () => {
    await using server = await startServer(() => {}, { perMessageDeflate: { threshold: 100_000 } })
    using client = await RawClient.connect(server.port, '/', undefined, { perMessageDeflate: true })
    expect(await bytesFor(client, () => server.io.emit('a', TEXT))).toBeGreaterThan(TEXT.length)
  })

  test('a client that offers no compression gets none, beside one that does', async () => {
    await using server = await startServer(() => {}, { perMessageDeflate: true })
    using plain = await RawClient.connect(server.port)
    using able = await RawClient.connect(server.port, '/', undefined, { perMessageDeflate: true })
    expect(plain.extensions).toBe('')
    const [first] = await Promise.all([
      bytesFor(plain, () => server.io.emit('a', TEXT)),
      until(() => able.frames.some(({ body }) => Array.isArray(body) && body[0] === TEXT)),
    ])
    expect(first).toBeGreaterThan(TEXT.length)
  })

  test('without the option nothing is negotiated', async () => {
    await using server = await startServer()
    using client = await RawClient.connect(server.port, '/', undefined, { perMessageDeflate: true })
    expect(client.extensions).toBe('')
    expect(await bytesFor(client, () => server.io.emit('a', TEXT))).toBeGreaterThan(TEXT.length)
  })
})
