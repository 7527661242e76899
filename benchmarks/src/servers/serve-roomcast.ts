import type { RateLimits, Server } from '@roomcast/server'
import { CALL_EVENT, groupsOf, PAUSED_ROOM, PAYLOADS, ROOM, SAY_EVENT, TICK_EVENT } from '../payloads'
import { serve } from './serve'

/** On, as by default, and out of reach of the load. */
export const RATE_LIMITS: RateLimits = { connection: { messagesPerSecond: 10 ** 6, bytesPerSecond: 10 ** 9 } }

/** Serves the runner's requests with a server that differs from a plain one only in what its maker has set. */
export function serveRoomcast(io: Server): Promise<void> {
  return serve(async (features) => {
    if (features.has('presence')) {
      io.useLogin(({ name }) => ({ id: name, name }))
      io.rooms(ROOM, { presence: { watch: 'members' } })
    }
    io.on('connection', (socket) => {
      socket.join(ROOM)
      if (features.has('paused') && socket.handshake.query.paused !== undefined) socket.join(PAUSED_ROOM)
      if (features.has('groups')) socket.join([...groupsOf(Number(socket.handshake.query.n))])
      socket.on(CALL_EVENT, (value, ack) => ack(value))
    })
    // Apart from the others: a handler that needs its socket would make them all keep it.
    if (features.has('say')) {
      io.on('connection', (socket) => {
        socket.on(SAY_EVENT, (value) => socket.to(ROOM).emit(TICK_EVENT, value))
      })
    }
    await io.listen({ port: 0, host: '127.0.0.1' })
    const { rooms } = io.of('/').adapter
    return {
      port: io.port,
      members: () => rooms.get(ROOM)?.size ?? 0,
      publish: (payload) => io.to(ROOM).emit(TICK_EVENT, PAYLOADS[payload]),
      publishUnion: (payload) => io.to('a').to('b').except('c').emit(TICK_EVENT, PAYLOADS[payload]),
      publishPaused: (bytes) => io.to(PAUSED_ROOM).emit(TICK_EVENT, bytes),
      pausedMembers: () => rooms.get(PAUSED_ROOM)?.size ?? 0,
    }
  })
}
