import {
  type DefaultUser,
  isValidName,
  LIMITS,
  type PublicUser,
  RoomcastError,
  utf8Length,
  type ValueCodec,
} from '@roomcast/protocol'
import { checkUserName } from './names'

/** A profile as it goes into user lists: what everybody may see, without the id. */
export interface Profile {
  readonly user: DefaultUser
  /** The user without `id`. */
  readonly fields: Readonly<Record<string, unknown>>
  /** `fields`, encoded. Never changed: everybody who needs them shares them. */
  readonly bytes: Uint8Array
  /** Canonical form of the name; null without one. */
  readonly nameKey: string | null
  /** Bytes and values that a row of a list takes. */
  readonly rowBytes: number
  readonly rowValues: number
}

/** What a login said. */
export interface Identity {
  readonly profile: Profile
  readonly claims: unknown
  /** Milliseconds since 1970; null if the login does not end. */
  readonly expiresAt: number | null
  /** When the login began, by the clock of deadlines. */
  readonly startedAt: number
}

/** What reading users needs to know. */
export interface ProfileRules {
  readonly codec: ValueCodec
  readonly nameBytes: number
}

/** A row is a list of id, devices, time and profile; the numbers take at most 14 bytes with their marks. */
const ROW_VALUES = 5
const ROW_BYTES = 24
/** The answer to `watch` is a list, with a map, with a list of rows, each a list with a profile. */
const PROFILE_DEPTH = LIMITS.valueDepth - 4

/**
 * Reads what a login function returned.
 *
 * @throws RoomcastError `INVALID_USER` for what is no user, `INVALID_NAME`, `LOGIN_EXPIRED`.
 */
export function readIdentity(result: unknown, startedAt: number, rules: ProfileRules): Identity {
  if (typeof result !== 'object' || result === null) throw invalid(`is a ${typeof result}, not an object with an id`)
  const { expiresAt, claims, ...user } = result as DefaultUser & { expiresAt?: Date | number; claims?: unknown }
  const isForEver = expiresAt === undefined || expiresAt === null || expiresAt === Number.POSITIVE_INFINITY
  const end = isForEver ? null : Number(expiresAt)
  if (Number.isNaN(end)) throw invalid('has an expiresAt that is no time')
  if (end !== null && end <= Date.now()) throw new RoomcastError('LOGIN_EXPIRED', 'the credentials have expired')
  return { profile: readProfile(user, rules), claims, expiresAt: end, startedAt }
}

/**
 * Reads a user. What the application does with its object afterwards changes nothing: the profile is a copy of what goes over
 * the wire, and frozen.
 *
 * @throws RoomcastError `INVALID_USER`, `INVALID_NAME`.
 */
export function readProfile(user: PublicUser, { codec, nameBytes }: ProfileRules): Profile {
  const { id, ...rest }: { id: string; [field: string]: unknown } = { ...user }
  assertUserId(id)
  // It would have the last word on what is sent, the id included.
  if (typeof rest.toJSON === 'function') throw invalid('has a toJSON of its own')
  let nameKey: string | null = null
  if (rest.name === undefined || rest.name === null) delete rest.name
  else {
    const { name, key } = checkUserName(rest.name, nameBytes)
    rest.name = name
    nameKey = key
  }
  const bytes = encodeProfile(rest, codec)
  const fields = decodeFields(bytes, codec)
  const { values, depth } = measure(fields)
  if (depth > PROFILE_DEPTH) throw invalid(`has a profile of depth ${depth}, limit ${PROFILE_DEPTH}`)
  return {
    user: Object.freeze({ id, ...fields }),
    fields,
    bytes,
    nameKey,
    rowBytes: ROW_BYTES + utf8Length(id) + bytes.length,
    rowValues: ROW_VALUES + values,
  }
}

/** The user whom another server has read. @throws RoomcastError `BAD_VALUE`. */
export function decodeUser(id: string, bytes: Uint8Array, codec: ValueCodec): DefaultUser {
  return Object.freeze({ id, ...decodeFields(bytes, codec) })
}

/** Whether two profiles, encoded, are the same; the order of fields counts as a difference. */
export function isSameProfile(a: Uint8Array, b: Uint8Array): boolean {
  // A loop: Buffer.compare would have the engine make an ArrayBuffer for each, which small ones do without.
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** @throws RoomcastError `INVALID_USER`. */
export function assertUserId(id: unknown): asserts id is string {
  if (isValidName(id, LIMITS.userIdBytes)) return
  throw invalid(`has an id that is not 1 to ${LIMITS.userIdBytes} bytes of text without control characters`)
}

/** A user's id for emits: any text will do, which reaches nobody if it is nobody's. @throws RoomcastError `INVALID_USER`. */
export function assertText(id: unknown): asserts id is string {
  if (typeof id !== 'string') throw invalid(`id is a ${typeof id}, not a string`)
}

function encodeProfile(fields: object, codec: ValueCodec): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = codec.encode(fields, 0).slice()
  } catch (error) {
    throw new RoomcastError('INVALID_USER', 'the profile cannot be sent', { cause: error })
  }
  if (bytes.length <= LIMITS.profileBytes) return bytes
  throw invalid(`has a profile of ${bytes.length} bytes, limit ${LIMITS.profileBytes}`)
}

function decodeFields(bytes: Uint8Array, codec: ValueCodec): Profile['fields'] {
  return deepFreeze(codec.decode(bytes, 0)) as Profile['fields']
}

/** Values as the gate counts them, and their depth, which is bounded: it has been encoded. */
function measure(value: unknown): { values: number; depth: number } {
  const isLeaf = typeof value !== 'object' || value === null || value instanceof Date || ArrayBuffer.isView(value)
  if (isLeaf) return { values: 1, depth: 0 }
  const items = Object.values(value).map(measure)
  const keys = Array.isArray(value) ? 0 : items.length
  return {
    values: items.reduce((sum, { values }) => sum + values, 1 + keys),
    depth: 1 + Math.max(0, ...items.map(({ depth }) => depth)),
  }
}

/** Lists are made of it: a handler that changed it would change them, past all limits. */
function deepFreeze(value: unknown): unknown {
  // Bytes cannot be frozen.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  for (const item of Object.values(value)) deepFreeze(item)
  return Object.freeze(value)
}

function invalid(what: string): RoomcastError {
  return new RoomcastError('INVALID_USER', `the user ${what}`)
}
