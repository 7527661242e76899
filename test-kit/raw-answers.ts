import { createCompactCodec, createHeader, RoomcastError, readHeader } from '@roomcast/protocol'
import type { RawFrame } from './raw-client'
import type { StreamMessage } from './raw-stream'

/** `session` of CONNECTED. */
export interface RawSessionBody {
  readonly secret: string
  readonly windowMs: number
  readonly resumed: boolean
  readonly recovered: boolean
  readonly own: number
}

/** An entry of `rooms` of CONNECTED. */
export type RawRoomEntry = readonly [number: number, position: number, recovered: boolean] | null

/** A message of `history`, or of the answer to `join`. */
export interface KeptMessage extends StreamMessage {
  /** Milliseconds since 1970. */
  readonly at: number
}

/** The answer to `join`. */
export interface JoinAnswer {
  readonly room?: number
  readonly epoch?: string
  readonly seq?: number
  readonly recovered: boolean
  readonly state?: unknown
  readonly messages?: readonly KeptMessage[]
}

/** The results in an ACK. @throws RoomcastError with the code of an ACK_ERROR. */
export function resultsOf(frame: RawFrame): unknown[] {
  if (frame.type === 'ACK') return frame.body as unknown[]
  const { code, message, data } = frame.body as RoomcastError
  throw new RoomcastError(code, message, { data })
}

/** Reads `[position, at, frame]`. */
export function readKept(entry: unknown): KeptMessage {
  const [position, at, frame] = entry as [number, number, Uint8Array]
  const { event, bodyStart } = readHeader(frame, createHeader())
  return { position, at, event, args: createCompactCodec().decode(frame, bodyStart) as unknown[] }
}
