import type { ConnectBody, ResumeBody, RoomEntry } from '@roomcast/protocol'
import type { AnyNamespace } from '../api/namespace'
import type { AnySocket } from '../api/socket'
import type { Soon } from '../cluster/engine'
import { type Missed, type MissedFrame, missedOfOwn, noticeFrame, readMissed } from '../delivery/missed'
import { OWN_STREAM } from '../delivery/session'
import { type SessionState, sessionKey } from '../delivery/sessions'
import { soon, soonEach } from '../delivery/soon'
import { isInside, type Place } from '../delivery/tracking'
import { userRoom } from '../rooms/room-index'
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

/** What a socket that comes back is sent. */
export interface Recovery {
  /** `rooms` of CONNECTED. */
  readonly rooms: readonly (RoomEntry | null)[]
  readonly frames: readonly Uint8Array[]
  readonly isComplete: boolean
  /** Whether nothing has come since it was read. */
  isCurrent(): boolean
}

/** Takes the session that a client wants to go on with; null if it may not. */
export function claimSession(socket: AnySocket, { resume }: ConnectBody): Soon<Claim | null> {
  const namespace = socket.host as AnyNamespace
  const { sessions } = namespace.runtime
  const { clientSecret } = socket
  if (sessions === null || resume === undefined || clientSecret === null) return null
  const key = sessionKey(resume.secret, clientSecret)
  return soon(sessions.claim(key), (id) => {
    const holder = id === null ? null : holderOf(namespace, id)
    const detached = id === null ? undefined : sessions.get(id)
    const state = holder === null ? detached : namespace.resumable.stateOf(holder)
    if (!state) return null
    if (state.namespace !== namespace.number) {
      // Of another namespace, where it is still good.
      sessions.restore(state.session, key)
      return null
    }
    if (state.userId !== (socket.user?.id ?? null)) {
      // Somebody else has the secret, or the client has become somebody else: either way it is of no use any more.
      if (detached !== undefined) sessions.end(detached)
      else sessions.forget(state.session)
      return null
    }
    return soon(refusedRooms(socket, state), (refused) => ({ state, holder, resume, refused, key }))
  })
}

/** Whether the session is still to be had. */
export function isHeld({ host }: AnySocket, { state, holder }: Claim): boolean {
  const { session } = state
  if (holder?.connected && holder.tracking?.session === session && session.key !== '') return true
  return host.runtime.sessions?.get(session.id)?.session === session
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
  return host.runtime.sessions?.get(state.session.id)?.rooms ?? state.rooms
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

/** Times that what was missed is read again, because something has come meanwhile. */
const MAX_READS = 5

/** Reads what a client has missed, up to now: if it is current, nothing is between it and what comes next. */
export function collectMissed(socket: AnySocket, claim: Claim, readsLeft = MAX_READS): Soon<Recovery> {
  return soon(readAll(socket, claim), (recovery) => {
    if (recovery.isCurrent() || readsLeft <= 1) return recovery
    return collectMissed(socket, claim, readsLeft - 1)
  })
}

function readAll(socket: AnySocket, claim: Claim): Soon<Recovery> {
  const { state, resume, refused } = claim
  const { inside, runtime } = socket.host as AnyNamespace
  const { maker } = inside
  const { tracking, session } = state
  const now = runtime.wheel.now()
  const positions = new Map(resume.rooms)
  const names = new Set([session.id, ...roomsOf(socket, claim)])
  if (state.userId !== null) names.add(userRoom(state.userId))
  const entries = new Map<number, RoomEntry>()
  const missed: MissedFrame[] = []
  const reads: { readonly place: Place; readonly top: number }[] = []
  let bytesLeft = runtime.resendBytes
  let isComplete = !tracking.isIncomplete(now)

  /** @returns Whether nothing is gone. */
  const take = (number: number, { frames, bytes, lostTo, isCut, top }: Missed): boolean => {
    // What does not fit is as good as lost: said now, and not when it is asked for again and may be gone.
    const lost = isCut ? top : lostTo
    if (lost !== null) missed.push({ order: 0, frame: noticeFrame(maker, ['lost', number, lost]) })
    if (!isCut) missed.push(...frames)
    if (!isCut) bytesLeft -= bytes
    if (lost !== null) isComplete = false
    return lost === null
  }

  const ownTop = session.own.top
  const own = Math.min(resume.own, ownTop)
  take(OWN_STREAM, missedOfOwn(session.own, { after: own, upTo: Number.POSITIVE_INFINITY, maxBytes: bytesLeft }, maker))
  const read = soonEach(staysByStream(tracking.places), (stays) => {
    const { stream } = stays[0] as Place
    const { number, room } = stream
    const known = positions.get(number)
    if (room !== null && refused.has(room)) return
    const heard = stays.filter((stay) => {
      if (isInside(stay) || known !== undefined) return true
      // It was told that it has left, and then it has everything before; or it has heard of neither.
      if (stay.to > stay.from && tracking.isNew(stay, now)) isComplete = false
      return false
    })
    const [first] = heard
    if (first === undefined) return
    if (!stream.isOpen) {
      isComplete = false
      return
    }
    const start = Math.min(Math.max(first.from, known ?? 0), stream.top)
    entries.set(number, [number, start, true])
    let at = start
    const each = soonEach(heard, (stay) => {
      if (stay.to < at || entries.get(number)?.[2] === false) return
      if (stay.from > at) {
        missed.push({ order: stay.since, frame: noticeFrame(maker, ['skip', number, at + 1, stay.from]) })
      }
      const after = Math.max(at, stay.from)
      const range = { after, upTo: stay.to, maxBytes: Math.max(0, bytesLeft) }
      return soon(readMissed(runtime.engine, stream, range, { names, tracking }, maker), (found) => {
        if (!take(number, found)) entries.set(number, [number, start, false])
        reads.push({ place: stay, top: found.top })
        at = Math.max(after, Math.min(stay.to, found.top))
      })
    })
    return soon(each, () => {
      if (heard.some(isInside)) return
      missed.push({ order: Number.MAX_VALUE, frame: noticeFrame(maker, ['left', number, null]) })
    })
  })
  return soon(read, () => {
    const named = resume.rooms.map(([number]) => entries.get(number) ?? null)
    const others = [...entries.values()].filter(([number]) => !positions.has(number))
    return {
      rooms: [...named, ...others],
      frames: missed.sort((a, b) => a.order - b.order).map(({ frame }) => frame),
      isComplete,
      isCurrent: () =>
        session.own.top === ownTop && reads.every(({ place, top }) => top >= Math.min(place.stream.top, place.to)),
    }
  })
}

/** The stays in each stream, in their order. */
function staysByStream(places: readonly Place[]): Place[][] {
  const stays = new Map<Place['stream'], Place[]>()
  for (const place of places) stays.set(place.stream, [...(stays.get(place.stream) ?? []), place])
  return [...stays.values()]
}
