import { createCompactCodec, createHeader, MESSAGE_TYPES, readArguments, readHeader } from '@roomcast/protocol'
import { JOINED_EVENT, LEFT_EVENT } from '../../../payloads'
import type { Message } from '../../ws-wire'
import { roomcastMessage } from '../roomcast'
import type { PresenceDialect, PresenceNews } from './dialect'

/** Paths of those who are in the room, and of those who also see who is there; `?name=` follows. */
export const RAW_PRESENCE_PATHS = { present: '/present', watching: '/watching' } as const

const codec = createCompactCodec()
const header = createHeader()

/** Bare WebSockets: an event for each who comes or goes, in Roomcast's bytes. */
export const rawPresence: PresenceDialect = {
  subprotocol: '',
  joinedAtOpen: true,
  path: (name, isWatching) => `${isWatching ? RAW_PRESENCE_PATHS.watching : RAW_PRESENCE_PATHS.present}?name=${name}`,
  greeting: () => [],
  watch: () => [],
  read: ({ payload }) => readEvent(payload),
  leave: () => [],
}

/** The message that says who has come or gone. */
export function rawPresenceMessage(event: typeof JOINED_EVENT | typeof LEFT_EVENT, name: string): Message {
  return roomcastMessage({ type: MESSAGE_TYPES.EVENT, event }, [name])
}

function readEvent(payload: Buffer): PresenceNews {
  const { type, event, bodyStart } = readHeader(payload, header)
  if (type !== MESSAGE_TYPES.EVENT) return { kind: 'unexpected' }
  const [name] = readArguments(codec.decode(payload, bodyStart))
  if (typeof name !== 'string') return { kind: 'unexpected' }
  if (event === JOINED_EVENT) return { kind: 'changes', came: [name], gone: [] }
  return event === LEFT_EVENT ? { kind: 'changes', came: [], gone: [name] } : { kind: 'unexpected' }
}
