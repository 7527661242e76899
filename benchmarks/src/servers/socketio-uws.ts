import { Server } from 'socket.io'
import { App, us_socket_local_port } from 'uws-pack'
import { serve } from './serve'
import { socketioApplication, socketioTransports } from './serve-socketio'

/*
 * Socket.IO on uWebSockets.js by `attachApp`, default options but for the transport.
 */

await serve(async (features) => {
  const app = App()
  const io = new Server({ transports: socketioTransports(features) })
  io.attachApp(app)
  const application = socketioApplication(io, features)
  const port = await new Promise<number>((resolve, reject) => {
    app.listen('127.0.0.1', 0, (socket) =>
      socket ? resolve(us_socket_local_port(socket)) : reject(new Error('listen')),
    )
  })
  return { port, ...application }
})
