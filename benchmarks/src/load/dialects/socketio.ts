import { CALL_EVENT, CALL_VALUE, PAYLOADS, type PayloadName, SAY_EVENT, TICK_EVENT } from '../../payloads'
import { type Message, OPCODES } from '../ws-wire'
import type { Dialect } from './dialect'

/** Socket.IO protocol 5 on Engine.IO protocol 4, WebSocket only, the default JSON parser. */
export const socketioDialect: Dialect = {
  path: '/socket.io/?EIO=4&transport=websocket',
  subprotocol: '',
  joinedAtOpen: false,
  greeting: () => [text('40')],
  react({ payload }) {
    const received = payload.toString()
    if (received.startsWith('40')) return { kind: 'joined' }
    if (received.startsWith('0')) return { kind: 'ignored' }
    if (received === '2') return { kind: 'reply', message: text('3') }
    return { kind: 'unexpected' }
  },
  call: (id) => [text(`42${id}${JSON.stringify([CALL_EVENT, CALL_VALUE])}`)],
  answer: (id) => [text(`43${id}${JSON.stringify([CALL_VALUE])}`)],
  tick: (payload) => event(TICK_EVENT, payload),
  say: (payload) => event(SAY_EVENT, payload),
}

/** An event; bytes are replaced by a placeholder, and follow in a message of their own. */
function event(name: string, payload: PayloadName): Message[] {
  const value = PAYLOADS[payload]
  if (!(value instanceof Uint8Array)) return [text(`42${JSON.stringify([name, value])}`)]
  return [
    text(`451-${JSON.stringify([name, { _placeholder: true, num: 0 }])}`),
    { opcode: OPCODES.BINARY, payload: Buffer.from(value) },
  ]
}

function text(payload: string): Message {
  return { opcode: OPCODES.TEXT, payload: Buffer.from(payload) }
}
