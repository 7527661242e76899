import { CLOSE_CODES, LIMITS } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import type { RawSession } from '../../../test-kit/raw-room'
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
} from './fault-slow-support'
import { connect, socketOf, startResumable } from './resume-support'

const READERS = 60
const ROOM = 'r'

test('many readers that stall together are held within their budgets, closed with 4010, and have the rest in order or are told', async () => {
  await using server = await startResumable()
  const ends = followEnds(server)
  const readers: RawSession[] = []
  while (readers.length < READERS) {
    const reader = await connect(server)
    socketOf(server, reader).join(ROOM)
    readers.push(reader)
  }
  const producer = new Producer(server, ROOM)
  await producer.emitUntil(
    () => producer.last > 0,
    readers.map(({ client }) => client),
  )
  for (const { client } of readers) client.pause()

  let largest = 0
  await producer.emitUntil(
    () => ends.size === READERS,
    [],
    () => {
      for (const { sid } of readers) largest = Math.max(largest, heldOf(server, sid))
    },
  )
  expect(largest).toBeLessThanOrEqual(LIMITS.outgoingBytes + MESSAGE_BYTES)
  expect(new Set(ends.values())).toEqual(new Set([CLOSE_CODES.SLOW_CONSUMER]))
  expect(server.io.engine.clientsCount).toBe(0)

  const back = await Promise.all(readers.map((reader) => comeBack(server, reader)))
  expect(back.map(({ code }) => code)).toEqual(Array(READERS).fill(CLOSE_CODES.SLOW_CONSUMER))
  producer.emit(1)
  const { last } = producer
  for (const [index, { next }] of back.entries()) {
    expect(next.session).toMatchObject({ resumed: true })
    await until(() => numbersOf(next.client).at(-1) === last, `the last message at reader ${index}`)
    const stream = streamOf(next)
    expect(untold(stream, last)).toEqual([])
    expect(next.session?.recovered).toBe(stream.losts.length === 0)
    const before = numbersOf((readers[index] as RawSession).client)
    expect(isInOrder([...before, ...numbersOf(next.client)])).toBe(true)
    next.client.terminate()
  }
  expect(server.faults).toEqual([])
})
