import net from 'node:net'
import { type HttpAnswer, readHttpAnswer } from './http-wire'

const READ_BUFFER_BYTES = 65_536
const NOTHING = Buffer.alloc(0)
/** Reads are handled before the next one starts, so that all links can share the memory. */
const sharedReadBuffer = Buffer.allocUnsafe(READ_BUFFER_BYTES)

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
    this.socket = net.connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: sharedReadBuffer, callback: (length, bytes) => this.onBytes(bytes as Buffer, length) },
    })
    this.socket.on('error', (error) => this.fail(error.message))
    this.socket.on('close', () => this.fail('closed by the server'))
  }

  /** @param request  Text, one byte for each character. */
  send(request: string): void {
    if (this.isAsking) return this.fail('a request before the last one was answered')
    this.isAsking = true
    this.socket.write(request, 'latin1')
  }

  private onBytes(chunk: Buffer, length: number): boolean {
    try {
      const fresh = chunk.subarray(0, length)
      this.read(this.rest.length === 0 ? fresh : Buffer.concat([this.rest, fresh]))
    } catch (error) {
      this.fail((error as Error).message)
    }
    return true
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
