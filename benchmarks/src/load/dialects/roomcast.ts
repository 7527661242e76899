import { createCompactCodec, encodeFrame, type FrameFields, MESSAGE_TYPES, SUBPROTOCOL } from '@roomcast/protocol'
import { CALL_EVENT, CALL_VALUE, PAYLOADS, SAY_EVENT, TICK_EVENT } from '../../payloads'
import { type Message, OPCODES } from '../ws-wire'
import type { Dialect } from './dialect'

const codec = createCompactCodec()
const TYPE_BITS = 0x1f

/** Roomcast, protocol version 1. */
export const roomcastDialect: Dialect = {
  path: '/roomcast/ws',
  subprotocol: SUBPROTOCOL,
  joinedAtOpen: false,
  greeting: () => [roomcastMessage({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/' })],
  react({ payload }) {
    const connected = ((payload[0] ?? 0) & TYPE_BITS) === MESSAGE_TYPES.CONNECTED
    return { kind: connected ? 'joined' : 'unexpected' }
  },
  call: (ackId) => [roomcastMessage({ type: MESSAGE_TYPES.EVENT, ackId, event: CALL_EVENT }, [CALL_VALUE])],
  answer: (ackId) => [roomcastMessage({ type: MESSAGE_TYPES.ACK, ackId }, [CALL_VALUE])],
  tick(payload, at) {
    const place = at && { room: at.room, seq: at.position }
    return [roomcastMessage({ type: MESSAGE_TYPES.EVENT, ...place, event: TICK_EVENT }, [PAYLOADS[payload]])]
  },
  say: (payload) => [roomcastMessage({ type: MESSAGE_TYPES.EVENT, event: SAY_EVENT }, [PAYLOADS[payload]])],
}

/** A frame of Roomcast as a WebSocket message. */
export function roomcastMessage(fields: FrameFields, body: unknown): Message {
  return { opcode: OPCODES.BINARY, payload: Buffer.from(encodeFrame(codec, fields, body)) }
}
