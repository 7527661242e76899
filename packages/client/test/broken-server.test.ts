import { LIMITS, type RoomcastError } from '@roomcast/protocol'
import { describe, expect, test, vi } from 'vitest'
import { FakeServer } from '../../../test-kit/fake-server'
import { next, until } from '../../../test-kit/wait'
import { handled, notice, request, together } from './people-support'
import { requestsOf, say, scene, startRooms } from './rooms-support'
import { connect, turns, watchProcess } from './support'

describe('with a server that is broken or overloaded', () => {
  test('messages of more than 256 unknown rooms are dropped, which is told once', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const errors: string[] = []
    socket.on('error', (error) => errors.push((error as RoomcastError).code))
    for (let room = 1; room <= 300; room++) say(link, room, 5)
    await handled(link)
    expect(errors).toEqual(['TOO_MANY_ROOMS'])
    for (let room = 1; room <= 300; room++) {
      notice(link, 'joined', room, 4)
      say(link, room, 6)
    }
    await handled(link)
    expect(seen.filter((item) => item === 5)).toHaveLength(256)
    expect(errors).toHaveLength(1)
  })

  test('a client holds 8 MiB of messages at most: then what is missing is lost', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const big = 'x'.repeat(900_000)
    const heard: unknown[] = []
    socket.on('big', (n: unknown) => heard.push(n))
    for (const room of [12, 13]) notice(link, 'joined', room, 0)
    const sayBig = (room: number, seq: number) => link.send({ type: 5, event: 'big', room, seq }, [seq, big])
    for (let seq = 2; seq <= 6; seq++) sayBig(12, seq)
    for (let seq = 2; seq <= 5; seq++) sayBig(13, seq)
    await handled(link)
    expect([seen, heard]).toEqual([[], []])
    sayBig(13, 6)
    await handled(link)
    expect([seen, heard]).toEqual([['null 1-1 lost'], [2, 3, 4, 5, 6]])
    // There is room again.
    sayBig(13, 8)
    await handled(link)
    expect(seen).toHaveLength(1)
  })

  test('the question for all streams is not asked again before its answer', async () => {
    await using server = await startRooms([{ pingIntervalMs: 5 }])
    using pair = await scene(server)
    const { link } = pair
    notice(link, 'joined', 12, 4)
    const sync = await request(link, 'sync')
    const pings = () => link.frames.filter(({ type }) => type === 'PING').length
    const before = pings()
    await until(() => pings() > before + 40)
    expect(requestsOf(link, 'sync')).toHaveLength(1)
    const answered = performance.now()
    link.ack(sync)
    await request(link, 'sync')
    expect(performance.now() - answered).toBeGreaterThan(90)
  })

  test('more than 1,000 streams are asked for in several requests', async () => {
    await using server = await startRooms([{ pingIntervalMs: 200 }])
    using pair = await scene(server)
    const { link } = pair
    for (let room = 1; room <= 1_500; room++) notice(link, 'joined', room, 0)
    const sizes: unknown[] = []
    for (let n = 0; n < 2; n++) {
      const { body } = await request(link, 'sync')
      const [, streams, isAll] = body as [string, unknown[], boolean]
      sizes.push(streams.length, isAll)
    }
    expect(sizes).toEqual([1_000, false, 500, false])
  })
})

describe('with a server that takes tiny frames only', () => {
  test.each(['reserved', 'unknown'])('an event that asks for an answer harms nobody: %s', async (kind) => {
    using watch = watchProcess()
    await using server = await FakeServer.start({ answer: (link, asked) => link.accept(asked, { frameBytes: 1 }) })
    using client = connect(server.url)
    await next(client, 'connect')
    const link = await server.link()
    const seen: unknown[] = []
    client.on('m', (n: unknown) => seen.push(n))
    together(link, () => {
      link.emit(kind === 'reserved' ? 'connect' : 'nobody', [], 7)
      link.emit('m', [1])
    })
    await until(() => seen.length > 0)
    await turns()
    expect(watch.events).toEqual([])
    expect(() => client.disconnect()).not.toThrow()
    expect(client.connected).toBe(false)
  })
})

test('what the library asks for takes no place of the calls of the application', async () => {
  await using server = await startRooms()
  using pair = await scene(server)
  const { socket, link } = pair
  notice(link, 'joined', 12, 0)
  say(link, 12, 2)
  await request(link, 'sync')
  const errors: unknown[] = []
  for (let n = 0; n < LIMITS.pendingAcks; n++)
    socket.timeout(60_000).emit('m', n, (error: unknown) => errors.push(error))
  expect(errors).toEqual([])
  socket.timeout(60_000).emit('m', 'one too many', (error: unknown) => errors.push(error))
  expect(errors).toMatchObject([{ code: 'TOO_MANY_PENDING_ACKS' }])
})

test('an exception among messages that were held loses none of those behind it', async () => {
  using watch = watchProcess()
  await using server = await startRooms()
  using pair = await scene(server)
  const { socket, link } = pair
  const bad = new Error('the console is broken')
  const report = vi.spyOn(console, 'error').mockImplementation(() => {
    throw bad
  })
  try {
    const seen: unknown[] = []
    socket.on('m', (n: number) => {
      seen.push(n)
      if (n === 6) throw new Error('a faulty listener')
    })
    const asked = socket.join('book')
    const join = await request(link, 'join')
    together(link, () => {
      link.ack(join, { room: 12, epoch: 'e', seq: 5, recovered: false })
      say(link, 12, 6, 7, 8)
    })
    await asked
    await until(() => seen.length === 3)
    expect(seen).toEqual([6, 7, 8])
    expect(watch.events).toEqual([bad])
  } finally {
    report.mockRestore()
  }
})
