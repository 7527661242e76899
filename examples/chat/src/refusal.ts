import { RoomcastError } from '@roomcast/server'

/** Why the chat refuses something. Beside these there are the library's codes, as `NAME_IN_USE` of a login and `JOIN_REFUSED` of a room. */
export type RefusalCode =
  | 'CHAT_FULL'
  | 'KEY_MISSING'
  | 'NOT_IN_ROOM'
  | 'NOT_LOGGED_IN'
  | 'NOT_ONLINE'
  | 'TEXT_EMPTY'
  | 'TEXT_INVALID'
  | 'TEXT_TOO_LONG'
  | 'TOO_FAST'
  | 'TO_ONESELF'

/** An error to throw: the page gets the code, and a sentence for people. */
export function refusal(code: RefusalCode, message: string): RoomcastError {
  return new RoomcastError(code, message)
}
