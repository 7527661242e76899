import { LIMITS, RoomcastError } from '@roomcast/protocol'
import type { SessionState } from '../delivery/detached-session'
import { Tracking } from '../delivery/tracking'
import { listJoined } from '../rooms/joined'
import type { NamespaceRooms } from './namespace-rooms'
import type { Runtime } from './runtime'
import type { AnySocket } from './socket'

/** What the sessions of a namespace need of it. */
export interface SessionsNamespace {
  readonly name: string
  readonly number: number
  readonly runtime: Runtime
  readonly inside: NamespaceRooms
  reportIfEmpty(): void
}

/** Sessions of one namespace: how they begin with a socket, and what is kept when its link is lost. */
export class NamespaceSessions {
  /** Made once: one that is made for a socket holds the socket. */
  private readonly onEnded = () => this.namespace.reportIfEmpty()

  constructor(private readonly namespace: SessionsNamespace) {}

  /** Whether somebody may come back. */
  get isAwaited(): boolean {
    const { number, runtime } = this.namespace
    return (runtime.sessions?.inNamespace(number).size ?? 0) > 0
  }

  /** A socket that comes for the first time gets a session, if the server keeps any and the client can. */
  begin(socket: AnySocket): void {
    const { sessions, doubtMs } = this.namespace.runtime
    if (sessions === null || socket.clientSecret === null) return
    const session = sessions.begin(socket.id, this.namespace.name, socket.clientSecret)
    socket.tracking = new Tracking(doubtMs)
    socket.tracking.session = session
  }

  /** What a socket leaves behind; null if nothing of use. */
  stateOf(socket: AnySocket): SessionState | null {
    const { tracking } = socket
    const { number } = this.namespace
    // Without a key it has ended, and only counts on.
    if (!tracking?.session?.key) return null
    try {
      return {
        session: tracking.session,
        namespace: number,
        userId: socket.user?.id ?? null,
        rooms: new Set(
          listJoined(socket.joined)
            .map(({ name }) => name)
            .filter((name) => name !== socket.id),
        ),
        tracking,
        data: this.encodeData(socket),
        onEnded: this.onEnded,
      }
    } catch (error) {
      const text = 'socket.data cannot be kept, and the session ends with the link'
      const fault = new RoomcastError('NOT_ENCODABLE', text, { cause: error })
      this.namespace.runtime.reportFault(fault, { where: 'session', name: 'socket.data', socketId: socket.id })
      return null
    }
  }

  /** A socket leaves the namespace; its rooms are known still. @param isFinal  Somebody decided it. */
  onGone(socket: AnySocket, isFinal: boolean): void {
    const { sessions } = this.namespace.runtime
    const session = socket.tracking?.session
    if (!session || sessions === null) return
    const state = isFinal ? null : this.stateOf(socket)
    if (state === null) sessions.forget(session)
    else sessions.detach(state)
  }

  /** Another socket goes on with the session of this one, which is about to be ended. */
  hold(socket: AnySocket): void {
    const { sessions } = this.namespace.runtime
    const session = socket.tracking?.session
    const state = this.stateOf(socket)
    socket.tracking = null
    if (state !== null) sessions?.detach(state)
    else if (session) sessions?.forget(session)
  }

  /** A user has become somebody else, or nobody: what was sent to the one is not for the other. */
  onUserChange(socket: AnySocket): void {
    const session = socket.tracking?.session
    if (session) this.namespace.runtime.sessions?.forget(session)
  }

  private encodeData(socket: AnySocket): Uint8Array | null {
    const data = socket.dataIfUsed
    if (data === undefined) return null
    const bytes = this.namespace.runtime.codec.encode(data, 0).slice()
    if (bytes.length <= LIMITS.sessionDataBytes) return bytes
    throw new RangeError(`${bytes.length} bytes, limit ${LIMITS.sessionDataBytes}`)
  }
}
