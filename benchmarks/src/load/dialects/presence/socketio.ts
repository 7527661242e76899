import { JOINED_EVENT, LEFT_EVENT, WATCH_EVENT } from '../../../payloads'
import { type Message, OPCODES } from '../../ws-wire'
import { socketioDialect } from '../socketio'
import type { PresenceDialect, PresenceNews } from './dialect'

/** Socket.IO: an event for each who comes or goes, to those who have asked, with an ack, who is there. */
export const socketioPresence: PresenceDialect = {
  subprotocol: '',
  joinedAtOpen: false,
  path: () => socketioDialect.path,
  greeting: (name) => [text(`40${JSON.stringify({ name })}`)],
  watch: () => [text(`420${JSON.stringify([WATCH_EVENT])}`)],
  read: ({ payload }) => readPacket(payload.toString()),
  leave: () => [text('41')],
}

function readPacket(packet: string): PresenceNews {
  if (packet.startsWith('42')) return readEvent(JSON.parse(packet.slice(2)))
  if (packet.startsWith('430')) return { kind: 'list', names: JSON.parse(packet.slice(3))[0], next: undefined }
  if (packet.startsWith('40')) return { kind: 'joined' }
  if (packet.startsWith('0')) return { kind: 'ignored' }
  return packet === '2' ? { kind: 'reply', message: text('3') } : { kind: 'unexpected' }
}

function readEvent([event, name]: readonly string[]): PresenceNews {
  if (name === undefined) return { kind: 'unexpected' }
  if (event === JOINED_EVENT) return { kind: 'changes', came: [name], gone: [] }
  return event === LEFT_EVENT ? { kind: 'changes', came: [], gone: [name] } : { kind: 'unexpected' }
}

function text(payload: string): Message {
  return { opcode: OPCODES.TEXT, payload: Buffer.from(payload) }
}
