import { Server } from '@roomcast/server'
import { ROOM } from '../payloads'
import { RATE_LIMITS, serveRoomcast } from './serve-roomcast'

/*
 * Roomcast, default options, in a room that keeps its history.
 */

const io = new Server({ rateLimits: RATE_LIMITS })
io.rooms(ROOM, { history: true })
await serveRoomcast(io)
