import { Server } from '@roomcast/server'
import { serveRoomcast } from './serve-roomcast'

/*
 * Roomcast, default options.
 */

await serveRoomcast(new Server())
