import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { RoomcastError } from '@roomcast/protocol'
import { inRange } from '../options/ranges'

/*
 * What a hash looks like: $scrypt$ln=15,r=8,p=1$<salt>$<key>, salt and key in base64 without padding. That is the PHC string
 * format, so other libraries read it, and theirs can be checked here.
 *
 *   ln   cost: 2^ln rounds, and 2^ln * r * 128 bytes of memory
 *   r    size of a block, in units of 128 bytes
 *   p    how often all of it is done
 */

/** How dear a hash is. */
export interface PasswordCost {
  /**
   * Time and memory double with each: 15 takes 32 MiB, 17 takes 128 MiB. From 1 to 18. Hashes keep the cost that they were
   * made with. @default 15
   */
  readonly costLog2?: number
}

const DEFAULT_COST_LOG2 = 15
const BLOCK_SIZE = 8
const SALT_BYTES = 16
const KEY_BYTES = 32
/** Of a password, in UTF-8. */
const PASSWORD_BYTES = 1_024
/** Of a password, in UTF-16 units: longer ones are not even brought into their normal form. */
const RAW_PASSWORD_LENGTH = 4_096

/** What a stored hash may ask for at most, whoever wrote it: 256 MiB, and the time of two hashes of cost 18. */
const MAX_COST_LOG2 = 18
const MAX_MEMORY_BYTES = 2 ** 28
const MAX_WORK = 2 * 2 ** MAX_COST_LOG2 * BLOCK_SIZE
/** A row longer than this is no hash. */
const MAX_HASH_LENGTH = 512
/** A short key would be found by trying: an empty one would let everybody in. */
const MIN_KEY_BYTES = 32
const MAX_KEY_BYTES = 64
const MAX_SALT_BYTES = 64

const HASH = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]*)\$([A-Za-z0-9+/]+)$/

/** A hash that was read: how to make it again, and what has to come out. */
interface StoredHash {
  readonly costLog2: number
  readonly blockSize: number
  readonly parallelization: number
  readonly salt: Buffer
  readonly key: Buffer
}

/**
 * Makes what to store of a password: scrypt (RFC 7914) with a random salt. Takes about a tenth of a second in a thread of
 * Node.js (there are four, which files and DNS use too).
 *
 * @param password  1 to 1,024 bytes of UTF-8. Brought into NFC, and other spaces made plain ones, as RFC 8265 section 4.2 (the
 *                  profile OpaqueString) says: the same password from a Mac and a phone is the same. Not NFKC, which would
 *                  make different passwords equal.
 * @returns `$scrypt$ln=15,r=8,p=1$…$…`, ASCII, under 100 characters.
 * @throws RoomcastError `INVALID_OPTION`, as a rejection, for what is no such password, and for a cost outside its range.
 */
export async function hashPassword(password: string, { costLog2 }: PasswordCost = {}): Promise<string> {
  const cost = checkCost(costLog2)
  const bytes = readPassword(password)
  if (bytes === null) throw invalidPassword(password)
  const salt = randomBytes(SALT_BYTES)
  const key = await derive(bytes, { ...defaults(cost), salt, key: Buffer.alloc(KEY_BYTES) })
  return `$scrypt$ln=${cost},r=${BLOCK_SIZE},p=1$${base64(salt)}$${base64(key)}`
}

/**
 * Whether a password is the one that a hash was made of. Takes the time of a hash in any case: also for what is no password,
 * and when there is no hash, so that nobody can find out by the clock who has an account.
 *
 *     const row = await db.users.find(username)
 *     const isRight = await checkPassword(password, row?.hash)
 *     return row && isRight ? { id: row.id, name: row.name } : null
 *
 * @param password  Unchecked input: any value.
 * @param hash      What {@link hashPassword} returned; null or undefined for a user that there is not. One that is malformed,
 *                  or asks for more than 256 MiB, matches nothing.
 * @param cost      Of hashes that are made now: what checking costs without a hash.
 * @throws RoomcastError `INVALID_OPTION`, as a rejection, for a cost outside its range.
 */
export async function checkPassword(
  password: unknown,
  hash: string | null | undefined,
  { costLog2 }: PasswordCost = {},
): Promise<boolean> {
  const cost = checkCost(costLog2)
  const stored = readHash(hash)
  const bytes = readPassword(password)
  const { key, ...rest } = stored ?? { ...defaults(cost), salt: NO_SALT, key: NO_KEY }
  const derived = await derive(bytes ?? NO_PASSWORD, { ...rest, key })
  // All three are looked at whatever the others are.
  const isEqual = timingSafeEqual(derived, key)
  return isEqual && stored !== null && bytes !== null
}

/** What is hashed when there is nothing to hash. No password is empty. */
const NO_PASSWORD = Buffer.alloc(0)
const NO_SALT = Buffer.alloc(SALT_BYTES)
const NO_KEY = Buffer.alloc(KEY_BYTES)

function defaults(costLog2: number): Pick<StoredHash, 'blockSize' | 'costLog2' | 'parallelization'> {
  return { costLog2, blockSize: BLOCK_SIZE, parallelization: 1 }
}

function checkCost(costLog2 = DEFAULT_COST_LOG2): number {
  return inRange('costLog2', costLog2, 1, MAX_COST_LOG2)
}

/** @returns null for what is no password. */
function readPassword(password: unknown): Buffer | null {
  if (typeof password !== 'string' || password === '' || password.length > RAW_PASSWORD_LENGTH) return null
  const bytes = Buffer.from(password.normalize('NFC').replace(/\p{Zs}/gu, ' '))
  return bytes.length > PASSWORD_BYTES ? null : bytes
}

/** @returns null for what is no hash, or asks for too much. */
function readHash(hash: unknown): StoredHash | null {
  if (typeof hash !== 'string' || hash.length > MAX_HASH_LENGTH) return null
  const [, ln, r, p, salt = '', key = ''] = HASH.exec(hash) ?? []
  const stored: StoredHash = {
    costLog2: Number(ln),
    blockSize: Number(r),
    parallelization: Number(p),
    salt: Buffer.from(salt, 'base64'),
    key: Buffer.from(key, 'base64'),
  }
  return isAffordable(stored) ? stored : null
}

function isAffordable({ costLog2, blockSize, parallelization, salt, key }: StoredHash): boolean {
  const rounds = 2 ** costLog2
  return (
    costLog2 >= 1 &&
    blockSize >= 1 &&
    parallelization >= 1 &&
    rounds * blockSize * 128 <= MAX_MEMORY_BYTES &&
    rounds * blockSize * parallelization <= MAX_WORK &&
    // RFC 7914 section 2.
    costLog2 < blockSize * 16 &&
    salt.length <= MAX_SALT_BYTES &&
    key.length >= MIN_KEY_BYTES &&
    key.length <= MAX_KEY_BYTES
  )
}

function derive(password: Buffer, { costLog2, blockSize, parallelization, salt, key }: StoredHash): Promise<Buffer> {
  const options: ScryptOptions = {
    N: 2 ** costLog2,
    r: blockSize,
    p: parallelization,
    // What OpenSSL counts, and some room: the default is exceeded by a few bytes.
    maxmem: 128 * blockSize * (2 ** costLog2 + parallelization + 64),
  }
  return new Promise((resolve, reject) => {
    scrypt(password, salt, key.length, options, (error, derived) => (error ? reject(error) : resolve(derived)))
  })
}

function invalidPassword(password: unknown): RoomcastError {
  const what =
    typeof password !== 'string'
      ? `is of type ${typeof password}, not text`
      : password === ''
        ? 'is empty'
        : `has more than ${PASSWORD_BYTES} bytes`
  return new RoomcastError('INVALID_OPTION', `the password ${what}`)
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
