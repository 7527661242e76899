import type { UserEntry, UserWatch, UserWatchEvents } from '@roomcast/client'
import { CLOSE_CODES, LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import type { FakeLink, FakeServer } from '../../../test-kit/fake-server'
import type { RawFrame } from '../../../test-kit/raw-client'
import { next, until } from '../../../test-kit/wait'
import { handled, notice, refuse, request, requestsOn, row, startPeople, together } from './people-support'
import { connect, connectManager, errorOf, type TestSocket } from './support'

const ADA = row('ada', 1, { name: 'Ada' })
const BEN = row('ben', 2, { name: 'Ben' })
const CLEO = row('cleo', 3, { name: 'Cleo' })

/** What `watch` is answered with. */
function answer(version: number, users: unknown[], next?: number) {
  return { mode: 'users', version, count: users.length, users, ...(next !== undefined && { next }) }
}

/** A socket that is connected, and its link. */
async function scene(server: FakeServer, options = {}) {
  const socket = connect(server.url, options)
  await next(socket, 'connect')
  return { socket, link: await server.link(), [Symbol.dispose]: () => socket.disconnect() }
}

/** A watch of a room that is live, with these users. */
async function watching(socket: TestSocket, link: FakeLink, users = [ADA, BEN], version = 5, room = 'lobby') {
  const watch = socket.watchUsers(room)
  link.ack(await request(link, 'watch'), answer(version, users))
  return await watch
}

const EVENTS = ['join', 'leave', 'change', 'update', 'stop'] as const

/** Writes down the events of a watch, each with the ids that it lists then. */
function record(watch: UserWatch): unknown[] {
  const seen: unknown[] = []
  for (const event of EVENTS) {
    const note: UserWatchEvents[typeof event] = (first?: unknown) => {
      const about = (first as UserEntry | undefined)?.user?.id ?? (first as { code?: string } | undefined)?.code
      seen.push([event, ...(about ? [about] : []), ids(watch)])
    }
    watch.on(event, note)
  }
  return seen
}

function ids(watch: UserWatch): string {
  return watch
    .list()
    .map(({ user }) => user.id)
    .join(' ')
}

describe('watchUsers', () => {
  test('asks for a room, and resolves when the list is there', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const asked = socket.watchUsers('lobby')
    const frame = await request(link, 'watch')
    expect(frame.body).toEqual(['watch', 'lobby', 'users'])
    link.ack(frame, answer(1, [ADA, row('ben', 2, { name: 'Ben' }, 3)]))
    const watch = await asked
    expect([watch.room, watch.mode, watch.count]).toEqual(['lobby', 'users', 2])
    expect(watch.list()).toEqual([
      { user: { id: 'ada', name: 'Ada' }, devices: 1, joinedAt: 1 },
      { user: { id: 'ben', name: 'Ben' }, devices: 3, joinedAt: 2 },
    ])
    expect(watch.get('ben')?.devices).toBe(3)
    expect(watch.get('cleo')).toBe(undefined)
    expect(watch.list()).toBe(watch.list())
  })

  test.each([[undefined], [null]])('asks with room %s for everybody in the namespace', async (room) => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const asked = socket.watchUsers(room)
    const frame = await request(link, 'watch')
    expect(frame.body).toEqual(['watch', null, 'users'])
    link.ack(frame, answer(1, []))
    const watch = await asked
    expect([watch.room, watch.list(), watch.count]).toEqual([null, [], 0])
  })

  test('loads all pages before it resolves, in order of arrival', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    let isLive = false
    const asked = socket.watchUsers('lobby').finally(() => {
      isLive = true
    })
    link.ack(await request(link, 'watch'), answer(1, [ADA], 7))
    const second = await request(link, 'users')
    expect(second.body).toEqual(['users', 'lobby', 7])
    link.ack(second, [BEN], 9)
    const third = await request(link, 'users')
    expect(third.body).toEqual(['users', 'lobby', 9])
    await handled(link)
    expect(isLive).toBe(false)
    link.ack(third, [CLEO], null)
    expect(ids(await asked)).toBe('ada ben cleo')
  })

  test('applies notices that come between pages', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const asked = socket.watchUsers('lobby')
    link.ack(await request(link, 'watch'), answer(3, [ADA, BEN], 7))
    const page = await request(link, 'users')
    // One who is gone, one who is new, and one whom only the next page brings.
    notice(link, 'users', 'lobby', 4, 3, [row('dan', 9, { name: 'Dan' }), row('cleo', 3, undefined, 2)], ['ada'])
    link.ack(page, [row('cleo', 3, { name: 'Cleo' }, 2), row('dan', 9, { name: 'Dan' })], null)
    const watch = await asked
    expect(ids(watch)).toBe('ben cleo dan')
    expect(watch.get('cleo')).toEqual({ user: { id: 'cleo', name: 'Cleo' }, devices: 2, joinedAt: 3 })
    notice(link, 'users', 'lobby', 5, 2, [], ['ben'])
    await next(watch, 'update')
    expect(ids(watch)).toBe('cleo dan')
    expect(requestsOn(link)).toHaveLength(2)
  })

  test('asks anew when a version is missing between pages, and drops the page that comes too late', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const asked = socket.watchUsers('lobby')
    link.ack(await request(link, 'watch'), answer(3, [ADA], 7))
    const page = await request(link, 'users')
    notice(link, 'users', 'lobby', 5, 3, [], [])
    const again = await request(link, 'watch')
    link.ack(page, [BEN], null)
    link.ack(again, answer(5, [CLEO]))
    expect(ids(await asked)).toBe('cleo')
  })

  test('may be told of numbers only', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const asked = socket.watchUsers('hall', { mode: 'count' })
    const frame = await request(link, 'watch')
    expect(frame.body).toEqual(['watch', 'hall', 'count'])
    link.ack(frame, { mode: 'count', version: 1, count: 40_000, users: [] })
    const watch = await asked
    expect([watch.mode, watch.count, watch.list()]).toEqual(['count', 40_000, []])
    const seen = record(watch)
    notice(link, 'count', 'hall', 2, 40_001)
    notice(link, 'count', 'hall', 3, 40_001)
    notice(link, 'count', 'hall', 4, 39_999)
    await handled(link)
    expect([seen, watch.count]).toEqual([Array(2).fill(['update', '']), 39_999])
  })

  test('ends at the server as well while as many calls of the application wait as may', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    for (let n = 0; n < LIMITS.pendingAcks; n++) socket.timeout(60_000).emit('m', n, () => {})
    watch.stop()
    expect((await request(link, 'unwatch')).body).toEqual(['unwatch', 'lobby', 'users'])
  })

  test('takes numbers where it asked for users, if the server answers so', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const asked = socket.watchUsers('hall')
    link.ack(await request(link, 'watch'), { mode: 'count', version: 1, count: 2, users: [] })
    const watch = await asked
    notice(link, 'count', 'hall', 2, 3)
    await next(watch, 'update')
    expect([watch.mode, watch.count]).toEqual(['count', 3])
    watch.stop()
    expect((await request(link, 'unwatch')).body).toEqual(['unwatch', 'hall', 'count'])
  })

  test.each(['WATCH_REFUSED', 'TOO_MANY_WATCHES', 'UNKNOWN_REQUEST'])('rejects with %s of the server', async (code) => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const failed = errorOf(() => socket.watchUsers('lobby'))
    refuse(link, await request(link, 'watch'), code)
    expect(await failed).toMatchObject({ code, message: `told ${code}` })
  })

  test('rejects when a page is refused, and lets the server forget the watch', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const failed = errorOf(() => socket.watchUsers('lobby'))
    link.ack(await request(link, 'watch'), answer(1, [ADA], 7))
    refuse(link, await request(link, 'users'), 'WATCH_REFUSED')
    expect((await failed).code).toBe('WATCH_REFUSED')
    expect((await request(link, 'unwatch')).body).toEqual(['unwatch', 'lobby', 'users'])
  })

  test('rejects with DISCONNECTED when the link is lost before the answer, and is not asked for again', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const failed = errorOf(() => socket.watchUsers('lobby'))
    await request(link, 'watch')
    link.close(CLOSE_CODES.ABNORMAL)
    expect((await failed).code).toBe('DISCONNECTED')
    await next(socket, 'connect')
    const second = await server.link()
    await handled(second)
    expect(requestsOn(second)).toEqual([])
  })

  test('waits for the connection, and for what connect listeners emit', async () => {
    await using server = await startPeople()
    using socket = connect(server.url, { autoConnect: false })
    socket.on('connect', () => socket.emit('join'))
    socket.emit('kept')
    const asked = socket.watchUsers('lobby')
    socket.connect()
    const link = await server.link()
    const frame = await request(link, 'watch')
    expect(link.frames.map(({ type, event }) => event || type)).toEqual(['CONNECT', 'join', 'kept', 'REQUEST'])
    link.ack(frame, answer(1, [ADA]))
    expect(ids(await asked)).toBe('ada')
  })

  test('waits for it no longer than ackTimeout', async () => {
    await using server = await startPeople(() => {})
    using socket = connect(server.url, { ackTimeout: 50 })
    expect((await errorOf(() => socket.watchUsers('lobby'))).code).toBe('ACK_TIMEOUT')
  })

  test.each(['disconnect()', 'a refusal'])('rejects with DISCONNECTED when %s ends the wait', async (end) => {
    const held: [FakeLink, RawFrame][] = []
    await using server = await startPeople((link, frame) => void held.push([link, frame]))
    using socket = connect(server.url)
    const failed = errorOf(() => socket.watchUsers('lobby'))
    await until(() => held.length > 0)
    if (end === 'disconnect()') socket.disconnect()
    else {
      const body = { nsp: '/', code: 'CONNECT_REFUSED', message: 'no' }
      held[0]?.[0].send({ type: MESSAGE_TYPES.CONNECT_ERROR }, body)
    }
    expect((await failed).code).toBe('DISCONNECTED')
  })

  test('made in a connect listener is asked for once', async () => {
    await using server = await startPeople()
    using socket = connect(server.url)
    const asked = new Promise<UserWatch>((resolve) => {
      socket.once('connect', () => resolve(socket.watchUsers('lobby')))
    })
    const link = await server.link()
    link.ack(await request(link, 'watch'), answer(1, [ADA]))
    await asked
    await handled(link)
    expect(requestsOn(link)).toHaveLength(1)
  })

  test('survives an answer and notices that make no sense', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const asked = socket.watchUsers('lobby')
    link.ack(await request(link, 'watch'), { mode: 'users', version: 1, users: [ADA, 7, null], count: 1 })
    const watch = await asked
    notice(link, 'users')
    notice(link, 'users', 'lobby')
    notice(link, 'users', 'lobby', 2, null, 'rows', { gone: 1 })
    notice(link, 'users', 'lobby', 3, 2, [BEN], [])
    await next(watch, 'update')
    expect(watch.get('ben')).toBeDefined()
    expect(socket.connected).toBe(true)
  })
})

describe('a notice', () => {
  test('is told as join, leave and change, when the list is new, and as one update behind them', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const before = watch.list()
    const seen = record(watch)
    const changed = next(watch, 'change')
    notice(link, 'users', 'lobby', 6, 2, [CLEO, row('ben', 2, undefined, 2)], ['ada', 'unknown'])
    expect(await changed).toEqual([
      { user: { id: 'ben', name: 'Ben' }, devices: 2, joinedAt: 2 },
      { user: { id: 'ben', name: 'Ben' }, devices: 1, joinedAt: 2 },
    ])
    await handled(link)
    expect(seen).toEqual([
      ['leave', 'ada', 'ben cleo'],
      ['change', 'ben', 'ben cleo'],
      ['join', 'cleo', 'ben cleo'],
      ['update', 'ben cleo'],
    ])
    expect([watch.count, before.length]).toEqual([2, 2])
    expect(watch.list()).not.toBe(before)
  })

  test('that repeats what is known is no change, and the list is the same array', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const before = watch.list()
    const seen = record(watch)
    notice(link, 'users', 'lobby', 6, 2, [ADA, row('ben', 2)], ['nobody'])
    await handled(link)
    expect(seen).toEqual([])
    expect(watch.list()).toBe(before)
    // It counted as a version.
    notice(link, 'users', 'lobby', 7, 3, [CLEO], [])
    await next(watch, 'update')
    expect(requestsOn(link)).toHaveLength(1)
  })

  test('of another room, another mode, or an older version does nothing', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const seen = record(watch)
    notice(link, 'users', 'hall', 6, 1, [], ['ada'])
    notice(link, 'users', null, 6, 1, [], ['ada'])
    notice(link, 'count', 'lobby', 6, 1)
    notice(link, 'users', 'lobby', 5, 1, [], ['ada'])
    notice(link, 'users', 'lobby', 4, 1, [], ['ada'])
    notice(link, 'unwatched', 'lobby', 'count', 'WATCH_REFUSED', '')
    notice(link, 'unwatched', 'hall', 'users', 'WATCH_REFUSED', '')
    await handled(link)
    expect([seen, requestsOn(link).length]).toEqual([[], 1])
  })

  test('right behind the answer is not lost', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const asked = socket.watchUsers('lobby')
    const frame = await request(link, 'watch')
    together(link, () => {
      link.ack(frame, answer(1, [ADA]))
      notice(link, 'users', 'lobby', 2, 2, [BEN], [])
      notice(link, 'users', 'lobby', 3, 1, [], ['ada'])
    })
    const watch = await asked
    await handled(link)
    expect([ids(watch), requestsOn(link).length]).toEqual(['ben', 1])
  })

  test('after a missing version asks again, once; the old list stays, and the difference is told', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const seen = record(watch)
    notice(link, 'users', 'lobby', 7, 2, [CLEO], [])
    notice(link, 'users', 'lobby', 8, 1, [], ['ada'])
    const again = await request(link, 'watch')
    await handled(link)
    expect([ids(watch), seen]).toEqual(['ada ben', []])
    link.ack(again, answer(8, [row('ben', 2, { name: 'Benjamin' })], 4))
    const page = await request(link, 'users')
    expect([ids(watch), seen]).toEqual(['ada ben', []])
    link.ack(page, [CLEO], null)
    await next(watch, 'update')
    expect(seen).toEqual([
      ['leave', 'ada', 'ben cleo'],
      ['change', 'ben', 'ben cleo'],
      ['join', 'cleo', 'ben cleo'],
      ['update', 'ben cleo'],
    ])
    notice(link, 'users', 'lobby', 9, 1, [], ['ben'])
    await next(watch, 'update')
    expect([ids(watch), requestsOn(link).length]).toEqual(['cleo', 3])
  })

  test('leaves the entries of others the objects that they were, also after the list was asked for again', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const ben = watch.get('ben')
    notice(link, 'users', 'lobby', 6, 1, [], ['ada'])
    await next(watch, 'update')
    expect(watch.get('ben')).toBe(ben)
    notice(link, 'users', 'lobby', 8, 1, [], [])
    link.ack(await request(link, 'watch'), answer(8, [BEN, CLEO]))
    await next(watch, 'update')
    expect(watch.get('ben')).toBe(ben)
  })
})

/** Cuts the link, and waits until the socket is connected again. */
async function reconnect(server: FakeServer, socket: TestSocket, link: FakeLink): Promise<FakeLink> {
  const again = next(socket, 'connect')
  link.close(CLOSE_CODES.ABNORMAL)
  await again
  return await server.link()
}

describe('after a reconnect', () => {
  test('a watch begins again behind what the connect listeners emit, and tells the difference', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const seen = record(watch)
    socket.on('connect', () => socket.emit('join', 'lobby'))
    const second = await reconnect(server, socket, link)
    const frame = await request(second, 'watch')
    expect(second.frames.map(({ type, event }) => event || type)).toEqual(['CONNECT', 'join', 'REQUEST'])
    expect([ids(watch), watch.count, seen]).toEqual(['ada ben', 2, []])
    // Versions begin where the server says.
    second.ack(frame, answer(0, [BEN, CLEO]))
    await next(watch, 'update')
    notice(second, 'users', 'lobby', 1, 1, [], ['ben'])
    await next(watch, 'update')
    expect(seen).toEqual([
      ['leave', 'ada', 'ben cleo'],
      ['join', 'cleo', 'ben cleo'],
      ['update', 'ben cleo'],
      ['leave', 'ben', 'cleo'],
      ['update', 'cleo'],
    ])
  })

  test('a watch that finds everything as it was tells nothing', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const before = watch.list()
    const seen = record(watch)
    const second = await reconnect(server, socket, link)
    second.ack(await request(second, 'watch'), answer(90, [ADA, BEN]))
    await handled(second)
    expect(seen).toEqual([])
    expect(watch.list()).toBe(before)
  })

  test('a watch that is refused is asked for again a few times, and then stops with the error', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const seen = record(watch)
    const first = await reconnect(server, socket, link)
    refuse(first, await request(first, 'watch'), 'WATCH_REFUSED')
    await handled(first)
    // What was refused on the link before does not count.
    const second = await reconnect(server, socket, first)
    const times: number[] = []
    for (let i = 0; i < 5; i++) {
      refuse(second, await request(second, 'watch'), 'WATCH_REFUSED')
      times.push(performance.now())
    }
    await next(watch, 'stop')
    expect(seen).toEqual([['stop', 'WATCH_REFUSED', 'ada ben']])
    const pauses = times.slice(1).map((time, i) => time - (times[i] as number))
    for (const [i, least] of [250, 500, 1_000, 2_000].entries()) expect(pauses[i]).toBeGreaterThan(least - 20)
  })

  test('a watch that is refused once goes on when it is allowed', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const seen = record(watch)
    const second = await reconnect(server, socket, link)
    refuse(second, await request(second, 'watch'), 'WATCH_REFUSED')
    second.ack(await request(second, 'watch'), answer(1, [ADA]))
    await next(watch, 'update')
    expect(seen.at(-1)).toEqual(['update', 'ada'])
  })

  test('the rest of the pages is not awaited from the link before', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    notice(link, 'users', 'lobby', 9, 2, [], [])
    link.ack(await request(link, 'watch'), answer(9, [ADA], 3))
    await request(link, 'users')
    const second = await reconnect(server, socket, link)
    second.ack(await request(second, 'watch'), answer(1, [CLEO]))
    await next(watch, 'update')
    expect(ids(watch)).toBe('cleo')
  })

  test('by disconnect() and connect() a watch goes on as well', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const seen = record(watch)
    socket.disconnect()
    expect([ids(watch), seen]).toEqual(['ada ben', []])
    socket.connect()
    const second = await server.link()
    second.ack(await request(second, 'watch'), answer(1, [ADA]))
    await next(watch, 'update')
    expect(ids(watch)).toBe('ada')
  })

  test('of one namespace the watches of another are left alone', async () => {
    await using server = await startPeople((link, frame) => {
      const { nsp } = frame.body as { nsp: string }
      link.accept(frame, { namespace: nsp === '/' ? 0 : 1 })
    })
    const { manager, socket } = connectManager(server.url)
    using main = socket
    const other = manager.socket('/a')
    await Promise.all([next(main, 'connect'), next(other, 'connect')])
    const link = await server.link()
    const asked = other.watchUsers('lobby')
    const frame = await request(link, 'watch')
    expect(frame.namespace).toBe(1)
    link.ack(frame, answer(1, [ADA]))
    const watch = await asked
    notice(link, 'users', 'lobby', 2, 0, [], ['ada'])
    await handled(link)
    expect(ids(watch)).toBe('ada')
    other.disconnect()
  })
})

describe('the end of a watch', () => {
  test('by stop() is told to the server, once, and nothing follows', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const seen = record(watch)
    watch.stop()
    watch.stop()
    expect((await request(link, 'unwatch')).body).toEqual(['unwatch', 'lobby', 'users'])
    notice(link, 'users', 'lobby', 6, 1, [], ['ada'])
    notice(link, 'unwatched', 'lobby', 'users', 'WATCH_REFUSED', '')
    await handled(link)
    const second = await reconnect(server, socket, link)
    await handled(second)
    expect(requestsOn(link)).toHaveLength(2)
    expect(requestsOn(second)).toEqual([])
    expect(seen).toEqual([['stop', 'ada ben']])
    expect(ids(watch)).toBe('ada ben')
  })

  test('by a listener of an event leaves out the events behind it', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const seen = record(watch)
    watch.on('leave', () => watch.stop())
    notice(link, 'users', 'lobby', 6, 1, [CLEO], ['ada'])
    await handled(link)
    expect(seen).toEqual([
      ['leave', 'ada', 'ben cleo'],
      ['stop', 'ben cleo'],
    ])
  })

  test('while it is asked for again is the end of that too', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    for (const fate of ['answered', 'refused', 'page'] as const) {
      const watch = await watching(socket, link)
      const seen = record(watch)
      notice(link, 'users', 'lobby', 9, 1, [], [])
      const again = await request(link, 'watch')
      if (fate === 'page') link.ack(again, answer(9, [ADA], 3))
      const frame = fate === 'page' ? await request(link, 'users') : again
      watch.stop()
      await request(link, 'unwatch')
      if (fate === 'refused') refuse(link, frame, 'WATCH_REFUSED')
      else if (fate === 'page') link.ack(frame, [CLEO], null)
      else link.ack(frame, answer(9, [ADA], 3))
      await handled(link)
      expect(seen).toEqual([['stop', 'ada ben']])
    }
    // When another one that is refused later has been asked for again, so would have been these.
    await watching(socket, link, [ADA], 1, 'hall')
    notice(link, 'users', 'hall', 9, 1, [], [])
    refuse(link, await request(link, 'watch'), 'WATCH_REFUSED')
    await request(link, 'watch')
    expect(requestsOn(link).map((body) => (body as string[])[0])).toEqual([
      ...['watch', 'watch', 'unwatch'],
      ...['watch', 'watch', 'unwatch'],
      ...['watch', 'watch', 'users', 'unwatch'],
      ...['watch', 'watch', 'watch'],
    ])
  })

  test('by the server is a stop with its error', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const seen = record(watch)
    const stopped = next(watch, 'stop')
    notice(link, 'unwatched', 'lobby', 'users', 'WATCH_REFUSED', 'you have left')
    expect((await stopped)[0]).toMatchObject({ code: 'WATCH_REFUSED', message: 'you have left' })
    notice(link, 'users', 'lobby', 6, 1, [], ['ada'])
    await handled(link)
    expect(seen).toEqual([['stop', 'WATCH_REFUSED', 'ada ben']])
    // It may be asked for again.
    expect(ids(await watching(socket, link, [CLEO]).catch((error) => error))).toBe('cleo')
  })

  test('by the server does not hold for a watch that is asked for meanwhile', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const seen = record(watch)
    notice(link, 'users', 'lobby', 9, 1, [], [])
    const again = await request(link, 'watch')
    notice(link, 'unwatched', 'lobby', 'users', 'WATCH_REFUSED', '')
    link.ack(again, answer(9, [ADA]))
    await next(watch, 'update')
    expect(seen.at(-1)).toEqual(['update', 'ada'])
  })

  test('a listener that throws keeps no other from running, and its error goes to the socket', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const errors: string[] = []
    socket.on('error', (error) => errors.push(error.message))
    const watch = await watching(socket, link)
    watch.on('leave', () => {
      throw new Error('of a listener')
    })
    const updated = next(watch, 'update')
    notice(link, 'users', 'lobby', 6, 1, [], ['ada'])
    await updated
    expect(errors).toEqual(['of a listener'])
  })
})

describe('two watches of one room', () => {
  test('are both kept up to date, and the server hears of the end of the last', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const first = await watching(socket, link, [ADA, BEN], 5)
    const seen = record(first)
    notice(link, 'users', 'lobby', 6, 3, [CLEO], [])
    const second = await watching(socket, link, [ADA, BEN, CLEO], 6)
    notice(link, 'users', 'lobby', 7, 2, [], ['ada'])
    await next(second, 'update')
    expect([ids(first), ids(second)]).toEqual(['ben cleo', 'ben cleo'])
    expect(seen.map((entry) => (entry as unknown[]).slice(0, 2))).toEqual([
      ['join', 'cleo'],
      ['update', 'ada ben cleo'],
      ['leave', 'ada'],
      ['update', 'ben cleo'],
    ])
    first.stop()
    notice(link, 'users', 'lobby', 8, 1, [], ['ben'])
    await next(second, 'update')
    expect([ids(first), ids(second)]).toEqual(['ben cleo', 'cleo'])
    second.stop()
    await request(link, 'unwatch')
    await handled(link)
    expect(requestsOn(link)).toHaveLength(3)
  })

  test('are two for the server if their modes differ', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const users = await watching(socket, link)
    const asked = socket.watchUsers('lobby', { mode: 'count' })
    link.ack(await request(link, 'watch'), { mode: 'count', version: 70, count: 2, users: [] })
    const count = await asked
    notice(link, 'count', 'lobby', 71, 3)
    notice(link, 'users', 'lobby', 6, 3, [CLEO], [])
    await next(users, 'update')
    expect([users.count, count.count]).toEqual([3, 3])
    users.stop()
    expect((await request(link, 'unwatch')).body).toEqual(['unwatch', 'lobby', 'users'])
    count.stop()
    expect((await request(link, 'unwatch')).body).toEqual(['unwatch', 'lobby', 'count'])
  })

  test('of which one is refused: the other goes on', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    const failed = errorOf(() => socket.watchUsers('lobby'))
    refuse(link, await request(link, 'watch'), 'WATCH_REFUSED')
    expect((await failed).code).toBe('WATCH_REFUSED')
    notice(link, 'users', 'lobby', 6, 1, [], ['ada'])
    await next(watch, 'update')
    expect([ids(watch), requestsOn(link).length]).toEqual(['ben', 2])
  })
})

describe('a loop over a watch', () => {
  test('gets the list at once, then the newest, and ends with the watch', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link, [ADA])
    const seen: string[] = []
    let goOn = () => {}
    const ended = (async () => {
      for await (const entries of watch) {
        seen.push(entries.map(({ user }) => user.id).join(' '))
        await new Promise<void>((resolve) => {
          goOn = resolve
        })
      }
    })()
    await until(() => seen.length === 1)
    // A slow loop misses what is between.
    notice(link, 'users', 'lobby', 6, 2, [BEN], [])
    notice(link, 'users', 'lobby', 7, 3, [CLEO], [])
    notice(link, 'users', 'lobby', 8, 2, [], ['ada'])
    await handled(link)
    goOn()
    await until(() => seen.length === 2)
    goOn()
    await handled(link)
    expect(seen).toEqual(['ada', 'ben cleo'])
    // It waits now.
    notice(link, 'users', 'lobby', 9, 1, [], ['ben'])
    await until(() => seen.length === 3)
    goOn()
    await handled(link)
    watch.stop()
    await ended
    expect(seen).toEqual(['ada', 'ben cleo', 'cleo'])
  })

  test('may be one of several, and be left: the others and the watch go on', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link, [ADA])
    const seen: string[] = []
    const loop = async (name: string, most: number) => {
      let count = 0
      for await (const entries of watch) {
        seen.push(`${name} ${entries.length}`)
        if (++count === most) break
      }
      seen.push(`${name} ends`)
    }
    const loops = [loop('a', 1), loop('b', 2), loop('c', 9)]
    await until(() => seen.length === 4)
    notice(link, 'users', 'lobby', 6, 2, [BEN], [])
    await until(() => seen.length === 7)
    watch.stop()
    await Promise.all(loops)
    expect(seen.sort()).toEqual(['a 1', 'a ends', 'b 1', 'b 2', 'b ends', 'c 1', 'c 2', 'c ends'])
  })

  test('in the mode count goes round for each new number', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const asked = socket.watchUsers('hall', { mode: 'count' })
    link.ack(await request(link, 'watch'), { mode: 'count', version: 1, count: 1, users: [] })
    const watch = await asked
    const seen: number[] = []
    const ended = (async () => {
      for await (const _ of watch) seen.push(watch.count)
    })()
    notice(link, 'count', 'hall', 2, 2)
    await until(() => seen.length === 2)
    notice(link, 'count', 'hall', 3, 3)
    await until(() => seen.length === 3)
    watch.stop()
    await ended
    expect(seen).toEqual([1, 2, 3])
  })

  test('over a watch that has stopped has nothing', async () => {
    await using server = await startPeople()
    using pair = await scene(server)
    const { socket, link } = pair
    const watch = await watching(socket, link)
    watch.stop()
    for await (const _ of watch) throw new Error('went round')
  })
})
