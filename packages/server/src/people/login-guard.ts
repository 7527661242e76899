import { createHash } from 'node:crypto'
import { isThenable, LIMITS, RoomcastError } from '@roomcast/protocol'
import { networkOf } from '../connection/network'
import { Recent } from '../connection/recent'
import type { FaultHook } from '../observe/report'
import type { LoginLimits } from '../options/people-options'
import { userNameKey } from './names'

/** How often logins may be refused; see {@link LoginLimits}. */
export type GuardLimits = Pick<Required<LoginLimits>, 'accountOf' | 'failuresPerAccount' | 'failuresPerAddress'>

/** A login: the same object for all calls of the guard, which asks only once what account it is for. */
export interface LoginAttempt {
  /** Address of the client. Of IPv6 all eight groups, as `handshake.address` has them. */
  readonly address: string
  readonly credentials: unknown
  /** Who the socket is logged in as, if it is. */
  readonly userId?: string | undefined
}

/** What an attempt counts for. */
interface Keys {
  readonly address: string
  readonly accounts: readonly string[]
  /** Account and address, if it is one account. */
  readonly pair: string | null
  /** Of a socket that is logged in: nobody else's. */
  readonly user: string | null
}

const MINUTE_MS = 60_000
/** How long an address is known as one that an account was logged in to from. */
const KNOWN_MS = 3_600_000
/** Longest that somebody is held up, whatever was refused at once. */
const LONGEST_DEBT_MS = 2 * MINUTE_MS
/** A longer name of an account, in UTF-16 units, is nobody's; all of them count as one. */
const ACCOUNT_LENGTH = 1_024
/** Longer keys are kept as their hash. */
const KEY_LENGTH = 64

/**
 * Holds up those who guess: only refused logins count, for the address and for the account. Who has logged in from an address
 * lately has a count of their own instead, and so has a socket that is logged in, instead of that of its address: nobody can lock
 * out the owner of an account there, from elsewhere or from behind the same proxy.
 *
 * A check takes nothing: many logins of one account may be under way when the first is refused, and all of them count, also
 * beyond what there was room for. So in the long run no more are refused than may, and a check belongs right before the
 * login runs, after it has waited for its turn.
 */
export class LoginGuard {
  private readonly addresses: FailureCounts
  private readonly accounts: FailureCounts
  /** Of known pairs, and of users who are logged in. */
  private readonly trusted: FailureCounts
  private readonly known: Recent<true>
  private readonly keys = new WeakMap<LoginAttempt, Keys>()

  /**
   * @param onFault  Told when `accountOf` throws; the account is then unknown.
   * @param now      Milliseconds of a monotonic clock.
   */
  constructor(
    private readonly limits: GuardLimits,
    private readonly onFault: FaultHook,
    now: () => number = () => performance.now(),
  ) {
    this.addresses = new FailureCounts(limits.failuresPerAddress, now)
    this.accounts = new FailureCounts(limits.failuresPerAccount, now)
    this.trusted = new FailureCounts(limits.failuresPerAccount, now)
    this.known = new Recent(LIMITS.rememberedLogins, KNOWN_MS, now)
  }

  /**
   * To be called before a login; as often as one likes.
   *
   * @throws RoomcastError `LOGIN_RATE_LIMITED` with `{ retryAfterMs }` as data: the time until one more may be refused.
   */
  check(attempt: LoginAttempt): void {
    const { address, accounts, user } = this.keysOf(attempt)
    const pair = this.knownPair(attempt)
    const counts = [
      user === null ? (pair === null ? this.addresses.waitMs(address) : 0) : this.trusted.waitMs(user),
      // Whoever is logged in may still be guessing at the account of somebody else.
      ...(pair === null ? accounts.map((account) => this.accounts.waitMs(account)) : [this.trusted.waitMs(pair)]),
    ]
    const retryAfterMs = Math.max(...counts)
    if (retryAfterMs <= 0) return
    // Whether the account exists, and which of the two it is, is nobody's business.
    const message = `too many refused logins, please try again in ${Math.ceil(retryAfterMs / 1_000)} s`
    throw new RoomcastError('LOGIN_RATE_LIMITED', message, { data: { retryAfterMs } })
  }

  /** The login was refused. */
  failed(attempt: LoginAttempt): void {
    const { address, accounts } = this.keysOf(attempt)
    this.addresses.add(address)
    for (const account of accounts) this.accounts.add(account)
    for (const key of [this.knownPair(attempt), this.keysOf(attempt).user]) if (key !== null) this.trusted.add(key)
  }

  /** The login was accepted. Gives nothing back: who guesses could log in to an account of their own in between. */
  succeeded(attempt: LoginAttempt): void {
    const { pair } = this.keysOf(attempt)
    if (pair !== null) this.known.add(pair, true)
  }

  /** Account and address, if the account was logged in to from there lately. */
  private knownPair(attempt: LoginAttempt): string | null {
    const { pair } = this.keysOf(attempt)
    return pair !== null && this.known.get(pair) !== undefined ? pair : null
  }

  private keysOf(attempt: LoginAttempt): Keys {
    const earlier = this.keys.get(attempt)
    if (earlier !== undefined) return earlier
    const address = networkOf(attempt.address)
    const accounts = this.accountNames(attempt.credentials).map(accountKey)
    const pair = accounts.length === 1 ? `${accounts[0]}\n${address}` : null
    const user = attempt.userId === undefined ? null : `@${attempt.userId}`
    const keys = { address, accounts, pair, user }
    this.keys.set(attempt, keys)
    return keys
  }

  private accountNames(credentials: unknown): readonly string[] {
    const report = (error: unknown) => this.onFault(error, { where: 'login', name: 'loginLimits.accountOf' })
    try {
      const named: unknown = this.limits.accountOf(credentials)
      // An async function by mistake: what it rejects with would end the process.
      if (isThenable(named)) named.then(undefined, report)
      const names: readonly unknown[] = Array.isArray(named) ? named : [named]
      return names.filter((name) => typeof name === 'string').filter((name) => name !== '')
    } catch (error) {
      report(error)
      return []
    }
  }
}

/** Refused logins by key. A bucket of `perMinute` that refills evenly, kept as the time at which it is full again. */
class FailureCounts {
  private readonly fullAt: Recent<number>
  private readonly eachMs: number

  constructor(
    perMinute: number,
    private readonly now: () => number,
  ) {
    this.eachMs = MINUTE_MS / perMinute
    this.fullAt = new Recent(LIMITS.rememberedLogins, LONGEST_DEBT_MS, now)
  }

  add(key: string): void {
    const now = this.now()
    const fullAt = Math.max(this.fullAt.get(key) ?? 0, now) + this.eachMs
    this.fullAt.add(key, Math.min(fullAt, now + LONGEST_DEBT_MS))
  }

  /** Whole milliseconds until one more may be refused; 0 or less if it may now. */
  waitMs(key: string): number {
    const fullAt = this.fullAt.get(key)
    // Down: sums of fractions are not exact, and one failure less would be let through.
    return fullAt === undefined ? 0 : Math.floor(fullAt - this.now() - (MINUTE_MS - this.eachMs))
  }
}

/** Equal for names that are equal but for case, width or composition, which most databases do not tell apart. */
function accountKey(name: string): string {
  if (name.length > ACCOUNT_LENGTH) return 'too long'
  const key = userNameKey(name)
  return key.length > KEY_LENGTH ? `#${createHash('sha256').update(key).digest('base64url')}` : `=${key}`
}
