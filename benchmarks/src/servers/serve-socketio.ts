import type { Server } from 'socket.io'
import { CALL_EVENT, groupsOf, PAUSED_ROOM, PAYLOADS, ROOM, SAY_EVENT, TICK_EVENT } from '../payloads'
import type { Feature, ServerUnderTest } from './serve'
import { addSocketioPresence } from './socketio/presence'

/** What connections come by. */
export function socketioTransports(features: ReadonlySet<Feature>): ['polling' | 'websocket'] {
  return [features.has('polling') ? 'polling' : 'websocket']
}

/** The application on a server of Socket.IO, whatever it listens with. */
export function socketioApplication(io: Server, features: ReadonlySet<Feature>): Omit<ServerUnderTest, 'port'> {
  io.on('connection', (socket) => {
    socket.join(ROOM)
    if (features.has('paused') && socket.handshake.query.paused !== undefined) socket.join(PAUSED_ROOM)
    if (features.has('groups')) socket.join([...groupsOf(Number(socket.handshake.query.n))])
    socket.on(CALL_EVENT, (value, ack) => ack(value))
    if (features.has('say')) socket.on(SAY_EVENT, (value) => socket.to(ROOM).emit(TICK_EVENT, value))
  })
  if (features.has('presence')) addSocketioPresence(io)
  return {
    members: () => io.sockets.adapter.rooms.get(ROOM)?.size ?? 0,
    publish: (payload) => io.to(ROOM).emit(TICK_EVENT, PAYLOADS[payload]),
    publishUnion: (payload) => io.to('a').to('b').except('c').emit(TICK_EVENT, PAYLOADS[payload]),
    publishPaused: (bytes) => io.to(PAUSED_ROOM).emit(TICK_EVENT, bytes),
    pausedMembers: () => io.sockets.adapter.rooms.get(PAUSED_ROOM)?.size ?? 0,
  }
}
