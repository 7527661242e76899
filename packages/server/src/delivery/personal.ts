import { HEADER_FLAGS } from '@roomcast/protocol'
import type { LatestValue } from '../connection/wire-port'
import type { Session } from './session'
import type { Tracking } from './tracking'

/** How a frame to one socket travels. */
export interface PersonalFlags {
  readonly volatile: boolean
  readonly compress: boolean
  /** Not null for a value of which only the newest is wanted: what is newer comes by itself. */
  readonly latest?: LatestValue | null
}

/** The session that keeps a frame which is addressed to one socket in person; null if none does. */
export function keeperOf(
  tracking: Tracking | null,
  frame: Uint8Array,
  { volatile, latest }: PersonalFlags,
): Session | null {
  const session = tracking?.session ?? null
  return session === null || volatile || latest || isCall(frame) ? null : session
}

/** Whether a frame asks for an answer: then its sender hears if it does not arrive. */
export function isCall(frame: Uint8Array): boolean {
  return ((frame[0] as number) & HEADER_FLAGS.ACK) !== 0
}
