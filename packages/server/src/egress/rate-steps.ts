/*
 * The rates that there are: 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten. So a room has 51 groups at most, whatever its members
 * ask for, and nobody can use up the places of others. Who asks for what is no step gets the next lower: a rate is what is not exceeded.
 */

/** Times a second. */
const LOWEST = 0.01
const HIGHEST = 1_000
const STEPS = stepsBetween(LOWEST, HIGHEST)

/** Whether a client may ask for this rate. */
export function isRate(value: unknown): value is number {
  return typeof value === 'number' && value >= LOWEST && value <= HIGHEST
}

/** Milliseconds between two values for who asks for a rate: of the highest step that does not exceed it. */
export function periodOf(rate: number): number {
  let step = LOWEST
  for (const each of STEPS) if (each <= rate) step = each
  return 1_000 / step
}

function stepsBetween(lowest: number, highest: number): readonly number[] {
  const steps: number[] = []
  for (let exponent = Math.log10(lowest); exponent < Math.log10(highest); exponent++) {
    // Through text: 1.2 * 10 is not 12.
    for (const digits of [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8]) steps.push(Number(`${digits}e${exponent}`))
  }
  return [...steps, highest]
}
