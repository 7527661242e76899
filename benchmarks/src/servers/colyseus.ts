import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Client, Room, Server } from '@colyseus/core'
import { WebSocketTransport } from '@colyseus/ws-transport'
import { CALL_EVENT, PAYLOADS, ROOM, SAY_EVENT, TICK_EVENT } from '../payloads'
import { type ServerUnderTest, serve } from './serve'

/*
 * Colyseus on the `ws` package, default options but for host and port: one room without state, into which the matchmaker
 * lets everybody. It has no acks: a call is answered with a message of the same name.
 */

await serve(async (features): Promise<ServerUnderTest> => {
  let room: Room | undefined

  class BenchmarkRoom extends Room {
    override onCreate(): void {
      room = this
      this.onMessage(CALL_EVENT, (client: Client, value: unknown) => client.send(CALL_EVENT, value))
      if (features.has('say')) {
        this.onMessage(SAY_EVENT, (client: Client, value: unknown) =>
          this.broadcast(TICK_EVENT, value, { except: client }),
        )
      }
    }
  }

  const http = createServer()
  const server = new Server({ transport: new WebSocketTransport({ server: http }) })
  server.define(ROOM, BenchmarkRoom)
  await server.listen(0, '127.0.0.1')
  return {
    port: (http.address() as AddressInfo).port,
    members: () => room?.clients.length ?? 0,
    publish: (payload) => room?.broadcast(TICK_EVENT, PAYLOADS[payload]),
  }
})
