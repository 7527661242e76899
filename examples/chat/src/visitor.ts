import { createHash } from 'node:crypto'
import { checkUserName, RoomcastError } from '@roomcast/server'
import { CHAT_LIMITS, type ChatUser } from './events'
import { refusal } from './refusal'

/** The secret of a browser: 128 random bits, as hexadecimal digits. */
const KEY = /^[0-9a-f]{32}$/
const ID = /^[\w-]{22}$/

/** Bytes of UTF-8 that the longest name takes. */
export const NAME_BYTES = CHAT_LIMITS.nameLength * 4

/**
 * Turns what a page logs in with into a user. Only who knows the key has the id that is made of it; the key itself is told to
 * nobody. That no two users have one name is for the server's option `names`.
 *
 * @param credentials  Whatever arrived; should be `{ name, key }`.
 * @throws RoomcastError `KEY_MISSING`, `INVALID_NAME`.
 */
export function readVisitor(credentials: unknown): ChatUser {
  const { name, key } = Object(credentials)
  if (typeof key !== 'string' || !KEY.test(key)) throw refusal('KEY_MISSING', 'the page has sent no key')
  const hash = createHash('sha256').update(key).digest()
  return { id: hash.subarray(0, 16).toString('base64url'), name: checkName(name) }
}

/** Whether a peer sent something that can be an id. */
export function isUserId(raw: unknown): raw is string {
  return typeof raw === 'string' && ID.test(raw)
}

function checkName(raw: unknown): string {
  // The library counts bytes and the chat characters, so the bound here is only for what is absurd.
  const { name } = checkUserName(raw, 512)
  if ([...name].length <= CHAT_LIMITS.nameLength) return name
  throw new RoomcastError('INVALID_NAME', `the name may have at most ${CHAT_LIMITS.nameLength} characters`)
}
