import { CLOSE_CODES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { evenness, type Return, simulate } from './herd-simulation'

/*
 * 5,000 clients with good links lose them in the same moment, on a clock of their own. The server is away, then it is
 * back, for everybody or for a thousand new links a second. Even is what has no second with more than three times the
 * mean; `evenness` says of what. Each test prints its figures and its seed; SEED gives another one.
 */

const CLIENTS = 5_000
const MAX_RATIO = 3
const seed = Number(process.env.SEED ?? 1)

const CODES = ['ABNORMAL', 'SERVER_SHUTDOWN', 'PING_TIMEOUT'] as const
const CASES = CODES.flatMap((name) =>
  [0, 3_000, 20_000].flatMap((awayMs) =>
    [Number.POSITIVE_INFINITY, 1_000].map((acceptsPerSecond) => ({ name, awayMs, acceptsPerSecond })),
  ),
)
type Case = (typeof CASES)[number]

const done = new Map<Case, Return>()

/** Simulates a case, once for all tests. */
function outcome(given: Case): Return {
  const { name, ...rest } = given
  const known = done.get(given) ?? simulate({ ...rest, clients: CLIENTS, code: CLOSE_CODES[name], seed })
  done.set(given, known)
  return known
}

function ratioOf(what: 'attempts' | 'returns', given: Case): number {
  const outcomes = outcome(given)
  const { spanMs, mean, busiest, ratio } = evenness(outcomes[what], outcomes.returns)
  const { name, awayMs, acceptsPerSecond } = given
  const figures = [
    `${name}, away ${awayMs} ms, ${acceptsPerSecond}/s: ${outcomes[what].length} ${what}`,
    `first ${outcomes[what][0]} ms, last return ${outcomes.returns.at(-1)} ms, span ${spanMs} ms`,
    `mean ${mean.toFixed(0)}/s, busiest ${busiest.toFixed(0)}/s, ratio ${ratio.toFixed(2)}, seed ${seed}`,
  ]
  console.log(figures.join('; '))
  return ratio
}

const TITLE = 'after $name, with the server away for $awayMs ms and then good for $acceptsPerSecond links a second'

/** The first wave comes within `reconnectionDelay`, by WebSocket and then by polling: more than such a server takes. */
const isOverrun = ({ awayMs, acceptsPerSecond }: Case) => acceptsPerSecond < CLIENTS && awayMs < 20_000

describe('a crowd of clients that lost their links together', () => {
  test.each(CASES)(`is back in full ${TITLE}`, (given) => {
    const { returns } = outcome(given)
    expect(returns.length).toBe(CLIENTS)
    // No server is to be asked for longer than it takes to let them in, and twice the longest delay.
    const limitMs = given.awayMs + (CLIENTS / given.acceptsPerSecond) * 1_000 + 40_000
    expect(returns.at(-1)).toBeLessThan(limitMs)
  })

  // Where the server is overrun its own limit makes the busiest second; `retryAfterMs` is for it.
  const counted = CASES.filter((given) => !isOverrun(given))

  test.each(counted)(`returns evenly ${TITLE}`, (given) => {
    expect(ratioOf('returns', given)).toBeLessThan(MAX_RATIO)
  })

  test.each(counted)(`tries evenly ${TITLE}`, (given) => {
    expect(ratioOf('attempts', given)).toBeLessThan(MAX_RATIO)
  })
})
