import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { rawDialect } from '../load/dialects/raw'
import { type ServerUnderTest, serve } from './serve'

/*
 * The `ws` package with nothing on top: the room is the server's own set of clients, and a tick is a loop
 * over it, as in the package's README.
 */

const MAX_PAYLOAD_BYTES = 1_048_576

await serve(async (): Promise<ServerUnderTest> => {
  const tick = rawDialect.tick().payload
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: MAX_PAYLOAD_BYTES })
  server.on('connection', (ws) => {
    ws.on('message', (message, isBinary) => ws.send(message, { binary: isBinary }))
  })
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    members: () => server.clients.size,
    publish() {
      for (const client of server.clients) client.send(tick)
    },
  }
})
