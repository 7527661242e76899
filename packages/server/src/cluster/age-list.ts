/** An entry of an {@link AgeList}; it is in one list at most. */
export interface Aged<Entry> {
  /** Set by the list. */
  older: Entry | null
  /** Set by the list. */
  newer: Entry | null
}

/** Entries in order of age, whatever else they belong to. Each step takes the same time, however many there are. */
export class AgeList<Entry extends Aged<Entry>> {
  private first: Entry | null = null
  private last: Entry | null = null

  /** null if there are none. */
  get oldest(): Entry | null {
    return this.first
  }

  /** Adds an entry, as the newest. */
  add(entry: Entry): void {
    entry.older = this.last
    if (this.last === null) this.first = entry
    else this.last.newer = entry
    this.last = entry
  }

  /** Takes out an entry that is in the list. */
  remove(entry: Entry): void {
    const { older, newer } = entry
    if (older === null) this.first = newer
    else older.newer = newer
    if (newer === null) this.last = older
    else newer.older = older
    entry.older = null
    entry.newer = null
  }
}
