import { type ErrorBody, encodeFrame, MESSAGE_TYPES, type ReadHeader } from '@roomcast/protocol'
import type { Runtime } from '../api/runtime'
import type { AnySocket } from '../api/socket'
import type { Connection } from '../connection/connection'
import type { ResolvedRateLimits } from '../options/inbound-options'
import { RateLimiter } from './rate-limiter'

/** Requests that may cost a query, or an answer of many messages, count as so many. */
const DEAR = 10
const DEAR_REQUESTS: ReadonlySet<string> = new Set(['history', 'join', 'sync', 'users', 'watch'])
/** How long a client that was closed is asked to stay away. */
const CLOSED_FOR_MS = 5_000

/**
 * Refuses frames that come too fast, before their bodies are read: with a code and the time after which they may be sent again,
 * and after too many of these with a close. What would leave the two sides with different ideas (DISCONNECT), and PING, is
 * handled all the same, and counts.
 */
export class FloodGate {
  private readonly limiter: RateLimiter

  constructor(
    limits: ResolvedRateLimits,
    private readonly runtime: Runtime,
  ) {
    this.limiter = new RateLimiter(limits)
  }

  /** @returns Whether a frame may be handled; if not, it was answered. */
  admit(connection: Connection<AnySocket>, header: ReadHeader, bytes: number): boolean {
    switch (header.type) {
      case MESSAGE_TYPES.ACK:
      case MESSAGE_TYPES.ACK_ERROR:
        // The server has asked for it; but not for what comes twice, late, or for a namespace that has ended.
        if (connection.member(header.namespace)?.awaits(header.ackId)) return true
        break
      // Its answer names what is in its body: see below.
      case MESSAGE_TYPES.CONNECT:
        return true
      case MESSAGE_TYPES.PING:
        if (this.limiter.isQuietPing(connection)) return true
    }
    const socket = connection.member(header.namespace)
    const retryAfterMs = this.limiter.charge(connection, socket, 1, bytes, header.event)
    return retryAfterMs === 0 || this.refuse(connection, socket, header, retryAfterMs)
  }

  /** As {@link admit}, for a request whose body was read. */
  admitRequest(socket: AnySocket, header: ReadHeader, name: string): boolean {
    if (!DEAR_REQUESTS.has(name)) return true
    const { connection } = socket
    const retryAfterMs = this.limiter.charge(connection, socket, DEAR - 1, 0, '')
    return retryAfterMs === 0 || this.refuse(connection, socket, header, retryAfterMs)
  }

  /**
   * As {@link admit}, for CONNECT. The first ones of a connection are bounded by their number.
   *
   * @returns null, or how to refuse it; the connection may be closed.
   */
  refusalOfConnect(connection: Connection<AnySocket>, bytes: number): ErrorBody | null {
    if (!connection.hasBeenConnected) return null
    const retryAfterMs = this.limiter.charge(connection, null, 1, bytes, '')
    if (retryAfterMs === 0) return null
    this.countRefusal(connection)
    return errorOf(retryAfterMs)
  }

  /** @returns Whether it is handled all the same. */
  private refuse(
    connection: Connection<AnySocket>,
    socket: AnySocket | null,
    { type, namespace, ackId }: ReadHeader,
    retryAfterMs: number,
  ): boolean {
    if (this.countRefusal(connection)) return false
    if (type === MESSAGE_TYPES.ACK || type === MESSAGE_TYPES.ACK_ERROR) return false
    const isCall = type === MESSAGE_TYPES.CALL || type === MESSAGE_TYPES.REQUEST || type === MESSAGE_TYPES.EVENT
    if (!isCall) return true
    // Nothing is sent of a namespace that is not there.
    if (socket === null) return false
    const fields =
      ackId < 0 ? { type: MESSAGE_TYPES.ERROR, namespace } : { type: MESSAGE_TYPES.ACK_ERROR, namespace, ackId }
    socket.sendFrame(encodeFrame(this.runtime.codec, fields, errorOf(retryAfterMs)))
    return false
  }

  /** @returns Whether it was one too many, and the connection is closed. */
  private countRefusal(connection: Connection<AnySocket>): boolean {
    if (!this.limiter.isTooMuch(connection)) return false
    this.runtime.turn.flush()
    connection.end('RATE_LIMITED', 'forced server close', undefined, CLOSED_FOR_MS)
    return true
  }
}

function errorOf(retryAfterMs: number): ErrorBody {
  return { code: 'RATE_LIMITED', message: 'too many messages, or too many bytes', data: { retryAfterMs } }
}
