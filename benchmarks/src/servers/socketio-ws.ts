import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { CALL_EVENT, ROOM, TICK_EVENT, TICK_VALUE } from '../payloads'
import { type ServerUnderTest, serve } from './serve'

/*
 * Socket.IO as it comes: Node's HTTP server and the `ws` package, default options but for the transport.
 */

await serve(async (): Promise<ServerUnderTest> => {
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'] })
  io.on('connection', (socket) => {
    socket.join(ROOM)
    socket.on(CALL_EVENT, (value, ack) => ack(value))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    port: (http.address() as AddressInfo).port,
    members: () => io.sockets.adapter.rooms.get(ROOM)?.size ?? 0,
    publish: () => io.to(ROOM).emit(TICK_EVENT, TICK_VALUE),
  }
})
