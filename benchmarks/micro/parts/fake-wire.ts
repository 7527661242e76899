import type { PublishPort, WirePort } from '../../../packages/server/src/connection/wire-port'

/** What left a server while somebody looked. */
export interface Departures {
  readonly frames: number
  /** The last of them; empty if there was none. */
  readonly last: Uint8Array
  /** Topics that links were taken off. */
  readonly unsubscribed: number
}

/** What leaves a server: how much, and the last frame, if somebody looks. */
export class Outgoing {
  frames = 0
  bytes = 0
  private unsubscribed = 0
  private isWatched = false
  private last = new Uint8Array(0)

  /** @param frame  Valid until it returns. */
  take(frame: Uint8Array): void {
    this.frames++
    this.bytes += frame.length
    if (this.isWatched) this.last = frame.slice()
  }

  /** A link was taken off a topic. */
  unsubscribe(): void {
    this.unsubscribed++
  }

  /** What leaves while `action` runs. */
  async during(action: () => Promise<void> | void): Promise<Departures> {
    const { frames, unsubscribed } = this
    this.isWatched = true
    this.last = new Uint8Array(0)
    try {
      await action()
    } finally {
      this.isWatched = false
    }
    return { frames: this.frames - frames, unsubscribed: this.unsubscribed - unsubscribed, last: this.last }
  }
}

/** A link that takes everything at once, and costs nothing. */
export class FakeWire implements WirePort {
  readonly transport = 'websocket'
  readonly skipped = 0
  readonly replaced = 0

  constructor(private readonly outgoing: Outgoing) {}

  send(frame: Uint8Array): void {
    this.outgoing.take(frame)
  }

  subscribe(): void {}

  unsubscribe(): void {
    this.outgoing.unsubscribe()
  }

  end(code: number, reason: string): void {
    throw new Error(`the server closed the connection: ${code} ${reason}`)
  }

  count(): void {}
  adjust(): void {}
  check(): void {}

  bufferedBytes(): number {
    return 0
  }

  skipsVolatile(): boolean {
    return false
  }

  closed(): void {}
}

/** Topics without subscribers: a publish is one frame, whoever would get it. */
export class FakePublisher implements PublishPort {
  constructor(private readonly outgoing: Outgoing) {}

  publish(_topic: string, frame: Uint8Array): void {
    this.outgoing.take(frame)
  }
}
