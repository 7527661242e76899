import { CALL_EVENT, CALL_VALUE, PAYLOADS, ROOM } from '../../payloads'
import { type Message, OPCODES } from '../ws-wire'
import type { Dialect } from './dialect'

/*
 * SocketCluster, protocol version 2: JSON in text messages, and the empty message as ping and pong. A request has a `cid`,
 * and its response the same number as `rid`. Bytes are base64 in an object.
 */

const HANDSHAKE_ID = 1
const SUBSCRIBE_ID = 2
const ACCEPTED = `{"rid":${HANDSHAKE_ID},"data":{`
const SUBSCRIBED = `{"rid":${SUBSCRIBE_ID}}`

/** SocketCluster: a member is who has subscribed to the channel of the room; a call is a procedure. */
export const socketclusterDialect: Dialect = {
  path: '/socketcluster/',
  subprotocol: '',
  joinedAtOpen: false,
  greeting: () => [json({ event: '#handshake', data: { authToken: null }, cid: HANDSHAKE_ID })],
  react({ payload }) {
    const received = payload.toString()
    if (received === '') return { kind: 'reply', message: text('') }
    if (received === SUBSCRIBED) return { kind: 'joined' }
    if (!received.startsWith(ACCEPTED)) return { kind: 'unexpected' }
    return { kind: 'reply', message: json({ event: '#subscribe', data: { channel: ROOM }, cid: SUBSCRIBE_ID }) }
  },
  call: (id) => [json({ event: CALL_EVENT, data: CALL_VALUE, cid: id })],
  answer: (id) => [json({ rid: id, data: CALL_VALUE })],
  tick(payload) {
    const value = PAYLOADS[payload]
    const data = value instanceof Uint8Array ? { base64: true, data: Buffer.from(value).toString('base64') } : value
    return [json({ event: '#publish', data: { channel: ROOM, data } })]
  },
}

function json(value: unknown): Message {
  return text(JSON.stringify(value))
}

function text(payload: string): Message {
  return { opcode: OPCODES.TEXT, payload: Buffer.from(payload) }
}
