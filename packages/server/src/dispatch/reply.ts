import { ERROR_CODES, encodeFrame, isRoomcastError, MESSAGE_TYPES, toErrorBody } from '@roomcast/protocol'
import type { AnySocket } from '../api/socket'

/** The answer to one event: the first wins, whether it is an ack, a returned value or an error. */
export class Reply {
  private isDone: boolean

  /** @param ackId  -1 if the client wants no answer; then everything but faults is dropped. */
  constructor(
    protected readonly socket: AnySocket,
    private readonly event: string,
    private readonly ackId: number,
  ) {
    this.isDone = ackId < 0
  }

  /** Whether an answer is wanted, at the beginning. */
  get isWanted(): boolean {
    return this.ackId >= 0
  }

  /** Sends the results. Never throws: what cannot be sent becomes an error reply, and is reported. */
  send(results: readonly unknown[]): void {
    if (this.isDone) return
    try {
      const fields = { type: MESSAGE_TYPES.ACK, namespace: this.socket.namespaceNumber, ackId: this.ackId }
      const frame = encodeFrame(this.socket.host.runtime.codec, fields, results)
      this.isDone = true
      this.deliver(frame)
    } catch (error) {
      this.fail(error)
    }
  }

  /**
   * Answers with an error and reports it, unless it is a RoomcastError with a code of the application's own:
   * that is an answer, not a fault.
   */
  fail(error: unknown): void {
    if (!isRoomcastError(error) || Object.hasOwn(ERROR_CODES, error.code)) {
      this.socket.host.runtime.reportFault(error, {
        where: 'event handler',
        name: this.event,
        socketId: this.socket.id,
      })
    }
    this.refuse(toErrorBody(error, 'HANDLER_FAILED', 'the event handler failed'))
  }

  /** Answers with this error. */
  refuse(body: { code: string; message: string; data?: unknown }): void {
    if (this.isDone) return
    this.isDone = true
    const fields = { type: MESSAGE_TYPES.ACK_ERROR, namespace: this.socket.namespaceNumber, ackId: this.ackId }
    let frame: Uint8Array
    try {
      frame = encodeFrame(this.socket.host.runtime.codec, fields, body)
    } catch {
      frame = encodeFrame(this.socket.host.runtime.codec, fields, { code: body.code, message: body.message })
    }
    this.deliver(frame)
  }

  /** The socket ended before a handler was called: there will be no answer. */
  abandon(): void {
    this.isDone = true
  }

  /** @param frame  Valid until the next one is encoded. */
  protected deliver(frame: Uint8Array): void {
    this.socket.sendFrame(frame)
  }
}
