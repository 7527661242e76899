const US_PER_S = 1_000_000
const NS_PER_US = 1_000

/**
 * Microseconds of the machine's monotonic clock, the same in every process. Never a whole number, so that it is always
 * encoded in 8 bytes.
 */
export function clockUs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * US_PER_S + Math.floor(nanoseconds / NS_PER_US) + 0.5
}
