import type { DialectName } from '..'
import type { PollingDialect } from './dialect'
import { rawPolling } from './raw'
import { roomcastPolling } from './roomcast'
import { socketioPolling } from './socketio'

/** How clients poll, by the name of their dialect on WebSocket; those that are missing do not. */
export const POLLING_DIALECTS: Readonly<Partial<Record<DialectName, PollingDialect>>> = {
  raw: rawPolling,
  roomcast: roomcastPolling,
  socketio: socketioPolling,
}
