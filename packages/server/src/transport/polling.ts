import { CLOSE_CODES, LIMITS, POLL_HEADERS, POLL_ROUTE } from '@roomcast/protocol'
import type { Runtime } from '../api/runtime'
import { Connection } from '../connection/connection'
import type { ResolvedServerOptions } from '../options/server-options'
import { type AdmissionRequest, admitSession, checkPost, ORIGIN_REFUSED } from './admission'
import { corsHeaders, preflightHeaders } from './cors'
import type { HttpExchange } from './http-exchange'
import { POLL_REFUSALS, PollAnswer, type PollRefusal } from './poll-answer'
import { PollSession } from './poll-session'
import type { PollSessions } from './poll-sessions'
import type { Reception } from './reception'

const NOT_OFFERED: PollRefusal = {
  status: '400 Bad Request',
  code: 'REQUEST_REFUSED',
  message: 'this server does not offer polling',
}

const OTHER_VERSION: PollRefusal = {
  status: '400 Bad Request',
  code: 'UNSUPPORTED_VERSION',
  message: `the polling transport of this server is at ${POLL_ROUTE}`,
  close: CLOSE_CODES.UNSUPPORTED_VERSION,
}

const OTHER_METHOD: PollRefusal = {
  status: '405 Method Not Allowed',
  code: 'REQUEST_REFUSED',
  message: 'the methods are GET, POST, DELETE and OPTIONS',
}

const FAILED: PollRefusal = {
  status: '500 Internal Server Error',
  code: 'REQUEST_REFUSED',
  message: 'internal error',
}

const NUMBER = /^(0|[1-9]\d{0,15})$/

/** Whether a path below that of the server belongs to the polling transport, of whatever version. */
export function isPollRoute(name: string): boolean {
  return name === 'poll' || name.startsWith('poll/')
}

/** The polling route: HTTP requests become sessions, and what sessions are asked. PROTOCOL.md, "Polling". */
export class PollingTransport {
  private readonly usualUrl: string

  constructor(
    private readonly options: ResolvedServerOptions,
    private readonly runtime: Runtime,
    private readonly reception: Reception,
    private readonly sessions: PollSessions,
  ) {
    this.usualUrl = `${options.path}/${POLL_ROUTE}`
  }

  /**
   * Answers a request. Never throws or rejects.
   *
   * @param name  Path behind that of the server.
   */
  async answer(exchange: HttpExchange, name: string): Promise<void> {
    const { cors } = this.options
    const allowed = corsHeaders(exchange.header('origin'), exchange.header('host') ?? '', cors)
    const answer = new PollAnswer(exchange, allowed ?? [['vary', 'origin']])
    try {
      if (allowed === null) return this.refuseOpen(exchange, answer, ORIGIN_REFUSED)
      if (!this.options.transports.includes('polling')) return this.refuseOpen(exchange, answer, NOT_OFFERED)
      if (name !== POLL_ROUTE) return this.refuseOpen(exchange, answer, OTHER_VERSION)
      await this.serve(exchange, answer)
    } catch (error) {
      this.runtime.reportFault(error, { where: 'http handler', name: this.usualUrl })
      answer.refuse(FAILED)
    }
  }

  private serve(exchange: HttpExchange, answer: PollAnswer): Promise<void> | void {
    switch (exchange.method) {
      case 'GET':
        return this.get(exchange, answer)
      case 'POST':
        return exchange.header(POLL_HEADERS.session) === undefined
          ? this.open(exchange, answer)
          : this.post(exchange, answer)
      case 'DELETE':
        return this.withSession(exchange, answer, (session) => session.leave(answer))
      case 'OPTIONS':
        return answer.empty(exchange.header('origin') === undefined ? [] : preflightHeaders(this.options.cors))
      default:
        return answer.refuse(OTHER_METHOD, [['allow', 'GET, POST, DELETE, OPTIONS']])
    }
  }

  private async open(exchange: HttpExchange, answer: PollAnswer): Promise<void> {
    const request: AdmissionRequest = {
      header: (name) => exchange.header(name),
      originRule: this.options.cors.origin,
      transports: this.options.transports,
    }
    const refusal = admitSession(request) ?? (await this.reception.ask(exchange)) ?? this.reception.lastWord(exchange)
    if (refusal !== null) return this.refuseOpen(exchange, answer, refusal)
    if (!this.sessions.makeRoom()) return this.refuseOpen(exchange, answer, POLL_REFUSALS.full)
    // Nobody would ever use it.
    if (!answer.isOpen) return
    answer.text(this.sessions.open(new Connection(this.reception.source(exchange, this.usualUrl))))
  }

  private get(exchange: HttpExchange, answer: PollAnswer): void {
    const received = readSeq(exchange)
    if (received < 0) return answer.refuse(POLL_REFUSALS.badSeq)
    this.withSession(exchange, answer, (session) => session.poll(answer, received))
  }

  private async post(exchange: HttpExchange, answer: PollAnswer): Promise<void> {
    const refusal = checkPost((name) => exchange.header(name))
    if (refusal !== null) return answer.refuseUnread(refusal)
    const seq = readSeq(exchange)
    const session = this.sessions.find(exchange.header(POLL_HEADERS.session) ?? '')
    const early = seq < 1 ? POLL_REFUSALS.badSeq : session instanceof PollSession ? session.checkSeq(seq) : session
    // In this turn, or it is lost; and also of a request that is refused: a link that is cut while the client still
    // sends may take the answer with it.
    const onBytes = session instanceof PollSession ? () => session.noteLife() : undefined
    const body = await exchange.readBody(LIMITS.pollBodyBytes, onBytes)
    // Without a length that is seen only here. Says nothing to a client that is gone.
    if (body === null) return answer.refuseUnread(POLL_REFUSALS.tooLarge)
    if (early !== null) answer.refuse(early)
    else (session as PollSession).take(answer, seq, body)
  }

  private withSession(exchange: HttpExchange, answer: PollAnswer, use: (session: PollSession) => void): void {
    const name = exchange.header(POLL_HEADERS.session)
    if (name === undefined) return answer.refuse(POLL_REFUSALS.badSession)
    const session = this.sessions.find(name)
    if (session instanceof PollSession) use(session)
    else answer.refuse(session)
  }

  /** Refuses a request; the application hears of those that asked for a connection. */
  private refuseOpen(exchange: HttpExchange, answer: PollAnswer, refusal: PollRefusal): void {
    const { retryAfterMs = this.reception.retryAfterMs } = refusal
    const refuse = () =>
      answer.refuse(
        { ...refusal, ...(retryAfterMs !== undefined && { retryAfterMs }) },
        this.reception.refusalHeaders(refusal),
      )
    const isOpening = exchange.method === 'POST' && exchange.header(POLL_HEADERS.session) === undefined
    if (isOpening) this.reception.refuse(refusal, exchange, refuse)
    else refuse()
  }
}

/** @returns -1 if the header is missing or no number. */
function readSeq(exchange: HttpExchange): number {
  const text = exchange.header(POLL_HEADERS.seq)
  const value = text !== undefined && NUMBER.test(text) ? Number(text) : -1
  return Number.isSafeInteger(value) ? value : -1
}
