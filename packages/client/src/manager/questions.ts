import { RoomcastError } from '@roomcast/protocol'
import { backoffDelay } from '../connection/backoff'
import type { ResolvedOptions } from '../options'
import { retryAfterOf } from '../outbound/retry-after'
import { askCredentials } from '../people/credentials'
import type { Socket } from '../socket/socket'
import { MAX_TIMER_MS } from '../tables'

/*
 * CONNECT, from the wish to the answer, for each namespace of one link:
 *
 *   ask ──► auth function ──► sent ──► answered
 *               │ failed        │ └── refused for now: rests as long as the server says, over links too
 *               │               └── no answer: the link is cut, or goes on waiting if other namespaces use it
 *               └── asked again after a while, unless it says that there is no use
 */

/** A namespace that was asked for, and not answered yet. */
interface Question {
  /** What happens if nothing else does. */
  timer: ReturnType<typeof setTimeout>
  /** The socket was disconnected meanwhile: whatever the answer is, it comes too late. */
  isAbandoned: boolean
  /** Whether CONNECT was sent; it waits for an auth function before. */
  isSent: boolean
  /** Not to be asked before the timer is over: the server has said so. */
  isResting: boolean
}

/** What asking needs. */
export interface QuestionHost {
  /** @throws RoomcastError `NOT_ENCODABLE`, `MESSAGE_TOO_LARGE`. */
  sendConnect(socket: Socket, auth: unknown): void
  /** No answer came. @returns Whether to go on waiting. */
  onSilence(socket: Socket): boolean
  /** It is time to ask again. */
  onRested(socket: Socket): void
}

/** The namespaces of a link that wait for their answer. */
export class Questions {
  readonly #open = new Map<string, Question>()
  readonly #host: QuestionHost
  readonly #options: ResolvedOptions

  constructor(host: QuestionHost, options: ResolvedOptions) {
    this.#host = host
    this.#options = options
  }

  /** Asks for the namespace of a socket. */
  ask(socket: Socket): void {
    const { nsp, auth } = socket
    // An abandoned question is asked again when its answer has come.
    if (this.#open.has(nsp)) return
    const question: Question = { timer: undefined as never, isAbandoned: false, isSent: false, isResting: false }
    this.#open.set(nsp, question)
    const isCurrent = () => this.#open.get(nsp) === question
    const fail = (error: RoomcastError, isFault = false) => {
      if (isCurrent()) this.refused(socket, error, isFault ? 0 : undefined)
    }
    const wait = () => {
      clearTimeout(question.timer)
      question.timer = setTimeout(() => {
        if (!question.isSent) fail(new RoomcastError('CONNECT_TIMEOUT', 'no answer of the auth function'), true)
        else if (this.#mayWait(socket, question) && isCurrent()) wait()
      }, this.#options.timeout)
    }
    const send = (credentials: unknown) => {
      if (!isCurrent()) return
      question.isSent = true
      try {
        this.#host.sendConnect(socket, credentials)
        // What the auth function took is not the server's.
        wait()
      } catch (error) {
        fail(error as RoomcastError)
      }
    }
    wait()
    askCredentials(auth, socket, send, fail)
  }

  /** An answer for a namespace has come. @returns Whether it comes too late; null if nobody asked. */
  settle(nsp: string): boolean | null {
    const question = this.#open.get(nsp)
    this.#forget(nsp)
    return question?.isAbandoned ?? null
  }

  /** The socket does not want its namespace any more. */
  abandon(nsp: string): void {
    const question = this.#open.get(nsp)
    if (question?.isSent) question.isAbandoned = true
    else this.#forget(nsp)
  }

  /** Whether the namespace must not be asked for now. */
  isResting(nsp: string): boolean {
    return this.#open.get(nsp)?.isResting === true
  }

  /** The link is gone, and the questions with it. */
  clear(): void {
    for (const nsp of [...this.#open.keys()]) if (!this.isResting(nsp)) this.#forget(nsp)
  }

  /**
   * An attempt has failed, or was refused.
   *
   * @param retryAfterMs  When it may be repeated, at the earliest; by default as the error says, and never if it says
   *                      nothing.
   */
  refused(socket: Socket, error: RoomcastError, retryAfterMs = retryAfterOf(error)): void {
    const { nsp } = socket
    this.#forget(nsp)
    const { reconnection, reconnectionAttempts } = this.#options
    const isFinal = retryAfterMs === undefined || !reconnection || socket.failures >= reconnectionAttempts
    if (!isFinal) {
      const delay = retryAfterMs + backoffDelay(this.#options, socket.failures++, Math.random())
      const timer = setTimeout(
        () => {
          this.#open.delete(nsp)
          this.#host.onRested(socket)
        },
        Math.min(delay, MAX_TIMER_MS),
      )
      this.#open.set(nsp, { timer, isAbandoned: false, isSent: false, isResting: retryAfterMs > 0 })
    }
    socket.failAttempt(error, isFinal)
  }

  /** No answer has come. The socket of an abandoned question may want to be connected again. */
  #mayWait(socket: Socket, { isAbandoned }: Question): boolean {
    return (isAbandoned && !socket.active) || this.#host.onSilence(socket)
  }

  #forget(nsp: string): void {
    clearTimeout(this.#open.get(nsp)?.timer)
    this.#open.delete(nsp)
  }
}
