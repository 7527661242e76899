import { type Negotiation, negotiateSubprotocol, SUBPROTOCOL } from '@roomcast/protocol'
import type { OriginRule } from '../options/server-options'
import { isOriginAllowed } from './origin-policy'

/** A request that is not admitted: an HTTP status with a coded body. */
export interface Refusal {
  readonly status: '400 Bad Request' | '403 Forbidden' | '426 Upgrade Required' | '503 Service Unavailable'
  readonly code: string
  readonly message: string
}

/** What admission decides on. */
export interface AdmissionRequest {
  /** Value of a header by lower-case name, undefined if absent. */
  readonly header: (name: string) => string | undefined
  readonly originRule: OriginRule | undefined
}

/** How an upgrade request is answered. */
export type Admission =
  | { readonly kind: 'admitted'; readonly key: string; readonly negotiation: Negotiation & { subprotocol: string } }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/**
 * Checks an upgrade request. The engine itself looks only at the key: it would upgrade other versions, other
 * protocols, and requests with a body. RFC 6455 section 4.2.1.
 */
export function admitUpgrade(request: AdmissionRequest): Admission {
  const header = (name: string) => request.header(name) ?? ''
  const key = header('sec-websocket-key')
  const isUpgrade =
    /(^|,)\s*upgrade\s*(,|$)/i.test(header('connection')) && header('upgrade').toLowerCase() === 'websocket'
  if (!isUpgrade || key.length !== 24) {
    return refused('426 Upgrade Required', 'REQUEST_REFUSED', 'this is a WebSocket endpoint')
  }
  if (header('sec-websocket-version') !== '13') {
    return refused('426 Upgrade Required', 'REQUEST_REFUSED', 'WebSocket version 13 is required')
  }
  if (header('transfer-encoding') !== '' || Number(header('content-length')) !== 0) {
    return refused('400 Bad Request', 'REQUEST_REFUSED', 'an upgrade request has no body')
  }
  if (!isOriginAllowed(request.header('origin'), header('host'), request.originRule)) {
    return refused('403 Forbidden', 'ORIGIN_NOT_ALLOWED', 'this origin may not connect')
  }
  const negotiation = negotiateSubprotocol(header('sec-websocket-protocol'))
  if (negotiation.kind === 'refuse') {
    return refused('400 Bad Request', 'UNSUPPORTED_VERSION', `the subprotocol ${SUBPROTOCOL} has to be offered`)
  }
  return { kind: 'admitted', key, negotiation }
}

function refused(status: Refusal['status'], code: string, message: string): Admission {
  return { kind: 'refused', refusal: { status, code, message } }
}
