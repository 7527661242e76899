import { Server } from 'socket.io'
import { App, us_socket_local_port } from 'uws-pack'
import { CALL_EVENT, ROOM, TICK_EVENT, TICK_VALUE } from '../payloads'
import { type ServerUnderTest, serve } from './serve'

/*
 * Socket.IO on uWebSockets.js by `attachApp`, default options but for the transport.
 */

await serve(async (): Promise<ServerUnderTest> => {
  const app = App()
  const io = new Server({ transports: ['websocket'] })
  io.attachApp(app)
  io.on('connection', (socket) => {
    socket.join(ROOM)
    socket.on(CALL_EVENT, (value, ack) => ack(value))
  })
  const port = await new Promise<number>((resolve, reject) => {
    app.listen('127.0.0.1', 0, (socket) =>
      socket ? resolve(us_socket_local_port(socket)) : reject(new Error('listen')),
    )
  })
  return {
    port,
    members: () => io.sockets.adapter.rooms.get(ROOM)?.size ?? 0,
    publish: () => io.to(ROOM).emit(TICK_EVENT, TICK_VALUE),
  }
})
