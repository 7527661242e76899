import { createCompactCodec, encodeFrame, LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import { errorOf } from '../clients'
import { type FakeLink, FakeServer, type FakeServerOptions } from '../fake-server'
import type { RawFrame } from '../raw-client'
import { RawPoller } from '../raw-poller'
import { RawSession } from '../raw-room'
import { startServer } from '../server'
import { until } from '../wait'

/** CONNECTED of a server that keeps sessions. */
function accept(link: FakeLink, connect: RawFrame, session: object = {}, rooms?: unknown[]): void {
  const { nsp } = connect.body as { nsp: string }
  const limits = { frameBytes: LIMITS.frameBytes }
  const whole = { secret: 's1', windowMs: 60_000, resumed: false, recovered: false, own: 0, ...session }
  link.send({ type: MESSAGE_TYPES.CONNECTED }, { nsp, sid: 'x', limits, session: whole, ...(rooms && { rooms }) })
}

function message(link: FakeLink, room: number, seq: number, ...args: unknown[]): void {
  link.send({ type: MESSAGE_TYPES.EVENT, event: 'say', room, seq }, args)
}

function notice(link: FakeLink, ...body: unknown[]): void {
  link.send({ type: MESSAGE_TYPES.NOTICE }, body)
}

/** A message as it is kept. */
function kept(position: number, at: number, ...args: unknown[]): unknown[] {
  const fields = { type: MESSAGE_TYPES.EVENT, event: 'say' }
  return [position, at, encodeFrame(createCompactCodec(), fields, args).slice()]
}

/** A client and its link at a server that does what the test says. */
async function scene(options: FakeServerOptions = {}) {
  const server = await FakeServer.start({ answer: accept, ...options })
  const port = Number(new URL(server.url).port)
  const session = await RawSession.connect(port)
  const link = await server.link()
  const dispose = async () => {
    session[Symbol.dispose]()
    await server[Symbol.asyncDispose]()
  }
  return { server, port, session, link, [Symbol.asyncDispose]: dispose }
}

/** The name and the arguments of a request. */
const asked = ({ body }: RawFrame) => body as unknown[]

test('a session sends a secret of its own, and keeps the session and the own stream of CONNECTED', async () => {
  await using all = await scene()
  const { session, link } = all
  expect((await link.frame('CONNECT')).body).toMatchObject({ nsp: '/', client: session.clientSecret })
  expect(session.clientSecret).toMatch(/^[0-9a-f]{32}$/)
  expect(session.session).toEqual({ secret: 's1', windowMs: 60_000, resumed: false, recovered: false, own: 0 })
  message(link, 0, 1, 'a')
  await until(() => session.own?.position === 1, 'position 1')
  expect(session.own?.received).toEqual([{ position: 1, event: 'say', args: ['a'] }])
})

test('a client secret of null is left out of CONNECT', async () => {
  await using server = await FakeServer.start({ answer: accept })
  using _session = await RawSession.connect(Number(new URL(server.url).port), { client: null })
  expect((await (await server.link()).frame('CONNECT')).body).not.toHaveProperty('client')
})

test('a stream keeps account of messages, skips, losses, gaps and duplicates', async () => {
  await using all = await scene()
  const { session, link } = all
  notice(link, 'joined', 7, 10)
  message(link, 7, 11)
  message(link, 7, 11)
  message(link, 7, 14)
  await until(() => session.streams.get(7)?.top === 14, 'position 14')
  const stream = session.stream(7)
  expect(stream).toMatchObject({ position: 11, duplicates: 1, gaps: [{ from: 12, to: 13 }] })
  expect(stream.missing).toEqual([{ from: 12, to: 13 }])
  expect(stream.delivered.map(({ position }) => position)).toEqual([11])

  message(link, 7, 12)
  notice(link, 'skip', 7, 13, 13)
  notice(link, 'lost', 7, 20)
  message(link, 7, 21)
  await until(() => session.stream(7).position === 21, 'position 21')
  expect(stream).toMatchObject({ duplicates: 1, gaps: [{ from: 12, to: 13 }], skips: [{ from: 13, to: 13 }] })
  expect(stream.losts).toEqual([{ from: 15, to: 20 }])
  expect(stream.received.map(({ position }) => position)).toEqual([11, 11, 14, 12, 21])
  expect(stream.delivered.map(({ position }) => position)).toEqual([11, 12, 14, 21])
  expect(stream.missing).toEqual([])
})

test('a message that was skipped or lost before counts as a duplicate', async () => {
  await using all = await scene()
  const { session, link } = all
  notice(link, 'joined', 7, 0)
  notice(link, 'skip', 7, 1, 2)
  notice(link, 'lost', 7, 4)
  for (const position of [2, 4, 5]) message(link, 7, position)
  await until(() => session.streams.get(7)?.position === 5, 'position 5')
  expect(session.stream(7).duplicates).toBe(2)
})

test('a stream that nobody has announced has no position until `joined` tells where it begins', async () => {
  await using all = await scene()
  const { session, link } = all
  message(link, 9, 4)
  await until(() => session.streams.has(9), 'the stream')
  expect(session.stream(9).position).toBe(null)
  notice(link, 'joined', 9, 2)
  message(link, 9, 3)
  await until(() => session.stream(9).position === 4, 'position 4')
  expect(session.stream(9).received.map(({ position }) => position)).toEqual([4, 3])
})

test('`left` ends a stream, and joining again begins another', async () => {
  await using all = await scene()
  const { session, link } = all
  notice(link, 'joined', 7, 0)
  message(link, 7, 1)
  notice(link, 'left', 7)
  notice(link, 'joined', 7, 5)
  await until(() => session.streams.get(7)?.position === 5, 'position 5')
  expect(session.ended.map(({ position }) => position)).toEqual([1])
  expect(session.stream(7).received).toEqual([])
})

test('the answer to join begins a stream of that name, and the one to leave ends it', async () => {
  const onFrame = (link: FakeLink, frame: RawFrame) => {
    const [name] = asked(frame)
    if (name === 'leave') return link.ack(frame)
    link.ack(frame, { room: 3, epoch: 'e', seq: 8, recovered: false, messages: [kept(7, 1_000, 'x'), kept(8, 2_000)] })
    message(link, 3, 9)
  }
  await using all = await scene({ onFrame })
  const { session, link } = all
  const answer = await session.join('hall', { as: 'guest' }, ['e', 2])
  expect(asked(await link.frame('REQUEST'))).toEqual(['join', 'hall', { as: 'guest' }, ['e', 2]])
  expect(answer).toMatchObject({ room: 3, seq: 8, epoch: 'e', recovered: false })
  expect(answer.messages).toEqual([
    { position: 7, at: 1_000, event: 'say', args: ['x'] },
    { position: 8, at: 2_000, event: 'say', args: [] },
  ])
  await until(() => session.stream('hall').position === 9, 'position 9')
  await session.leave('hall')
  expect(session.streams.has(3)).toBe(false)
  expect(() => session.stream('hall')).toThrow('no stream of room hall; known are 0')
})

test('repair asks for what is missing, until nothing is', async () => {
  const onFrame = (link: FakeLink, frame: RawFrame) => {
    const [, entries] = asked(frame) as [string, [number, number | null, number?][]]
    // One message for each time it is asked.
    for (const [room, position] of entries) {
      if (position === null) notice(link, 'joined', room, 0)
      else message(link, room, position + 1)
    }
    link.ack(frame)
  }
  await using all = await scene({ onFrame })
  const { session, link } = all
  notice(link, 'joined', 7, 0)
  message(link, 7, 3)
  message(link, 8, 2)
  await until(() => session.streams.has(8), 'both streams')
  await session.repair()
  expect(session.stream(7).position).toBe(3)
  expect(session.stream(8).position).toBe(2)
  const syncs = link.frames.filter(({ type }) => type === 'REQUEST').map(asked)
  expect(syncs[0]).toEqual([
    'sync',
    [
      [7, 0, 2],
      [8, null],
    ],
    false,
  ])
  expect(syncs[1]).toEqual([
    'sync',
    [
      [7, 1, 2],
      [8, 0, 1],
    ],
    false,
  ])
  expect(syncs).toHaveLength(2)
  await session.sync(undefined, true)
  expect(asked(link.frames.at(-1) as RawFrame)).toEqual([
    'sync',
    [
      [0, 0],
      [7, 3],
      [8, 2],
    ],
    true,
  ])
})

test('repair fails when the server leaves out what is missing', async () => {
  await using all = await scene({ onFrame: (link, frame) => link.ack(frame) })
  const { session, link } = all
  message(link, 0, 2)
  await until(() => session.own?.top === 2, 'position 2')
  await expect(session.repair(3)).rejects.toThrow('messages are still missing')
  expect(link.frames.filter(({ type }) => type === 'REQUEST')).toHaveLength(3)
})

test('history reads kept messages', async () => {
  await using all = await scene({ onFrame: (link, frame) => link.ack(frame, [kept(1, 5, 'a')]) })
  expect(await all.session.history('hall', 10, 2)).toEqual([{ position: 1, at: 5, event: 'say', args: ['a'] }])
  expect(asked(await all.link.frame('REQUEST'))).toEqual(['history', 'hall', 10, 2])
})

test('a refusal rejects with its code', async () => {
  const onFrame = (link: FakeLink, { ackId }: RawFrame) =>
    link.send({ type: MESSAGE_TYPES.ACK_ERROR, ackId }, { code: 'JOIN_REFUSED', message: 'no' })
  await using all = await scene({ onFrame })
  expect((await errorOf(all.session.join('hall'))).code).toBe('JOIN_REFUSED')
  expect([...all.session.streams.keys()]).toEqual([0])
})

test('a call has an id of its own, and can be sent again under it', async () => {
  await using all = await scene({ onFrame: (link, frame) => link.ack(frame, link.frames.length) })
  const { session, link } = all
  expect(await session.call('pay', 1)).toBe(2)
  const ackId = await session.sendCall('pay', [2])
  await session.sendCall('pay', [2], ackId)
  expect((await session.answer(ackId)).body).toEqual([3])
  expect((await session.answer(ackId, 1)).body).toEqual([4])
  expect(link.frames.slice(1).map(({ type, ackId, event, body }) => [type, ackId, event, body])).toEqual([
    ['CALL', 1, 'pay', [1]],
    ['CALL', 2, 'pay', [2]],
    ['CALL', 2, 'pay', [2]],
  ])
})

test('a session goes on over another link: same secret, positions by index, new ids', async () => {
  let connects = 0
  const answer = (link: FakeLink, connect: RawFrame) => {
    if (connects++ === 0) return accept(link, connect)
    const rooms = [[70, 2, true], null, [90, 6, false]]
    accept(link, connect, { secret: 's2', resumed: true, recovered: false, own: 1 }, rooms)
  }
  await using all = await scene({
    answer,
    onFrame: (link, frame) => link.ack(frame, { room: 7, epoch: 'e', seq: 1, recovered: false }),
  })
  const { session, link, port, server } = all
  await session.join('hall')
  message(link, 0, 1)
  message(link, 7, 2)
  notice(link, 'joined', 8, 3)
  await until(() => session.streams.has(8), 'room 8')
  session.client.terminate()

  using next = await session.resume(port)
  const second = await server.link()
  expect((await second.frame('CONNECT')).body).toEqual({
    nsp: '/',
    client: session.clientSecret,
    resume: {
      secret: 's1',
      own: 1,
      rooms: [
        [7, 2],
        [8, 3],
      ],
    },
  })
  expect([...next.streams].map(([room, { position }]) => [room, position])).toEqual([
    [0, 1],
    [70, 2],
    [90, 6],
  ])
  expect(next.stream('hall').room).toBe(70)
  message(second, 70, 3)
  await until(() => next.stream('hall').position === 3, 'position 3')
  expect(next.stream('hall').received.map(({ position }) => position)).toEqual([2, 3])
  expect(session.stream('hall').received).toHaveLength(1)
  expect(await next.sendCall('pay')).toBeGreaterThan(1)
})

test('where a session goes on further ahead is a gap', async () => {
  const rooms = [[7, 5, false]]
  const answer = (link: FakeLink, connect: RawFrame) => {
    const isResumed = 'resume' in (connect.body as object)
    accept(link, connect, { resumed: isResumed }, isResumed ? rooms : [])
  }
  await using all = await scene({ answer })
  notice(all.link, 'joined', 7, 3)
  await until(() => all.session.streams.has(7), 'room 7')
  using next = await all.session.resume(all.port)
  expect(next.stream(7)).toMatchObject({ position: 5, gaps: [{ from: 4, to: 5 }] })
})

test('a session that was not resumed begins anew, and what it asks with can be replaced', async () => {
  await using all = await scene()
  const { session, link, port, server } = all
  notice(link, 'joined', 7, 3)
  await until(() => session.streams.has(7), 'room 7')
  using next = await session.resume(port, { secret: 'guessed', rooms: [[1, -1]] })
  const { body } = await (await server.link()).frame('CONNECT')
  expect(body).toMatchObject({ resume: { secret: 'guessed', own: 0, rooms: [[1, -1]] } })
  expect([...next.streams.keys()]).toEqual([0])
})

test('a session runs over polling as well', async () => {
  await using server = await startServer()
  using poller = await RawPoller.open(server.port)
  const session = await RawSession.over(poller.start())
  expect(session.sid).not.toBe('')
  expect((await errorOf(session.request('no such thing'))).code).toBe('UNKNOWN_REQUEST')
})
