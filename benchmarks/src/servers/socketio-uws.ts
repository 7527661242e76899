import { Server } from 'socket.io'
import { App } from 'uws-pack'
import { listen } from './raw/listen'
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
  const port = await listen(app)
  return { port, ...application }
})
