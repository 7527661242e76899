import type { Server } from 'socket.io'
import { JOINED_EVENT, LEFT_EVENT, WATCH_EVENT } from '../../payloads'

const WATCHERS = 'watchers'

/** Tells those who have asked who is there whenever somebody comes or goes. */
export function addSocketioPresence(io: Server): void {
  const names = new Set<string>()
  io.on('connection', (socket) => {
    const { name } = socket.handshake.auth as { name: string }
    names.add(name)
    io.to(WATCHERS).emit(JOINED_EVENT, name)
    socket.on(WATCH_EVENT, (ack) => {
      socket.join(WATCHERS)
      ack([...names])
    })
    socket.on('disconnect', () => {
      names.delete(name)
      io.to(WATCHERS).emit(LEFT_EVENT, name)
    })
  })
}
