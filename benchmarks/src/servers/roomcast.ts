import { Server } from '@roomcast/server'
import { CALL_EVENT, ROOM, TICK_EVENT, TICK_VALUE } from '../payloads'
import { type ServerUnderTest, serve } from './serve'

/*
 * Roomcast, default options.
 */

await serve(async (): Promise<ServerUnderTest> => {
  const io = new Server()
  io.on('connection', (socket) => {
    socket.join(ROOM)
    socket.on(CALL_EVENT, (value, ack) => ack(value))
  })
  await io.listen({ port: 0, host: '127.0.0.1' })
  return {
    port: io.port,
    members: () => io.of('/').adapter.rooms.get(ROOM)?.size ?? 0,
    publish: () => io.to(ROOM).emit(TICK_EVENT, TICK_VALUE),
  }
})
