import { randomBytes } from 'node:crypto'

const ID_BYTES = 15
const POOLED_IDS = 256

let pool = Buffer.alloc(0)
let used = 0

/** A new public id: 120 random bits of the system's generator as 20 characters of base64url, without a colon. */
export function newSocketId(): string {
  if (used === pool.length) {
    // One call for many ids: asking the generator costs more than the ids.
    pool = randomBytes(ID_BYTES * POOLED_IDS)
    used = 0
  }
  used += ID_BYTES
  return pool.toString('base64url', used - ID_BYTES, used)
}
