import { MESSAGE_TYPES } from '@roomcast/protocol'
import type { Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { startServer, type TestServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'

/* What `socket.conn` says of a client that is behind, where its state changes at an odd moment. */

const KILOBYTE = new Uint8Array(1_024)

/** The only socket of a server. */
function only({ io }: TestServer): Socket {
  const [socket] = [...io.sockets.sockets.values()]
  return socket as Socket
}

describe('a listener of congestion that closes the connection', () => {
  test.each([
    ['an emit to the socket', (socket: Socket) => socket.emit('n', KILOBYTE)],
    ['an emit to a room', (_socket: Socket, server: TestServer) => server.io.to('r').emit('n', KILOBYTE)],
  ])('is called when %s is done, which does not fail', async (_name, send) => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.join('r')
        socket.conn.on('congestion', () => socket.disconnect(true))
      })
    })
    using client = await RawClient.connect(server.port)
    const socket = only(server)
    client.pause()
    for (let i = 0; i < 800 && socket.connected; i++) send(socket, server)
    client.resume()
    await until(() => client.closed)
    expect(server.faults).toEqual([])
  })

  test('may do so in the middle of an event of its client', async () => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.conn.on('congestion', () => socket.disconnect(true))
        socket.on('fill', () => {
          for (let i = 0; i < 800; i++) socket.emit('n', KILOBYTE)
        })
      })
    })
    using client = await RawClient.connect(server.port)
    client.emit('fill')
    client.pause()
    await until(() => server.io.sockets.sockets.size === 0)
    client.resume()
    await until(() => client.closed)
    expect(server.faults).toEqual([])
  })

  test('may do so when its room is looked at', async () => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.join(['a', 'b', 'c'])
        socket.conn.on('congestion', () => socket.disconnect(true))
      })
    })
    using client = await RawClient.connect(server.port)
    const socket = only(server)
    client.pause()
    // Less than a step for each room.
    for (const room of ['a', 'b', 'c']) for (let i = 0; i < 120; i++) server.io.to(room).emit('n', KILOBYTE)
    await until(() => !socket.connected)
    client.resume()
    await until(() => client.closed)
    expect(server.faults).toEqual([])
  })
})

test('a client that was sent more at once than there are pings for is not taken as slow for ever', async () => {
  await using server = await startServer(() => {}, { maxOutgoingBytes: 65_536 })
  using client = await RawClient.connect(server.port)
  const socket = only(server)
  const { conn } = socket
  client.pause()
  for (let i = 0; i < 256; i++) socket.emit('n', i, KILOBYTE)
  expect(conn.congestion).not.toBe('none')
  await new Promise((resolve) => setTimeout(resolve, 400))
  // The last that is handed over shows that the client is behind; nothing comes after it.
  let sent = 256
  for (; socket.volatile.emit('probe'); sent++) socket.emit('n', sent, KILOBYTE)
  client.resume()
  const isLast = (body: unknown) => Array.isArray(body) && body[0] === sent - 1
  await until(() => client.frames.some(({ body }) => isLast(body)), 'everything')
  await conn.drained()
  await until(() => socket.volatile.emit('probe'), 'a client that is not behind')
})

test('what a polling client is behind is forgotten when it moves to a WebSocket, and has it', async () => {
  await using server = await startServer()
  using poller = await RawPoller.connect(server.port)
  const socket = only(server)
  const { conn } = socket
  for (let i = 0; i < 300; i++) socket.emit('n', KILOBYTE)
  expect(conn.congestion).toBe('high')
  while (poller.frames.length < 301) await poller.poll()
  const upgraded = next(conn, 'upgrade')
  using client = await RawClient.open(server.port)
  client.send({ type: MESSAGE_TYPES.SWITCH }, { session: poller.session, received: poller.received })
  await client.frame('SWITCHED')
  client.emit('first')
  await upgraded
  await until(() => conn.congestion === 'none', 'a client that is not behind')
  await conn.drained()
})
