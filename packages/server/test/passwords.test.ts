import { scryptSync } from 'node:crypto'
import { isRoomcastError } from '@roomcast/protocol'
import { checkPassword, hashPassword } from '@roomcast/server/login'
import { describe, expect, test } from 'vitest'

/** Tests are not to wait for what makes hashes safe. */
const cheap = { costLog2: 4 }

/** A hash of any text, with a key of any length. */
function makeHash(password: string, keyBytes: number): string {
  const salt = Buffer.alloc(16)
  return `$scrypt$ln=4,r=8,p=1$${base64(salt)}$${base64(scryptSync(password, salt, keyBytes, { N: 16 }))}`
}

const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')

describe('a hash', () => {
  test('says how it was made, and is another one each time', async () => {
    const [one, two] = await Promise.all([hashPassword('secret'), hashPassword('secret')])
    expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(one).not.toBe(two)
    expect(await hashPassword('secret', cheap)).toMatch(/^\$scrypt\$ln=4,r=8,p=1\$/)
  })

  test('matches its password and no other, whatever costs now', async () => {
    const hash = await hashPassword('Correct horse', cheap)
    expect(await checkPassword('Correct horse', hash)).toBe(true)
    expect(await checkPassword('Correct horse', hash, { costLog2: 5 })).toBe(true)
    for (const wrong of ['correct horse', 'Correct horse ', 'Correct hors', '', 'x']) {
      expect(await checkPassword(wrong, hash), wrong).toBe(false)
    }
  })

  // RFC 7914 section 12.
  test.each([
    [
      'password',
      'NaCl',
      'ln=10,r=8,p=16',
      'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
    ],
    [
      'pleaseletmein',
      'SodiumChloride',
      'ln=14,r=8,p=1',
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    ],
  ])('of "%s" is the one in the RFC', async (password, salt, cost, hex) => {
    const hash = `$scrypt$${cost}$${base64(Buffer.from(salt))}$${base64(Buffer.from(hex, 'hex'))}`
    expect(await checkPassword(password, hash)).toBe(true)
    expect(await checkPassword(`${password}x`, hash)).toBe(false)
  })

  test('of another library can be checked', async () => {
    // From the manual of passlib 1.7.
    const hash = '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E'
    expect(await checkPassword('password', hash)).toBe(true)
  })
})

describe('a password', () => {
  test('is the same however it is composed, and whichever space was typed', async () => {
    const hash = await hashPassword('Zoë ist da', cheap)
    expect(await checkPassword('Zoe\u0308 ist da', hash)).toBe(true)
    expect(await checkPassword('Zoë\u00a0ist\u3000da', hash)).toBe(true)
  })

  test('differs in case, width and ligatures', async () => {
    const hash = await hashPassword('ﬁlou2', cheap)
    for (const other of ['filou2', 'ﬁLOU2', 'ﬁlou２', 'ﬁlou²']) expect(await checkPassword(other, hash)).toBe(false)
  })

  test('has 1 to 1,024 bytes', async () => {
    const longest = 'ä'.repeat(512)
    expect(await checkPassword(longest, await hashPassword(longest, cheap))).toBe(true)
    for (const [wrong, what] of [
      [`${longest}x`, 'has more than 1024 bytes'],
      ['x'.repeat(10_000_000), 'has more than 1024 bytes'],
      ['', 'is empty'],
      [undefined, 'is of type undefined, not text'],
      [{ length: 3 }, 'is of type object, not text'],
      [['secret'], 'is of type object, not text'],
    ] as const) {
      const error = await hashPassword(wrong as string, cheap).catch((reason: unknown) => reason)
      expect(isRoomcastError(error) && error.code).toBe('INVALID_OPTION')
      expect(error).toMatchObject({ message: `the password ${what}` })
    }
  })

  test.each([
    ['long', 'x'.repeat(1_025)],
    ['absurdly long', 'x'.repeat(10_000_000)],
    ['', ''],
    [null],
    [7],
    [['secret']],
  ])(
    'that is none matches nothing, not even the hash of what is hashed instead: %s',
    async (_name, password?: unknown) => {
      expect(await checkPassword(password ?? _name, makeHash('', 32))).toBe(false)
    },
  )
})

describe('a stored hash that is none', () => {
  const salt = 'AAAAAAAAAAAAAAAAAAAAAA'
  const key = 'A'.repeat(43)

  test.each([
    null,
    undefined,
    '',
    'secret',
    7,
    {},
    '$2b$10$nOUIs5kJ7naTuTFkBy1veuK0kSxUFXfuaOKdOKf9xYT0KKIGSJwFa',
    `$scrypt$ln=4,r=8,p=1$${salt}$`,
    `$scrypt$ln=4,r=8,p=1$${salt}$AAAA`,
    `$scrypt$ln=4,r=8,p=1$${salt}$${'A'.repeat(200)}`,
    `$scrypt$ln=4,r=8,p=1$${'A'.repeat(200)}$${key}`,
    `$scrypt$ln=4,r=8$${salt}$${key}`,
    `$scrypt$ln=0,r=8,p=1$${salt}$${key}`,
    `$scrypt$ln=4,r=0,p=1$${salt}$${key}`,
    `$scrypt$ln=4,r=8,p=0$${salt}$${key}`,
    `$scrypt$ln=-4,r=8,p=1$${salt}$${key}`,
    `$scrypt$ln=4.5,r=8,p=1$${salt}$${key}`,
    ` $scrypt$ln=4,r=8,p=1$${salt}$${key}`,
    `$scrypt$ln=4,r=8,p=1$${salt}$${key}\n`,
    // OpenSSL would refuse it, with an error.
    `$scrypt$ln=16,r=1,p=1$${salt}$${key}`,
    // 16 GiB; a day.
    `$scrypt$ln=24,r=8,p=1$${salt}$${key}`,
    `$scrypt$ln=19,r=8,p=1$${salt}$${key}`,
    `$scrypt$ln=14,r=999,p=1$${salt}$${key}`,
    `$scrypt$ln=18,r=8,p=999$${salt}$${key}`,
    `$scrypt$ln=18,r=8,p=3$${salt}$${key}`,
    `$scrypt$ln=99,r=8,p=1$${salt}$${key}`,
  ])('matches nothing, and costs what a hash costs: %j', async (hash) => {
    const before = performance.now()
    for (const password of ['secret', '', undefined]) {
      expect(await checkPassword(password, hash as string, cheap)).toBe(false)
    }
    // Of which one alone would take seconds.
    expect(performance.now() - before).toBeLessThan(500)
  })
})

test('a stored hash whose key is so short that it could be guessed matches nothing', async () => {
  expect(await checkPassword('secret', makeHash('secret', 32))).toBe(true)
  expect(await checkPassword('secret', makeHash('secret', 64))).toBe(true)
  for (const bytes of [1, 8, 31, 65]) expect(await checkPassword('secret', makeHash('secret', bytes))).toBe(false)
})

test.each([0, 19, 4.5, Number.NaN, '15', null])('a cost of %j is refused', async (costLog2) => {
  const cost = { costLog2: costLog2 as number }
  for (const call of [hashPassword('secret', cost), checkPassword('secret', null, cost)]) {
    await expect(call).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  }
})

test('hashing keeps nobody waiting', async () => {
  let turns = 0
  const counter = setInterval(() => turns++, 5)
  await hashPassword('secret')
  clearInterval(counter)
  expect(turns).toBeGreaterThan(2)
})

/*
 * Who has an account cannot be found out by the clock. The tries of all kinds take turns, so that the machine is as busy for one
 * as for the other; and the shortest times are compared, since what the machine does in between only makes them longer. It may spoil
 * a round all the same, but hardly five.
 */
test('checking takes the same time for a wrong password, without a user, and without a password', async () => {
  const costLog2 = 9
  const hash = await hashPassword('right', { costLog2 })
  const kinds: [name: string, password: unknown, hash: string | null][] = [
    ['wrong password', 'wrong', hash],
    ['right password', 'right', hash],
    ['no user', 'wrong', null],
    ['malformed hash', 'wrong', 'x'],
    ['absurdly long password', 'x'.repeat(1_000_000), hash],
    ['no password', undefined, hash],
  ]
  const round = async () => {
    const times = kinds.map(() => [] as number[])
    for (let index = 0; index < 400 * kinds.length; index++) {
      // Each kind follows each other one as often.
      const kind = (index + Math.floor(index / kinds.length)) % kinds.length
      const [, password, stored] = kinds[kind] as (typeof kinds)[number]
      const before = performance.now()
      await checkPassword(password, stored, { costLog2 })
      times[kind]?.push(performance.now() - before)
    }
    const [usual = 0, ...others] = times.map(shortTime)
    return others.map((time, index) => ({ name: kinds[index + 1]?.[0], difference: Math.abs(time / usual - 1) }))
  }
  let worst: Awaited<ReturnType<typeof round>> = []
  for (let tries = 0; tries < 5; tries++) {
    const results = await round()
    worst = results.filter(({ difference }) => difference >= 0.05)
    if (worst.length === 0) break
  }
  expect(worst).toEqual([])
}, 60_000)

/** A tenth of them are shorter. */
function shortTime(times: number[]): number {
  return times.sort((a, b) => a - b)[Math.floor(times.length / 10)] as number
}
