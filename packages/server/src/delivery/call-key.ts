import { createHash } from 'node:crypto'
import type { CallCaller } from './call-account'

/** Names accounts: a hash, so that whoever sees keys of the store learns no secret. */
export class CallKeys {
  /** Sockets make many calls, and seldom become somebody else. */
  private readonly known = new WeakMap<CallCaller, { readonly userId: string | null; readonly key: string }>()

  /** @returns null if the caller has no secret. */
  of(caller: CallCaller, namespace: string): string | null {
    const { clientSecret, user } = caller
    if (clientSecret === null) return null
    const userId = user?.id ?? null
    const known = this.known.get(caller)
    if (known?.userId === userId) return known.key
    const parts = JSON.stringify([namespace, userId, clientSecret])
    const key = createHash('sha256').update(parts).digest('base64url')
    this.known.set(caller, { userId, key })
    return key
  }
}
