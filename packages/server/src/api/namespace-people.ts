import {
  CLOSE_CODES,
  CLOSE_MEANINGS,
  closeVerdict,
  type DefaultUser,
  encodeFrame,
  MESSAGE_TYPES,
} from '@roomcast/protocol'
import { type Login, type PresencePolicy, resolvePresence } from '../options/people-options'
import { MemberLogin } from '../people/account'
import type { Identity } from '../people/identity'
import { People, userNotice } from '../people/people'
import { listJoined } from '../rooms/joined'
import type { Runtime } from './runtime'
import type { AnySocket } from './socket'
import type { DisconnectDetails } from './socket-events'

/** What the people of a namespace need of it. */
export interface PeopleNamespace {
  readonly name: string
  readonly number: number
  readonly runtime: Runtime
  readonly inside: { leave(socket: AnySocket, room: string): void }
  readonly resumable: { onUserChange(socket: AnySocket): void }
  reportIfEmpty(): void
  /** Of `login`, when a connected socket became somebody, or somebody else, and of `logout`. */
  fire(event: 'login' | 'logout', socket: AnySocket, before: DefaultUser | null): void
}

/** Who the sockets of one namespace are: logins that are under way, and what follows when one has succeeded. */
export class NamespacePeople {
  /** null: everybody is anonymous. */
  login: Login | null
  private made: People<AnySocket> | null = null
  private readonly policies: [pattern: string, policy: PresencePolicy][] = []
  private readonly attempts = new Map<AnySocket, AbortController>()

  constructor(private readonly namespace: PeopleNamespace) {
    this.login = namespace.runtime.people.login
  }

  /** Who is who; made when somebody asks: most namespaces of a server without logins never do. */
  get known(): People<AnySocket> {
    this.made ??= this.make()
    return this.made
  }

  /** Rules for the lists of rooms. @throws RoomcastError `INVALID_OPTION`. */
  setPolicy(pattern: string, policy: PresencePolicy): void {
    resolvePresence('presence', policy, this.namespace.runtime.people.presence)
    this.policies.push([pattern, policy])
    this.made?.rosters.setPolicy(pattern, policy)
  }

  /** Users who are online, or expected back; 1 while there are none and the engine does not know. */
  get size(): number {
    return this.made?.size ?? 0
  }

  /** Sockets of a user. */
  membersOf(userId: string): Iterable<AnySocket> {
    return this.made?.membersOf(userId) ?? []
  }

  /** A socket joins a room. */
  join(socket: AnySocket, room: string): void {
    this.made?.join(socket, room)
  }

  /** A socket leaves a room. */
  leave(socket: AnySocket, room: string): void {
    this.made?.leave(socket, room)
  }

  /** A socket has left a room. */
  left(socket: AnySocket, room: string): void {
    this.made?.watches.recheck(socket, room)
  }

  /** A login of a connected socket begins; one that is under way is given up. */
  begin(socket: AnySocket): AbortController {
    this.cancel(socket)
    const attempt = new AbortController()
    this.attempts.set(socket, attempt)
    return attempt
  }

  /** It has ended. */
  end(socket: AnySocket, attempt: AbortController): void {
    if (this.attempts.get(socket) === attempt) this.attempts.delete(socket)
  }

  /** Nobody waits for the login of this socket any more. */
  cancel(socket: AnySocket): void {
    this.attempts.get(socket)?.abort()
    this.attempts.delete(socket)
  }

  /**
   * A connected socket has logged in, again maybe. What it has joined as somebody else stays behind with them.
   *
   * @throws RoomcastError `USER_SESSION_LIMIT`, `NAME_IN_USE`, `LOGIN_REFUSED`; then nothing has changed.
   */
  become(socket: AnySocket, identity: Identity): void {
    const before = socket.user as DefaultUser | null
    const isOther = before?.id !== identity.profile.user.id
    if (before !== null && isOther) {
      this.known.assertMayEnter(socket, identity)
      this.leaveAsSomebody(socket)
      if (socket.connected) this.namespace.fire('logout', socket, before)
      // Listeners were told, and may have ended the socket.
      if (!socket.connected) return
    }
    const entry = this.enterAgain(socket, identity)
    this.known.announce(socket, entry)
    if (entry.isFirst) this.known.joinAll(socket)
    displace(entry.displaced)
    if (!isOther) return
    // Before listeners emit: the client is to know who it is when it hears them.
    socket.notify(userNotice(socket))
    this.namespace.fire('login', socket, before)
  }

  /** A connected socket is nobody any more. */
  becomeNobody(socket: AnySocket): void {
    const before = socket.user as DefaultUser | null
    if (before === null) return
    this.leaveAsSomebody(socket)
    if (!socket.connected) return
    socket.notify(userNotice(socket))
    this.namespace.fire('logout', socket, before)
  }

  /** A socket leaves the namespace. @param details  How its link ended, if it did. */
  gone(socket: AnySocket, details: DisconnectDetails | undefined): void {
    this.cancel(socket)
    if (this.made === null) return
    const isLost = mayBeBack(details)
    for (const { name } of listJoined(socket.joined)) if (name !== socket.id) this.known.leave(socket, name, isLost)
    this.known.exit(socket, isLost)
  }

  /** The server closes: the engine is told what it does not know, and nothing more. */
  close(): void {
    this.made?.rosters.reports.close()
  }

  private make(): People<AnySocket> {
    const { namespace } = this
    const { codec, engine, wheel, reportFault, turn, people } = namespace.runtime
    const made = new People<AnySocket>(people, {
      namespaceName: namespace.name,
      namespaceNumber: namespace.number,
      flush: () => turn.flush(),
      codec,
      directory: engine.directory,
      wheel,
      reportFault,
      publish: (topic, notice) => {
        const fields = { type: MESSAGE_TYPES.NOTICE, namespace: namespace.number }
        turn.perform((bytes) => turn.publisher.publish(topic, bytes, true), encodeFrame(codec, fields, notice))
      },
      onEmpty: () => namespace.reportIfEmpty(),
      onExpired: ({ connection }) => {
        turn.flush()
        connection.end('LOGIN_EXPIRED', 'forced server close')
      },
    })
    for (const [pattern, policy] of this.policies) made.rosters.setPolicy(pattern, policy)
    return made
  }

  /** As {@link People.enter}; a socket that stays nobody because it is refused goes, where nobody may be nobody. */
  private enterAgain(socket: AnySocket, identity: Identity): ReturnType<People<AnySocket>['enter']> {
    try {
      return this.known.enter(socket, identity)
    } catch (error) {
      // It may have been somebody before.
      if (socket.user === null) socket.notify(userNotice(socket))
      const mustGo = socket.user === null && !this.namespace.runtime.people.allowAnonymous
      // Behind the answer.
      if (mustGo) queueMicrotask(() => socket.disconnect())
      throw error
    }
  }

  private leaveAsSomebody(socket: AnySocket): void {
    this.namespace.runtime.turn.flush()
    this.known.watches.revokeAll(socket)
    socket.tracking?.client?.joining.clear()
    this.namespace.resumable.onUserChange(socket)
    for (const { name } of listJoined(socket.joined)) if (name !== socket.id) this.known.leave(socket, name)
    this.known.exit(socket)
    socket.login = null
    // As nobody: listeners of the adapter hear of it, and may let it join others.
    for (const { name } of [...listJoined(socket.joined)]) this.namespace.inside.leave(socket, name)
  }
}

/** Whether the user may be back in a moment: nobody decided this end, or it was one who came back that caused it. */
function mayBeBack(details: DisconnectDetails | undefined): boolean {
  if (details === undefined) return false
  return closeVerdict(details.code) !== 'never' || details.code === CLOSE_CODES.REPLACED
}

/** Ends sockets whose place others have taken, each with its connection if that has no other namespace. */
export function displace(sockets: readonly AnySocket[]): void {
  const details = { code: CLOSE_CODES.REPLACED, message: CLOSE_MEANINGS.REPLACED }
  for (const socket of sockets) {
    const { connection, host } = socket
    const isLast = connection.namespaceCount === 1
    socket.endNamespace('forced server close', !isLast, details)
    host.runtime.turn.flush()
    if (isLast) connection.end('REPLACED', 'forced server close')
  }
}

/** What a socket shows of an identity before it is admitted. */
export function showIdentity(socket: AnySocket, identity: Identity | null): void {
  socket.login = identity && new MemberLogin<AnySocket>(identity)
}
