import { assertRoomName, type ErrorBody, isRoomcastError, RoomcastError } from '@roomcast/protocol'

/** Says nothing of whether there is such a room. */
export const JOIN_REFUSED: ErrorBody = { code: 'JOIN_REFUSED', message: 'the room may not be joined' }

/** The arguments of a request have another shape. */
export function invalid(message: string): RoomcastError {
  return new RoomcastError('INVALID_REQUEST', message)
}

/** The name of a room, from a client. @throws RoomcastError `INVALID_REQUEST`. */
export function readRoomName(value: unknown): string {
  try {
    assertRoomName(value)
  } catch (error) {
    throw invalid(isRoomcastError(error) ? error.message : 'room')
  }
  return value
}
