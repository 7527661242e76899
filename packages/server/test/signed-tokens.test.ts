import { createHmac, createSecretKey, createSign, generateKeyPairSync, webcrypto } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isRoomcastError, RoomcastError } from '@roomcast/protocol'
import type {
  LoginContext,
  LoginResult,
  SignedTokensOptions,
  TokenAlgorithm,
  TokenClaims,
  TokenKey,
} from '@roomcast/server/login'
import { signedTokens } from '@roomcast/server/login'
import fc from 'fast-check'
import * as jose from 'jose'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { runs } from '../../protocol/test/support'

const SECRET = 'a secret of at least 32 bytes, as the hash is'
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')
const RSA_PEM = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string

const context: LoginContext = {
  namespace: '/',
  socketId: 's1',
  address: '127.0.0.1',
  headers: {},
  user: null,
  signal: new AbortController().signal,
}

const nowSec = () => Math.floor(Date.now() / 1_000)

interface Making {
  readonly key?: Parameters<jose.SignJWT['sign']>[0]
  readonly header?: jose.JWTHeaderParameters
}

/** A token of Ann's that is good for a minute, but for what is given. Claims that are undefined are left out. */
function make(claims: object = {}, { key = rsa.privateKey, header = { alg: 'RS256' } }: Making = {}): Promise<string> {
  const all = { sub: 'u1', name: 'Ann', exp: nowSec() + 60, ...claims }
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  return new jose.SignJWT(given).setProtectedHeader(header).sign(key)
}

const RS256: SignedTokensOptions = { key: rsa.publicKey, algorithms: ['RS256'] }

/** What the login makes of a token, or of other credentials: its user, or the code of the refusal. */
async function login(token: unknown, options: Partial<SignedTokensOptions> = {}, credentials: unknown = { token }) {
  try {
    return await signedTokens({ ...RS256, ...options })(credentials, context)
  } catch (error) {
    if (!isRoomcastError(error)) throw error
    // One sentence for all reasons.
    if (error.code === 'LOGIN_REFUSED')
      expect(error).toMatchObject({ message: 'the token was refused', data: undefined })
    if (error.code === 'LOGIN_EXPIRED')
      expect(error).toMatchObject({ message: 'the token has expired', data: undefined })
    return error.code
  }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('a good token', () => {
  test('makes a user of sub and name, with the claims, until it ends', async () => {
    const exp = nowSec() + 60
    expect(await login(await make({ exp, role: 'admin' }))).toEqual({
      id: 'u1',
      name: 'Ann',
      claims: { sub: 'u1', name: 'Ann', exp, role: 'admin' },
      expiresAt: exp * 1_000,
    })
  })

  test('need not have a name; what is no text is none', async () => {
    for (const name of [undefined, 7, null, { first: 'Ann' }]) {
      const user = await login(await make({ name }))
      expect(user).toMatchObject({ id: 'u1' })
      expect(user).not.toHaveProperty('name')
    }
  })

  test.each([undefined, 7, '', null, ['u1']])('has a sub: %j is none', async (sub) => {
    expect(await login(await make({ sub }))).toBe('LOGIN_REFUSED')
  })

  const pairs: [alg: TokenAlgorithm, key: Making['key'], check: TokenKey][] = [
    ['HS256', Buffer.from(SECRET), SECRET],
    ['HS384', Buffer.alloc(48, 1), Buffer.alloc(48, 1)],
    ['HS512', Buffer.alloc(64, 1), new Uint8Array(64).fill(1)],
    ['HS256', Buffer.alloc(32, 1), createSecretKey(Buffer.alloc(32, 1))],
    ['HS256', Buffer.alloc(32, 1), { kty: 'oct', k: Buffer.alloc(32, 1).toString('base64url') }],
    ['RS256', rsa.privateKey, rsa.publicKey],
    ['RS384', rsa.privateKey, rsa.privateKey],
    ['RS512', rsa.privateKey, RSA_PEM],
    ['PS256', rsa.privateKey, Buffer.from(`\n${RSA_PEM}`)],
    ['PS384', rsa.privateKey, rsa.publicKey.export({ format: 'jwk' })],
    ['PS512', rsa.privateKey, rsa.publicKey],
    ['ES256', ec.privateKey, ec.publicKey],
    ['ES256', ec.privateKey, { ...ec.publicKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'k' }],
    ['EdDSA', ed.privateKey, ed.publicKey],
    ['Ed25519', ed.privateKey, ed.privateKey.export({ format: 'pem', type: 'pkcs8' })],
  ]
  test.each(pairs)('is signed as %s', async (alg, key, check) => {
    const token = await make({}, { key: key as jose.CryptoKey, header: { alg } })
    expect(await login(token, { key: check, algorithms: [alg] })).toMatchObject({ id: 'u1' })
  })

  test('can be checked with CryptoKeys', async () => {
    const ecdsa = { name: 'ECDSA', namedCurve: 'P-384' }
    const { publicKey, privateKey } = await webcrypto.subtle.generateKey(ecdsa, false, ['sign', 'verify'])
    const token = await make({}, { key: privateKey as jose.CryptoKey, header: { alg: 'ES384' } })
    expect(await login(token, { key: publicKey, algorithms: ['ES384'] })).toMatchObject({ id: 'u1' })
    const hmac = { name: 'HMAC', hash: 'SHA-256', length: 256 }
    const secret = await webcrypto.subtle.generateKey(hmac, false, ['sign', 'verify'])
    const signed = await make({}, { key: secret as jose.CryptoKey, header: { alg: 'HS256' } })
    expect(await login(signed, { key: secret, algorithms: ['HS256'] })).toMatchObject({ id: 'u1' })
  })

  test('may be signed in any way of the list', async () => {
    const algorithms: TokenAlgorithm[] = ['RS256', 'PS256']
    expect(await login(await make(), { algorithms })).toMatchObject({ id: 'u1' })
    expect(await login(await make({}, { header: { alg: 'PS256' } }), { algorithms })).toMatchObject({ id: 'u1' })
    expect(await login(await make({}, { header: { alg: 'PS512' } }), { algorithms })).toBe('LOGIN_REFUSED')
  })

  test('may be as long as 8 KiB', async () => {
    const user = await login(await make({ text: 'x'.repeat(5_000) }))
    expect(user).toMatchObject({ id: 'u1' })
    expect(await login(await make({ text: 'x'.repeat(6_000) }))).toBe('LOGIN_REFUSED')
  })
})

describe('a token is refused', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const payload = () => part({ sub: 'u1', exp: nowSec() + 60 })

  test.each(['none', 'None', 'NONE', 'nOnE', ''])('that is not signed: alg %j', async (alg) => {
    expect(await login(`${part({ alg })}.${payload()}.`)).toBe('LOGIN_REFUSED')
    const [, , signature] = (await make()).split('.')
    expect(await login(`${part({ alg })}.${payload()}.${signature}`)).toBe('LOGIN_REFUSED')
  })

  test('that is signed with the public key as if it were a secret', async () => {
    for (const secret of [RSA_PEM, RSA_PEM.trim(), rsa.publicKey.export({ type: 'spki', format: 'der' })]) {
      const text = `${part({ alg: 'HS256' })}.${payload()}`
      const token = `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
      for (const key of [rsa.publicKey, RSA_PEM]) expect(await login(token, { key })).toBe('LOGIN_REFUSED')
    }
  })

  test('that is signed with another key, also one it brings along', async () => {
    const key = otherRsa.privateKey
    const jwk = otherRsa.publicKey.export({ format: 'jwk' }) as jose.JWK
    expect(await login(await make({}, { key }))).toBe('LOGIN_REFUSED')
    const jku = 'https://attacker.example/jwks'
    for (const header of [{ jwk }, { jku }, { x5u: jku }, { kid: '../../dev/null' }, { jwk, jku, kid: 'k' }]) {
      expect(await login(await make({}, { key, header: { alg: 'RS256', ...header } }))).toBe('LOGIN_REFUSED')
    }
  })

  test('that was tampered with, anywhere', async () => {
    const token = await make()
    expect(await login(token)).toMatchObject({ id: 'u1' })
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(...'AZaz09-_.=+/ é\0'), async (index, char) => {
        const changed = token.slice(0, index) + char + token.slice(index + 1)
        // The last character of a part has bits that say nothing.
        fc.pre(!sameBytes(token, changed))
        expect(await login(changed)).toBe('LOGIN_REFUSED')
      }),
      runs(300),
    )
    for (const end of [1, 10, token.length / 2]) expect(await login(token.slice(0, -end))).toBe('LOGIN_REFUSED')
    expect(await login(`${token}.${token}`)).toBe('LOGIN_REFUSED')
    expect(await login(`Bearer ${token}`)).toBe('LOGIN_REFUSED')
  })

  test.each([
    ['nothing', undefined],
    ['empty', ''],
    ['null', null],
    ['a number', 42],
    ['an object', { toString: () => 'x' }],
    ['a list', ['x']],
    ['bytes', new Uint8Array(3)],
    ['dots', '..'],
    ['four parts', 'a.b.c.d'],
    ['five parts, encrypted', 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA'],
    ['text', 'hello'],
    ['not ASCII', 'é.é.é'],
    ['JSON that is no object', `${Buffer.from('"x"').toString('base64url')}.e30.AAAA`],
    ['no alg', `${Buffer.from('{}').toString('base64url')}.e30.AAAA`],
    ['alg of another type', `${Buffer.from('{"alg":["RS256"]}').toString('base64url')}.e30.AAAA`],
    ['crit', `${Buffer.from('{"alg":"RS256","crit":["x"],"x":1}').toString('base64url')}.e30.AAAA`],
    ['a prototype', `${Buffer.from('{"__proto__":{"alg":"RS256"}}').toString('base64url')}.e30.AAAA`],
  ])('that is none: %s', async (_what, token) => {
    expect(await login(token)).toBe('LOGIN_REFUSED')
  })

  test.each([[undefined], [null], ['x'], [7], [[]], [{}], [{ Token: 'x' }]])(
    'that is not there: %j',
    async (credentials) => {
      expect(await login('', {}, credentials)).toBe('LOGIN_REFUSED')
    },
  )

  test('that is too long, before anything of it is read', async () => {
    const token = `${'x'.repeat(500_000)}.${'y'.repeat(500_000)}.z`
    await login('x')
    const parse = vi.spyOn(JSON, 'parse')
    const before = performance.now()
    expect(await login(token)).toBe('LOGIN_REFUSED')
    expect(performance.now() - before).toBeLessThan(50)
    expect(parse).not.toHaveBeenCalled()
    parse.mockRestore()
  })

  test('by another issuer, or for another audience', async () => {
    const options = { issuer: 'https://id.example', audience: ['chat', 'news'] }
    const good = { iss: 'https://id.example', aud: 'chat' }
    expect(await login(await make(good), options)).toMatchObject({ id: 'u1' })
    expect(await login(await make({ ...good, aud: ['mail', 'news'] }), options)).toMatchObject({ id: 'u1' })
    for (const other of [
      { iss: 'https://id.example/' },
      { iss: 'https://evil.example' },
      { iss: undefined },
      { iss: ['https://id.example'] },
      { aud: 'mail' },
      { aud: [] },
      { aud: undefined },
      { aud: 7 },
      { aud: 'chat,news' },
    ]) {
      expect(await login(await make({ ...good, ...other }), options), JSON.stringify(other)).toBe('LOGIN_REFUSED')
    }
  })

  test('that is of another audience also when it has expired: only a token for us can expire', async () => {
    const claims = { aud: 'mail', exp: nowSec() - 60 }
    expect(await login(await make(claims), { audience: 'chat' })).toBe('LOGIN_REFUSED')
    const key = otherRsa.privateKey
    expect(await login(await make({ exp: nowSec() - 60 }, { key }))).toBe('LOGIN_REFUSED')
  })

  test.each(['60', null, {}, true])('whose exp is no number: %j', async (exp) => {
    expect(await login(await make({ exp }))).toBe('LOGIN_REFUSED')
  })

  test('with the reason as cause, for the log of the application', async () => {
    const error = await Promise.resolve(signedTokens(RS256)({ token: 'x' }, context)).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'LOGIN_REFUSED', cause: { code: 'ERR_JWS_INVALID' } })
  })
})

describe('time', () => {
  test('a token that has expired is refused with LOGIN_EXPIRED, 5 s late', async () => {
    const token = await make({ exp: nowSec() + 60 })
    vi.useFakeTimers({ toFake: ['Date'], now: (nowSec() + 64) * 1_000 })
    expect(await login(token)).toMatchObject({ id: 'u1' })
    vi.setSystemTime((nowSec() + 1) * 1_000)
    expect(await login(token)).toBe('LOGIN_EXPIRED')
    expect(await login(token, { clockToleranceSec: 10 })).toMatchObject({ id: 'u1' })
    expect(await login(token, { clockToleranceSec: 0 })).toBe('LOGIN_EXPIRED')
  })

  test('one that is over, and accepted because clocks differ, makes a login that ends when it would be refused', async () => {
    const exp = nowSec() - 2
    const result = (await login(await make({ exp }))) as LoginResult
    expect(result.expiresAt).toBe((exp + 5) * 1_000)
    expect(Number(result.expiresAt)).toBeGreaterThan(Date.now())
  })

  test('one that is not valid yet is refused', async () => {
    expect(await login(await make({ nbf: nowSec() + 4 }))).toMatchObject({ id: 'u1' })
    expect(await login(await make({ nbf: nowSec() + 60 }))).toBe('LOGIN_REFUSED')
    expect(await login(await make({ nbf: 'soon' }))).toBe('LOGIN_REFUSED')
  })

  test('one without end is refused unless that is allowed', async () => {
    const token = await make({ exp: undefined })
    expect(await login(token)).toBe('LOGIN_REFUSED')
    const user = await login(token, { requireExpiry: false })
    expect(user).toMatchObject({ id: 'u1' })
    expect(user).not.toHaveProperty('expiresAt')
  })

  test('one whose end is no number of JSON is one without end', async () => {
    const text = [{ alg: 'RS256' }, '{"sub":"u1","exp":1e400}']
      .map((value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url'))
      .join('.')
    const token = `${text}.${createSign('sha256').update(text).sign(rsa.privateKey, 'base64url')}`
    expect(await login(token)).toBe('LOGIN_REFUSED')
    const user = await login(token, { requireExpiry: false })
    expect(user).toMatchObject({ id: 'u1' })
    expect(user).not.toHaveProperty('expiresAt')
  })
})

describe('functions of the application', () => {
  test('tokenOf says where the token is', async () => {
    const token = await make()
    const tokenOf = (credentials: { jwt: string }, { headers }: LoginContext) =>
      credentials?.jwt ?? headers.authorization
    expect(await login('', { tokenOf }, { jwt: token })).toMatchObject({ id: 'u1' })
    expect(await login('', { tokenOf }, { token })).toBe('LOGIN_REFUSED')
    const viaHeader = signedTokens({ ...RS256, tokenOf })
    expect(await viaHeader(null, { ...context, headers: { authorization: token } })).toMatchObject({ id: 'u1' })
  })

  test('user makes the user, and may decide when the login ends', async () => {
    const exp = nowSec() + 60
    const token = await make({ exp, email: 'a@example.com' })
    const user = vi.fn(({ email }: TokenClaims) => ({ id: String(email), color: 'red' }))
    expect(await login(token, { user })).toEqual({ id: 'a@example.com', color: 'red', expiresAt: exp * 1_000 })
    expect(user).toHaveBeenCalledWith(expect.objectContaining({ sub: 'u1' }), context)
    const end = new Date(5)
    expect(await login(token, { user: async () => ({ id: 'x', expiresAt: end }) })).toEqual({ id: 'x', expiresAt: end })
    expect(await login(token, { user: () => null })).toBe(null)
    expect(await login(token, { user: async () => undefined as unknown as null })).toBe(null)
  })

  test('user is not asked about tokens that are refused', async () => {
    const user = vi.fn(() => ({ id: 'x' }))
    const key = otherRsa.privateKey
    expect(await login(await make({}, { key }), { user })).toBe('LOGIN_REFUSED')
    expect(await login(await make({ exp: nowSec() - 60 }), { user })).toBe('LOGIN_EXPIRED')
    expect(await login(await make({ exp: undefined }), { user })).toBe('LOGIN_REFUSED')
    expect(user).not.toHaveBeenCalled()
  })

  test('what they throw is passed on as it is', async () => {
    const fault = new Error('no database')
    const fail = () => {
      throw fault
    }
    const token = await make()
    await expect(login(token, { user: fail })).rejects.toBe(fault)
    await expect(login(token, { tokenOf: fail })).rejects.toBe(fault)
    const banned = async () => {
      throw new RoomcastError('BANNED', 'until Monday')
    }
    expect(await login(token, { user: banned })).toBe('BANNED')
  })
})

describe('options', () => {
  const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const algorithms: TokenAlgorithm[] = ['RS256']
  const key = rsa.publicKey
  const jwksUrl = 'https://id.example/jwks'

  test.each<[what: RegExp | string, options: unknown]>([
    ['options have to be an object', undefined],
    ['options have to be an object', 'x'],
    ['algorithms has to be a list', { key }],
    ['algorithms has to be a list', { key, algorithms: [] }],
    ['algorithms has to be a list', { key, algorithms: 'RS256' }],
    ['algorithms has "none"', { key, algorithms: ['none'] }],
    ['algorithms has "none"', { key, algorithms: ['RS256', 'none'] }],
    ['algorithms has "NONE"', { key, algorithms: ['NONE'] }],
    ['algorithms has "rs256"', { key, algorithms: ['rs256'] }],
    ['algorithms has "toString"', { key, algorithms: ['toString'] }],
    ['algorithms has "7"', { key, algorithms: [7] }],
    ['HS256 beside others', { key, algorithms: ['RS256', 'HS256'] }],
    ['HS256 beside others', { key: SECRET, algorithms: ['HS256', 'RS256'] }],
    ['does not come from a jwksUrl', { jwksUrl, algorithms: ['HS256'] }],
    ['either key or jwksUrl', { algorithms }],
    ['either key or jwksUrl', { key, jwksUrl, algorithms }],
    ['key is undefined', { key: undefined, algorithms }],
    ['audience is undefined', { key, algorithms, audience: undefined }],
    ['issuer is undefined', { key, algorithms, issuer: undefined }],
    ['no option "audiance"', { key, algorithms, audiance: 'chat' }],
    ['audience has to be text', { key, algorithms, audience: '' }],
    ['audience has to be text', { key, algorithms, audience: [] }],
    ['audience has to be text', { key, algorithms, audience: ['chat', 7] }],
    ['issuer has to be text', { key, algorithms, issuer: /x/ }],
    ['clockToleranceSec is -1', { key, algorithms, clockToleranceSec: -1 }],
    ['clockToleranceSec is NaN', { key, algorithms, clockToleranceSec: Number.NaN }],
    ['requireExpiry', { key, algorithms, requireExpiry: 'no' }],
    ['tokenOf has to be a function', { key, algorithms, tokenOf: 'token' }],
    ['user has to be a function', { key, algorithms, user: {} }],
    ['https URL', { jwksUrl: 'id.example/jwks', algorithms }],
    ['https URL', { jwksUrl: 'file:///etc/passwd', algorithms }],
    ['https URL', { jwksUrl: 'https://user:pass@id.example/jwks', algorithms }],
    ['key has 248 bits, HS256 needs 256', { key: 'x'.repeat(31), algorithms: ['HS256'] }],
    ['key has 256 bits, HS512 needs 512', { key: 'x'.repeat(32), algorithms: ['HS256', 'HS512'] }],
    ['key has 0 bits', { key: '', algorithms: ['HS256'] }],
    ['key has 376 bits', { key: createSecretKey(Buffer.alloc(47)), algorithms: ['HS384'] }],
    ['key is PEM, which is no secret', { key: RSA_PEM, algorithms: ['HS256'] }],
    ['key is PEM, which is no secret', { key: Buffer.from(` ${RSA_PEM}`), algorithms: ['HS256'] }],
    ['does not fit HS256', { key, algorithms: ['HS256'] }],
    ['does not fit RS256', { key: createSecretKey(Buffer.alloc(256)), algorithms }],
    ['does not fit RS256', { key: ec.publicKey, algorithms }],
    ['does not fit ES384', { key: ec.publicKey, algorithms: ['ES384'] }],
    ['does not fit ES256', { key: ed.publicKey, algorithms: ['EdDSA', 'ES256'] }],
    ['does not fit RS256', { key: generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey, algorithms }],
    ['key has 1024 bits, RS256 needs 2048', { key: weakRsa.publicKey, algorithms }],
    ['key cannot be read', { key: SECRET, algorithms }],
    ['key cannot be read', { key: RSA_PEM.slice(0, 200), algorithms }],
    ['key cannot be read', { key: { kty: 'RSA' }, algorithms }],
    ['JWK that is no secret', { key: rsa.publicKey.export({ format: 'jwk' }), algorithms: ['HS256'] }],
    ['JWK that is not for signatures', { key: { ...key.export({ format: 'jwk' }), use: 'enc' }, algorithms }],
    ['it is not for RS256', { key: { ...key.export({ format: 'jwk' }), alg: 'PS256' }, algorithms }],
    ['key has to be text, bytes', { key: 7, algorithms }],
    ['key has to be text, bytes', { key: {}, algorithms }],
    ['key has to be text, bytes', { key: null, algorithms }],
  ])('%s', (what, options) => {
    const error = refusalOf(options)
    expect(error?.code).toBe('INVALID_OPTION')
    expect(error?.message).toMatch(what)
    expect(error?.message).not.toContain(SECRET)
  })

  test('a CryptoKey has to fit as well, and to be for it', async () => {
    const { subtle } = webcrypto
    const usages: webcrypto.KeyUsage[] = ['sign', 'verify']
    const hmac = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 128 }, true, usages)
    expect(refusalOf({ key: hmac, algorithms: ['HS256'] })?.message).toMatch('key has 128 bits')
    const long = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 512 }, true, usages)
    expect(refusalOf({ key: long, algorithms: ['HS256'] })).toBe(null)
    expect(refusalOf({ key: long, algorithms: ['HS512'] })?.message).toMatch('does not fit HS512')
    expect(refusalOf({ key: long, algorithms })?.message).toMatch('does not fit RS256')
    const signer = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 256 }, true, ['sign'])
    expect(refusalOf({ key: signer, algorithms: ['HS256'] })?.message).toMatch('cannot verify')
    const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, usages)
    expect(refusalOf({ key: pair.privateKey, algorithms: ['ES256'] })?.message).toMatch('cannot verify')
    expect(refusalOf({ key: pair.publicKey, algorithms: ['ES512'] })?.message).toMatch('does not fit ES512')
    const encryption = {
      name: 'RSA-OAEP',
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: 'SHA-256',
    }
    const oaep = await subtle.generateKey(encryption, true, ['encrypt', 'decrypt'])
    expect(refusalOf({ key: oaep.publicKey, algorithms })?.message).toMatch('cannot verify')
  })

  test('what is done to the options afterwards changes nothing', async () => {
    const secret = Buffer.from(SECRET)
    const options = { key: secret, algorithms: ['HS256'] as TokenAlgorithm[], audience: ['chat'] }
    const check = signedTokens(options)
    const token = await make({ aud: 'chat' }, { key: Buffer.from(SECRET), header: { alg: 'HS256' } })
    secret.fill(0)
    options.algorithms.push('HS512')
    options.audience[0] = 'mail'
    expect(await check({ token }, context)).toMatchObject({ id: 'u1' })
    const wide = await make({ aud: 'chat' }, { key: Buffer.from(SECRET), header: { alg: 'HS512' } })
    await expect(check({ token: wide }, context)).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
  })

  function refusalOf(options: unknown): RoomcastError | null {
    try {
      signedTokens(options as SignedTokensOptions)
      return null
    } catch (error) {
      if (isRoomcastError(error)) return error
      throw error
    }
  }
})

describe('keys from a URL', () => {
  const jwk = (key: typeof rsa.publicKey, kid?: string, more: object = {}) => ({
    ...key.export({ format: 'jwk' }),
    ...(kid !== undefined && { kid }),
    ...more,
  })
  const signedBy = (key: typeof rsa.privateKey, kid?: string, alg = 'RS256') =>
    make({}, { key, header: { alg, ...(kid !== undefined && { kid }) } })

  /** An issuer on the loopback. `answer` may be changed at any time. */
  async function startIssuer(keys: object[], port = 0) {
    const issuer = { keys, status: 200, body: null as string | null, requests: 0, hangs: false }
    const http = createServer((_request, response) => {
      issuer.requests++
      if (issuer.hangs) return
      response.writeHead(issuer.status, { 'content-type': 'application/json', location: '/elsewhere' })
      response.end(issuer.body ?? JSON.stringify({ keys: issuer.keys }))
    })
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
    const { port: bound } = http.address() as AddressInfo
    const stop = async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    }
    const check = signedTokens({ jwksUrl: `http://127.0.0.1:${bound}/jwks`, algorithms: ['RS256', 'ES256'] })
    const login = async (token: Promise<string>) => {
      try {
        return await check({ token: await token }, context)
      } catch (error) {
        if (isRoomcastError(error)) return error.code
        expect(error).toMatchObject({
          message: `tokens cannot be checked with the keys of http://127.0.0.1:${bound}/jwks`,
        })
        return 'fault'
      }
    }
    return Object.assign(issuer, { login, port: bound, stop, [Symbol.asyncDispose]: stop })
  }

  test('are fetched with the first token, once', async () => {
    await using issuer = await startIssuer([jwk(rsa.publicKey, 'a'), jwk(ec.publicKey, 'b')])
    expect(issuer.requests).toBe(0)
    const tokens = [signedBy(rsa.privateKey, 'a'), signedBy(ec.privateKey, 'b', 'ES256'), signedBy(rsa.privateKey, 'a')]
    for (const user of await Promise.all(tokens.map(issuer.login))) expect(user).toMatchObject({ id: 'u1' })
    expect(issuer.requests).toBe(1)
  })

  test('a token without kid is checked if only one key fits', async () => {
    await using issuer = await startIssuer([jwk(rsa.publicKey, 'a'), jwk(ec.publicKey, 'b')])
    expect(await issuer.login(signedBy(rsa.privateKey))).toMatchObject({ id: 'u1' })
    await using two = await startIssuer([jwk(rsa.publicKey, 'a'), jwk(otherRsa.publicKey, 'b')])
    expect(await two.login(signedBy(rsa.privateKey))).toBe('LOGIN_REFUSED')
  })

  test('a token is refused with the kid of another key, or of none', async () => {
    await using issuer = await startIssuer([jwk(rsa.publicKey, 'a'), jwk(otherRsa.publicKey, 'b')])
    expect(await issuer.login(signedBy(rsa.privateKey, 'b'))).toBe('LOGIN_REFUSED')
    expect(await issuer.login(signedBy(rsa.privateKey, 'x'))).toBe('LOGIN_REFUSED')
    expect(await issuer.login(signedBy(rsa.privateKey, 'a', 'PS256'))).toBe('LOGIN_REFUSED')
    expect(await issuer.login(signedBy(rsa.privateKey, 'a'))).toMatchObject({ id: 'u1' })
  })

  test('the set of one issuer is not asked for the tokens of another, whatever their kids', async () => {
    await using one = await startIssuer([jwk(rsa.publicKey, 'same')])
    await using other = await startIssuer([jwk(otherRsa.publicKey, 'same')])
    const token = signedBy(rsa.privateKey, 'same')
    expect(await one.login(token)).toMatchObject({ id: 'u1' })
    expect(await other.login(token)).toBe('LOGIN_REFUSED')
    expect(await other.login(signedBy(otherRsa.privateKey, 'same'))).toMatchObject({ id: 'u1' })
  })

  test('secrets in the set are no keys', async () => {
    const k = Buffer.from(SECRET).toString('base64url')
    await using issuer = await startIssuer([{ kty: 'oct', k, kid: 'a' }, jwk(rsa.publicKey, 'b')])
    const token = make({}, { key: Buffer.from(SECRET), header: { alg: 'HS256', kid: 'a' } })
    expect(await issuer.login(token)).toBe('LOGIN_REFUSED')
  })

  test('a new key is found: at once if the last fetch was 10 s ago', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    await using issuer = await startIssuer([jwk(rsa.publicKey, 'a')])
    expect(await issuer.login(signedBy(rsa.privateKey, 'a'))).toMatchObject({ id: 'u1' })
    issuer.keys = [jwk(otherRsa.publicKey, 'b')]
    expect(await issuer.login(signedBy(otherRsa.privateKey, 'b'))).toBe('LOGIN_REFUSED')
    expect(issuer.requests).toBe(1)
    vi.setSystemTime(Date.now() + 10_000)
    expect(await issuer.login(signedBy(otherRsa.privateKey, 'b'))).toMatchObject({ id: 'u1' })
    expect(await issuer.login(signedBy(rsa.privateKey, 'a')), 'the old key is gone').toBe('LOGIN_REFUSED')
    expect(issuer.requests).toBe(2)
  })

  test('a key that was withdrawn counts for 10 minutes at most', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    await using issuer = await startIssuer([jwk(rsa.publicKey, 'a')])
    expect(await issuer.login(signedBy(rsa.privateKey, 'a'))).toMatchObject({ id: 'u1' })
    issuer.keys = [jwk(otherRsa.publicKey, 'b')]
    vi.setSystemTime(Date.now() + 599_000)
    expect(await issuer.login(signedBy(rsa.privateKey, 'a'))).toMatchObject({ id: 'u1' })
    vi.setSystemTime(Date.now() + 1_000)
    expect(await issuer.login(signedBy(rsa.privateKey, 'a'))).toBe('LOGIN_REFUSED')
  })

  test('tokens that name keys that are not there cause one fetch in 10 s', async () => {
    await using issuer = await startIssuer([jwk(rsa.publicKey, 'a')])
    for (let index = 0; index < 50; index++) {
      expect(await issuer.login(signedBy(rsa.privateKey, `x${index}`))).toBe('LOGIN_REFUSED')
    }
    expect(issuer.requests).toBe(1)
  })

  test('an issuer that is down is a fault and no refusal, and is asked again', async () => {
    const issuer = await startIssuer([jwk(rsa.publicKey, 'a')])
    await issuer.stop()
    const token = signedBy(rsa.privateKey, 'a')
    expect(await issuer.login(token)).toBe('fault')
    await using _again = await startIssuer([jwk(rsa.publicKey, 'a')], issuer.port)
    expect(await issuer.login(token)).toMatchObject({ id: 'u1' })
  })

  test.each([
    ['an error', { status: 500 }],
    ['not found', { status: 404 }],
    ['a redirect', { status: 302 }],
    ['no JSON', { body: '<html>' }],
    ['no keys', { body: '{}' }],
    ['JSON that is no set', { body: '[]' }],
    ['a key that is broken', { keys: [{ kty: 'RSA', kid: 'a', n: 'AQAB', e: 'AQAB' }] }],
    ['a private key', { keys: [jwk(rsa.privateKey, 'a')] }],
  ])('an issuer that answers with %s is a fault', async (_what, answer) => {
    await using issuer = await startIssuer([jwk(rsa.publicKey, 'a')])
    Object.assign(issuer, answer)
    expect(await issuer.login(signedBy(rsa.privateKey, 'a'))).toBe('fault')
  })

  test('an issuer that does not answer is a fault, before a login takes too long', async () => {
    await using issuer = await startIssuer([])
    issuer.hangs = true
    const before = performance.now()
    expect(await issuer.login(signedBy(rsa.privateKey, 'a'))).toBe('fault')
    expect(performance.now() - before).toBeLessThan(3_900)
  })

  test('tokens that are malformed cause no fetch', async () => {
    await using issuer = await startIssuer([jwk(rsa.publicKey, 'a')])
    for (const token of ['', 'a.b.c', 'x'.repeat(1_000_000)]) {
      expect(await issuer.login(Promise.resolve(token))).toBe('LOGIN_REFUSED')
    }
    expect(await issuer.login(make({}, { key: Buffer.from(SECRET), header: { alg: 'HS256' } }))).toBe('LOGIN_REFUSED')
    expect(issuer.requests).toBe(0)
  })
})

test('jose is loaded with the first token, not before', async () => {
  vi.resetModules()
  let loads = 0
  vi.doMock('jose', async (original) => {
    loads++
    return await original()
  })
  const fresh = await import('@roomcast/server/login')
  const check = fresh.signedTokens(RS256)
  expect(loads).toBe(0)
  expect(await check({ token: await make() }, context)).toMatchObject({ id: 'u1' })
  expect(loads).toBe(1)
  vi.doUnmock('jose')
})

/** Whether two tokens have the same bytes in each part. */
function sameBytes(one: string, other: string): boolean {
  const bytes = (token: string) => token.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'))
  return bytes(one).join() === bytes(other).join()
}
