import { isRoomcastError, LIMITS } from '@roomcast/protocol'
import { describe, expect, test, vi } from 'vitest'
import { resolvePeopleOptions } from '../src/options/people-options'
import { type GuardLimits, LoginGuard } from '../src/people/login-guard'

const ANN = { username: 'ann', password: 'wrong' }
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** A guard whose clock stands still until it is moved; the limits are the defaults unless given. */
function makeGuard(limits: Partial<GuardLimits> = {}) {
  const clock = { now: 1_000 }
  const faults: unknown[] = []
  const { loginLimits } = resolvePeopleOptions({ loginLimits: limits }, 5_000)
  const guard = new LoginGuard(
    loginLimits,
    (error, context) => faults.push({ error, context }),
    () => clock.now,
  )
  return { guard, clock, faults }
}

/** Milliseconds to wait for the next login; 0 if it may come now. */
function waitOf(guard: LoginGuard, address: string, credentials: unknown = ANN): number {
  try {
    guard.check({ address, credentials })
    return 0
  } catch (error) {
    if (!isRoomcastError(error)) throw error
    expect(error.code).toBe('LOGIN_RATE_LIMITED')
    return (error.data as { retryAfterMs: number }).retryAfterMs
  }
}

/** Logins in with wrong credentials as often as may be. @returns How often that was. */
function exhaust(guard: LoginGuard, address: string, credentials: unknown = ANN): number {
  for (let tries = 0; tries < 1_000; tries++) {
    if (waitOf(guard, address, credentials) > 0) return tries
    guard.failed({ address, credentials })
  }
  throw new Error('there is no limit')
}

const user = (username: string) => ({ username })
const ip = (index: number) => `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`

describe('an account', () => {
  test('may be refused 10 times in a minute, from whatever addresses', () => {
    const { guard } = makeGuard()
    for (let index = 0; index < LIMITS.loginFailuresPerAccount; index++) {
      expect(waitOf(guard, ip(index))).toBe(0)
      guard.failed({ address: ip(index), credentials: ANN })
    }
    expect(waitOf(guard, ip(99))).toBe(6_000)
    expect(waitOf(guard, ip(99), user('bob'))).toBe(0)
  })

  test('is told when there is room again, and the room comes back evenly', () => {
    const { guard, clock } = makeGuard()
    expect(exhaust(guard, ip(1))).toBe(10)
    const attempt = { address: ip(1), credentials: ANN }
    expect(() => guard.check(attempt)).toThrow('too many refused logins, please try again in 6 s')
    clock.now += 5_999
    expect(waitOf(guard, ip(1))).toBe(1)
    clock.now += 1
    expect(exhaust(guard, ip(1))).toBe(1)
    clock.now += 30_000
    expect(exhaust(guard, ip(1))).toBe(5)
    clock.now += MINUTE_MS
    expect(exhaust(guard, ip(1))).toBe(10)
    clock.now += 10 * MINUTE_MS
    expect(exhaust(guard, ip(1)), 'never more than a minute holds').toBe(10)
  })

  test.each([1, 3, 7, 11, 59])('has exactly the room that the option says: %i', (failuresPerAccount) => {
    const { guard, clock } = makeGuard({ failuresPerAccount })
    clock.now = 123_456.789
    expect(exhaust(guard, ip(1))).toBe(failuresPerAccount)
  })

  test('is the same in another case, width or composition, and with spaces around it', () => {
    const { guard } = makeGuard()
    exhaust(guard, ip(1), user('Zoë'))
    for (const name of ['zoë', 'ZOË', 'Zoe\u0308', 'Ｚｏë', ' zoë ', '\u3000Zoë']) {
      expect(waitOf(guard, ip(2), user(name)), name).toBeGreaterThan(0)
    }
    expect(waitOf(guard, ip(2), user('zoe'))).toBe(0)
  })

  test('is what accountOf says, by default the text in username, email or account', () => {
    const { guard } = makeGuard()
    exhaust(guard, ip(1), { email: 'a@example.com' })
    exhaust(guard, ip(2), { account: 'acme' })
    expect(waitOf(guard, ip(3), { email: 'A@example.com' })).toBeGreaterThan(0)
    expect(waitOf(guard, ip(3), { username: 7, email: 'a@example.com' })).toBeGreaterThan(0)
    expect(waitOf(guard, ip(3), { account: 'ACME' })).toBeGreaterThan(0)
    const own = makeGuard({ accountOf: (credentials) => (credentials as string[])[0] })
    exhaust(own.guard, ip(1), ['ann', 'x'])
    expect(waitOf(own.guard, ip(2), ['ann', 'y'])).toBeGreaterThan(0)
    expect(waitOf(own.guard, ip(2), ['bob', 'y'])).toBe(0)
  })

  test.each([[null], [undefined], ['token'], [7], [{}], [{ username: '' }], [{ username: {} }], [[]]])(
    'that credentials do not name is not counted: %j',
    (credentials) => {
      const { guard } = makeGuard()
      for (let index = 0; index < 50; index++) guard.failed({ address: ip(index), credentials })
      expect(waitOf(guard, ip(99), credentials)).toBe(0)
    },
  )
})

describe('an address', () => {
  test('may be refused 60 times in a minute, whatever the accounts', () => {
    const { guard, clock } = makeGuard()
    for (let index = 0; index < LIMITS.loginFailuresPerAddress; index++) {
      expect(waitOf(guard, ip(1), user(`u${index}`))).toBe(0)
      guard.failed({ address: ip(1), credentials: user(`u${index}`) })
    }
    expect(waitOf(guard, ip(1), user('somebody'))).toBe(1_000)
    expect(waitOf(guard, ip(1), { token: 'x' })).toBe(1_000)
    expect(waitOf(guard, ip(2), user('somebody'))).toBe(0)
    clock.now += 1_000
    expect(waitOf(guard, ip(1), user('somebody'))).toBe(0)
  })

  test('of IPv6 counts with its network, of which a client has all addresses', () => {
    const { guard } = makeGuard()
    const host = (network: string, last: number) => `${network}:0000:0000:0000:${last.toString(16).padStart(4, '0')}`
    const network = '2001:0db8:0001:0002'
    for (let index = 0; index < 60; index++) guard.failed({ address: host(network, index), credentials: null })
    expect(waitOf(guard, host(network, 61), null)).toBe(1_000)
    expect(waitOf(guard, host('2001:0db8:0001:0003', 61), null)).toBe(0)
  })
})

describe('logins that are not refused', () => {
  test('do not count, and hold nobody up', () => {
    const { guard } = makeGuard()
    for (let index = 0; index < 1_000; index++) {
      const attempt = { address: ip(1), credentials: ANN }
      guard.check(attempt)
      guard.succeeded(attempt)
    }
    expect(waitOf(guard, ip(1))).toBe(0)
    expect(waitOf(guard, ip(2))).toBe(0)
  })

  test('let the owner in from where they have logged in lately, whatever others do to the account', () => {
    const { guard } = makeGuard()
    guard.succeeded({ address: ip(1), credentials: { username: 'Ann', password: 'right' } })
    for (let index = 0; index < 100; index++) guard.failed({ address: ip(100 + index), credentials: ANN })
    expect(waitOf(guard, ip(1))).toBe(0)
    expect(waitOf(guard, ip(2)), 'from elsewhere').toBeGreaterThan(0)
    expect(waitOf(guard, ip(1), user('bob')), 'another account from there').toBe(0)
  })

  test('do not free an address, for which somebody who guesses could use an account of their own', () => {
    const { guard } = makeGuard()
    let guesses = 0
    for (let index = 0; index < 200; index++) {
      const credentials = user(`victim${index}`)
      if (waitOf(guard, ip(1), credentials) > 0) break
      guard.failed({ address: ip(1), credentials })
      guard.succeeded({ address: ip(1), credentials: user('mallory') })
      guesses++
    }
    expect(guesses).toBe(60)
    expect(waitOf(guard, ip(1), user('stranger'))).toBe(1_000)
    expect(waitOf(guard, ip(1), user('mallory')), 'is no stranger, to that account').toBeLessThanOrEqual(0)
  })

  test('are remembered for an hour from the last one', () => {
    const { guard, clock } = makeGuard()
    const owner = { address: ip(1), credentials: ANN }
    const attack = () => {
      for (let index = 0; index < 20; index++) guard.failed({ address: ip(100 + index), credentials: ANN })
    }
    guard.succeeded(owner)
    clock.now += HOUR_MS - 1
    guard.succeeded({ ...owner })
    clock.now += HOUR_MS - 1
    attack()
    expect(waitOf(guard, ip(1))).toBe(0)
    clock.now += 1
    expect(waitOf(guard, ip(1))).toBeGreaterThan(0)
  })
})

describe('many at once', () => {
  test('all that were refused count, also beyond the room there was', () => {
    const { guard, clock } = makeGuard()
    const burst = Array.from({ length: 18 }, (_, index) => ({ address: ip(index), credentials: ANN }))
    for (const attempt of burst) guard.check(attempt)
    for (const attempt of burst) guard.failed(attempt)
    // 18 at 6 s each, of which a minute may have gone at once.
    expect(waitOf(guard, ip(99))).toBe(18 * 6_000 - MINUTE_MS + 6_000)
    clock.now += 54_000
    expect(exhaust(guard, ip(99))).toBe(1)
  })

  test('nobody is held up for much longer than a minute because of that', () => {
    const { guard, clock } = makeGuard()
    for (let index = 0; index < 5_000; index++) guard.failed({ address: ip(index), credentials: ANN })
    expect(waitOf(guard, ip(9_999))).toBe(66_000)
    clock.now += 66_000
    expect(waitOf(guard, ip(9_999))).toBe(0)
  })
})

describe('what is kept', () => {
  test('is bounded, and the oldest go first', () => {
    const { guard } = makeGuard({ failuresPerAccount: 1, failuresPerAddress: 1 })
    for (let index = 0; index <= LIMITS.rememberedLogins; index++) {
      guard.failed({ address: ip(index), credentials: user(`u${index}`) })
      guard.succeeded({ address: ip(index), credentials: user(`u${index}`) })
    }
    expect(sizes(guard)).toEqual(Array(3).fill(LIMITS.rememberedLogins))
    expect(waitOf(guard, ip(0), user('u0'))).toBe(0)
    expect(waitOf(guard, ip(1), null)).toBe(MINUTE_MS)
    expect(waitOf(guard, ip(LIMITS.rememberedLogins), null)).toBe(MINUTE_MS)
  })

  test('has short keys, however long the names are, and those still count', () => {
    const { guard } = makeGuard()
    const long = 'x'.repeat(300)
    const absurd = 'x'.repeat(1_000_000)
    exhaust(guard, ip(1), user(long))
    exhaust(guard, ip(2), user(absurd))
    guard.succeeded({ address: ip(3), credentials: user(long) })
    expect(waitOf(guard, ip(4), user(long.toUpperCase()))).toBeGreaterThan(0)
    expect(waitOf(guard, ip(4), user(`${long}y`))).toBe(0)
    expect(waitOf(guard, ip(4), user(`${absurd}y`)), 'absurd names are one').toBeGreaterThan(0)
    for (const key of keys(guard)) expect(key.length).toBeLessThan(100)
    expect(keys(guard).length).toBe(2 + 2 + 1)
  })

  test('has nothing of the credentials but the account', () => {
    const { guard } = makeGuard()
    guard.failed({ address: ip(1), credentials: { username: 'ann', password: 'hunter2' } })
    guard.succeeded({ address: ip(1), credentials: { username: 'ann', password: 'hunter2' } })
    expect(keys(guard).join()).toContain('=ANN')
    expect(keys(guard).join()).not.toContain('hunter2')
  })

  test('a name cannot take the place of the hash of another', () => {
    const { guard } = makeGuard()
    const long = user('x'.repeat(300))
    exhaust(guard, ip(1), long)
    const stored = keys(guard).find((key) => key.startsWith('#')) as string
    for (const name of [stored, stored.slice(1), 'too long']) expect(waitOf(guard, ip(2), user(name)), name).toBe(0)
  })
})

describe('accountOf', () => {
  test('that throws is reported, and the account is unknown; the address still counts', () => {
    const fault = new Error('no')
    const { guard, faults } = makeGuard({
      accountOf: () => {
        throw fault
      },
    })
    expect(exhaust(guard, ip(1))).toBe(60)
    expect(faults[0]).toEqual({ error: fault, context: { where: 'login', name: 'loginLimits.accountOf' } })
  })

  test('that is async by mistake neither names an account nor ends the process', async () => {
    const fault = new Error('no')
    const accountOf = vi.fn(async () => {
      throw fault
    })
    const { guard, faults } = makeGuard({ accountOf: accountOf as unknown as GuardLimits['accountOf'] })
    guard.check({ address: ip(1), credentials: ANN })
    await vi.waitUntil(() => faults.length > 0)
    expect(faults).toMatchObject([{ error: fault }])
  })

  test('is asked once for each login, before the login function can change the credentials', () => {
    const accountOf = vi.fn((credentials: unknown) => (credentials as { username?: string }).username)
    const { guard } = makeGuard({ accountOf, failuresPerAccount: 1 })
    const credentials: { username?: string } = { username: 'ann' }
    const attempt = { address: ip(1), credentials }
    guard.check(attempt)
    delete credentials.username
    guard.check(attempt)
    guard.failed(attempt)
    expect(accountOf).toHaveBeenCalledTimes(1)
    expect(waitOf(guard, ip(2), user('ann'))).toBe(MINUTE_MS)
  })
})

interface Inside {
  addresses: { fullAt: { entries: Map<string, unknown> } }
  accounts: { fullAt: { entries: Map<string, unknown> } }
  known: { entries: Map<string, unknown> }
}

function maps(guard: LoginGuard): Map<string, unknown>[] {
  const { addresses, accounts, known } = guard as unknown as Inside
  return [addresses.fullAt.entries, accounts.fullAt.entries, known.entries]
}

const sizes = (guard: LoginGuard) => maps(guard).map(({ size }) => size)
const keys = (guard: LoginGuard) => maps(guard).flatMap((map) => [...map.keys()])
