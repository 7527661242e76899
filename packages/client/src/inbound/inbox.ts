import { HELD_MESSAGES } from '../tables'
import type { ServerMessage } from './server-message'

/** More than come together: in one answer to a poll, or one piece of a stream of bytes. */
const WAITING_MESSAGES = 65_536
/** After so long whoever waited has had the time. */
const HOLD_MS = 1_000

/**
 * The messages of one socket on their way to it. They can be held for a moment: what `await` gives somebody, here a room,
 * comes to them after the code that runs now, while further messages may have been received together with it.
 */
export class Inbox {
  readonly #handle: (message: ServerMessage) => void
  #waiting: ServerMessage[] = []
  /** Those in front of it were handed on. */
  #at = 0
  /** Since when they are held, on the clock of `performance.now()`. */
  #heldAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #isHandling = false

  constructor(handle: (message: ServerMessage) => void) {
    this.#handle = handle
  }

  /** A message has come. */
  push(message: ServerMessage): void {
    if (this.#timer === undefined && !this.#isHandling) return this.#handle(message)
    this.#waiting.push(message)
    // Timers may be late.
    const count = this.#waiting.length - this.#at
    if (count > WAITING_MESSAGES || (count > HELD_MESSAGES && performance.now() > this.#heldAt + HOLD_MS)) {
      this.release()
    }
  }

  /** Holds what follows, until all that is ready to run has run: promises, and those behind them. */
  hold(): void {
    if (this.#timer !== undefined) return
    this.#heldAt = performance.now()
    this.#timer = setTimeout(() => this.release(), 0)
  }

  /** Hands on what is held, in order; one of them may hold the rest again. */
  release(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isHandling) return
    this.#isHandling = true
    try {
      while (this.#timer === undefined && this.#at < this.#waiting.length) {
        this.#handle(this.#waiting[this.#at++] as ServerMessage)
      }
    } finally {
      this.#isHandling = false
      this.#waiting.splice(0, this.#at)
      this.#at = 0
      // One of them has thrown: the others follow.
      if (this.#waiting.length > 0) this.hold()
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
    this.#at = 0
  }
}
