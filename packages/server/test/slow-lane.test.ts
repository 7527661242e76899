import { CLOSE_CODES, MESSAGE_TYPES } from '@roomcast/protocol'
import type { Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

/* A client over WebSocket that is behind is taken off the engine's topics, served from a queue, and goes back. */

const KILOBYTE = new Uint8Array(1_024)

/** A client that has just come, with its socket. */
async function connect(server: TestServer): Promise<{ client: RawClient; socket: Socket }> {
  const before = new Set(server.io.sockets.sockets.keys())
  const client = await RawClient.connect(server.port)
  const id = [...server.io.sockets.sockets.keys()].find((each) => !before.has(each)) as string
  return { client, socket: server.io.sockets.sockets.get(id) as Socket }
}

/** First arguments of the events that came, in order. */
const numbers = (client: RawClient) =>
  client.frames.filter(({ type }) => type === 'EVENT').map(({ body }) => (body as unknown[])[0])

/** Sends to a client that reads nothing until that is noticed: then volatile events are left out. */
async function congest(socket: Socket, fill: () => void): Promise<void> {
  await until(() => {
    if (!socket.volatile.emit('probe')) return true
    for (let i = 0; i < 64; i++) fill()
    return false
  }, 'a client that is noticed to be slow')
}

describe('a client that stops reading, and goes on', () => {
  test('gets everything once and in order, of rooms, by id, to everybody and in answer, while lanes change', async () => {
    await using server = await startServer(
      (io) => io.on('connection', (socket) => socket.on('ask', (n: number) => void socket.emit('n', n))),
      { maxOutgoingBytes: 64 * 1024 * 1024 },
    )
    const { client: healthy } = await connect(server)
    const { client, socket } = await connect(server)
    const { io } = server
    socket.join(['a', 'b'])
    let sent = 0
    const ways = [
      () => io.to('a').emit('n', sent++, KILOBYTE),
      () => io.to(['a', 'b']).emit('n', sent++, KILOBYTE),
      () => io.emit('n', sent++, KILOBYTE),
      () => socket.emit('n', sent++, KILOBYTE),
      () => io.to(socket.id).emit('n', sent++, KILOBYTE),
      () => io.to('b').except('nobody').emit('n', sent++, KILOBYTE),
    ]
    const send = () => (ways[sent % ways.length] as () => void)()
    for (let round = 0; round < 3; round++) {
      client.pause()
      await congest(socket, send)
      // Rooms change hands in the slow lane too.
      socket.leave('a')
      io.to('a').emit('n', 'left')
      socket.join('a')
      for (let i = 0; i < 100; i++) send()
      client.resume()
      await until(() => numbers(client).at(-1) === sent - 1, 'the last of what was sent')
      await until(() => socket.conn.congestion === 'none', 'a client that has caught up')
      // Back on the topics of the engine: seen by what it costs to be left out.
      await until(() => socket.volatile.emit('probe'), 'a client that is not behind')
      for (let i = 0; i < 100; i++) send()
    }
    await until(
      () =>
        numbers(client)
          .filter((n) => n !== undefined)
          .at(-1) ===
        sent - 1,
      'the rest',
    )
    expect(numbers(client).filter((n) => n !== undefined)).toEqual(Array.from({ length: sent }, (_, i) => i))
    healthy[Symbol.dispose]()
    client[Symbol.dispose]()
  }, 60_000)

  test('is told of high and of none, and drained() waits for it', async () => {
    await using server = await startServer(() => {}, { maxOutgoingBytes: 8 * 1024 * 1024 })
    const { client, socket } = await connect(server)
    using _ = client
    const { conn } = socket
    const changes: string[] = []
    conn.on('congestion', (congestion) => changes.push(congestion))
    await conn.drained()
    client.pause()
    await until(() => {
      for (let i = 0; i < 64; i++) socket.emit('n', i, KILOBYTE)
      return conn.congestion === 'high'
    }, 'congestion')
    expect(conn.buffered).toBeGreaterThan(2 * 1024 * 1024)
    let isDrained = false
    const drained = conn.drained().then(() => {
      isDrained = true
    })
    expect(isDrained).toBe(false)
    client.resume()
    await drained
    expect(conn.congestion).toBe('none')
    expect(changes).toEqual(['high', 'none'])
  })

  test('that never comes back is closed with 4010, and who waits for it is told', async () => {
    await using server = await startServer(() => {}, { maxOutgoingBytes: 1_000_000 })
    const { client, socket } = await connect(server)
    using _ = client
    client.pause()
    await congest(socket, () => socket.emit('n', 0, KILOBYTE))
    const waiting = socket.conn.drained()
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'DISCONNECTED' })
    await until(() => {
      for (let i = 0; i < 64 && socket.connected; i++) socket.emit('n', 0, KILOBYTE)
      return !socket.connected
    }, 'the end')
    await outcome
    await expect(socket.conn.drained()).rejects.toMatchObject({ code: 'DISCONNECTED' })
    client.resume()
    await until(() => client.closed)
    expect(client.closed?.code).toBe(CLOSE_CODES.SLOW_CONSUMER)
  })

  test('is disconnected behind everything it was sent', async () => {
    await using server = await startServer(() => {}, { maxOutgoingBytes: 64 * 1024 * 1024 })
    const { client, socket } = await connect(server)
    using _ = client
    client.pause()
    let sent = 0
    const send = () => socket.emit('n', sent++, KILOBYTE)
    await congest(socket, send)
    for (let i = 0; i < 500; i++) send()
    socket.disconnect(true)
    client.resume()
    await until(() => client.closed)
    expect(numbers(client).filter((n) => n !== undefined)).toEqual(Array.from({ length: sent }, (_, i) => i))
    expect(client.closed?.code).toBe(CLOSE_CODES.KICKED)
  })
})

test('volatile events that were left out are counted', async () => {
  await using server = await startServer(() => {}, { maxOutgoingBytes: 64 * 1024 * 1024 })
  const { client, socket } = await connect(server)
  using _ = client
  socket.join('r')
  expect(socket.conn.skipped).toBe(0)
  client.pause()
  await congest(socket, () => server.io.to('r').emit('n', 0, KILOBYTE))
  expect(socket.conn.skipped).toBe(1)
  server.io.to('r').volatile.emit('n')
  expect(socket.conn.skipped).toBe(2)
})

test('a client that answers no ping is slow, and a healthy one beside it is not', async () => {
  await using server = await startServer(() => {}, { maxOutgoingBytes: 400_000 })
  const { client: healthy, socket: fast } = await connect(server)
  using _ = healthy
  const silent = await RawClient.open(server.port, { autoPong: false })
  using __ = silent
  silent.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/' })
  await silent.frame('CONNECTED')
  server.io.socketsJoin('r')
  let sent = 0
  await until(() => {
    for (let i = 0; i < 16; i++) server.io.to('r').emit('n', sent++, KILOBYTE)
    return silent.closed
  }, 'the end of who confirms nothing')
  expect(silent.closed?.code).toBe(CLOSE_CODES.SLOW_CONSUMER)
  await until(() => numbers(healthy).at(-1) === sent - 1, 'everything')
  expect(numbers(healthy)).toEqual(Array.from({ length: sent }, (_, i) => i))
  expect(fast.connected).toBe(true)
})
