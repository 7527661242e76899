import type { ValueCodec } from '../values/codec'
import { type FrameHeader, headerLength, writeHeader } from './header'
import { ACK, type MessageType, NAMESPACE, ROOM } from './message-types'
import { varintLength, writeVarint } from './varint'

/** Header fields of a frame to send; what is left out is absent. */
export interface FrameFields {
  readonly type: MessageType
  readonly namespace?: number
  readonly ackId?: number
  readonly room?: number
  readonly seq?: number
  readonly event?: number | string
}

/**
 * Encodes a frame.
 *
 * @returns The whole frame; it may be a view that the next `encode` of the codec overwrites.
 * @throws RoomcastError `NOT_ENCODABLE`.
 */
export function encodeFrame(codec: ValueCodec, fields: FrameFields, body: unknown): Uint8Array {
  // Not shared between calls: a `toJSON` in the body may encode another frame meanwhile.
  const header = complete(fields)
  const bytes = codec.encode(body, headerLength(header))
  writeHeader(bytes, header)
  return bytes
}

/**
 * A frame from a body that was encoded before.
 *
 * @param body  One encoded value, without room in front.
 */
export function prependHeader(fields: FrameFields, body: Uint8Array): Uint8Array {
  const header = complete(fields)
  const start = headerLength(header)
  const bytes = new Uint8Array(start + body.length)
  writeHeader(bytes, header)
  bytes.set(body, start)
  return bytes
}

/**
 * An EVENT with a position, made from one without.
 *
 * @param frame      The whole frame; not changed.
 * @param namespace  Number of the namespace on the connection that it is for, instead of that in the frame.
 */
export function withPosition(frame: Uint8Array, namespace: number, room: number, seq: number): Uint8Array {
  const first = frame[0] as number
  const ackStart = first & NAMESPACE ? behindVarint(frame, 1) : 1
  const ackEnd = first & ACK ? behindVarint(frame, ackStart) : ackStart
  const namespaceBytes = namespace > 0 ? varintLength(namespace) : 0
  const added = namespaceBytes + varintLength(room) + varintLength(seq) - (ackStart - 1)
  const bytes = new Uint8Array(frame.length + added)
  bytes[0] = (first & ~NAMESPACE) | (namespace > 0 ? NAMESPACE : 0) | ROOM
  let at = namespace > 0 ? writeVarint(bytes, 1, namespace) : 1
  bytes.set(frame.subarray(ackStart, ackEnd), at)
  at += ackEnd - ackStart
  at = writeVarint(bytes, writeVarint(bytes, at, room), seq)
  bytes.set(frame.subarray(ackEnd), at)
  return bytes
}

/** The last byte of a number has no highest bit. */
function behindVarint(bytes: Uint8Array, start: number): number {
  let at = start
  while ((bytes[at++] as number) >= 0x80);
  return at
}

function complete(fields: FrameFields): FrameHeader {
  return {
    type: fields.type,
    namespace: fields.namespace ?? 0,
    ackId: fields.ackId ?? -1,
    room: fields.room ?? -1,
    seq: fields.seq ?? 0,
    event: fields.event ?? '',
  }
}
