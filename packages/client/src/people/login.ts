import { type ConnectedBody, isUser, type NamedBody, type PublicUser, RoomcastError } from '@roomcast/protocol'
import type { AuthOption } from '../options'
import type { EventSender } from '../outbound/event-sender'
import { MAX_TIMER_MS } from '../tables'
import { type Asker, askCredentials } from './credentials'

/** When a login is renewed, as a part of the time that it has. */
const REFRESH_AT = 0.8
/** Between attempts to renew it. */
const REFRESH_LEAST_MS = 1_000

/** What a {@link Login} works on: a socket. */
export interface LoginHost extends Asker {
  auth: AuthOption | undefined
  readonly connected: boolean
  readonly active: boolean
  disconnect(): unknown
  /** Connects with the present `auth`, also if it is about to connect with another. */
  attach(): void
  /** The user is another one, or looks different. */
  onUser(user: PublicUser | null): void
}

/** Told how a login has ended. */
type Settle = (error: RoomcastError | null, user?: unknown) => void

/**
 * Who a socket is.
 *
 *   login ──connected──► auth function ──► REQUEST ──► answered: `auth` and `user` are new, or nothing is
 *     └──else──► `auth` is new ──► CONNECT ──► answered
 *
 * What can repeat: the renewal of a login that ends, until it has ended; at most once a second.
 */
export class Login {
  user: PublicUser | null = null
  readonly #host: LoginHost
  readonly #sender: EventSender
  /** Of the login that waits: for a CONNECT, for an auth function, or for its answer. */
  #open: Settle | null = null
  /** The last answer did not come: the server may have logged somebody in. */
  #isUnsure = false
  /** Raised by a logout: what was sent before has no say. */
  #era = 0
  /** Logouts without an answer. */
  #logouts = 0
  #endsAt = Number.NaN
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(host: LoginHost, sender: EventSender) {
    this.#host = host
    this.#sender = sender
  }

  /** Whether a login is under way: for whom the server takes the socket is not known. */
  get isOpen(): boolean {
    return this.#open !== null || this.#isUnsure
  }

  logIn(credentials: AuthOption): Promise<PublicUser> {
    this.#supersede()
    const { auth } = this.#host
    return new Promise((resolve, reject) => {
      let isDone = false
      const settle: Settle = (error, user) => {
        // What was overtaken has its answer, or its timeout, all the same.
        if (isDone) return
        isDone = true
        if (this.#open === settle) this.#open = null
        if (!error && isUser(user)) return resolve(user)
        // What has failed for its caller must not happen later.
        if (this.#host.auth === credentials) this.#host.auth = auth
        reject(error ?? new RoomcastError('LOGIN_UNAVAILABLE', 'the server has no login'))
      }
      this.#open = settle
      if (this.#host.connected) return this.#request(credentials, settle)
      this.#host.auth = credentials
      this.#host.attach()
    })
  }

  logOut(): Promise<void> {
    this.#supersede()
    this.#era++
    this.#host.auth = undefined
    return new Promise((resolve, reject) => {
      if (this.#host.connected) {
        this.#logouts++
        const ackId = this.#sender.expect((error) => {
          this.#logouts--
          this.#become(null)
          // Who has lost the link is logged out as well.
          if (!error || error.code === 'DISCONNECTED') return resolve()
          // The server may not have heard of it.
          this.#host.disconnect()
          reject(error)
        })
        this.#sender.request(ackId, 'logout')
      } else {
        if (this.#host.active) this.#host.attach()
        resolve()
      }
      // Last: a listener may log in again.
      this.#expireIn()
      this.#become(null)
    })
  }

  /** The login that waits has ended: the attempt to connect was a success, or has failed. */
  settle(error: RoomcastError | null, user?: unknown): void {
    this.#open?.(error, user)
  }

  /** The server has admitted the socket. */
  onConnected({ user, expiresInMs }: Pick<ConnectedBody, 'expiresInMs' | 'user'>): void {
    this.#isUnsure = false
    this.settle(null, user)
    this.#expireIn(expiresInMs)
    this.#become(user)
  }

  /** Notice `user`. */
  onNotice([, user, expiresInMs]: NamedBody): void {
    // What was said before the server heard of the logout.
    if (this.#logouts && user) return
    // One of a new profile need not say it again.
    if (!user || expiresInMs) this.#expireIn(expiresInMs)
    this.#become(user)
  }

  /** The link is lost; `isFinal` if the socket does not come back by itself. */
  onEnd(isFinal: boolean): void {
    this.#expireIn()
    if (!isFinal) return
    this.settle(new RoomcastError('DISCONNECTED', 'disconnected'))
    this.#become(null)
  }

  #supersede(): void {
    this.settle(new RoomcastError('LOGIN_OVERTAKEN', 'another login, or a logout, took its place'))
  }

  #request(credentials: AuthOption, settle: Settle): void {
    const era = this.#era
    const ackId = this.#sender.expect((error, [user, expiresInMs], isLost = false) => {
      this.#isUnsure = isLost
      if (!error && isUser(user) && era === this.#era) {
        this.#host.auth = credentials
        this.#expireIn(expiresInMs)
        this.#become(user)
      }
      settle(error, user)
    })
    const give = (given: unknown) => {
      if (this.#open === settle) this.#sender.request(ackId, 'login', given)
    }
    askCredentials(credentials, this.#host, give, (error) => this.#sender.settle(ackId, error))
  }

  #become(given: unknown): void {
    const before = JSON.stringify(this.user)
    this.user = isUser(given) ? given : null
    if (JSON.stringify(this.user) !== before) this.#host.onUser(this.user)
  }

  /** @param ms  Milliseconds that the login has; without them it is not renewed. */
  #expireIn(ms?: unknown): void {
    this.#endsAt = performance.now() + (ms as number)
    this.#plan(0)
  }

  /** Plans the next renewal, unless it would come too late. */
  #plan(leastMs: number): void {
    clearTimeout(this.#timer)
    const leftMs = this.#endsAt - performance.now()
    const ms = Math.max(leastMs, leftMs * REFRESH_AT)
    if (ms < leftMs) this.#timer = setTimeout(() => this.#refresh(), Math.min(ms, MAX_TIMER_MS))
  }

  #refresh(): void {
    const { auth } = this.#host
    const again = () => this.#plan(REFRESH_LEAST_MS)
    // An object would be the same again, and a login that is under way must not be pushed aside.
    if (typeof auth !== 'function' || this.#open) again()
    else this.logIn(auth as AuthOption).catch(again)
  }
}
