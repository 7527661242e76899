import { Server } from '@roomcast/server'
import { RATE_LIMITS, serveRoomcast } from './serve-roomcast'

/*
 * Roomcast, default options.
 */

await serveRoomcast(new Server({ rateLimits: RATE_LIMITS }))
