import { describe, expect, test } from 'vitest'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import { drained, eventsOf, socketOf, startRooms } from './room-support'

/** Positions and what came at them, in order of arrival. */
const seen = (stream: { received: readonly { position: number; args: readonly unknown[] }[] }) =>
  stream.received.map(({ position, args }) => [position, args[0]])

describe('a room with the name of a socket', () => {
  test.each([
    ['rooms with history', {}],
    ['sessions', { connectionStateRecovery: true }],
  ])('is heard by others who have joined it, also when the socket is gone: %s', async (_name, options) => {
    await using server = await startRooms(undefined, options)
    const ada = await RawSession.connect(server.port, { client: null })
    using bob = await RawSession.connect(server.port)
    socketOf(server, bob).join(ada.sid)
    server.io.to(ada.sid).emit('m', 1)
    await drained(ada, bob)
    expect(eventsOf(ada, 'm')).toEqual([[1]])
    expect(eventsOf(bob, 'm')).toEqual([[1]])
    ada.client.terminate()
    await until(() => !server.io.sockets.sockets.has(ada.sid))
    server.io.to(ada.sid).emit('m', 2)
    await drained(bob)
    expect(eventsOf(bob, 'm')).toEqual([[1], [2]])
  })

  test('is heard by the socket when it has come back, and others had joined it', async () => {
    await using server = await startRooms(undefined, { connectionStateRecovery: true })
    const ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    socketOf(server, bob).join(ada.sid)
    await drained(ada, bob)
    ada.client.terminate()
    await until(() => !server.io.sockets.sockets.has(ada.sid))
    using again = await ada.resume(server.port)
    expect(again.sid).toBe(ada.sid)
    server.io.to(ada.sid).emit('m', 1)
    await drained(again, bob)
    expect(eventsOf(again, 'm')).toEqual([[1]])
    expect(eventsOf(bob, 'm')).toEqual([[1]])
  })
})

describe('messages to everybody, on a server that keeps sessions', () => {
  test('have positions for clients with a session', async () => {
    await using server = await startRooms(undefined, { connectionStateRecovery: true })
    using ada = await RawSession.connect(server.port)
    server.io.emit('m', 1)
    socketOf(server, ada).broadcast.emit('m', 2)
    server.io.emit('m', 3)
    await drained(ada)
    const stream = ada.stream(Number(ada.rooms[0]?.[0]))
    expect(seen(stream)).toEqual([
      [1, 1],
      [2 + 1, 3],
    ])
    expect(stream.skips).toEqual([{ from: 2, to: 2 }])
  })

  test('reach a client without a session, in a stream that it knows or in none', async () => {
    await using server = await startRooms(undefined, { connectionStateRecovery: true })
    using ada = await RawSession.connect(server.port, { client: null })
    using bob = await RawSession.connect(server.port)
    server.io.emit('m', 1)
    await drained(ada, bob)
    expect(eventsOf(ada, 'm')).toEqual([[1]])
    // What it has been sent shows a gap, unless it knows the stream: then this closes it.
    await ada.repair(2)
    expect(ada.ended).toEqual([])
  })
})
