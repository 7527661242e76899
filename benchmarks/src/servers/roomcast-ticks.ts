import { Server } from '@roomcast/server'
import { ROOM } from '../payloads'
import { RATE_LIMITS, serveRoomcast } from './serve-roomcast'

/*
 * Roomcast, default options, in a room whose messages leave together every 5 milliseconds.
 */

const io = new Server({ rateLimits: RATE_LIMITS })
io.rooms(ROOM, { flush: { tickMs: 5 } })
await serveRoomcast(io)
