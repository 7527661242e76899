import { httpRequest } from '../../http-wire'
import type { Message } from '../../ws-wire'
import { socketioDialect } from '../socketio'
import { ANSWERED, JOINED, type PollingDialect, type PollReaction, UNEXPECTED } from './dialect'

const PATH = '/socket.io/?EIO=4&transport=polling'
/** Between the packets of one body. */
const SEPARATOR = '\x1e'
const HEADERS = ['Content-Type', 'text/plain;charset=UTF-8']

/** Socket.IO protocol 5 on Engine.IO protocol 4, polling only, the default JSON parser. */
export const socketioPolling: PollingDialect = {
  taken: { status: 200, body: 'ok' },
  open: (port) => httpRequest('GET', port, PATH, []),
  begin(port, body) {
    const packet = body.toString('latin1')
    if (!packet.startsWith('0')) throw new Error(`a session was given as ${JSON.stringify(packet)}`)
    const { sid } = JSON.parse(packet.slice(1)) as { sid: string }
    const path = `${PATH}&sid=${sid}`
    const get = httpRequest('GET', port, path, [])
    const postOf = (text: string) => httpRequest('POST', port, path, HEADERS, text)
    const post = postOf(packetsOf(socketioDialect.call(0)))
    const pong: PollReaction = { kind: 'reply', request: postOf('3') }
    const answer = packetsOf(socketioDialect.answer(0))
    const answerBytes = Buffer.from(answer)
    const react = (text: string): readonly PollReaction[] => {
      if (text.startsWith('40')) return JOINED
      if (text === '2') return [pong]
      return text === answer ? ANSWERED : UNEXPECTED
    }
    return {
      greeting: () => postOf('40'),
      poll: () => get,
      call: () => post,
      take: (bytes) =>
        bytes.equals(answerBytes) ? ANSWERED : bytes.toString('latin1').split(SEPARATOR).flatMap(react),
    }
  },
}

function packetsOf(messages: readonly Message[]): string {
  return messages.map(({ payload }) => payload.toString('latin1')).join(SEPARATOR)
}
