import { getMessageBytes, Protocol } from '@colyseus/core'
import { CALL_EVENT, CALL_VALUE, PAYLOADS, ROOM, SAY_EVENT, TICK_EVENT } from '../../payloads'
import { postJson } from '../post-json'
import { type Message, OPCODES } from '../ws-wire'
import type { Dialect } from './dialect'

/*
 * Colyseus 0.16. A client asks the matchmaker over HTTP for a seat in the room, opens its WebSocket with it, and confirms the
 * JOIN_ROOM of the server with its own. A message is a type, a name and a value in MessagePack, the same both ways.
 */

/** The matchmaker's answer, as far as it is needed. */
interface Seat {
  readonly room?: { readonly processId: string; readonly roomId: string }
  readonly sessionId?: string
  readonly error?: string
}

/** Colyseus, a room without state. It has no acks: calls and answers are messages without an id. */
export const colyseusDialect: Dialect = {
  path: '',
  subprotocol: '',
  joinedAtOpen: false,
  async prepare(port, traffic) {
    const { room, sessionId, error } = (await postJson(port, `/matchmake/joinOrCreate/${ROOM}`, {}, traffic)) as Seat
    if (!room || !sessionId) throw new Error(`no seat in the room: ${error}`)
    return `/${room.processId}/${room.roomId}?sessionId=${sessionId}`
  },
  greeting: () => [],
  react({ payload }) {
    if (payload[0] !== Protocol.JOIN_ROOM) return { kind: 'unexpected' }
    return { kind: 'joined', reply: binary(Buffer.from([Protocol.JOIN_ROOM])) }
  },
  call: () => [message(CALL_EVENT, CALL_VALUE)],
  answer: () => [message(CALL_EVENT, CALL_VALUE)],
  tick: (payload) => [message(TICK_EVENT, PAYLOADS[payload])],
  say: (payload) => [message(SAY_EVENT, PAYLOADS[payload])],
}

/** Bytes have a type of their own, and go as they are. */
function message(name: string, value: unknown): Message {
  if (value instanceof Uint8Array) {
    return binary(getMessageBytes.raw(Protocol.ROOM_DATA_BYTES, name, undefined, Buffer.from(value)))
  }
  return binary(getMessageBytes.raw(Protocol.ROOM_DATA, name, value))
}

function binary(payload: Buffer): Message {
  return { opcode: OPCODES.BINARY, payload }
}
