import type { ConnectedBody } from '@roomcast/protocol'
import { isThenable } from '@roomcast/protocol'
import type { AnyNamespace } from '../api/namespace'
import { displace } from '../api/namespace-people'
import type { AnySocket } from '../api/socket'
import { isInside } from '../delivery/tracking'
import type { Recovery } from './recovery'
import type { Claim } from './resume'

/** A session, and what its client has missed. */
export interface Resumed {
  readonly claim: Claim
  readonly recovery: Recovery
  readonly rooms: ReadonlySet<string>
}

type SessionPart = Pick<ConnectedBody, 'rooms' | 'session'>

/** What CONNECTED tells of the session of a socket that comes for the first time. */
export function beginSession(namespace: AnyNamespace, socket: AnySocket): SessionPart {
  const { sessions } = namespace.runtime
  const { streams } = namespace.inside
  namespace.resumable.begin(socket)
  if (sessions === null) return {}
  const session = socket.tracking?.session
  const { windowMs } = sessions
  const told: SessionPart = session
    ? { session: { secret: sessions.issue(session), windowMs, resumed: false, recovered: false, own: 0 } }
    : {}
  const everybody = streams.open(null)
  if (isThenable(everybody) || everybody === null) return told
  streams.enter(socket, everybody, false)
  return { ...told, rooms: [[everybody.number, everybody.top, true]] }
}

/** What it tells of one that goes on. */
export function continueSession({ runtime }: AnyNamespace, { claim, recovery }: Resumed): SessionPart {
  const { sessions } = runtime
  const { session } = claim.state
  if (sessions === null) return {}
  const own = Math.min(claim.resume.own, session.own.top)
  const { isComplete: recovered, rooms } = recovery
  return {
    session: { secret: sessions.issue(session, claim.key), windowMs: sessions.windowMs, resumed: true, recovered, own },
    rooms,
  }
}

/** Gives a socket what it has before its middleware runs: id and data. */
export function takeOver(socket: AnySocket, { state }: Claim): void {
  const data = state.data === null ? undefined : socket.host.runtime.codec.decode(state.data, 0)
  socket.adopt(state.session.id, data)
}

/** Ends the socket that still has the session: the session stays. */
export function fenceOff(namespace: AnyNamespace, holder: AnySocket | null): void {
  if (!holder?.connected) return
  // What waits is for the session still.
  namespace.runtime.turn.flush()
  // Without, its leaving its rooms is not the session's.
  namespace.resumable.hold(holder)
  displace([holder])
}

/** The socket has the session now. */
export function attachSession({ runtime }: AnyNamespace, socket: AnySocket, { claim, recovery }: Resumed): void {
  const { refused } = claim
  const { tracking, session } = claim.state
  const detached = runtime.sessions?.get(session.id)
  if (detached !== undefined) runtime.sessions?.attach(detached)
  for (const room of refused) tracking.client?.joined.delete(room)
  // What it had left is settled when the client says that it is back.
  tracking.places = tracking.places.filter(({ stream }) => stream.isOpen && !refused.has(stream.room ?? ''))
  tracking.resumedAt = runtime.wheel.now()
  socket.tracking = tracking
  if (recovery.isComplete) socket.markRecovered()
  for (const place of tracking.places) if (isInside(place)) runtime.streams.use(place.stream)
}

/** Puts the socket into the rooms of the session. */
export function restoreRooms({ inside }: AnyNamespace, socket: AnySocket, { claim, rooms }: Resumed): void {
  const { tracking } = claim.state
  const known = new Set(tracking.places.filter(isInside).map(({ stream }) => stream.room))
  for (const room of rooms) {
    if (claim.refused.has(room) || !socket.connected) continue
    inside.join(socket, room, !known.has(room))
  }
  const gone = [...(tracking.client?.leftUntold.splice(0) ?? []), ...claim.refused].filter(
    (room) => inside.streams.keepOf(room) === null,
  )
  for (const room of gone) socket.notify(['left', null, room])
}

/** Puts a socket with a session into the stream of everybody, unless it is in it. */
export function enterEverybody({ inside, runtime }: AnyNamespace, socket: AnySocket): void {
  if (runtime.sessions === null) return
  const isIn = () => socket.tracking?.places.some((place) => isInside(place) && place.stream.room === null)
  if (isIn()) return
  inside.streams.openFor(null, (everybody) => {
    if (everybody !== null && socket.connected && !isIn()) inside.streams.enter(socket, everybody, true)
  })
}
