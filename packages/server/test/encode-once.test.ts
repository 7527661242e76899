import { createCompactCodec, type ValueCodec } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer } from '../../../test-kit/server'

test('an emit to many is encoded once, and every receiver gets the same bytes', async () => {
  const encoded: unknown[] = []
  const inner = createCompactCodec()
  const codec: ValueCodec = {
    ...inner,
    encode: (value, reserve) => {
      encoded.push(value)
      return inner.encode(value, reserve)
    },
  }
  await using server = await startServer(
    (io) => io.on('connection', (socket) => socket.join(['a', socket.conn.remoteAddress])),
    { codec },
  )
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(server.port)))
  const { io } = server
  const [excepted] = io.sockets.sockets.keys()
  encoded.length = 0
  io.emit('m', 1)
  io.to('a')
    .to('b')
    .except(excepted as string)
    .emit('m', 2)
  io.timeout(5_000)
    .to('a')
    .emit('m', 3, () => {})
  expect(encoded).toEqual([[1], [2], [3]])

  io.emit('end')
  const frames = await Promise.all(
    clients.map(async (client) => {
      const seen = new Map<unknown, string>()
      for (;;) {
        const { event, body, bytes } = await client.frame('EVENT')
        if (event === 'end') return seen
        seen.set((body as unknown[])[0], Buffer.from(bytes).toString('hex'))
      }
    }),
  )
  for (const [message, receivers] of [
    [1, 20],
    [2, 19],
    [3, 20],
  ]) {
    const copies = frames.flatMap((seen) => seen.get(message) ?? [])
    expect(copies).toHaveLength(receivers as number)
    expect(new Set(copies).size).toBe(1)
  }
  for (const client of clients) client.terminate()
})
