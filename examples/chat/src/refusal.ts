import type { Refusal, RefusalCode } from './events'

/** An answer that says no. */
export function refuse(code: RefusalCode, error: string): Refusal {
  return { ok: false, code, error }
}
