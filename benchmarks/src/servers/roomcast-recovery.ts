import { Server } from '@roomcast/server'
import { serveRoomcast } from './serve-roomcast'

/*
 * Roomcast that keeps sessions, and with them the history of every room.
 */

await serveRoomcast(new Server({ connectionStateRecovery: true }))
