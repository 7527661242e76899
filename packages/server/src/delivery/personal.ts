import { HEADER_FLAGS } from '@roomcast/protocol'
import type { EmitOrder } from './order'
import type { Tracking } from './tracking'

/** How a frame to one socket travels. */
export interface PersonalFlags {
  readonly volatile: boolean
  readonly compress: boolean
}

/** What a frame is for one socket that it is addressed to in person: with a session it has a position in its own stream. */
export function personalFrame(
  tracking: Tracking | null,
  frame: Uint8Array,
  { volatile, compress }: PersonalFlags,
  order: EmitOrder,
): Uint8Array {
  const session = tracking?.session ?? null
  if (session === null || volatile || isCall(frame)) return frame
  return session.keep(frame, compress, order.next())
}

/** Whether a frame asks for an answer: then its sender hears if it does not arrive. */
export function isCall(frame: Uint8Array): boolean {
  return ((frame[0] as number) & HEADER_FLAGS.ACK) !== 0
}
