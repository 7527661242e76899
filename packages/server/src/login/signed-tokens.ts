import type { KeyObject, webcrypto } from 'node:crypto'
import { type DefaultUser, type PublicUser, RoomcastError } from '@roomcast/protocol'
import type { JWTVerifyOptions } from 'jose'
import type { Login, LoginContext, LoginResult } from '../options/people-options'
import { inRange } from '../options/ranges'
import { checkAlgorithms, invalid, readTokenKey, type TokenAlgorithm, type TokenKey } from './token-key'

/** What a token says, once its signature is checked; RFC 7519 section 4.1. Times are seconds since 1970. */
export interface TokenClaims {
  readonly iss?: string
  readonly sub?: string
  readonly aud?: string | readonly string[]
  readonly exp?: number
  readonly nbf?: number
  readonly iat?: number
  readonly jti?: string
  readonly [claim: string]: unknown
}

/** Options of {@link signedTokens}. Either `key` or `jwksUrl` has to be given. */
export interface SignedTokensOptions<User extends PublicUser = DefaultUser> {
  /** What tokens are checked with. */
  readonly key?: TokenKey
  /**
   * Where the issuer publishes its keys (a JWK set), https unless that is in your own network. Fetched when it is needed first,
   * every 10 minutes after that, and when a token names a key that is not in it, at most every 10 s. Tokens have to name
   * their key if more than one fits.
   */
  readonly jwksUrl?: URL | string
  /** Which signatures count: those of the issuer, as in `['RS256']`. Never what a token says about itself. */
  readonly algorithms: readonly TokenAlgorithm[]
  /** The `iss` that tokens need to have, or several to choose from. @default not looked at */
  readonly issuer?: string | readonly string[]
  /** What has to be in the `aud` of tokens, or several of which one has to. @default not looked at */
  readonly audience?: string | readonly string[]
  /** Seconds that the clocks of the issuer and this server may differ, for `exp` and `nbf`. @default 5 */
  readonly clockToleranceSec?: number
  /** Whether tokens without `exp` are refused. @default true */
  readonly requireExpiry?: boolean
  /**
   * Where the token is in what the client gave; anything but text is refused. What it throws is a fault of the server, as in
   * a {@link Login}. @default `credentials.token`
   */
  // biome-ignore lint/suspicious/noExplicitAny: unchecked input
  readonly tokenOf?: (credentials: any, context: LoginContext<User>) => unknown
  /**
   * Makes a user of the claims; null refuses. What it throws counts as in a {@link Login}. The login ends with the token unless
   * the user has an `expiresAt`.
   *
   * @default `sub` is the id and `name` the name, if it is text; `socket.claims` are the claims. A token without `sub` is
   * refused. Mind that names have rules, and by default are unique: give a function where names of the issuer are not.
   */
  readonly user?: (
    claims: TokenClaims,
    context: LoginContext<User>,
  ) => LoginResult<User> | null | PromiseLike<LoginResult<User> | null>
}

const KNOWN: ReadonlySet<string> = new Set<keyof SignedTokensOptions>([
  'algorithms',
  'audience',
  'clockToleranceSec',
  'issuer',
  'jwksUrl',
  'key',
  'requireExpiry',
  'tokenOf',
  'user',
])

/** Longer tokens are refused before anything of them is read. */
const TOKEN_LENGTH = 8_192
/** Shorter than a login may take, so that the log has the reason and not only that it took too long. */
const JWKS_TIMEOUT_MS = 3_000
/** Anybody can name a key that is not in the set: so rarely is it fetched for that. */
const JWKS_COOLDOWN_MS = 10_000
const JWKS_AGE_MS = 600_000

/** What jose says of a token that is no good. Whatever else it throws is no verdict about a token. */
const REFUSALS: ReadonlySet<string> = new Set([
  'ERR_JOSE_ALG_NOT_ALLOWED',
  'ERR_JOSE_NOT_SUPPORTED',
  'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
  'ERR_JWKS_NO_MATCHING_KEY',
  'ERR_JWS_INVALID',
  'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  'ERR_JWT_CLAIM_VALIDATION_FAILED',
  'ERR_JWT_INVALID',
])

/**
 * A login with signed tokens (JWT, RFC 7519): those of an identity provider, or of your own web server.
 *
 *     new Server({ login: signedTokens({ jwksUrl: 'https://id.example.com/jwks', algorithms: ['RS256'], audience: 'chat' }) })
 *
 * Nothing in a token counts before its signature is checked: neither which algorithm it wants, nor where it says its key is.
 * The one thing that is read is which of the keys of the `jwksUrl` to try. Each login has the keys of its own URL only.
 *
 * A token that has expired is refused with `LOGIN_EXPIRED`; any other one that is no good, with `LOGIN_REFUSED` and one
 * sentence for all reasons, the reason being the `cause` of the error. Keys that cannot be fetched are a fault of the
 * server: reported, and the client tries again.
 *
 * @throws RoomcastError `INVALID_OPTION`: also for options that would check less than was meant, such as a misspelt name or an
 *         `audience` of undefined.
 */
export function signedTokens<User extends PublicUser = DefaultUser>(options: SignedTokensOptions<User>): Login<User> {
  assertOptions(options)
  const { tokenOf = defaultToken, user = defaultUser<User>, requireExpiry = true } = options
  const toleranceSec = inRange('signedTokens: clockToleranceSec', options.clockToleranceSec ?? 5, 0, 3_600)
  const verify = makeVerify(options, toleranceSec)
  return async (credentials, context) => {
    const token = tokenOf(credentials, context)
    if (typeof token !== 'string' || token.length > TOKEN_LENGTH) throw refused()
    const claims = await verify(token)
    // A number that is too large for JSON.parse is Infinity: such a token never ends either.
    const endMs = (claims.exp ?? Number.POSITIVE_INFINITY) * 1_000
    const isEndless = endMs === Number.POSITIVE_INFINITY
    if (isEndless && requireExpiry) throw refused()
    const result = (await user(claims, context)) ?? null
    if (isEndless || result === null || result.expiresAt !== undefined) return result
    // Over, and accepted because clocks differ: the login ends when the token would be refused.
    return { ...result, expiresAt: endMs > Date.now() ? endMs : endMs + toleranceSec * 1_000 }
  }
}

/** @returns what checks signature and claims: throws RoomcastError `LOGIN_REFUSED`, `LOGIN_EXPIRED`, or a fault. */
function makeVerify(
  options: Pick<SignedTokensOptions, 'algorithms' | 'audience' | 'issuer' | 'jwksUrl' | 'key'>,
  clockTolerance: number,
): (token: string) => Promise<TokenClaims> {
  const { jwksUrl, issuer, audience } = options
  const algorithms = checkAlgorithms(options.algorithms, jwksUrl !== undefined)
  const source = jwksUrl === undefined ? readTokenKey(options.key, algorithms) : readUrl(jwksUrl)
  const checks: JWTVerifyOptions = {
    algorithms,
    clockTolerance,
    ...(issuer !== undefined && { issuer: readNames('issuer', issuer) }),
    ...(audience !== undefined && { audience: readNames('audience', audience) }),
  }
  let opened: ReturnType<typeof open> | null = null
  return async (token) => {
    try {
      opened ??= open(source, checks)
      const { payload } = await (await opened)(token)
      return payload
    } catch (error) {
      const { code } = error as { readonly code?: string }
      if (code === 'ERR_JWT_EXPIRED')
        throw new RoomcastError('LOGIN_EXPIRED', 'the token has expired', { cause: error })
      if (code !== undefined && REFUSALS.has(code)) throw refused(error)
      const where = source instanceof URL ? `with the keys of ${source.origin}${source.pathname}` : 'with the key'
      throw new Error(`tokens cannot be checked ${where}`, { cause: error })
    }
  }
}

/** jose comes with the first token: servers without tokens never load it, and CommonJS cannot require it on Node.js 20. */
async function open(source: KeyObject | URL | webcrypto.CryptoKey, checks: JWTVerifyOptions) {
  const { createRemoteJWKSet, jwtVerify } = await import('jose')
  if (!(source instanceof URL)) return (token: string) => jwtVerify(token, source, checks)
  const keys = createRemoteJWKSet(source, {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cooldownDuration: JWKS_COOLDOWN_MS,
    cacheMaxAge: JWKS_AGE_MS,
  })
  return (token: string) => jwtVerify(token, keys, checks)
}

function defaultToken(credentials: unknown): unknown {
  return typeof credentials === 'object' && credentials !== null
    ? (credentials as { token?: unknown }).token
    : undefined
}

function defaultUser<User extends PublicUser>(claims: TokenClaims): LoginResult<User> {
  const { sub, name } = claims
  if (typeof sub !== 'string' || sub === '') throw refused()
  // The caller says which users there are, and the documentation that tokens have no more than these two.
  return { id: sub, ...(typeof name === 'string' && { name }), claims } as unknown as LoginResult<User>
}

/** One sentence for all reasons: a client that has no good token is told nothing about good ones. */
function refused(cause?: unknown): RoomcastError {
  return new RoomcastError('LOGIN_REFUSED', 'the token was refused', { cause })
}

function assertOptions(options: object): void {
  if (typeof options !== 'object' || options === null) throw invalid('options have to be an object')
  for (const [name, value] of Object.entries(options)) {
    if (!KNOWN.has(name)) throw invalid(`there is no option "${name}"`)
    // As a rule a variable of the environment that is not set. Taken for "not given" it would be a check that is not made.
    if (value === undefined) throw invalid(`${name} is undefined; leave it out if that is meant`)
  }
  const { key, jwksUrl, requireExpiry, tokenOf, user } = options as Partial<Record<string, unknown>>
  if ((key === undefined) === (jwksUrl === undefined)) throw invalid('either key or jwksUrl has to be given')
  if (requireExpiry !== undefined && typeof requireExpiry !== 'boolean')
    throw invalid('requireExpiry has to be a boolean')
  for (const [name, value] of Object.entries({ tokenOf, user })) {
    if (value !== undefined && typeof value !== 'function') throw invalid(`${name} has to be a function`)
  }
}

function readUrl(url: unknown): URL {
  const text = String(url)
  const parsed = URL.canParse(text) ? new URL(text) : null
  if (parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === '') return parsed
  throw invalid('jwksUrl has to be an https URL')
}

function readNames(option: string, value: unknown): string[] {
  const names: unknown[] = Array.isArray(value) ? [...value] : [value]
  if (names.length > 0 && names.every((name) => typeof name === 'string' && name !== '')) return names as string[]
  throw invalid(`${option} has to be text that is not empty, or a list of such`)
}
