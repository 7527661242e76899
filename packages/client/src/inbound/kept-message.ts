import { isPosition, RoomcastError, type ValueCodec } from '@roomcast/protocol'
import { EVENT } from '../tables'
import { readServerMessage } from './server-message'

/** A message that a room has kept. */
export interface RoomMessage {
  /** Its position in the room. */
  readonly seq: number
  /** When the server had it: milliseconds since 1970. */
  readonly at: number
  readonly event: string
  readonly args: readonly unknown[]
}

/** Reads messages of an answer. PROTOCOL.md, "Rooms, positions and sessions". @throws RoomcastError `BAD_FRAME`, `BAD_VALUE`. */
export function readKeptMessages(items: unknown, codec: ValueCodec): RoomMessage[] {
  if (!Array.isArray(items)) throw bad()
  return items.map((item) => {
    // A time is a count as a position is.
    if (!isPosition(item)) throw bad()
    const [seq, at, frame] = item as readonly unknown[] as readonly [number, number, unknown]
    if (!(frame instanceof Uint8Array)) throw bad()
    const { type, event, body } = readServerMessage(frame, codec)
    if (type !== EVENT || typeof event !== 'string') throw bad()
    return { seq, at, event, args: body }
  })
}

function bad(): RoomcastError {
  return new RoomcastError('BAD_FRAME', 'no list of messages')
}
