import { RoomcastError } from '@roomcast/protocol'

/** Which pages of other origins may connect. An origin is `scheme://host[:port]`, compared exactly. */
export type OriginRule = RegExp | boolean | string | readonly (RegExp | string)[]

/** Option `cors`: which pages of other origins may connect, and what they may send with polling requests. */
export interface CorsOptions {
  /**
   * `true` or '*' any page, a string or list exact origins, a RegExp those it matches. Without it only pages of the
   * server's own host. Requests without an Origin header do not come from a page and pass. The origin `null`, of
   * sandboxed frames and files, may poll only if 'null' is in the list.
   *
   * @default the server's own host
   */
  readonly origin?: OriginRule
  /**
   * Whether pages of other origins may send cookies and the like with polling requests. Needs a rule that names the
   * origins: with `true` or '*' any page could act for the user. @default false
   */
  readonly credentials?: boolean
  /** Request headers that pages of other origins may send besides Roomcast's own. @default none */
  readonly allowedHeaders?: string | readonly string[]
  /** Seconds that a browser may remember the answer to a preflight; 0 asks each time. @default 7200 */
  readonly maxAge?: number
}

/** {@link CorsOptions}, checked and filled in. */
export interface ResolvedCorsOptions {
  readonly origin: OriginRule | undefined
  readonly credentials: boolean
  readonly allowedHeaders: readonly string[]
  readonly maxAge: number
}

/** Options of Socket.IO that are not honoured, and why. */
const NOT_SUPPORTED: Readonly<Record<string, string>> = {
  exposedHeaders: 'answers have no headers for the page; leave the option out',
  methods: 'the methods are those of the polling transport: GET, POST, DELETE; leave the option out',
  optionsSuccessStatus: 'a preflight is answered with 204; leave the option out',
  preflightContinue: 'preflights are answered here; leave the option out',
}

const KNOWN: ReadonlySet<string> = new Set<keyof CorsOptions>(['allowedHeaders', 'credentials', 'maxAge', 'origin'])

/** A day: browsers keep it no longer. */
const LONGEST_MAX_AGE_SECONDS = 86_400

/** @throws RoomcastError `OPTION_NOT_SUPPORTED`, `INVALID_OPTION`. */
export function resolveCorsOptions(cors: CorsOptions = {}): ResolvedCorsOptions {
  for (const name of Object.keys(cors)) {
    const instead = Object.hasOwn(NOT_SUPPORTED, name) ? NOT_SUPPORTED[name] : undefined
    if (instead !== undefined) throw new RoomcastError('OPTION_NOT_SUPPORTED', `option "cors.${name}": ${instead}`)
    if (!KNOWN.has(name)) throw new RoomcastError('INVALID_OPTION', `there is no option "cors.${name}"`)
  }
  const { origin, credentials = false, allowedHeaders = [], maxAge = 7_200 } = cors
  if (typeof credentials !== 'boolean') throw invalid(`cors.credentials is ${credentials}; it has to be a boolean`)
  if (credentials && allowsAnybody(origin)) {
    throw invalid('cors.credentials with any origin would let every page act for the user; name the origins')
  }
  const headers = typeof allowedHeaders === 'string' ? allowedHeaders.split(',') : allowedHeaders
  const names = headers.map((name) => String(name).trim().toLowerCase())
  for (const name of names) {
    if (!/^[\w!#$%&'+.^`|~-]+$/.test(name)) throw invalid(`cors.allowedHeaders has "${name.slice(0, 40)}", no header`)
  }
  if (!Number.isInteger(maxAge) || maxAge < 0 || maxAge > LONGEST_MAX_AGE_SECONDS) {
    throw invalid(`cors.maxAge is ${maxAge}; it has to be an integer from 0 to ${LONGEST_MAX_AGE_SECONDS}`)
  }
  return { origin, credentials, allowedHeaders: names, maxAge }
}

function allowsAnybody(rule: OriginRule | undefined): boolean {
  return rule === true || rule === '*' || (Array.isArray(rule) && rule.includes('*'))
}

function invalid(message: string): RoomcastError {
  return new RoomcastError('INVALID_OPTION', message)
}
