import { callListener, isRoomcastError, RoomcastError } from '@roomcast/protocol'
import { backoffDelay } from '../connection/backoff'
import type { AuthFunction, ResolvedOptions } from '../options'
import type { Socket } from '../socket/socket'

/*
 * CONNECT, from the wish to the answer, for each namespace of one link:
 *
 *   ask ──► auth function ──► sent ──► answered
 *               │ failed        └── no answer: the link is cut, or goes on waiting if other namespaces use it
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
}

/** What asking needs. */
export interface QuestionHost {
  /** @throws RoomcastError `NOT_ENCODABLE`, `MESSAGE_TOO_LARGE`. */
  sendConnect(socket: Socket, auth: unknown): void
  /** No answer came. @returns Whether to go on waiting. */
  onSilence(socket: Socket): boolean
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

  /** Asks for the namespace of a socket. @param failures  Auth functions that failed in a row. */
  ask(socket: Socket, failures = 0): void {
    const { nsp, auth } = socket
    // An abandoned question is asked again when its answer has come.
    if (this.#open.has(nsp)) return
    const question: Question = { timer: undefined as never, isAbandoned: false, isSent: false }
    this.#open.set(nsp, question)
    const fail = (error: unknown) => {
      if (this.#open.get(nsp) === question) this.#onFailed(socket, error, failures)
    }
    const wait = () => {
      clearTimeout(question.timer)
      question.timer = setTimeout(() => {
        if (!question.isSent) fail(new RoomcastError('CONNECT_TIMEOUT', 'no answer of the auth function'))
        else if (this.#mayWait(socket, question) && this.#open.get(nsp) === question) wait()
      }, this.#options.timeout)
    }
    const send = (credentials: unknown) => {
      if (this.#open.get(nsp) !== question || question.isSent) return
      question.isSent = true
      try {
        this.#host.sendConnect(socket, credentials)
        // What the auth function took is not the server's.
        wait()
      } catch (error) {
        fail(error)
      }
    }
    if (typeof auth !== 'function') return send(auth)
    wait()
    callListener(auth as AuthFunction, socket, [send], (error) => {
      // Credentials that were given are good: what fails behind them is a fault as of any listener.
      if (question.isSent) socket.onListenerError(error, 'auth')
      else fail(error)
    })
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

  /** The link is gone, and the questions with it. */
  clear(): void {
    for (const nsp of [...this.#open.keys()]) this.#forget(nsp)
  }

  /** No answer has come. The socket of an abandoned question may want to be connected again. */
  #mayWait(socket: Socket, { isAbandoned }: Question): boolean {
    return (isAbandoned && !socket.active) || this.#host.onSilence(socket)
  }

  #onFailed(socket: Socket, error: unknown, failures: number): void {
    const { nsp } = socket
    this.#forget(nsp)
    const { reconnection, reconnectionAttempts } = this.#options
    const isOurs = isRoomcastError(error)
    // An error with a code is a decision; anything else may be the network, which comes back.
    const isFinal = (isOurs && error.code !== 'CONNECT_TIMEOUT') || !reconnection || failures >= reconnectionAttempts
    const told = isOurs ? error : new RoomcastError('AUTH_FAILED', 'the auth function failed', { cause: error })
    if (!isFinal) {
      const delay = backoffDelay(this.#options, failures, Math.random())
      const timer = setTimeout(() => {
        this.#open.delete(nsp)
        this.ask(socket, failures + 1)
      }, delay)
      this.#open.set(nsp, { timer, isAbandoned: false, isSent: false })
    }
    socket.failAttempt(told, isFinal)
  }

  #forget(nsp: string): void {
    clearTimeout(this.#open.get(nsp)?.timer)
    this.#open.delete(nsp)
  }
}
