import { CLOSE_CODES, LIMITS } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import { RawPoller } from '../../../test-kit/raw-poller'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import {
  comeBack,
  followEnds,
  heldOf,
  isInOrder,
  MESSAGE_BYTES,
  numbersOf,
  Producer,
  streamOf,
  untold,
  upTo,
} from './fault-slow-support'
import { connect, faultsOf, settled, socketOf, startResumable } from './resume-support'

const ROOM = 'r'
const HEALTHY = 10
const PAUSED = 3

/** Connects sessions, which the server puts into the room. */
async function members(server: Awaited<ReturnType<typeof startResumable>>, count: number): Promise<RawSession[]> {
  const sessions: RawSession[] = []
  while (sessions.length < count) {
    const session = await connect(server)
    socketOf(server, session).join(ROOM)
    await settled(session)
    sessions.push(session)
  }
  return sessions
}

test('members that read nothing are closed with 4010, the others miss nothing, and who comes back has the rest in order or is told', async () => {
  await using server = await startResumable()
  const ends = followEnds(server)
  const healthy = await members(server, HEALTHY)
  const paused = await members(server, PAUSED)
  const readers = healthy.map(({ client }) => client)
  const producer = new Producer(server, ROOM)
  await producer.emitUntil(() => producer.last > 0, [...readers, ...paused.map(({ client }) => client)])
  for (const { client } of paused) client.pause()

  let largest = 0
  await producer.emitUntil(
    () => paused.every(({ sid }) => ends.has(sid)),
    readers,
    () => {
      for (const { sid } of paused) largest = Math.max(largest, heldOf(server, sid))
    },
  )
  // One message may overshoot.
  expect(largest).toBeLessThanOrEqual(LIMITS.outgoingBytes + MESSAGE_BYTES)
  expect(server.io.engine.clientsCount, 'connections that are left').toBe(HEALTHY)
  await producer.emitUntil(() => true, readers)
  for (const { client } of healthy) {
    expect(numbersOf(client)).toEqual(upTo(producer.last))
    expect(client.closed).toBe(null)
  }
  expect(healthy.flatMap(faultsOf)).toEqual([])

  for (const session of paused) {
    const { next, code } = await comeBack(server, session)
    expect(code).toBe(CLOSE_CODES.SLOW_CONSUMER)
    expect(next.session).toMatchObject({ resumed: true })
    const { last } = producer
    producer.emit(1)
    await until(() => numbersOf(next.client).at(-1) === last + 1, 'the message behind')
    const stream = streamOf(next)
    expect(untold(stream, last + 1)).toEqual([])
    // What is gone is said, and nothing else is called recovered.
    expect(next.session?.recovered).toBe(stream.losts.length === 0)
    expect(isInOrder(stream.received.map(({ position }) => position))).toBe(true)
    expect(isInOrder([...numbersOf(session.client), ...numbersOf(next.client)])).toBe(true)
    next.client.terminate()
  }
  expect(server.faults).toEqual([])
})

test('a member that polls no more is closed with 4010, and has the rest in order or is told', async () => {
  await using server = await startResumable()
  const ends = followEnds(server)
  const [healthy] = (await members(server, 1)) as [RawSession]
  using poller = await RawPoller.open(server.port)
  const session = await RawSession.over(poller.start())
  socketOf(server, session).join(ROOM)
  const producer = new Producer(server, ROOM)
  await producer.emitUntil(() => producer.last > 0, [healthy.client, poller])
  poller.pause()

  let largest = 0
  await producer.emitUntil(
    () => ends.has(session.sid),
    [healthy.client],
    () => {
      largest = Math.max(largest, heldOf(server, session.sid))
    },
  )
  expect(largest).toBeLessThanOrEqual(LIMITS.outgoingBytes + MESSAGE_BYTES)
  expect(ends.get(session.sid)).toBe(CLOSE_CODES.SLOW_CONSUMER)

  poller.start()
  await until(() => poller.ended, 'the end of the old session')
  expect(poller.frames.at(-1)).toMatchObject({ type: 'CLOSE', body: { code: CLOSE_CODES.SLOW_CONSUMER } })
  using other = await RawPoller.open(server.port)
  const next = await session.resumeOver(other.start())
  expect(next.session).toMatchObject({ resumed: true })
  producer.emit(1)
  const { last } = producer
  await until(() => numbersOf(other).at(-1) === last, 'the last message')
  expect(untold(streamOf(next), last)).toEqual([])
  expect(next.session?.recovered).toBe(streamOf(next).losts.length === 0)
  expect(isInOrder([...numbersOf(poller), ...numbersOf(other)])).toBe(true)
  await until(() => numbersOf(healthy.client).at(-1) === last, 'the last message at the healthy member')
  expect(numbersOf(healthy.client)).toEqual(upTo(last))
  expect(server.faults).toEqual([])
})

test('a member that reads again within its budget has everything in order, on the same connection, and goes on with the others', async () => {
  await using server = await startResumable()
  const ends = followEnds(server)
  const [healthy, slow] = (await members(server, 2)) as [RawSession, RawSession]
  const producer = new Producer(server, ROOM)
  const half = LIMITS.outgoingBytes / 2
  for (let round = 1; round <= 3; round++) {
    const before = producer.last
    slow.client.pause()
    await producer.emitUntil(() => (producer.last - before) * MESSAGE_BYTES > half, [healthy.client])
    slow.client.resume()
    await until(() => numbersOf(slow.client).length === producer.last, `all messages of round ${round}`)
    await producer.emitUntil(() => true, [healthy.client, slow.client])
    await until(() => heldOf(server, slow.sid) === 0, 'nothing outstanding')
  }
  expect(numbersOf(slow.client)).toEqual(upTo(producer.last))
  expect(numbersOf(healthy.client)).toEqual(upTo(producer.last))
  expect([healthy, slow].flatMap(faultsOf)).toEqual([])
  expect(slow.client.closed).toBe(null)
  expect([...ends]).toEqual([])
})
