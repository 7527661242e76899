import {
  type ConnectBody,
  type ConnectedBody,
  type ErrorBody,
  encodeFrame,
  isRoomcastError,
  isThenable,
  LIMITS,
  MESSAGE_TYPES,
  toErrorBody,
} from '@roomcast/protocol'
import type { AnyNamespace } from '../api/namespace'
import { displace, showIdentity } from '../api/namespace-people'
import type { NamespaceRegistry } from '../api/namespace-registry'
import type { Runtime } from '../api/runtime'
import { type AnySocket, Socket } from '../api/socket'
import type { Soon } from '../cluster/engine'
import type { Connection } from '../connection/connection'
import { readClientSecret } from '../delivery/client-secret'
import { attempt, soon } from '../delivery/soon'
import { expiresInMs } from '../people/people'
import { holdDuring } from './hold'
import { identifyAtConnect } from './login'
import { type MiddlewareOutcome, runMiddleware } from './middleware'
import { readRecovery } from './recovery'
import { refusalBody } from './refusal'
import { type Claim, claimSession, giveBack, isHeld, roomsOf } from './resume'
import {
  attachSession,
  beginSession,
  continueSession,
  enterEverybody,
  fenceOff,
  type Resumed,
  restoreRooms,
  takeOver,
} from './resume-admission'

// biome-ignore lint/suspicious/noExplicitAny: variance: a registry of any event maps has to fit
export type AnyRegistry = NamespaceRegistry<any, any, any, any, any>

const REFUSED: ErrorBody = { code: 'CONNECT_REFUSED', message: 'the connection was refused' }
const INVALID_NAMESPACE: ErrorBody = { code: 'INVALID_NAMESPACE', message: 'Invalid namespace' }

/**
 * Answers CONNECT.
 *
 *   find the namespace ─► login ─► middleware ─► admit: CONNECTED, rooms, `connection` listeners
 *           └───────────────┴──────────┴────────► CONNECT_ERROR
 *
 * @returns false if the frame is not legal now: the namespace is connected or asked for already.
 */
export function connectNamespace(
  registry: AnyRegistry,
  runtime: Runtime,
  connection: Connection<AnySocket>,
  body: ConnectBody,
): boolean {
  const { nsp: name } = body
  const known = registry.get(name)
  if (connection.isAsking(name) || (known && connection.member(known.number))) return false
  if (connection.namespaceCount >= LIMITS.namespacesPerConnection) {
    const message = `a connection may have ${LIMITS.namespacesPerConnection} namespaces`
    refuseNamespace(runtime, connection, name, { code: 'TOO_MANY_NAMESPACES', message })
    return true
  }
  // Called once, when it is decided or the link is gone, whichever is first.
  let release = () => {}
  connection.ask(name, () => release())
  let isDecided = false
  const decide = (outcome: () => void) => {
    if (!connection.answer(name)) return
    isDecided = true
    outcome()
  }
  const proceed = (namespace: AnyNamespace | null | undefined) => {
    if (!namespace) return decide(() => refuseNamespace(runtime, connection, name, INVALID_NAMESPACE))
    if (connection.phase !== 'open') return
    namespace.addCandidate()
    // Only logins are told when nobody waits any more.
    const gone = namespace.people.login === null ? undefined : new AbortController()
    const waiting: Waiting = { cancelled: gone?.signal, decide, giveBack: null }
    release = () => {
      // Behind an answer nobody listens, and the error it makes was 5 % of the CPU of many who log in at once.
      if (!isDecided) gone?.abort()
      waiting.giveBack?.()
      namespace.releaseCandidate()
    }
    admitThroughMiddleware(runtime, connection, namespace, body, waiting)
  }
  if (known !== undefined) proceed(known)
  else {
    registry.resolve(name, body.auth).then(proceed, (error: unknown) => {
      runtime.reportFault(error, { where: 'middleware', name })
      proceed(null)
    })
  }
  return true
}

/** A client that waits to hear whether it is admitted. */
interface Waiting {
  /** Aborted when it is gone before that; undefined if the namespace has no login. */
  readonly cancelled: AbortSignal | undefined
  /** Does this, once, if the client still waits. */
  readonly decide: (outcome: () => void) => void
  /** Gives back the session that was taken for it: behind the answer, or when the client is gone. */
  giveBack: (() => void) | null
}

function admitThroughMiddleware(
  runtime: Runtime,
  connection: Connection<AnySocket>,
  namespace: AnyNamespace,
  body: ConnectBody,
  waiting: Waiting,
): void {
  const { auth, previous } = body
  const { decide } = waiting
  const socket: AnySocket = new Socket(namespace, connection, auth)
  socket.clientSecret = readClientSecret(body.client)
  const refuseWith = (error: ErrorBody) => decide(() => refuseNamespace(runtime, connection, namespace.name, error))
  const isGone = () => !connection.isAsking(namespace.name)
  identifyAtConnect(namespace, socket, auth, waiting.cancelled, (identity, refused) => {
    if (refused !== null) return refuseWith(refused)
    if (isGone()) return
    showIdentity(socket, identity)
    attempt(
      () =>
        soon(claimSession(socket, body), (claim) => {
          if (claim === null) return pass(null)
          // Taken already when the link is gone: for the next attempt.
          if (isGone()) return giveBack(socket, claim)
          waiting.giveBack = () => giveBack(socket, claim)
          takeOver(socket, claim)
          pass(claim)
        }),
      onFault,
    )
  })

  function pass(claim: Claim | null): void {
    passMiddleware(namespace, socket, claim, (outcome) => {
      if (socket.isEnded) refuseWith(REFUSED)
      else if (outcome.kind === 'refused') refuseWith(refusal(runtime, namespace, socket, outcome))
      else if (claim === null) decide(() => admit(runtime, connection, namespace, socket, previous, null))
      else attempt(() => resume(claim), onFault)
    })
  }

  function resume(claim: Claim): Soon<void> {
    // First: listeners are told that it has ended, and may emit.
    if (isHeld(socket, claim)) fenceOff(namespace, claim.holder)
    return soon(readRecovery(socket, claim), (makeRecovery) => {
      // Also of a session that is gone: it ends what was begun.
      const recovery = makeRecovery()
      // It may have been ended while the middleware ran.
      if (!isHeld(socket, claim)) return refuseWith(FOR_NOW)
      const resumed: Resumed = { claim, recovery, rooms: roomsOf(socket, claim) }
      decide(() => admit(runtime, connection, namespace, socket, claim.state.session.id, resumed))
    })
  }

  function onFault(error: unknown): void {
    runtime.reportFault(error, { where: 'session', name: namespace.name, socketId: socket.id })
    refuseWith(FOR_NOW)
  }
}

/** Of a session that could not be resumed: the next attempt begins anew. */
const FOR_NOW: ErrorBody = { ...REFUSED, data: { retryAfterMs: 0 } }

function passMiddleware(
  namespace: AnyNamespace,
  socket: AnySocket,
  claim: Claim | null,
  onDone: (outcome: MiddlewareOutcome) => void,
): void {
  const { middleware, runtime } = namespace
  const isSpared = claim !== null && runtime.recovery?.skipMiddlewares === true
  if (middleware.length === 0 || isSpared) return onDone({ kind: 'passed' })
  runMiddleware(
    middleware.map((step) => (next) => step(socket, next)),
    onDone,
  )
}

/** @param resumed  The session that it goes on with. */
function admit(
  runtime: Runtime,
  connection: Connection<AnySocket>,
  namespace: AnyNamespace,
  socket: AnySocket,
  previous: string | undefined,
  resumed: Resumed | null,
): void {
  const { identity = null } = socket.login ?? {}
  const { people } = namespace
  let entry: ReturnType<typeof people.known.enter> | null = null
  try {
    if (identity !== null) entry = people.known.enter(socket, identity, previous)
  } catch (error) {
    return refuseNamespace(runtime, connection, namespace.name, toErrorBody(error, REFUSED.code, REFUSED.message))
  }
  connection.opening?.cancel()
  const session = resumed === null ? beginSession(namespace, socket) : continueSession(namespace, resumed)
  const body: ConnectedBody = {
    nsp: namespace.name,
    sid: socket.id,
    limits: runtime.announced,
    previous: previous === undefined ? undefined : runtime.closeMemory.take(previous),
    user: socket.user ?? undefined,
    expiresInMs: expiresInMs(identity ?? undefined),
    ...session,
  }
  const fields = { type: MESSAGE_TYPES.CONNECTED, namespace: namespace.number }
  // Before anybody can know of the socket: nothing of the namespace may overtake it.
  connection.port.send(encodeFrame(runtime.codec, fields, body), false)
  for (const frame of resumed?.recovery.frames ?? []) if (connection.phase === 'open') connection.port.send(frame, true)
  // The very answer may be what a slow client is cut for.
  if (connection.phase !== 'open') {
    // The profile that it brought stays.
    if (entry !== null) people.known.announce(socket, { ...entry, isFirst: false })
    if (entry !== null) people.known.withdraw(socket)
    // One that it went on with waits for the next attempt.
    if (resumed === null) namespace.resumable.onGone(socket, true)
    namespace.inside.streams.restIfNobody()
    return
  }
  connection.addMember(socket)
  // All of it before anybody is told: whoever is may end the socket.
  socket.admit()
  if (resumed !== null) attachSession(namespace, socket, resumed)
  if (entry !== null) people.known.announce(socket, entry)
  namespace.add(socket)
  enterEverybody(namespace, socket)
  if (resumed !== null) restoreRooms(namespace, socket, resumed)
  socket.joinEarlyRooms()
  if (entry !== null) displace(entry.displaced)
  if (!socket.connected) return
  const waits = startConnectionListeners(namespace, socket)
  if (waits.length > 0) holdDuring(socket, Promise.all(waits))
}

/** Calls the `connection` listeners. @returns What is still running; never rejects. */
function startConnectionListeners(namespace: AnyNamespace, socket: AnySocket): Promise<unknown>[] {
  const waits: Promise<unknown>[] = []
  for (const event of ['connect', 'connection']) {
    for (const listener of namespace.listenersOf(event)) {
      try {
        const result = listener.call(namespace, socket)
        if (isThenable(result)) {
          waits.push(Promise.resolve(result).catch((error: unknown) => namespace.onListenerError(error, event)))
        }
      } catch (error) {
        namespace.onListenerError(error, event)
      }
    }
  }
  return waits
}

function refusal(
  runtime: Runtime,
  namespace: AnyNamespace,
  socket: AnySocket,
  outcome: MiddlewareOutcome & { kind: 'refused' },
): ErrorBody {
  const { error, given } = outcome
  if (given) return refusalBody(error, REFUSED)
  const body = toErrorBody(error, REFUSED.code, REFUSED.message)
  if (!isRoomcastError(error)) {
    runtime.reportFault(error, { where: 'middleware', name: namespace.name, socketId: socket.id })
  }
  return body
}

/** Answers CONNECT with an error. */
export function refuseNamespace(
  runtime: Runtime,
  connection: Connection<AnySocket>,
  nsp: string,
  error: ErrorBody,
): void {
  let frame: Uint8Array
  try {
    frame = encodeFrame(runtime.codec, { type: MESSAGE_TYPES.CONNECT_ERROR }, { nsp, ...error })
  } catch (fault) {
    // The `data` of a middleware's error cannot be sent; the refusal has to be.
    runtime.reportFault(fault, { where: 'middleware', name: nsp })
    const body = { nsp, code: error.code, message: error.message }
    frame = encodeFrame(runtime.codec, { type: MESSAGE_TYPES.CONNECT_ERROR }, body)
  }
  if (connection.phase === 'open') connection.port.send(frame, false)
}
