import { Server as Engine } from '@socket.io/bun-engine'
import { Server } from 'socket.io'
import { bun } from '../process/bun'
import { serve } from './serve'
import { socketioApplication } from './serve-socketio'

/*
 * Socket.IO under Bun, on its engine for the server of Bun, default options but for host, port, and the path, which is
 * the one that Socket.IO's clients use.
 */

await serve(async (features) => {
  if (!bun) throw new Error('this server runs under Bun')
  const io = new Server()
  const engine = new Engine({ path: '/socket.io/' })
  io.bind(engine)
  const application = socketioApplication(io, features)
  const { port } = bun.serve({ hostname: '127.0.0.1', port: 0, ...engine.handler() })
  return { port, ...application }
})
