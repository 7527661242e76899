import {
  type ErrorCode,
  LIMITS,
  type Negotiation,
  negotiateSubprotocol,
  POLL_CONTENT_TYPE,
  SUBPROTOCOL,
} from '@roomcast/protocol'
import type { OriginRule } from '../options/cors-options'
import type { Transport } from '../options/server-options'
import { isOriginAllowed } from './origin-policy'

/** A request that is not admitted: an HTTP status with a coded body. */
export interface Refusal {
  /** Code and phrase, as in "403 Forbidden". */
  readonly status: `${number} ${string}`
  readonly code: ErrorCode
  readonly message: string
  /** Milliseconds that the client is to stay away. */
  readonly retryAfterMs?: number
}

/** What admission decides on. */
export interface AdmissionRequest {
  /** Value of a header by lower-case name, undefined if absent. */
  readonly header: (name: string) => string | undefined
  readonly originRule: OriginRule | undefined
  readonly transports: readonly Transport[]
}

/** The answer to pages that may not connect. */
export const ORIGIN_REFUSED: Refusal = {
  status: '403 Forbidden',
  code: 'ORIGIN_NOT_ALLOWED',
  message: 'this origin may not connect',
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
  if (!request.transports.includes('websocket')) {
    return refused('400 Bad Request', 'REQUEST_REFUSED', 'this server does not offer WebSocket')
  }
  if (header('sec-websocket-version') !== '13') {
    return refused('426 Upgrade Required', 'REQUEST_REFUSED', 'WebSocket version 13 is required')
  }
  if (header('transfer-encoding') !== '' || Number(header('content-length')) !== 0) {
    return refused('400 Bad Request', 'REQUEST_REFUSED', 'an upgrade request has no body')
  }
  if (!isOriginAllowed(request.header('origin'), header('host'), request.originRule)) {
    return { kind: 'refused', refusal: ORIGIN_REFUSED }
  }
  const negotiation = negotiateSubprotocol(header('sec-websocket-protocol'))
  if (negotiation.kind === 'refuse') {
    return refused('400 Bad Request', 'UNSUPPORTED_VERSION', `the subprotocol ${SUBPROTOCOL} has to be offered`)
  }
  return { kind: 'admitted', key, negotiation }
}

/**
 * Checks a POST, with or without a session. What it sends is of a type of our own, which a page cannot send to another
 * origin without asking first.
 *
 * @returns null if it is admitted.
 */
export function checkPost(header: AdmissionRequest['header']): Refusal | null {
  if (header('content-type')?.trim().toLowerCase() !== POLL_CONTENT_TYPE) {
    const message = `the content type has to be ${POLL_CONTENT_TYPE}`
    return { status: '415 Unsupported Media Type', code: 'REQUEST_REFUSED', message }
  }
  const length = Number(header('content-length') ?? 0)
  if (!(length <= LIMITS.pollBodyBytes)) {
    const message = `body has ${length} bytes, limit ${LIMITS.pollBodyBytes}`
    return { status: '413 Content Too Large', code: 'MESSAGE_TOO_LARGE', message }
  }
  return null
}

/** Checks a POST that asks for a session. Its origin was looked at before. @returns null if it is admitted. */
export function admitSession(request: AdmissionRequest): Refusal | null {
  const refusal = checkPost(request.header)
  if (refusal !== null) return refusal
  if (request.header('transfer-encoding') === undefined && Number(request.header('content-length') ?? 0) === 0)
    return null
  const message = 'a request for a session has no body'
  return { status: '400 Bad Request', code: 'REQUEST_REFUSED', message }
}

function refused(status: Refusal['status'], code: ErrorCode, message: string): Admission {
  return { kind: 'refused', refusal: { status, code, message } }
}
