import type { ConnectedBody, ResumeBody } from '@roomcast/protocol'
import { type Stream, toEntry } from '../rooms/stream'

const SECRET_BYTES = 16

/**
 * What a socket goes on with on its next connection. PROTOCOL.md, "Rooms, positions and sessions".
 *
 *   none ──CONNECTED──► kept ──link lost──► to be resumed ──CONNECTED──► kept, with another secret
 *     ▲                  └──────────────────┴── left on purpose, another user, too late
 */
export class Session {
  /** Names this client to the server, for all its life, and is told to nobody else. */
  readonly client = Array.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
  /** Whether the present connection goes on with the session of the one before, and nothing was missed. */
  recovered = false
  /** The streams that the last CONNECT has named, in its order. */
  named: readonly Stream[] = []
  #secret: string | undefined
  #windowMs = 0
  /** When it is too late, on the clock of `performance.now()`; known when the link is lost. */
  #endsAt = Number.POSITIVE_INFINITY
  #userId: string | undefined

  /** What CONNECT says of it. @param streams  All that have a position, stream 0 apart. */
  resume(own: number, streams: readonly Stream[]): ResumeBody | undefined {
    if (performance.now() > this.#endsAt) this.drop()
    const secret = this.#secret
    this.named = secret === undefined ? [] : streams
    return secret === undefined ? undefined : { secret, own, rooms: streams.map(toEntry) }
  }

  onConnected({ session, user }: ConnectedBody): void {
    this.recovered = session?.resumed === true && session.recovered
    this.named = []
    // The old one is used up.
    this.#secret = session?.secret
    this.#windowMs = session?.windowMs ?? 0
    this.#endsAt = Number.POSITIVE_INFINITY
    this.#userId = user?.id
  }

  /** The link is lost, and nobody has meant it. */
  onLost(): void {
    this.#endsAt = performance.now() + this.#windowMs
  }

  /** A session ends with its user; nobody may become somebody in it. */
  onUser(id: string | undefined): void {
    if (this.#userId !== undefined && id !== this.#userId) this.drop()
    this.#userId = id
  }

  /** The next connection begins anew. */
  drop(): void {
    this.#secret = undefined
    this.named = []
  }
}
