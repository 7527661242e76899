import { rawPresenceMessage } from '../../load/dialects/presence/raw'
import { JOINED_EVENT, LEFT_EVENT } from '../../payloads'

/** The bytes that say that somebody has come. */
export function joinedBytes(name: string): Buffer {
  return rawPresenceMessage(JOINED_EVENT, name).payload
}

/** The bytes that say that somebody has gone. */
export function leftBytes(name: string): Buffer {
  return rawPresenceMessage(LEFT_EVENT, name).payload
}
