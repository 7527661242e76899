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
  #entries: OutboxEntry[] = []
  #bytes = 0

  readonly #maxEntries: number
  readonly #maxBytes: number
  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
  }

  /** @returns Whether there was room for it. */
  push(entry: OutboxEntry): boolean {
    const bytes = this.#bytes + entry.body.length
    if (this.#entries.length >= this.#maxEntries || bytes > this.#maxBytes) return false
    this.#entries.push(entry)
    this.#bytes = bytes
    return true
  }

  /** Ids of the calls that wait here. */
  ackIds(): Set<number> {
    return new Set(this.#entries.map((entry) => entry.ackId))
  }

  /** Drops the entries that are not `wanted`. */
  retain(wanted: (entry: OutboxEntry) => boolean): void {
    this.#entries = this.#entries.filter(wanted)
    this.#bytes = this.#entries.reduce((sum, entry) => sum + entry.body.length, 0)
  }

  /** Takes out the oldest entry. */
  take(): OutboxEntry | undefined {
    const entry = this.#entries.shift()
    this.#bytes -= entry?.body.length ?? 0
    return entry
  }
}
