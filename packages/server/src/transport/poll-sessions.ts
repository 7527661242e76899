import { randomBytes, timingSafeEqual } from 'node:crypto'
import { LIMITS } from '@roomcast/protocol'
import type { AnySocket } from '../api/socket'
import { newSocketId } from '../api/socket-id'
import type { Connection } from '../connection/connection'
import { Recent } from '../connection/recent'
import { POLL_REFUSALS, type PollRefusal } from './poll-answer'
import { PollSession, type SessionHost } from './poll-session'

/** A session that is over, and how its requests are refused. */
interface Tombstone {
  readonly secret: Buffer
  readonly refusal: PollRefusal
}

const SECRET_BYTES = 24
/** Name of a session: the id of 20 characters, which is no secret, and the secret of 32. */
const NAME = /^([\w-]{20})\.([\w-]{32})$/

/** What an unknown id is compared with, to take the same time. */
const NO_SECRET = Buffer.alloc(32)

/** The polling sessions of a server by id, and for a while those that are over. */
export class PollSessions {
  private readonly sessions = new Map<string, PollSession>()
  private readonly tombstones = new Recent<Tombstone>(LIMITS.rememberedCloses, LIMITS.rememberedCloseMs)
  private readonly host: SessionHost
  private onEmpty = () => {}

  constructor(host: Omit<SessionHost, 'forget'>) {
    this.host = {
      ...host,
      forget: (session, refusal) => {
        // It may be over in more than one way.
        if (this.sessions.delete(session.id)) this.tombstones.add(session.id, { secret: session.secret, refusal })
        if (this.sessions.size === 0) this.onEmpty()
      },
    }
  }

  /** Sessions, those that still serve their last frames included. */
  get size(): number {
    return this.sessions.size
  }

  /** Makes room for another one, at the cost of the oldest that has no namespace. @returns Whether there is room. */
  makeRoom(): boolean {
    const { maxPollSessions } = this.host.options
    if (this.sessions.size < maxPollSessions) return true
    for (const { connection } of this.sessions.values()) {
      if (connection.hasBeenConnected || connection.phase !== 'open') continue
      connection.end('CONNECT_TIMEOUT', 'forced server close')
      return this.sessions.size < maxPollSessions
    }
    return false
  }

  /** Opens a session for a new connection. @returns Its name, with the secret: for the client only. */
  open(connection: Connection<AnySocket>): string {
    const id = newSocketId()
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    const session = new PollSession(id, Buffer.from(secret), connection, this.host)
    this.sessions.set(id, session)
    this.host.connections.add(connection, session)
    return `${id}.${secret}`
  }

  /** @returns The session of a name, or how a request for it is refused. */
  find(name: string): PollRefusal | PollSession {
    const match = NAME.exec(name)
    const id = match?.[1] ?? ''
    const session = this.sessions.get(id)
    const tombstone = session === undefined ? this.tombstones.get(id) : undefined
    const secret = session?.secret ?? tombstone?.secret ?? NO_SECRET
    const isRight = match !== null && timingSafeEqual(secret, Buffer.from(match[2] as string))
    if (!isRight || secret === NO_SECRET) return POLL_REFUSALS.unknown
    return session ?? (tombstone as Tombstone).refusal
  }

  /** Waits until there is none any more. @param maxMs  Milliseconds; then it does not wait any longer. */
  drained(maxMs: number): Promise<void> {
    if (this.sessions.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, maxMs)
      this.onEmpty = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Ends all of them without a word. */
  dispose(): void {
    for (const session of this.sessions.values()) session.dispose()
    this.sessions.clear()
    this.tombstones.clear()
  }
}
