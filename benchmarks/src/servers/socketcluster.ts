import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AGServer, type AGServerSocket, attach } from 'socketcluster-server'
import { CALL_EVENT, PAYLOADS, ROOM } from '../payloads'
import { type ServerUnderTest, serve } from './serve'

/*
 * SocketCluster on the `ws` package, default options but for host and port. The room is a channel, to which clients
 * subscribe themselves; a call is a procedure.
 */

/** Its encoding knows a Buffer, and takes every other array for an object. */
const VALUES = { ...PAYLOADS, binary: Buffer.from(PAYLOADS.binary) }

await serve(async (): Promise<ServerUnderTest> => {
  const http = createServer()
  const server = attach(http)
  void acceptSockets(server)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    port: (http.address() as AddressInfo).port,
    members: () => Object.values(server.clients).filter((socket) => socket.isSubscribed(ROOM)).length,
    publish(payload) {
      void server.exchange.transmitPublish(ROOM, VALUES[payload])
    },
  }
})

async function acceptSockets(server: AGServer): Promise<void> {
  for await (const { socket } of server.listener('connection')) void answerCalls(socket)
}

async function answerCalls(socket: AGServerSocket): Promise<void> {
  for await (const request of socket.procedure(CALL_EVENT)) request.end(request.data)
}
