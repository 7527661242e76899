import { App, us_socket_local_port } from 'uws-pack'
import { rawDialect } from '../load/dialects/raw'
import { ROOM } from '../payloads'
import { type ServerUnderTest, serve } from './serve'

/*
 * uWebSockets.js with nothing on top: the limit of the engine. Calls are echoed, ticks are bytes made in
 * advance.
 */

const IDLE_TIMEOUT_S = 120
const MAX_PAYLOAD_BYTES = 1_048_576
const MAX_BACKPRESSURE_BYTES = 1_048_576

await serve(async (): Promise<ServerUnderTest> => {
  const members = new Set<object>()
  const tick = rawDialect.tick().payload
  const app = App().ws('/*', {
    idleTimeout: IDLE_TIMEOUT_S,
    maxBackpressure: MAX_BACKPRESSURE_BYTES,
    maxPayloadLength: MAX_PAYLOAD_BYTES,
    open(ws) {
      members.add(ws)
      ws.subscribe(ROOM)
    },
    message(ws, message, isBinary) {
      ws.send(message, isBinary)
    },
    close(ws) {
      members.delete(ws)
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    app.listen('127.0.0.1', 0, (socket) =>
      socket ? resolve(us_socket_local_port(socket)) : reject(new Error('listen')),
    )
  })
  return {
    port,
    members: () => members.size,
    publish: () => app.publish(ROOM, tick, true),
  }
})
