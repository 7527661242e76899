import { MESSAGE_TYPES, POLL_CONTENT_TYPE, POLL_HEADERS, POLL_ROUTE, readBatch, writeBatch } from '@roomcast/protocol'
import { httpRequest, openRequest } from '../../http-wire'
import type { Message } from '../../ws-wire'
import { roomcastDialect } from '../roomcast'
import { ANSWERED, JOINED, type PollingDialect, type PollingSession, type PollReaction, UNEXPECTED } from './dialect'

/*
 * Roomcast, PROTOCOL.md, "Polling": POSTs have numbers, and GETs the number of the last frame that has arrived.
 */

const PATH = `/roomcast/${POLL_ROUTE}`
const SESSION = /^[\w-]+\.[\w-]+$/
const TYPE_BITS = 0x1f
const NONE: readonly PollReaction[] = []

const greetingBody = bodyOf(roomcastDialect.greeting())
const callBody = bodyOf(roomcastDialect.call(0))
const answerFrames = framesOf(roomcastDialect.answer(0))

/** Roomcast, protocol version 1. */
export const roomcastPolling: PollingDialect = {
  taken: { status: 204, body: '' },
  open: (port) => httpRequest('POST', port, PATH, ['Content-Type', POLL_CONTENT_TYPE], ''),
  begin(port, body) {
    const session = body.toString('latin1')
    if (!SESSION.test(session)) throw new Error(`a session was given as ${JSON.stringify(session)}`)
    return new Session(port, session)
  },
}

class Session implements PollingSession {
  private readonly get: string
  private readonly post: string
  /** Number of the last POST. */
  private sent = 0
  /** Number of the last frame that has arrived. */
  private received = 0

  constructor(
    private readonly port: number,
    private readonly session: string,
  ) {
    const path = `${PATH}?id=${session.split('.', 1)[0]}`
    this.get = openRequest('GET', port, path, [POLL_HEADERS.session, session, POLL_HEADERS.seq])
    this.post = this.openPost(callBody)
  }

  greeting(): string {
    return `${this.openPost(greetingBody)}${++this.sent}\r\n\r\n${greetingBody}`
  }

  poll(): string {
    return `${this.get}${this.received}\r\n\r\n`
  }

  call(): string {
    return `${this.post}${++this.sent}\r\n\r\n${callBody}`
  }

  take(body: Buffer): readonly PollReaction[] {
    // It was held for a while, and there was nothing.
    if (body.length === 0) return NONE
    if (body.equals(writeBatch(answerFrames, this.received + 1))) {
      this.received++
      return ANSWERED
    }
    let reactions = NONE
    readBatch(body, (frame, number) => {
      const isConnected = ((frame[0] ?? 0) & TYPE_BITS) === MESSAGE_TYPES.CONNECTED
      reactions = isConnected && number === this.received + 1 && reactions === NONE ? JOINED : UNEXPECTED
      this.received = number
    })
    return reactions
  }

  private openPost(body: string): string {
    const headers = ['Content-Type', POLL_CONTENT_TYPE, 'Content-Length', String(body.length)]
    return openRequest('POST', this.port, PATH, [...headers, POLL_HEADERS.session, this.session, POLL_HEADERS.seq])
  }
}

function bodyOf(messages: readonly Message[]): string {
  return Buffer.from(writeBatch(framesOf(messages), -1)).toString('latin1')
}

function framesOf(messages: readonly Message[]): Uint8Array[] {
  return messages.map(({ payload }) => payload)
}
