import { POLL_HEADERS } from '@roomcast/protocol'
import type { OriginRule, ResolvedCorsOptions } from '../options/cors-options'
import { isOriginAllowed } from './origin-policy'

type Header = readonly [name: string, value: string]

/** What a page may send with a polling request. */
const METHODS = 'GET, POST, DELETE'
const OWN_HEADERS: readonly string[] = ['content-type', POLL_HEADERS.session, POLL_HEADERS.seq]

/**
 * Headers that let the page read a polling answer, an error too: without them its browser hides why.
 *
 * @param origin  Value of the Origin header, undefined if absent.
 * @param host    Value of the Host header.
 * @returns null if a page of this origin may not connect: then there is no header for it.
 */
export function corsHeaders(
  origin: string | undefined,
  host: string,
  cors: ResolvedCorsOptions,
): readonly Header[] | null {
  // The answer depends on the origin even where there is none.
  const vary: Header = ['vary', 'origin']
  if (origin === undefined) return [vary]
  if (!isOriginAllowed(origin, host, cors.origin)) return null
  // Whoever sandboxes a frame has this origin, whatever the page is.
  if (origin === 'null' && !names(cors.origin, origin)) return null
  const headers: Header[] = [vary, ['access-control-allow-origin', origin]]
  if (cors.credentials) headers.push(['access-control-allow-credentials', 'true'])
  return headers
}

/** Headers of the answer to a preflight, besides {@link corsHeaders}. */
export function preflightHeaders(cors: ResolvedCorsOptions): readonly Header[] {
  return [
    ['access-control-allow-methods', METHODS],
    ['access-control-allow-headers', [...OWN_HEADERS, ...cors.allowedHeaders].join(', ')],
    ['access-control-max-age', String(cors.maxAge)],
  ]
}

function names(rule: OriginRule | undefined, origin: string): boolean {
  return rule === origin || (Array.isArray(rule) && rule.includes(origin))
}
