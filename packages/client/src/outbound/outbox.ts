/** An event that waits for the connection, encoded when it was emitted. */
export interface OutboxEntry {
  readonly event: string
  /** -1 if no answer is wanted. */
  readonly ackId: number
  /** The arguments as a body. */
  readonly body: Uint8Array
}

/** What a socket emitted while it was not connected, in order, bounded by count and bytes. */
export class Outbox {
  private entries: OutboxEntry[] = []
  private bytes = 0

  constructor(
    private readonly maxEntries: number,
    private readonly maxBytes: number,
  ) {}

  /** @returns Whether there was room for it. */
  push(entry: OutboxEntry): boolean {
    const bytes = this.bytes + entry.body.length
    if (this.entries.length >= this.maxEntries || bytes > this.maxBytes) return false
    this.entries.push(entry)
    this.bytes = bytes
    return true
  }

  /** Whether the call of this id waits here. */
  has(ackId: number): boolean {
    return this.entries.some((entry) => entry.ackId === ackId)
  }

  /** Takes out everything, in order. */
  takeAll(): OutboxEntry[] {
    const { entries } = this
    this.entries = []
    this.bytes = 0
    return entries
  }
}
