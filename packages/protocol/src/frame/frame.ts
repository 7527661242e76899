import type { ValueCodec } from '../values/codec'
import { type FrameHeader, headerLength, writeHeader } from './header'
import { MESSAGE_TYPES, type MessageType } from './message-types'

/** Header fields of a frame to send; what is left out is absent. */
export interface FrameFields {
  readonly type: MessageType
  readonly namespace?: number
  readonly ackId?: number
  readonly room?: number
  readonly seq?: number
  readonly event?: number | string
}

const header: FrameHeader = { type: MESSAGE_TYPES.ERROR, namespace: 0, ackId: -1, room: -1, seq: 0, event: '' }

/**
 * Encodes a frame.
 *
 * @returns The whole frame; it may be a view that the next `encode` of the codec overwrites.
 * @throws RoomcastError `NOT_ENCODABLE`.
 */
export function encodeFrame(codec: ValueCodec, fields: FrameFields, body: unknown): Uint8Array {
  // The body first: a `toJSON` in it may encode another frame, and the header is shared.
  header.type = fields.type
  header.namespace = fields.namespace ?? 0
  header.ackId = fields.ackId ?? -1
  header.room = fields.room ?? -1
  header.seq = fields.seq ?? 0
  header.event = fields.event ?? ''
  const bytes = codec.encode(body, headerLength(header))
  writeHeader(bytes, header)
  return bytes
}
