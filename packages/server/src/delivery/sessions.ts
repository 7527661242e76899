import { createHash, randomBytes } from 'node:crypto'
import type { KeepLimits, Soon, Store } from '../cluster/engine'
import type { MessageBudget } from '../cluster/message-budget'
import { Ring } from '../cluster/ring'
import type { TimingWheel } from '../connection/timing-wheel'
import type { FaultHook } from '../observe/report'
import type { ResolvedRecovery } from '../options/room-options'
import { DetachedSession, type SessionState } from './detached-session'
import { Groups } from './groups'
import { isInRoom } from './reader'
import { Session } from './session'
import { attempt, soon } from './soon'
import type { StoredMessage } from './stored-message'

const SECRET_BYTES = 24

/** What sessions need of their surroundings. */
export interface SessionsHost {
  readonly store: Store
  readonly budget: MessageBudget
  readonly wheel: TimingWheel
  readonly recovery: ResolvedRecovery
  readonly reportFault: FaultHook
}

/**
 * The sessions of a server: secrets, and what is kept of those without a link.
 *
 *   begin ──► live ──link lost──► detached ──claim, with the secret──► live, with a new secret
 *                └── ended on purpose      └── window over, too many, revoked: ended
 *
 * Who may go on with a session is decided by the engine's store: it holds a key for each secret, and of several who take it at once one gets it.
 */
export class Sessions {
  /** Ids of sockets with a link, by key of a secret. */
  private readonly live = new Map<string, string>()
  /** By id of the socket, the oldest first. */
  private readonly detached = new Map<string, DetachedSession>()
  private readonly byUser = new Groups<string, DetachedSession>()
  private readonly byNamespace = new Groups<number, DetachedSession>()

  constructor(private readonly host: SessionsHost) {}

  /** Sessions without a link. */
  get size(): number {
    return this.detached.size
  }

  get windowMs(): number {
    return this.host.recovery.windowMs
  }

  /** A session for a new socket. @param client  Secret of the client's own making. */
  begin(id: string, nsp: string, client: string): Session {
    const keep: KeepLimits = this.host.recovery.history
    return new Session(id, nsp, client, () => new Ring(this.host.budget, keep))
  }

  /**
   * A new secret. The one that was taken for it is good until {@link confirm}.
   *
   * @param taken  Key of that secret; null for a session that begins.
   */
  issue(session: Session, taken: string | null = null): string {
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    // One that the client never got, if it came with the one before.
    for (const key of [session.key, session.formerKey]) if (key && key !== taken) this.drop(key)
    session.key = sessionKey(secret, session)
    session.formerKey = taken
    for (const key of [session.key, taken]) if (key !== null) this.restore(session, key)
    return secret
  }

  /** The client has the newest secret: the one before is void. */
  confirm(session: Session): void {
    if (session.formerKey !== null) this.drop(session.formerKey)
    session.formerKey = null
  }

  /** Takes the secret of a session by its key. @returns The id of its socket, live or not; null if the secret is not good. */
  claim(key: string): Soon<string | null> {
    const id = this.live.get(key)
    if (id !== undefined) {
      this.live.delete(key)
      if (this.isShared) this.drop(key)
      return id
    }
    return soon(this.host.store.take(key), (value) => value && decoder.decode(value))
  }

  /** The secret of this key is good, again. */
  restore(session: Session, key: string): void {
    const detached = this.detached.get(session.id)
    if (detached === undefined) this.live.set(key, session.id)
    else this.live.delete(key)
    // Of a link that is there, only other servers have to be told.
    if (detached === undefined && !this.isShared) return
    const leftMs = detached === undefined ? null : Math.max(1, detached.dueAt - this.host.wheel.now())
    this.tellStore(() => this.host.store.put(key, encoder.encode(session.id), leftMs))
  }

  /** The link of a session was lost. */
  detach(state: SessionState): void {
    const { session, namespace, userId } = state
    const { wheel, recovery } = this.host
    const detached = new DetachedSession(state, (over) => this.end(over))
    this.detached.set(session.id, detached)
    this.byNamespace.add(namespace, detached)
    if (userId !== null) this.byUser.add(userId, detached)
    wheel.schedule(detached, recovery.windowMs)
    for (const key of [session.key, session.formerKey]) if (key) this.restore(session, key)
    if (this.detached.size > recovery.maxSessions) for (const oldest of this.detached.values()) return this.end(oldest)
  }

  /** The session without a link of this id. */
  get(id: string): DetachedSession | undefined {
    return this.detached.get(id)
  }

  /** A session has a link again. */
  attach(detached: DetachedSession): void {
    const { session } = detached.state
    this.remove(detached)
    for (const key of [session.key, session.formerKey]) {
      if (!key) continue
      // It had a time; now it has none.
      this.drop(key)
      this.restore(session, key)
    }
  }

  /** Nobody can go on with a session any more, which has a link. */
  forget(session: Session): void {
    for (const key of [session.key, session.formerKey]) if (key) this.drop(key)
    session.key = ''
    session.formerKey = null
    session.clear()
  }

  /** A session without a link is over. */
  end(detached: DetachedSession): void {
    const { session, onEnded } = detached.state
    if (this.detached.get(session.id) !== detached) return
    this.remove(detached)
    this.forget(session)
    onEnded()
  }

  /**
   * Keeps a message for sessions without a link that are addressed in person.
   *
   * @param names    Whom it is for: ids and users; rooms are passed over.
   * @param message  With the rooms that have it in their streams.
   */
  keepFor(namespace: number, names: readonly string[], message: StoredMessage): void {
    const { except, rooms, order } = message
    const kept = new Set<DetachedSession>()
    for (const name of names) {
      const addressed = name.startsWith('\0') ? this.byUser.get(name.slice(1)) : [this.detached.get(name)]
      for (const detached of addressed ?? []) {
        if (detached?.state.namespace !== namespace || kept.has(detached) || detached.goesBy(except)) continue
        const { session, tracking } = detached.state
        // It is about to enter the stream, and has it from there.
        if (detached.goesBy(rooms) && !isInRoom(tracking.places, rooms, order)) continue
        kept.add(detached)
        session.keep(message)
      }
    }
  }

  /** Sessions without a link in a namespace. */
  inNamespace(namespace: number): ReadonlySet<DetachedSession> {
    return this.byNamespace.get(namespace)
  }

  /** Ends the sessions of a user that have no link. */
  endUser(userId: string): void {
    for (const detached of [...this.byUser.get(userId)]) this.end(detached)
  }

  /** Ends all sessions that have no link. */
  clear(): void {
    for (const detached of [...this.detached.values()]) this.end(detached)
  }

  private get isShared(): boolean {
    return this.host.store.capabilities.isShared
  }

  private remove(detached: DetachedSession): void {
    const { session, namespace, userId } = detached.state
    this.detached.delete(session.id)
    this.host.wheel.cancel(detached)
    this.byNamespace.delete(namespace, detached)
    if (userId !== null) this.byUser.delete(userId, detached)
  }

  /** A key opens nothing any more. */
  private drop(key: string): void {
    this.live.delete(key)
    this.tellStore(() => this.host.store.take(key))
  }

  /** A store that fails costs sessions, which the clients are told, and no connection. */
  private tellStore(change: () => Soon<unknown>): void {
    attempt(change, (error) => this.host.reportFault(error, { where: 'engine', name: 'sessions' }))
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Never the secret itself: who reads the store cannot take a session. */
export function sessionKey(secret: string, { nsp, client }: Pick<Session, 'client' | 'nsp'>): string {
  return `session:${createHash('sha256')
    .update(JSON.stringify([nsp, client, secret]))
    .digest('base64url')}`
}
