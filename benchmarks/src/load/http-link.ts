import type net from 'node:net'
import { type HttpAnswer, readHttpAnswer } from './http-wire'
import { openLink } from './link'

const NOTHING = Buffer.alloc(0)

/** What a link tells its owner. */
export interface HttpLinkEvents {
  /** The request was answered. The body is gone after the call. */
  answered(answer: HttpAnswer): void
  /** The link broke, or something came that was not asked for. Nothing follows. */
  failed(reason: string): void
}

/** A TCP connection for HTTP requests, one at a time. */
export class HttpLink {
  private readonly socket: net.Socket
  /** Bytes of an unfinished answer. */
  private rest: Buffer = NOTHING
  private isAsking = false
  private isOver = false

  constructor(
    port: number,
    private readonly events: HttpLinkEvents,
  ) {
    this.socket = openLink(port, {
      received: (bytes) => this.onBytes(bytes),
      closed: () => this.fail('closed by the server'),
      failed: (reason) => this.fail(reason),
    })
  }

  /** @param request  Text, one byte for each character. */
  send(request: string): void {
    if (this.isAsking) return this.fail('a request before the last one was answered')
    this.isAsking = true
    this.socket.write(request, 'latin1')
  }

  private onBytes(fresh: Buffer): void {
    this.read(this.rest.length === 0 ? fresh : Buffer.concat([this.rest, fresh]))
  }

  private read(bytes: Buffer): void {
    this.rest = NOTHING
    const answer = readHttpAnswer(bytes, 0)
    if (answer === undefined) {
      this.rest = Buffer.from(bytes)
      return
    }
    if (!this.isAsking || answer.end !== bytes.length) throw new Error('an answer that was not asked for')
    this.isAsking = false
    this.events.answered(answer)
  }

  private fail(reason: string): void {
    if (this.isOver) return
    this.isOver = true
    this.socket.destroy()
    this.events.failed(reason)
  }
}
