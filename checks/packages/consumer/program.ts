// A user's typed program. Compiled as .mts, .cts and .ts; the last lines prove that nothing has become `any`.
import { io as connect, type Socket } from '@roomcast/client'
import { RoomcastError } from '@roomcast/protocol'
import { Server } from '@roomcast/server'

interface ClientToServer {
  ping: (count: number, ack: (next: number) => void) => void
}

interface ServerToClient {
  news: (text: string) => void
}

export async function main(): Promise<number> {
  const io = new Server<ClientToServer, ServerToClient>()
  io.on('connection', (socket) => {
    socket.on('ping', (count, ack) => ack(count + 1))
    socket.emit('news', 'welcome')
  })
  await io.listen(0)

  const socket: Socket<ServerToClient, ClientToServer> = connect(io.url)
  socket.on('news', (text) => text.toUpperCase())
  const next: number = await socket.emitWithAck('ping', 1)
  socket.close()
  await io.close()
  return next
}

export function wrong(socket: Socket<ServerToClient, ClientToServer>): RoomcastError {
  // @ts-expect-error the server has no such event
  socket.emit('pong', 1)
  // @ts-expect-error the count is a number
  socket.emit('ping', 'one', () => {})
  // @ts-expect-error the client does not receive this
  socket.on('ping', () => {})
  return new RoomcastError('ACK_TIMEOUT', 'late')
}
