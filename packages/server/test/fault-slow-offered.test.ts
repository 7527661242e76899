import { CLOSE_CODES, LIMITS } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { followEnds, heldOf, MESSAGE, MOST_BYTES } from './fault-slow-support'

/** Large enough that 80 MB are offered in a moment, and small against the budget. */
const FILLING = new Uint8Array(16_384).fill(1)
const MESSAGE_BYTES = FILLING.length + 64
const OFFERED = Math.ceil(MOST_BYTES / FILLING.length)
const AT_ONCE = 8

/** What was held for a client while it was offered more than it takes, and how that has ended. */
interface Outcome {
  /** Most bytes that were held. */
  readonly largest: number
  readonly code: number | undefined
}

/** Emits 80 MB to the only socket, whatever becomes of it. */
async function offer(server: TestServer, ends: Map<string, number | undefined>): Promise<Outcome> {
  const [socket] = [...server.io.sockets.sockets.values()]
  if (socket === undefined) throw new Error('no socket')
  let largest = 0
  for (let sent = 0; sent < OFFERED; sent++) {
    socket.emit(MESSAGE, sent, FILLING)
    largest = Math.max(largest, heldOf(server, socket.id))
    if (sent % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return { largest, code: ends.get(socket.id) }
}

/** A prefix: 0, 1, 2 and so on, as far as it goes. */
function expectPrefix(frames: RawClient['frames']): void {
  const numbers = frames.filter(({ event }) => event === MESSAGE).map(({ body }) => (body as [number])[0])
  expect(numbers).toEqual(numbers.map((_, index) => index))
  expect(numbers.length).toBeLessThan(OFFERED)
}

test('of 80 MB offered to a paused WebSocket no more than its budget is held; it is closed with 4010', async () => {
  await using server = await startServer()
  const ends = followEnds(server)
  using client = await RawClient.connect(server.port)
  client.pause()
  const { largest, code } = await offer(server, ends)
  // One message may overshoot.
  expect(largest).toBeLessThanOrEqual(LIMITS.outgoingBytes + MESSAGE_BYTES)
  expect(code).toBe(CLOSE_CODES.SLOW_CONSUMER)
  expect(server.io.engine.clientsCount).toBe(0)
  client.resume()
  expect((await client.close()).code).toBe(CLOSE_CODES.SLOW_CONSUMER)
  expectPrefix(client.frames)
})

test('of 80 MB offered to a client that polls no more no more than its budget is held; it is closed with 4010', async () => {
  await using server = await startServer()
  const ends = followEnds(server)
  using poller = await RawPoller.connect(server.port)
  const { largest, code } = await offer(server, ends)
  expect(largest).toBeLessThanOrEqual(LIMITS.outgoingBytes + MESSAGE_BYTES)
  expect(code).toBe(CLOSE_CODES.SLOW_CONSUMER)
  expect(server.io.engine.clientsCount).toBe(0)
  poller.start()
  await until(() => poller.ended, 'the end of the session')
  const close = poller.frames.find(({ type }) => type === 'CLOSE')
  expect(close?.body).toMatchObject({ code: CLOSE_CODES.SLOW_CONSUMER })
  expectPrefix(poller.frames)
})
