// The same program as CommonJS module.
const assert = require('node:assert/strict')
const { io: connect } = require('@roomcast/client')
const { Server } = require('@roomcast/server')

async function main() {
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
}

main()
