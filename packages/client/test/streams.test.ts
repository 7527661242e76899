import { CLOSE_CODES, LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { until } from '../../../test-kit/wait'
import { handled, notice, refuse, request } from './people-support'
import { requestsOf, say, scene, startRooms } from './rooms-support'

const QUICK_ACK = { ackTimeout: 30 }

describe('messages with positions', () => {
  test('are delivered in order, once each, whatever comes again', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { seen, link } = pair
    notice(link, 'joined', 12, 5)
    say(link, 12, 6, 7, 7, 6, 5, 8)
    await handled(link)
    expect(seen).toEqual([6, 7, 8])
    expect(requestsOf(link, 'sync')).toEqual([])
  })

  test('behind a gap wait until what is missing has come, and only those of this stream', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { seen, link } = pair
    notice(link, 'joined', 12, 5)
    notice(link, 'joined', 13, 0)
    say(link, 12, 6, 9)
    say(link, 12, 10)
    say(link, 13, 1)
    link.emit('m', ['direct'])
    const sync = await request(link, 'sync')
    expect(sync.body).toEqual(['sync', [[12, 6, 8]], false])
    await handled(link)
    expect(seen).toEqual([6, 1, 'direct'])
    say(link, 12, 7)
    await handled(link)
    expect(seen.slice(3)).toEqual([7])
    say(link, 12, 8, 9)
    link.ack(sync)
    await handled(link)
    expect(seen.slice(3)).toEqual([7, 8, 'null 7-8 repaired', 9, 10])
    expect(requestsOf(link, 'sync')).toHaveLength(1)
  })

  test('that are lost are told of, what is known of the gap comes', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { seen, link } = pair
    notice(link, 'joined', 12, 0)
    say(link, 12, 1, 9)
    const sync = await request(link, 'sync')
    say(link, 12, 2, 3)
    say(link, 12, 5)
    notice(link, 'lost', 12, 6)
    say(link, 12, 7, 8)
    link.ack(sync)
    await handled(link)
    const expected = ['null 2-3 repaired', 'null 4-4 lost', 5, 'null 6-6 lost', 7, 8, 'null 7-8 repaired', 9]
    expect(seen).toEqual([1, 2, 3, ...expected])
    notice(link, 'lost', 12, 4)
    say(link, 12, 10)
    notice(link, 'lost', 12, 12)
    await handled(link)
    expect(seen.slice(11)).toEqual([10, 'null 11-12 lost'])
  })

  test('may be skipped, in their turn and while others are missing', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { seen, link } = pair
    notice(link, 'joined', 12, 0)
    notice(link, 'skip', 12, 1, 1)
    notice(link, 'skip', 12, 1, 2)
    say(link, 12, 3)
    notice(link, 'skip', 12, 6, 7)
    say(link, 12, 8)
    const sync = await request(link, 'sync')
    expect(sync.body).toEqual(['sync', [[12, 3, 5]], false])
    notice(link, 'skip', 12, 4, 4)
    say(link, 12, 5)
    await handled(link)
    expect(seen).toEqual([3, 5, 'null 4-5 repaired', 8])
  })

  test('of a room that is not known are held until it is said where they begin', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { seen, link } = pair
    say(link, 12, 5, 6)
    const sync = await request(link, 'sync')
    expect(sync.body).toEqual(['sync', [[12, null]], false])
    await handled(link)
    expect(seen).toEqual([])
    notice(link, 'joined', 12, 3)
    say(link, 12, 4)
    link.ack(sync)
    say(link, 12, 7)
    await handled(link)
    expect(seen).toEqual([4, 'null 4-4 repaired', 5, 6, 7])
    expect(requestsOf(link, 'sync')).toHaveLength(1)
  })

  test('of a room that was left are delivered with what is missing told, and forgotten', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { seen, link } = pair
    notice(link, 'joined', 12, 0)
    say(link, 12, 1, 4)
    await request(link, 'sync')
    notice(link, 'left', 12, null)
    await handled(link)
    expect(seen).toEqual([1, 'null 2-3 lost', 4])
    say(link, 12, 5)
    expect((await request(link, 'sync')).body).toEqual(['sync', [[12, null]], false])
  })

  test('to the socket alone have a stream of their own', async () => {
    await using server = await startRooms([
      { session: { secret: 's', windowMs: 1_000, resumed: false, recovered: false, own: 7 } },
    ])
    using pair = await scene(server)
    const { seen, link } = pair
    say(link, 0, 8, 10)
    const sync = await request(link, 'sync')
    expect(sync.body).toEqual(['sync', [[0, 8, 9]], false])
    say(link, 0, 9)
    await handled(link)
    expect(seen).toEqual([8, 9, 'null 9-9 repaired', 10])
  })
})

describe('sync', () => {
  test('is sent again while a gap stays, as long as something comes', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { seen, link } = pair
    notice(link, 'joined', 12, 0)
    say(link, 12, 9)
    for (let from = 0; from < 8; from++) {
      const sync = await request(link, 'sync')
      expect(sync.body).toEqual(['sync', [[12, from, 8]], false])
      say(link, 12, from + 1)
      link.ack(sync)
    }
    await handled(link)
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 'null 1-8 repaired', 9])
  })

  test('that brings nothing is given up after four times: the messages are lost, and told of', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { seen, link } = pair
    notice(link, 'joined', 12, 0)
    say(link, 12, 3, 5)
    for (let n = 0; n < 4; n++) link.ack(await request(link, 'sync'))
    await handled(link)
    expect(seen).toEqual(['null 1-2 lost', 3, 'null 4-4 lost', 5])
    say(link, 12, 6)
    await handled(link)
    expect(seen.at(-1)).toBe(6)
    expect(requestsOf(link, 'sync')).toHaveLength(4)
  })

  test('without an answer is sent again after ackTimeout', async () => {
    await using server = await startRooms()
    using pair = await scene(server, QUICK_ACK)
    const { seen, link } = pair
    notice(link, 'joined', 12, 0)
    say(link, 12, 2)
    await request(link, 'sync')
    await request(link, 'sync')
    say(link, 12, 1)
    await until(() => seen.length === 3)
    expect(seen).toEqual([1, 'null 1-1 repaired', 2])
  })

  test('that is refused is sent again, after a while', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { seen, link } = pair
    notice(link, 'joined', 12, 0)
    notice(link, 'joined', 13, 0)
    say(link, 12, 2)
    refuse(link, await request(link, 'sync'), 'HANDLER_FAILED')
    await handled(link)
    say(link, 12, 3)
    say(link, 13, 2)
    refuse(link, await request(link, 'sync'), 'HANDLER_FAILED')
    await handled(link)
    const again = await request(link, 'sync')
    const both = [
      [12, 0, 2],
      [13, 0, 1],
    ]
    expect(again.body).toEqual(['sync', both, false])
    say(link, 12, 1)
    say(link, 13, 1)
    link.ack(again)
    await handled(link)
    expect(seen).toEqual([1, 'null 1-1 repaired', 2, 3, 1, 'null 1-1 repaired', 2])
  })

  test('asks for several streams at once, and for others when it is answered', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { link } = pair
    for (const room of [12, 13, 14]) notice(link, 'joined', room, 0)
    for (const room of [12, 13, 14]) say(link, room, 2)
    const first = await request(link, 'sync')
    expect(first.body).toEqual(['sync', [[12, 0, 1]], false])
    await handled(link)
    expect(requestsOf(link, 'sync')).toHaveLength(1)
    say(link, 12, 1)
    link.ack(first)
    const both = [
      [13, 0, 1],
      [14, 0, 1],
    ]
    expect((await request(link, 'sync')).body).toEqual(['sync', both, false])
  })
})

test('more messages than a client holds end the wait: what is missing is lost', async () => {
  await using server = await startRooms()
  using pair = await scene(server)
  const { seen, link } = pair
  notice(link, 'joined', 12, 0)
  const later = Array.from({ length: LIMITS.heldRoomMessages }, (_, n) => n + 3)
  say(link, 12, 1, ...later)
  await handled(link)
  expect(seen).toEqual([1])
  const last = later.length + 3
  say(link, 12, last)
  await handled(link)
  expect(seen).toEqual([1, 'null 2-2 lost', ...later, last])
  say(link, 12, 2, last + 1)
  await handled(link)
  expect(seen.at(-1)).toBe(last + 1)
  expect(seen).toHaveLength(later.length + 4)
})

describe('the end of a stream, which no later message shows,', () => {
  test('is asked for from time to time, with all that is known', async () => {
    await using server = await startRooms([{ pingIntervalMs: 20 }])
    using pair = await scene(server)
    const { seen, link } = pair
    notice(link, 'joined', 12, 4)
    notice(link, 'joined', 13, 0)
    const sync = await request(link, 'sync')
    const all = [
      [12, 4],
      [13, 0],
    ]
    expect(sync.body).toEqual(['sync', all, true])
    say(link, 12, 5)
    notice(link, 'joined', 14, 0)
    notice(link, 'left', 13, null)
    link.ack(sync)
    const rest = [
      [12, 5],
      [14, 0],
    ]
    expect((await request(link, 'sync')).body).toEqual(['sync', rest, true])
    expect(seen).toEqual([5])
  })

  test('is not asked for where nothing has positions', async () => {
    await using server = await startRooms([{ pingIntervalMs: 5 }])
    using pair = await scene(server)
    const { link } = pair
    const pings = () => link.frames.filter(({ type }) => type === 'PING').length
    await until(() => pings() > 20)
    expect(link.frames.map(({ type }) => type).filter((type) => type !== 'PING')).toEqual(['CONNECT'])
  })

  test('is not asked for on a connection that is gone', async () => {
    await using server = await startRooms([{ pingIntervalMs: 5 }])
    using pair = await scene(server)
    const { link } = pair
    notice(link, 'joined', 12, 4)
    await request(link, 'sync')
    link.close(CLOSE_CODES.ABNORMAL)
    const second = await server.link()
    await second.frame('CONNECT')
    const pings = () => second.frames.filter(({ type }) => type === 'PING').length
    await until(() => pings() > 20)
    expect(requestsOf(second, 'sync')).toEqual([])
  })
})

test('a listener that disconnects gets nothing more', async () => {
  await using server = await startRooms()
  using pair = await scene(server)
  const { socket, seen, link } = pair
  notice(link, 'joined', 12, 0)
  say(link, 12, 1, 3, 4)
  await request(link, 'sync')
  socket.on('m', (n: number) => n === 2 && socket.disconnect())
  say(link, 12, 2)
  await link.end()
  expect(seen).toEqual([1, 2])
})

test('notices that are malformed, or of later versions, are passed over', async () => {
  await using server = await startRooms()
  using pair = await scene(server)
  const { seen, link } = pair
  notice(link, 'joined', 12, 0)
  for (const body of [
    ['joined'],
    ['joined', 12, -1],
    ['skip', 12, 1],
    ['skip', 12, 1, 'x'],
    ['lost', null, 4],
    ['left'],
    ['later', 1],
  ]) {
    notice(link, ...body)
  }
  notice(link, 'lost', 99, 4)
  say(link, 12, 1)
  await handled(link)
  expect(seen).toEqual([1])
})

test('a message of a room may ask for an answer', async () => {
  await using server = await startRooms()
  using pair = await scene(server)
  const { socket, link } = pair
  socket.on('ask', (n: number) => n + 1)
  notice(link, 'joined', 12, 0)
  link.send({ type: MESSAGE_TYPES.EVENT, event: 'ask', room: 12, seq: 1, ackId: 9 }, [41])
  expect(await link.frame('ACK')).toMatchObject({ ackId: 9, body: [42] })
})
