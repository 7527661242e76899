import { type ConnectBody, LIMITS, type ResumeBody } from '@roomcast/protocol'
import type { AnyNamespace } from '../api/namespace'
import type { AnySocket } from '../api/socket'
import type { Soon } from '../cluster/engine'
import type { SessionState } from '../delivery/detached-session'
import { sessionKey } from '../delivery/sessions'
import { soon, soonEach } from '../delivery/soon'
import { isAllowed } from './room-rule'

/*
 * CONNECT with `resume`:
 *
 *   claim: the secret is taken, the user compared ─► rules of rooms ─► middleware ─► collect: what was missed ─► admitted
 *      └── not good: a new session                       └──────────────┴── refused: the secret is good again
 */

/** A session that a socket is about to go on with. */
export interface Claim {
  readonly state: SessionState
  /** The socket that still has it; null if its link is lost. */
  readonly holder: AnySocket | null
  readonly resume: ResumeBody
  /** Rooms that the rules do not allow any more. */
  readonly refused: ReadonlySet<string>
  /** Key of the secret that was taken. */
  readonly key: string
}

/** Takes the session that a client wants to go on with; null if it may not. */
export function claimSession(socket: AnySocket, { resume }: ConnectBody): Soon<Claim | null> {
  const namespace = socket.host as AnyNamespace
  const { sessions } = namespace.runtime
  const { clientSecret } = socket
  if (sessions === null || resume === undefined || clientSecret === null) return null
  const key = sessionKey(resume.secret, { nsp: namespace.name, client: clientSecret })
  return soon(sessions.claim(key), (id) => {
    const holder = id === null ? null : holderOf(namespace, id)
    const detached = id === null ? undefined : sessions.get(id)
    const state = holder === null ? detached?.state : namespace.resumable.stateOf(holder)
    if (!state) return null
    const isSame = state.userId === (socket.user?.id ?? null)
    if (!isSame || state.tracking.places.length > LIMITS.resumedRooms) {
      // Somebody else has the secret, the client has become somebody else, or it is too much: of no use any more.
      if (detached !== undefined) sessions.end(detached)
      else sessions.forget(state.session)
      return null
    }
    return soon(refusedRooms(socket, state), (refused) => ({ state, holder, resume, refused, key }))
  })
}

/** Whether the session is still to be had. */
export function isHeld({ host }: AnySocket, { state, holder }: Claim): boolean {
  const { session, userId } = state
  if (holder?.connected && holder.tracking?.session === session && session.key !== '')
    return (holder.user?.id ?? null) === userId
  const kept = host.runtime.sessions?.get(session.id)?.state
  return kept?.session === session && kept.userId === userId
}

/** The claim comes to nothing: the secret is good again, unless the session is in other hands by now. */
export function giveBack(socket: AnySocket, claim: Claim): void {
  const { session } = claim.state
  const isOpen = session.key === claim.key || session.formerKey === claim.key
  if (isOpen && isHeld(socket, claim)) socket.host.runtime.sessions?.restore(session, claim.key)
}

/** Rooms of the session now: it has gone on living while middleware ran. */
export function roomsOf({ host }: AnySocket, { state, holder }: Claim): ReadonlySet<string> {
  if (holder?.connected) return holder.rooms
  return host.runtime.sessions?.get(state.session.id)?.state.rooms ?? state.rooms
}

function holderOf(namespace: AnyNamespace, id: string): AnySocket | null {
  const holder = namespace.sockets.get(id)
  return holder?.tracking?.session ? holder : null
}

/** Rooms of a session that their rules do not allow any more. */
function refusedRooms(socket: AnySocket, { tracking }: SessionState): Soon<Set<string>> {
  const { streams } = (socket.host as AnyNamespace).inside
  const refused = new Set<string>()
  const asked = soonEach([...(tracking.client?.joined ?? [])], ([room, params]) => {
    const policy = streams.policyOf(room)
    const allowed = policy === undefined ? false : isAllowed(socket, policy, room, params)
    return soon(allowed, (answer) => {
      if (answer !== true) refused.add(room)
    })
  })
  return soon(asked, () => refused)
}
