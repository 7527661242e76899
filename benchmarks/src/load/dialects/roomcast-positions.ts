import { randomBytes } from 'node:crypto'
import {
  createCompactCodec,
  createHeader,
  isCount,
  MESSAGE_TYPES,
  readConnectedBody,
  readHeader,
  readNamedBody,
} from '@roomcast/protocol'
import { type Message, OPCODES } from '../ws-wire'
import type { Dialect, Reaction } from './dialect'
import { roomcastDialect, roomcastMessage } from './roomcast'

/*
 * Roomcast in a room with positions (PROTOCOL.md, section 12): a client is in it with the notice `joined`, which tells
 * the number of the room and the position behind which its messages follow.
 */

/** As long as that of Roomcast's client. */
const SECRET_BYTES = 16

const codec = createCompactCodec()
const header = createHeader()

/** Of a server that keeps the history of the room. */
export const roomcastHistoryDialect: Dialect = {
  ...roomcastDialect,
  react: (message) => untilJoined(message, false),
}

/** Of a server that keeps sessions: each client names itself, and is given one. */
export const roomcastRecoveryDialect: Dialect = {
  ...roomcastDialect,
  greeting() {
    const client = randomBytes(SECRET_BYTES).toString('hex')
    return [roomcastMessage({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/', client })]
  },
  react: (message) => untilJoined(message, true),
}

function untilJoined({ opcode, payload }: Message, hasSession: boolean): Reaction {
  if (opcode !== OPCODES.BINARY) return { kind: 'unexpected' }
  const { type, bodyStart } = readHeader(payload, header)
  if (type === MESSAGE_TYPES.CONNECTED) {
    const { session } = readConnectedBody(codec.decode(payload, bodyStart))
    return { kind: (session !== undefined) === hasSession ? 'ignored' : 'unexpected' }
  }
  if (type !== MESSAGE_TYPES.NOTICE) return { kind: 'unexpected' }
  const [name, room, position] = readNamedBody(codec.decode(payload, bodyStart))
  if (name !== 'joined' || !isCount(room) || !isCount(position)) return { kind: 'unexpected' }
  return { kind: 'joined', place: { room, position } }
}
