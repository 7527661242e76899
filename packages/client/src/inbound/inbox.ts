import { HELD_MESSAGES } from '../tables'
import type { ServerMessage } from './server-message'

/**
 * The messages of one socket on their way to it. They can be held for a moment: what `await` gives somebody, here a room,
 * comes to them after the code that runs now, while further messages may have been received together with it.
 */
export class Inbox {
  readonly #handle: (message: ServerMessage) => void
  #waiting: ServerMessage[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #isHandling = false

  constructor(handle: (message: ServerMessage) => void) {
    this.#handle = handle
  }

  /** A message has come. */
  push(message: ServerMessage): void {
    if (this.#timer === undefined && !this.#isHandling) return this.#handle(message)
    this.#waiting.push(message)
    // So many have not come in one moment: timers are late here, and whoever waited has had the time.
    if (this.#waiting.length > HELD_MESSAGES) this.release()
  }

  /** Holds what follows, until all that is ready to run has run: promises, and those behind them. */
  hold(): void {
    this.#timer ??= setTimeout(() => this.release(), 0)
  }

  /** Hands on what is held, in order; one of them may hold the rest again. */
  release(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isHandling) return
    this.#isHandling = true
    try {
      while (this.#timer === undefined) {
        const message = this.#waiting.shift()
        if (!message) break
        this.#handle(message)
      }
    } finally {
      this.#isHandling = false
    }
  }

  /** Hands on all that has come, and holds nothing any more: the link is lost. */
  flush(): void {
    // Not while one is handled: then it is we who cut the link, for what that one was.
    while (!this.#isHandling && this.#waiting.length > 0) this.release()
    this.clear()
  }

  /** Drops what is held: the socket has left. */
  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting = []
  }
}
