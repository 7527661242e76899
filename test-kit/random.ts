/** Numbers that look random and depend on nothing but the seed. */
export interface Random {
  readonly seed: number
  /** From 0 to below 1. */
  next(): number
  /** An integer from 0 to below `limit`. */
  below(limit: number): number
  /** One of the entries. */
  pick<T>(entries: readonly T[]): T
  /** Whether something happens that has this probability. */
  chance(probability: number): boolean
}

/** A generator (mulberry32) for random tests. The seed comes from the environment variable SEED, else from the clock. */
export function createRandom(seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    seed,
    next,
    below,
    pick: (entries) => entries[below(entries.length)] as (typeof entries)[number],
    chance: (probability) => next() < probability,
  }
}
