/** Opened at once; the others follow as those are done. */
const OPENING_AT_ONCE = 64

/** Whether one of many connections has failed: then everything that waits for them fails, and whatever is asked for later. */
export class FailureLatch {
  private failure: Error | undefined
  /** A connection has failed. Once. */
  onFailed = (_error: Error) => {}

  /** Ends what waits, as if a connection had failed. */
  fail(reason: string): void {
    if (this.failure) return
    this.failure = new Error(reason)
    this.onFailed(this.failure)
  }

  /** @throws Error if a connection has failed. */
  assertWhole(): void {
    if (this.failure) throw this.failure
  }

  /** Runs `body` until it settles or a connection fails. One at a time. */
  untilSettled(body: (resolve: () => void, reject: (error: Error) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.onFailed = reject
      if (this.failure) reject(this.failure)
      else body(resolve, reject)
    })
  }

  /**
   * Opens connections, some at once and the others as those are done, and waits for all.
   *
   * @param open  Opens the one with this number, from 0, and calls `done` when it is of use.
   */
  openAll(count: number, open: (number: number, done: () => void) => void): Promise<void> {
    let opened = 0
    let ready = 0
    return this.untilSettled((resolve) => {
      const next = () => open(opened++, done)
      const done = () => {
        ready++
        if (opened < count) next()
        else if (ready === count) resolve()
      }
      while (opened < Math.min(count, OPENING_AT_ONCE)) next()
    })
  }
}
