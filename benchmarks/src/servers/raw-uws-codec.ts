import { createCompactCodec, createHeader, encodeFrame, MESSAGE_TYPES, readHeader } from '@roomcast/protocol'
import { App } from 'uws-pack'
import { listen } from './raw/listen'
import { type ServerUnderTest, serve } from './serve'

/*
 * uWebSockets.js that reads what it is sent, and writes what it answers, in Roomcast's encoding. There are no names of events, no
 * handlers, no limits, no order: what is between this and Roomcast is Roomcast, what is below is the codec.
 */

await serve(async (): Promise<ServerUnderTest> => {
  const codec = createCompactCodec()
  const header = createHeader()
  const members = new Set<object>()
  const app = App().ws('/*', {
    idleTimeout: 120,
    maxBackpressure: 1_048_576,
    maxPayloadLength: 1_048_576,
    open(ws) {
      members.add(ws)
    },
    message(ws, message) {
      const frame = new Uint8Array(message)
      const { ackId, event, bodyStart } = readHeader(frame, header)
      // As the raw server: the answer is the call.
      const fields = { type: MESSAGE_TYPES.EVENT, ackId, event }
      ws.send(encodeFrame(codec, fields, codec.decode(frame, bodyStart)), true)
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
      throw new Error('this server only answers')
    },
  }
})
