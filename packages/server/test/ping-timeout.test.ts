import { CLOSE_CODES } from '@roomcast/protocol'
import type { Socket } from '@roomcast/server'
import { expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'

/** The shortest that the engine can do, in periods of 4 s. */
const SHORTEST = { pingInterval: 3_000, pingTimeout: 5_000 }

test('a client that gives no sign of life is disconnected with "ping timeout", one that only answers pings is not', async () => {
  await using server = await startServer(() => {}, SHORTEST)
  using dead = await RawClient.connect(server.port)
  const [socket] = [...server.io.sockets.sockets.values()] as [Socket]
  using quiet = await RawClient.connect(server.port)
  const gone = new Promise<unknown[]>((resolve) => socket.once('disconnect', (...args) => resolve(args)))
  dead.pause()
  const [reason, details] = await gone
  expect(reason).toBe('ping timeout')
  expect(details).toMatchObject({ code: CLOSE_CODES.ABNORMAL.code })
  // The other one is as old, and has been as quiet.
  const [other] = [...server.io.sockets.sockets.values()] as [Socket]
  const answered = next(other, 'still here')
  quiet.emit('still here')
  await answered
  await until(() => server.io.engine.clientsCount === 1)
}, 30_000)
