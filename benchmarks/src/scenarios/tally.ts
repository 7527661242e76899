/** Counts by a text. */
export type Tally = Record<string, number>

/** Counts one more of `what`. */
export function count(tally: Tally, what: string): void {
  tally[what] = (tally[what] ?? 0) + 1
}
