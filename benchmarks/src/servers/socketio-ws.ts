import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { serve } from './serve'
import { socketioApplication, socketioTransports } from './serve-socketio'

/*
 * Socket.IO as it comes: Node's HTTP server and the `ws` package, default options but for the transport.
 */

await serve(async (features) => {
  const http = createServer()
  const application = socketioApplication(new Server(http, { transports: socketioTransports(features) }), features)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return { port: (http.address() as AddressInfo).port, ...application }
})
