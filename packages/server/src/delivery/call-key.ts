import { createHash } from 'node:crypto'
import { utf8Length } from '@roomcast/protocol'
import type { CallCaller } from './call-account'

/** Bytes of a client's secret. PROTOCOL.md, "CONNECT". */
export const CLIENT_SECRET_BYTES = { least: 16, most: 64 }

/** Names accounts: a hash, so that whoever sees keys of the store learns no secret. */
export class CallKeys {
  /** Sockets make many calls, and seldom become somebody else. */
  private readonly known = new WeakMap<CallCaller, { readonly userId: string | null; readonly key: string }>()

  /** @returns null if the caller has no secret, or a malformed one. */
  of(caller: CallCaller, namespace: string): string | null {
    const { clientSecret, user } = caller
    if (clientSecret === null || !isSecret(clientSecret)) return null
    const userId = user?.id ?? null
    const known = this.known.get(caller)
    if (known?.userId === userId) return known.key
    const parts = JSON.stringify([namespace, userId, clientSecret])
    const key = createHash('sha256').update(parts).digest('base64url')
    this.known.set(caller, { userId, key })
    return key
  }
}

function isSecret(text: string): boolean {
  const { least, most } = CLIENT_SECRET_BYTES
  // A text never has more UTF-16 units than bytes: a long one is not worth counting.
  if (text.length > most) return false
  const bytes = utf8Length(text)
  return bytes >= least && bytes <= most
}
