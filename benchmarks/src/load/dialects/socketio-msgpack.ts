import { Encoder, PacketType } from 'socket.io-msgpack-parser'
import { CALL_EVENT, CALL_VALUE, PAYLOADS, SAY_EVENT, TICK_EVENT } from '../../payloads'
import { type Message, OPCODES } from '../ws-wire'
import type { Dialect } from './dialect'
import { socketioDialect } from './socketio'

/*
 * Socket.IO protocol 5 with the MessagePack parser: a packet is a map in a binary message, while Engine.IO's own packets
 * (open, ping, pong) stay text. The bytes depend on the order of the keys: it is that of socket.io and socket.io-client 4.8.
 */

const NAMESPACE = '/'
/** A flag of the client for its own transport, which this parser sends along. */
const CLIENT_OPTIONS = { compress: true }
/** The first key and value of CONNECT, behind the byte that counts the keys. */
const CONNECT = packet({ type: PacketType.CONNECT }).payload.subarray(1)

/** Socket.IO on WebSocket, MessagePack. */
export const socketioMsgpackDialect: Dialect = {
  ...socketioDialect,
  greeting: () => [packet({ type: PacketType.CONNECT, data: undefined, nsp: NAMESPACE })],
  react(message) {
    if (message.opcode === OPCODES.TEXT) return socketioDialect.react(message)
    return { kind: message.payload.subarray(1).indexOf(CONNECT) === 0 ? 'joined' : 'unexpected' }
  },
  call(id) {
    const data = [CALL_EVENT, CALL_VALUE]
    return [packet({ type: PacketType.EVENT, data, options: CLIENT_OPTIONS, id, nsp: NAMESPACE })]
  },
  answer: (id) => [packet({ id, type: PacketType.ACK, data: [CALL_VALUE], nsp: NAMESPACE })],
  tick: (payload) => [packet({ type: PacketType.EVENT, data: [TICK_EVENT, PAYLOADS[payload]], nsp: NAMESPACE })],
  say(payload) {
    const data = [SAY_EVENT, PAYLOADS[payload]]
    return [packet({ type: PacketType.EVENT, data, options: CLIENT_OPTIONS, nsp: NAMESPACE })]
  },
}

function packet(fields: object): Message {
  // Its types promise an ArrayBuffer; it makes a list of one Buffer.
  const [payload] = new Encoder().encode(fields) as unknown as [Buffer]
  return { opcode: OPCODES.BINARY, payload }
}
