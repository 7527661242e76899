import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import * as parser from 'socket.io-msgpack-parser'
import { serve } from './serve'
import { socketioApplication } from './serve-socketio'

/*
 * Socket.IO on Node's HTTP server and the `ws` package with its MessagePack parser, default options but for the parser
 * and the transport.
 */

await serve(async (features) => {
  const http = createServer()
  const application = socketioApplication(new Server(http, { transports: ['websocket'], parser }), features)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return { port: (http.address() as AddressInfo).port, ...application }
})
