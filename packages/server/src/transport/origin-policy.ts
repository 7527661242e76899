import { isSameHost } from '../connection/same-host'
import type { OriginRule } from '../options/cors-options'

/**
 * Whether a request may come from this origin.
 *
 * @param origin  Value of the Origin header, undefined if absent. RFC 6454 section 7.
 * @param host    Value of the Host header.
 * @param rule    Option `cors.origin`; undefined means the same host only.
 */
export function isOriginAllowed(origin: string | undefined, host: string, rule: OriginRule | undefined): boolean {
  if (origin === undefined) return true
  if (rule === undefined) return isSameHost(origin, host)
  if (typeof rule === 'boolean') return rule || isSameHost(origin, host)
  const rules = typeof rule === 'string' || rule instanceof RegExp ? [rule] : rule
  return rules.some((entry) =>
    entry instanceof RegExp ? new RegExp(entry).test(origin) : entry === '*' || entry === origin,
  )
}
