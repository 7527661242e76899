import { Server } from '@roomcast/server'
import { RATE_LIMITS, serveRoomcast } from './serve-roomcast'

/*
 * Roomcast that keeps sessions, and with them the history of every room.
 */

await serveRoomcast(new Server({ connectionStateRecovery: true, rateLimits: RATE_LIMITS }))
