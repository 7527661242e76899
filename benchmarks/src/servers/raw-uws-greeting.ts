import {
  type ConnectedBody,
  createCompactCodec,
  encodeFrame,
  LIMITS,
  MESSAGE_TYPES,
  SUBPROTOCOL,
} from '@roomcast/protocol'
import { App } from 'uws-pack'
import { ROOM } from '../payloads'
import { listen } from './raw/listen'
import { type ServerUnderTest, serve } from './serve'

/*
 * uWebSockets.js for a protocol in which a client says who it is before it is let in, as it does in Roomcast and in Socket.IO:
 * what the request tells is kept, and one message is answered with one. Nothing is checked, and nothing is remembered of the message.
 * It is the least that such a protocol costs, and no row of its own but for connecting.
 */

/** As long as an id of Roomcast. */
const ID = 'abcdefghijklmnopqrst'
const ENGINE_LIMITS = { idleTimeout: 120, maxBackpressure: 1_048_576, maxPayloadLength: 1_048_576 }

interface Greeted {
  readonly headers: string
  readonly address: string
}

await serve(async (): Promise<ServerUnderTest> => {
  const codec = createCompactCodec()
  const limits = { frameBytes: LIMITS.frameBytes, pingIntervalMs: 5_000, pingTimeoutMs: 5_000 }
  const body: ConnectedBody = { nsp: '/', sid: ID, limits }
  const members = new Set<object>()
  const app = App().ws<Greeted>('/*', {
    ...ENGINE_LIMITS,
    upgrade(res, req, context) {
      const lines: string[] = []
      req.forEach((name, value) => {
        lines.push(`${name}\0${value}`)
      })
      res.upgrade(
        { headers: lines.join('\n'), address: Buffer.from(res.getRemoteAddressAsText()).toString('latin1') },
        req.getHeader('sec-websocket-key'),
        SUBPROTOCOL,
        req.getHeader('sec-websocket-extensions'),
        context,
      )
    },
    message(ws) {
      members.add(ws)
      ws.subscribe(ROOM)
      ws.send(encodeFrame(codec, { type: MESSAGE_TYPES.CONNECTED }, body), true)
    },
    close(ws) {
      members.delete(ws)
    },
  })
  const port = await listen(app)
  return {
    port,
    members: () => members.size,
    publish() {
      throw new Error('this server only greets')
    },
  }
})
