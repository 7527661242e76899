// A user's program as ES module: a server, a client, one event with an ack, and a clean end.
import assert from 'node:assert/strict'
import { io as connect } from '@roomcast/client'
import { Server } from '@roomcast/server'

const io = new Server()
io.on('connection', (socket) => {
  socket.on('ping', (count, ack) => ack(count + 1))
})
await io.listen(0)

const socket = connect(io.url)
assert.equal(await socket.emitWithAck('ping', 1), 2)
socket.close()
await io.close()
console.log('answered 2')
