import type { FrameFields, NamedBody } from '@roomcast/protocol'
import type { Answer } from '../inbound/deliver'
import { ACK, ACK_ERROR, CALL, DISCONNECT, EVENT, REQUEST } from '../tables'
import type { SocketLink } from './socket-link'

/** What a socket sends on the link: with the number of its namespace, which is another one on each connection. */
export class NamespaceLink {
  #number = 0
  /** Raised at each end: a session that is resumed has the same id. */
  #era = 0
  readonly #link: SocketLink

  constructor(link: SocketLink) {
    this.#link = link
  }

  /** The server has named the namespace. */
  begin(number: number): void {
    this.#number = number
  }

  /** The namespace is over, or the link. */
  end(): void {
    this.#era++
  }

  /** As {@link SenderHost.sendEvent}. */
  sendEvent(event: string, ackId: number, body: Uint8Array, isCall: boolean): void {
    this.#link.sendBody({ type: isCall ? CALL : EVENT, namespace: this.#number, ackId, event }, body)
  }

  /** As {@link SenderHost.sendRequest}. */
  sendRequest(ackId: number, body: NamedBody): void {
    this.#send(REQUEST, body, ackId)
  }

  /** Tells the server that the socket leaves. @throws RoomcastError `MESSAGE_TOO_LARGE`: the server takes no frame at all. */
  sendDisconnect(): void {
    this.#send(DISCONNECT, null)
  }

  /** The answer belongs to the connection that asked: a later one has other calls with the same ids. */
  answerTo(ackId: number): Answer | null {
    if (ackId < 0) return null
    const era = this.#era
    return (error, results) => {
      if (this.#era === era) this.#send(error === null ? ACK : ACK_ERROR, error ?? results, ackId)
    }
  }

  #send(type: FrameFields['type'], body: unknown, ackId = -1): void {
    this.#link.sendFrame({ type, namespace: this.#number, ackId }, body)
  }
}
