import { assertEmittable, encodeFrame, MESSAGE_TYPES } from '@roomcast/protocol'
import type { Connection, NamespaceMember } from '../connection/connection'
import { type AckSettle, disconnectedError, PendingAcks } from '../connection/pending-acks'
import type { LatestValue } from '../connection/wire-port'
import { latestId, latestName, latestWithAck } from '../delivery/latest-values'
import { keeperOf } from '../delivery/personal'
import type { Tracking } from '../delivery/tracking'
import type { DirectReceiver } from '../egress/turn-queue'
import type { EmitFlags } from './room-emitter'
import type { Runtime } from './runtime'

/** A socket, as far as sending an event to it goes. */
export interface EventReceiver extends DirectReceiver {
  readonly id: string
  readonly connected: boolean
  readonly connection: Pick<Connection<NamespaceMember>, 'phase' | 'port'>
  readonly host: { readonly runtime: Runtime; readonly number: number }
  readonly tracking: Tracking | null
  /** Calls that wait for an answer; null until the first. */
  acks: PendingAcks | null
  notifyOutgoing(event: string, args: readonly unknown[]): void
}

/**
 * Sends one event to one socket.
 *
 * @param settle  Told of the answer; null if none is wanted.
 * @returns Whether it was handed to the connection.
 * @throws RoomcastError `INVALID_EVENT_NAME`, `RESERVED_EVENT`, `NOT_ENCODABLE`, `INVALID_OPTION`.
 */
export function deliverDirect(
  socket: EventReceiver,
  event: string,
  data: readonly unknown[],
  flags: EmitFlags,
  settle: AckSettle | null,
): boolean {
  assertEmittable(event)
  const { connection, host } = socket
  const { latestKey } = flags
  if (latestKey !== undefined && settle !== null) throw latestWithAck()
  if (!socket.connected || connection.phase !== 'open') {
    settle?.(disconnectedError(), [])
    return false
  }
  socket.notifyOutgoing(event, data)
  if (flags.volatile && settle === null && connection.port.skipsVolatile()) return false
  const { runtime, number: namespace } = host
  let ackId = -1
  if (settle !== null) {
    socket.acks ??= new PendingAcks(runtime.wheel)
    ackId = socket.acks.add(flags.timeoutMs ?? runtime.ackTimeoutMs, settle)
    if (ackId < 0) return false
  }
  let frame: Uint8Array
  try {
    frame = encodeFrame(runtime.codec, { type: MESSAGE_TYPES.EVENT, namespace, ackId, event }, data)
  } catch (error) {
    socket.acks?.forget(ackId)
    throw error
  }
  const { turn } = runtime
  const { compress } = flags
  const latest: LatestValue | null =
    latestKey === undefined ? null : { id: latestId(namespace, [socket.id], latestName(event, latestKey)), merge: null }
  const session = latest === null ? keeperOf(socket.tracking, frame, flags) : null
  if (session === null) turn.send(socket, frame, compress, null, latest)
  else {
    // Its place among what else is emitted is now; its position is taken when its turn has come.
    const order = runtime.order.next()
    turn.send(socket, frame, compress, (bytes) => session.keepSent(bytes, compress, order, namespace))
  }
  return true
}
