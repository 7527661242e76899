import type { DialectName } from '..'
import type { PresenceDialect } from './dialect'
import { rawPresence } from './raw'
import { roomcastPresence } from './roomcast'
import { socketioPresence } from './socketio'

/** How clients see who is in a room, by the name of their dialect; those that are missing do not. */
export const PRESENCE_DIALECTS: Readonly<Partial<Record<DialectName, PresenceDialect>>> = {
  raw: rawPresence,
  roomcast: roomcastPresence,
  socketio: socketioPresence,
}
