import { CLOSE_CODES, LIMITS } from '@roomcast/protocol'
import type { Socket } from '@roomcast/server'
import { expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'

test('a client that gives no sign of life is disconnected with "ping timeout", one that only answers pings is not', async () => {
  await using server = await startServer()
  using dead = await RawClient.connect(server.port)
  const [socket] = [...server.io.sockets.sockets.values()] as [Socket]
  using quiet = await RawClient.connect(server.port)
  const gone = new Promise<unknown[]>((resolve) => socket.once('disconnect', (...args) => resolve(args)))
  dead.pause()
  const before = performance.now()
  const [reason, details] = await gone
  // Half a second for the machine.
  expect(performance.now() - before).toBeLessThan(LIMITS.pingIntervalMs + LIMITS.pingTimeoutMs + 500)
  expect(reason).toBe('ping timeout')
  expect(details).toMatchObject({ code: CLOSE_CODES.ABNORMAL })
  // The other one is as old, and has been as quiet.
  const [other] = [...server.io.sockets.sockets.values()] as [Socket]
  const answered = next(other, 'still here')
  quiet.emit('still here')
  await answered
  await until(() => server.io.engine.clientsCount === 1)
}, 30_000)
