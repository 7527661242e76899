import { LIMITS, RoomcastError } from '@roomcast/protocol'
import type { Login, RoomPolicy } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import {
  codeOf,
  connectOver,
  deferred,
  drained,
  eventsOf,
  LaterEngine,
  socketOf,
  startPolicies,
  startRooms,
  TRANSPORTS,
} from './room-support'

const byId: Login = ({ id }) => ({ id })

const OPEN: RoomPolicy = { history: true, authorize: () => true }

describe('who may join', () => {
  test('nobody, unless a rule says so; and no answer tells whether there is such a room', async () => {
    await using server = await startPolicies({
      silent: { history: true },
      closed: { history: true, authorize: () => false },
      later: { authorize: async () => false },
      odd: { authorize: (() => 'yes') as never },
      pair: { authorize: (() => Promise.resolve(1)) as never },
      broken: {
        authorize: () => {
          throw new Error('the secret of the rule')
        },
      },
      rejecting: { authorize: () => Promise.reject(new Error('the secret of the rule')) },
    })
    using ada = await RawSession.connect(server.port)
    using eve = await RawSession.connect(server.port)
    socketOf(server, eve).join(['silent', 'closed', 'later'])
    const names = [
      'nowhere',
      'silent',
      'closed',
      'later',
      'odd',
      'pair',
      'broken',
      'rejecting',
      '__proto__',
      ada.sid,
      eve.sid,
    ]
    const errors = await Promise.all(names.map((name) => errorOf(ada.join(name))))
    const shown = errors.map(({ code, message, data }) => ({ code, message, data }))
    expect(new Set(shown.map((each) => JSON.stringify(each))).size).toBe(1)
    expect(shown[0]).toEqual({ code: 'JOIN_REFUSED', message: 'the room may not be joined', data: undefined })
    expect(server.faults.map(({ context }) => context)).toEqual([
      { where: 'room policy', name: 'authorize', socketId: ada.sid },
      { where: 'room policy', name: 'authorize', socketId: ada.sid },
    ])
    expect([...socketOf(server, ada).rooms]).toEqual([ada.sid])
  })

  test('an error of the rule is the answer, thrown or rejected, with its data', async () => {
    const error = new RoomcastError('PAY_FIRST', 'costs 3', { data: { price: 3 } })
    await using server = await startPolicies({
      thrown: {
        authorize: () => {
          throw error
        },
      },
      rejected: { authorize: () => Promise.reject(error) },
      unsendable: {
        authorize: () => {
          throw new RoomcastError('PAY_FIRST', 'costs 3', { data: () => {} })
        },
      },
    })
    using ada = await RawSession.connect(server.port)
    for (const room of ['thrown', 'rejected']) {
      expect(await errorOf(ada.join(room))).toMatchObject({ code: 'PAY_FIRST', message: 'costs 3', data: { price: 3 } })
    }
    expect(await errorOf(ada.join('unsendable'))).toMatchObject({ code: 'PAY_FIRST', message: 'costs 3' })
    expect(server.faults).toEqual([])
  })

  test('the rule is given the socket, the room and what the client gave', async () => {
    const asked: unknown[][] = []
    await using server = await startPolicies({
      'deal:*': { authorize: (joiner, ...rest) => asked.push([joiner.id, ...rest]) > 0 },
    })
    using ada = await RawSession.connect(server.port)
    const params: unknown[] = [{ pin: 1 }, null, 'text', { constructor: 2 }]
    for (const each of params) await ada.join('deal:7', each)
    await ada.request('join', 'deal:8')
    expect(asked.map(([id]) => id)).toEqual(Array(5).fill(ada.sid))
    expect(asked.slice(0, 3).map(([, ...rest]) => rest)).toEqual([
      ['deal:7', { pin: 1 }],
      ['deal:7', null],
      ['deal:7', 'text'],
    ])
    expect(asked[4]?.[1]).toBe('deal:8')
    expect(({} as { pin?: unknown }).pin).toBeUndefined()
  })

  test('arguments of another shape are refused, and harm nothing', async () => {
    await using server = await startRooms()
    using ada = await RawSession.connect(server.port)
    const bad: unknown[][] = [
      [],
      [null],
      [7],
      [['red']],
      [''],
      ['a\u0000b'],
      ['\u0000user'],
      ['é'.repeat(101)],
      ['red', null, 7],
      ['red', null, []],
      ['red', null, ['epoch']],
      ['red', null, [7, 7]],
      ['red', null, ['epoch', -1]],
      ['red', null, ['epoch', 1.5]],
      ['red', null, ['epoch', '1']],
      ['red', null, { 0: 'epoch', 1: 1 }],
    ]
    for (const args of bad)
      expect([args, await codeOf(ada.request('join', ...args))]).toEqual([args, 'INVALID_REQUEST'])
    for (const args of bad.slice(0, 8)) {
      expect([args, await codeOf(ada.request('leave', ...args))]).toEqual([args, 'INVALID_REQUEST'])
    }
    await ada.join('é'.repeat(100))
    await ada.request('join', 'red', null, ['epoch', 1, 'more'], null, 'more')
    expect(server.faults).toEqual([])
    expect(ada.client.closed).toBeNull()
  })
})

describe('a join that waits for its rule', () => {
  test.each(['leave', 'disconnect', 'logout', 'another join'] as const)('is given up by a %s', async (how) => {
    const rule = deferred<boolean>()
    const rooms: string[] = []
    await using server = await startPolicies(
      { red: { history: true, authorize: (_joiner, room) => (rooms.push(room) === 1 ? rule.promise : true) } },
      { login: byId, allowAnonymous: true },
    )
    using ada = await RawSession.connect(server.port, { auth: { id: 'ada' } })
    const pending = codeOf(ada.join('red'))
    await until(() => rooms.length === 1)
    const socket = socketOf(server, ada)
    if (how === 'leave') await ada.leave('red')
    else if (how === 'logout') await ada.request('logout')
    else if (how === 'another join') await ada.join('red')
    else ada.client.terminate()
    if (how === 'disconnect') await until(() => !socket.connected)
    rule.resolve(true)
    if (how !== 'disconnect') expect(await pending).toBe('JOIN_REFUSED')
    else await pending.catch(() => {})
    server.io.to('red').emit('m', 1)
    expect(socket.rooms.has('red')).toBe(how === 'another join')
    if (how !== 'disconnect') {
      await drained(ada)
      expect(eventsOf(ada, 'm')).toEqual(how === 'another join' ? [[1]] : [])
    }
    expect(server.faults).toEqual([])
  })

  test('counts, with the rooms that were joined: a socket has so many and no more', async () => {
    const rules: (() => void)[] = []
    await using server = await startPolicies({
      'slow:*': { authorize: () => new Promise<boolean>((resolve) => rules.push(() => resolve(true))) },
      'fast:*': OPEN,
    })
    using ada = await RawSession.connect(server.port)
    const half = LIMITS.roomsPerSocket / 2
    for (let i = 0; i < half; i++) await ada.join(`fast:${i}`)
    for (let i = 0; i < half; i++) await ada.sendRequest('join', `slow:${i}`)
    await until(() => rules.length === half)
    expect(await codeOf(ada.join('fast:more'))).toBe('TOO_MANY_ROOMS')
    expect(await codeOf(ada.join('slow:more'))).toBe('TOO_MANY_ROOMS')
    expect(rules).toHaveLength(half)
    await ada.join('fast:0')
    await ada.leave('fast:0')
    await ada.join('fast:more')
    for (const go of rules) go()
    await until(() => socketOf(server, ada).rooms.size === 1 + LIMITS.roomsPerSocket)
    expect(await codeOf(ada.join('fast:0'))).toBe('TOO_MANY_ROOMS')
    using bob = await RawSession.connect(server.port)
    await bob.join('fast:0')
  })

  test('a client cannot have more than so many rules wait, however it asks', async () => {
    let waiting = 0
    const policies = {
      '*': {
        authorize: () => {
          waiting++
          return new Promise<boolean>(() => {})
        },
      },
    }
    // The rules are what bounds it here, not the rate.
    await using server = await startPolicies(policies, { rateLimits: false })
    using ada = await RawSession.connect(server.port)
    for (let i = 0; i < 2 * LIMITS.roomsPerSocket; i++) {
      await ada.sendRequest('join', 'red')
      await ada.sendRequest('join', `room:${i}`)
      await ada.sendRequest('leave', `room:${i}`)
    }
    await drained(ada)
    expect(waiting).toBeLessThanOrEqual(LIMITS.roomsPerSocket)
  })
})

describe('an engine that answers later', () => {
  test.each(['leave', 'logout'] as const)(
    'a %s takes the socket out, also while the log is read for it',
    async (how) => {
      const engine = new LaterEngine()
      await using server = await startPolicies({ red: OPEN }, { engine, login: byId, allowAnonymous: true })
      using ada = await RawSession.connect(server.port, { auth: { id: 'ada' } })
      // The first read finds where the log is, the second what has come while the state was made.
      let reads = 0
      engine.holds = (what) => what === 'read' && ++reads === 2
      const pending = codeOf(ada.join('red'))
      await until(() => engine.waiting.length === 1)
      await ada.request(how, ...(how === 'leave' ? ['red'] : []))
      engine.release()
      expect(await pending).toBe('JOIN_REFUSED')
      expect(socketOf(server, ada).rooms.has('red')).toBe(false)
    },
  )

  test('a socket that the server puts into a room gets what is sent right behind that', async () => {
    await using server = await startPolicies({ red: OPEN }, { engine: new LaterEngine() })
    using ada = await RawSession.connect(server.port)
    socketOf(server, ada).join('red')
    server.io.to('red').emit('m', 1)
    await until(() => ada.notices('joined').length === 1)
    await ada.sync()
    expect(eventsOf(ada, 'm')).toEqual([[1]])
  })
})

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('joining again with a position gives what came behind it, and nothing else', async () => {
    await using server = await startRooms()
    using ada = await connectOver(transport, server.port)
    using bob = await connectOver(transport, server.port)
    const { epoch, seq = -1, recovered } = await ada.join('red')
    expect([seq, recovered]).toEqual([0, false])
    for (let i = 1; i <= 5; i++) server.io.to('red').emit('m', i)
    const answer = await bob.join('red', null, [epoch, 2])
    expect(answer).toEqual({ room: ada.stream('red').room, epoch, seq: 2, recovered: true })
    server.io.to('red').emit('m', 6)
    await drained(bob)
    const stream = bob.stream('red')
    expect(stream.received.map(({ position, args: [value] }) => [position, value])).toEqual([
      [3, 3],
      [4, 4],
      [5, 5],
      [6, 6],
    ])
    expect([stream.gaps, stream.duplicates]).toEqual([[], 0])
    // Up to date already.
    expect(await bob.join('red', null, [epoch, 6])).toMatchObject({ seq: 6, recovered: true })
  })

  test('a position of another order, of the future or too old is as if it had not been given', async () => {
    await using server = await startPolicies({ red: { ...OPEN, history: { messages: 3 }, snapshot: 2 } })
    using ada = await connectOver(transport, server.port)
    const { epoch } = await ada.join('red')
    for (let i = 1; i <= 6; i++) server.io.to('red').emit('m', i)
    for (const position of [
      ['other', 2],
      ['', 0],
      [epoch, 7],
      [epoch, Number.MAX_SAFE_INTEGER],
      [epoch, 2],
    ]) {
      using bob = await connectOver(transport, server.port)
      const answer = await bob.join('red', null, position)
      expect(answer).toMatchObject({ epoch, seq: 6, recovered: false })
      expect(answer.messages?.map(({ position: at }) => at)).toEqual([5, 6])
      await drained(bob)
      expect(eventsOf(bob, 'm')).toEqual([])
    }
    using bob = await connectOver(transport, server.port)
    expect(await bob.join('red', null, [epoch, 3])).toMatchObject({ seq: 3, recovered: true })
  })
})

test('a room without history is joined without a position, and left', async () => {
  await using server = await startPolicies({ plain: { authorize: () => true, snapshot: () => 'state' } })
  using ada = await RawSession.connect(server.port)
  expect(await ada.join('plain', null, ['epoch', 3])).toEqual({ recovered: false, state: 'state' })
  server.io.to('plain').emit('m', 1)
  await ada.leave('plain')
  server.io.to('plain').emit('m', 2)
  await ada.join('plain')
  socketOf(server, ada).leave('plain')
  await drained(ada)
  expect(eventsOf(ada, 'm')).toEqual([[1]])
  expect(ada.notices()).toEqual([['left', null, 'plain']])
})

describe.each([
  ['with history', OPEN],
  ['without history', { authorize: () => true }],
])('a room %s that listeners of the adapter know of', (_name, policy) => {
  test('sends nothing in front of the answer', async () => {
    await using server = await startPolicies({ red: policy })
    using ada = await RawSession.connect(server.port)
    server.io.sockets.adapter.on('join-room', (room) => void server.io.to(room).emit('m', room))
    await ada.join('red')
    await drained(ada)
    expect(ada.client.frames.map(({ type }) => type)).toEqual(['CONNECTED', 'ACK', 'EVENT', 'ACK'])
  })

  test('tells the client when one of them takes it out at once', async () => {
    await using server = await startPolicies({ red: policy })
    using ada = await RawSession.connect(server.port)
    server.io.sockets.adapter.on('join-room', (room, id) => server.io.sockets.sockets.get(id)?.leave(room))
    const { room = null } = await ada.join('red')
    await drained(ada)
    expect(ada.notices('left')).toEqual([[room, 'red']])
  })
})

test('who is taken out of a room that it has joined hears the name', async () => {
  await using server = await startRooms(undefined, { login: byId, allowAnonymous: true })
  using ada = await RawSession.connect(server.port, { auth: { id: 'ada' } })
  const { room } = await ada.join('red')
  server.io.in('red').socketsLeave('red')
  await drained(ada)
  expect(ada.notices('left')).toEqual([[room, 'red']])
  await ada.join('red')
  await ada.join('blue')
  await ada.request('logout')
  expect(ada.notices('left').map(([, name]) => name)).toEqual(['red', 'red', 'blue'])
  server.io.to('red').to('blue').emit('m', 1)
  await drained(ada)
  expect(eventsOf(ada, 'm')).toEqual([])
  // Again, as nobody: the rule is asked anew.
  await ada.join('red')
})

test('a client leaves only what it has joined itself', async () => {
  await using server = await startRooms()
  using ada = await RawSession.connect(server.port)
  socketOf(server, ada).join('red')
  await ada.leave('red')
  await ada.leave('nowhere')
  await ada.leave(ada.sid)
  expect([...socketOf(server, ada).rooms]).toEqual([ada.sid, 'red'])
})
