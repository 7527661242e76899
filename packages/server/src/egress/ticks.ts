import { LIMITS } from '@roomcast/protocol'
import type { DeliveryFlags } from './delivery-flags'
import type { TurnQueue } from './turn-queue'

/** A message to one room that leaves later. Who is left out was decided when it was sent. */
export interface HeldMessage<Member> {
  readonly frame: Uint8Array
  readonly flags: DeliveryFlags
  readonly excepted: ReadonlySet<Member> | null
  readonly skip: Uint8Array | null
}

/** Publishes a message to its room. */
export type ReleaseHeld<Member> = (room: string, message: HeldMessage<Member>) => void

const NO_BYTES = new Uint8Array(0)

/**
 * Rooms whose messages leave together, at the end of a tick.
 *
 *   deliver ──► held ──► end of the tick, 1 MiB, before somebody comes or goes, before a message for several rooms ──► published
 *
 * It costs a frame a few milliseconds and saves system calls: what is published in one turn of the loop is written at once.
 */
export class Ticks<Member> {
  private readonly rooms = new Map<string, HeldRoom<Member>>()
  private readonly tickers = new Map<number, Ticker<Member>>()

  constructor(
    private readonly turn: TurnQueue,
    private readonly release: ReleaseHeld<Member>,
  ) {}

  /** Whether any room has ticks. */
  get isUsed(): boolean {
    return this.rooms.size > 0
  }

  /** A room is about to have its first member. @param tickMs  0: its messages leave at once. */
  open(room: string, tickMs: number): void {
    if (tickMs === 0 || this.rooms.has(room)) return
    let ticker = this.tickers.get(tickMs)
    if (ticker === undefined) {
      ticker = new Ticker(tickMs, this.turn)
      this.tickers.set(tickMs, ticker)
    }
    this.rooms.set(room, new HeldRoom(room, ticker, this.release))
  }

  /** A room has no members any more. */
  close(room: string): void {
    this.rooms.get(room)?.drop()
    this.rooms.delete(room)
  }

  /**
   * Takes a message whose turn has come.
   *
   * @param message  Copied, if it is held.
   * @returns Whether it is held; if not, what is held of its rooms has left.
   */
  take(rooms: readonly string[], message: HeldMessage<Member>): boolean {
    const [name] = rooms
    if (rooms.length === 1) {
      const room = this.rooms.get(name as string)
      room?.add({ ...message, frame: message.frame.slice() })
      return room !== undefined
    }
    for (const each of rooms) this.rooms.get(each)?.publish()
    return false
  }

  /** Publishes what a room holds, at once. */
  flush(name: string): void {
    const room = this.rooms.get(name)
    if (room === undefined || room.isEmpty) return
    this.turn.perform(() => room.publish(), NO_BYTES)
    this.turn.flush()
  }

  /** Publishes what all rooms hold. */
  flushAll(): void {
    for (const name of this.rooms.keys()) this.flush(name)
  }
}

/** What one room holds. */
class HeldRoom<Member> {
  private messages: HeldMessage<Member>[] = []
  private bytes = 0

  constructor(
    private readonly name: string,
    private readonly ticker: Ticker<Member>,
    private readonly release: ReleaseHeld<Member>,
  ) {}

  get isEmpty(): boolean {
    return this.messages.length === 0
  }

  add(message: HeldMessage<Member>): void {
    this.messages.push(message)
    this.bytes += message.frame.length + (message.skip?.length ?? 0)
    if (this.bytes > LIMITS.pacedBytes) this.publish()
    else this.ticker.add(this)
  }

  publish(): void {
    const { messages } = this
    let next = 0
    this.messages = []
    this.bytes = 0
    try {
      while (next < messages.length) this.release(this.name, messages[next++] as HeldMessage<Member>)
    } finally {
      // What a publish that fails leaves behind goes on with the next tick.
      for (const message of messages.slice(next)) this.add(message)
    }
  }

  drop(): void {
    this.messages = []
    this.bytes = 0
  }
}

/** Ticks of one length: rooms that share it are published in one turn of the loop. */
class Ticker<Member> {
  private readonly due = new Set<HeldRoom<Member>>()
  private timer: NodeJS.Timeout | undefined

  constructor(
    private readonly tickMs: number,
    private readonly turn: TurnQueue,
  ) {}

  /** Publishes a room at the end of the tick; the tick begins with the first. */
  add(room: HeldRoom<Member>): void {
    this.due.add(room)
    if (this.timer !== undefined) return
    this.timer = setTimeout(() => this.end(), this.tickMs)
    this.timer.unref()
  }

  private end(): void {
    this.timer = undefined
    try {
      for (const room of [...this.due]) {
        this.due.delete(room)
        if (!room.isEmpty) this.turn.perform(() => room.publish(), NO_BYTES)
      }
    } finally {
      // A publish that fails ends the tick of its room alone.
      for (const room of this.due) this.add(room)
    }
  }
}
