import {
  createCompactCodec,
  createHeader,
  MESSAGE_TYPES,
  readArguments,
  readHeader,
  readNamedBody,
  SUBPROTOCOL,
} from '@roomcast/protocol'
import { ROOM } from '../../../payloads'
import type { Message } from '../../ws-wire'
import { roomcastDialect, roomcastMessage } from '../roomcast'
import type { PresenceDialect, PresenceNews } from './dialect'

/*
 * Roomcast's user lists (PROTOCOL.md, section 11): a client asks with `watch`, gets the list in pages, and from then on
 * notices with the rows of those who have come and the ids of those who are gone.
 */

const codec = createCompactCodec()
const header = createHeader()
const UNEXPECTED: PresenceNews = { kind: 'unexpected' }

/** Roomcast, protocol version 1. */
export const roomcastPresence: PresenceDialect = {
  subprotocol: SUBPROTOCOL,
  joinedAtOpen: false,
  path: () => roomcastDialect.path,
  greeting: (name) => [roomcastMessage({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/', auth: { name } })],
  watch: () => [request('watch', ROOM, 'users')],
  read({ payload }) {
    const { type, bodyStart } = readHeader(payload, header)
    switch (type) {
      case MESSAGE_TYPES.CONNECTED:
        return { kind: 'joined' }
      case MESSAGE_TYPES.ACK:
        return readList(readArguments(codec.decode(payload, bodyStart)))
      case MESSAGE_TYPES.NOTICE:
        return readNotice(readNamedBody(codec.decode(payload, bodyStart)))
      default:
        return UNEXPECTED
    }
  },
  leave: () => [roomcastMessage({ type: MESSAGE_TYPES.DISCONNECT }, null)],
}

function request(...body: readonly unknown[]): Message {
  return roomcastMessage({ type: MESSAGE_TYPES.REQUEST, ackId: 0 }, body)
}

/** The answer to `watch`, or to `users`. */
function readList([first, second]: readonly unknown[]): PresenceNews {
  const { users = first, next = second } = (Array.isArray(first) ? {} : first) as { users?: unknown; next?: unknown }
  if (!Array.isArray(users)) return UNEXPECTED
  return {
    kind: 'list',
    names: users.map(idOf),
    next: typeof next === 'number' ? request('users', ROOM, next) : undefined,
  }
}

function readNotice([name, room, , , changed, gone]: readonly unknown[]): PresenceNews {
  if (name !== 'users' || room !== ROOM || !Array.isArray(changed) || !Array.isArray(gone)) return UNEXPECTED
  // A row without a profile is of somebody who is known already.
  return { kind: 'changes', came: changed.filter((row) => row.length > 3).map(idOf), gone }
}

function idOf(row: readonly unknown[]): string {
  return String(row[0])
}
