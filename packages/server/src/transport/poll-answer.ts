import { CLOSE_CODES, type EndBody, type ErrorCode, POLL_CONTENT_TYPE } from '@roomcast/protocol'
import type { Refusal } from './admission'
import type { HttpExchange } from './http-exchange'

type Header = readonly [name: string, value: string]

/** A refused polling request. PROTOCOL.md, "Polling". */
export interface PollRefusal extends Refusal {
  /** Close code that the connection has ended with for the client, if it has ended. */
  readonly close?: number
}

function badRequest(code: ErrorCode, message: string): PollRefusal {
  return { status: '400 Bad Request', code, message }
}

/** How polling requests are refused. */
export const POLL_REFUSALS = {
  badSession: badRequest('REQUEST_REFUSED', 'the header roomcast-session is missing'),
  badSeq: badRequest('REQUEST_REFUSED', 'the header roomcast-seq has to be a number'),
  neverSent: badRequest('BAD_FRAME', 'a frame of this number was never sent'),
  outOfOrder: {
    status: '409 Conflict',
    code: 'POLL_OUT_OF_ORDER',
    message: 'this number does not follow the one before',
  },
  switched: { status: '409 Conflict', code: 'SESSION_SWITCHED', message: 'the connection has moved to a WebSocket' },
  // The same for an id that nobody has and for a wrong secret.
  unknown: {
    status: '404 Not Found',
    code: 'SESSION_UNKNOWN',
    message: 'there is no such session',
    close: CLOSE_CODES.SESSION_UNKNOWN,
  },
  tooLarge: { status: '413 Content Too Large', code: 'MESSAGE_TOO_LARGE', message: 'the body is too large' },
  // Without a time to stay away: there may be room for a WebSocket.
  full: { status: '503 Service Unavailable', code: 'TOO_MANY_SESSIONS', message: 'too many polling sessions' },
} as const satisfies Record<string, PollRefusal>

/** The session has ended. */
export function closedRefusal({ code, message }: EndBody): PollRefusal {
  return { status: '410 Gone', code: 'SESSION_CLOSED', message, close: code }
}

/** The answer to one polling request: every kind of it, with the headers that all have. */
export class PollAnswer {
  constructor(
    private readonly exchange: HttpExchange,
    private readonly cors: readonly Header[],
  ) {}

  /** Whether the client still waits for it. */
  get isOpen(): boolean {
    return this.exchange.isOpen
  }

  /** Calls `release` when the client is gone before there was an answer. */
  whenGone(release: () => void): void {
    this.exchange.whenGone(release)
  }

  /** Answers with frames. @param body  As `writeBatch` makes it. */
  frames(body: Uint8Array): void {
    this.exchange.end('200 OK', this.head([['content-type', POLL_CONTENT_TYPE]]), body)
  }

  /** Answers with the name of a new session. */
  text(text: string): void {
    this.exchange.end('200 OK', this.head([['content-type', 'text/plain; charset=utf-8']]), text)
  }

  /** Answers without a body. */
  empty(headers: readonly Header[] = []): void {
    this.exchange.endEmpty('204 No Content', this.head(headers))
  }

  /**
   * Refuses the request.
   *
   * @param headers  Besides those that every refusal has.
   */
  refuse(refusal: PollRefusal, headers: readonly Header[] = []): void {
    this.exchange.end(refusal.status, this.refusalHead(headers), toBody(refusal))
  }

  /** As {@link refuse}, for a request whose body was not read: cuts the connection too. */
  refuseUnread(refusal: PollRefusal): void {
    this.exchange.endAndClose(refusal.status, toBody(refusal), this.refusalHead([]))
  }

  private refusalHead(headers: readonly Header[]): Header[] {
    // A page of another origin may not look at this one unless it is named.
    const exposed: Header[] =
      headers.length > 0 ? [['access-control-expose-headers', headers.map(([name]) => name).join(', ')]] : []
    return this.head([['content-type', 'application/json'], ...headers, ...(this.cors.length > 1 ? exposed : [])])
  }

  private head(headers: readonly Header[]): Header[] {
    return [...headers, ['cache-control', 'no-store'], ...this.cors]
  }
}

function toBody({ code, message, close, retryAfterMs }: PollRefusal): string {
  return JSON.stringify({ code, message, close, retryAfterMs })
}
