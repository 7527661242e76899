interface Entry<Value> {
  readonly value: Value
  readonly until: number
}

/**
 * What happened lately, by key: a bounded number of entries for a bounded time, the oldest go first. No timer: what is
 * too old is dropped when something is added or asked for.
 */
export class Recent<Value> {
  private readonly entries = new Map<string, Entry<Value>>()

  /**
   * @param limit     Entries kept at most.
   * @param maxAgeMs  Milliseconds that one is kept.
   */
  constructor(
    private readonly limit: number,
    private readonly maxAgeMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Entries, those that are too old but not dropped yet included. */
  get size(): number {
    return this.entries.size
  }

  add(key: string, value: Value): void {
    // Behind all others: the map is in order of age.
    this.entries.delete(key)
    this.entries.set(key, { value, until: this.now() + this.maxAgeMs })
    for (const [oldest, { until }] of this.entries) {
      if (this.entries.size <= this.limit && until > this.now()) return
      this.entries.delete(oldest)
    }
  }

  get(key: string): Value | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined || entry.until > this.now()) return entry?.value
    this.entries.delete(key)
    return undefined
  }

  /** As {@link get}, and forgets it. */
  take(key: string): Value | undefined {
    const value = this.get(key)
    this.entries.delete(key)
    return value
  }

  clear(): void {
    this.entries.clear()
  }
}
