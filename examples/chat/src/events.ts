/*
 * What travels between the page and the server: every event, its arguments and its answer.
 * The names of people and the times are always the server's; a payload carries neither.
 */

/** Bounds of what the chat keeps and accepts. Lengths are Unicode code points, times milliseconds. */
export const CHAT_LIMITS = {
  nameLength: 20,
  textLength: 1_000,
  /** Messages a room keeps for people who come later. */
  backlogLength: 50,
  /** People logged in at the same time. */
  people: 500,
  /** Events one connection may send at once, and how many it gets back per second. */
  burst: 20,
  perSecond: 5,
} as const

/** The rooms of this chat; the first is where people arrive. */
export const ROOM_NAMES = ['lobby', 'games', 'trading'] as const

/** One message, as the server recorded it. */
export interface ChatMessage {
  readonly id: string
  readonly room: string
  readonly author: string
  readonly text: string
  /** Milliseconds since 1970, by the server's clock. */
  readonly sentAt: number
}

/** A room and how many people are in it. */
export interface RoomSummary {
  readonly name: string
  readonly userCount: number
}

/** Somebody came into a room or left it. */
export interface Passage {
  readonly room: string
  readonly name: string
}

export type RefusalCode =
  | 'chat full'
  | 'logged in'
  | 'message empty'
  | 'message invalid'
  | 'message too long'
  | 'name empty'
  | 'name invalid'
  | 'name taken'
  | 'name too long'
  | 'not in a room'
  | 'not logged in'
  | 'room unknown'
  | 'too fast'

/** The answer to a call that was not carried out: a code for the page, a sentence for people. */
export interface Refusal {
  readonly ok: false
  readonly code: RefusalCode
  readonly error: string
}

export type LoginReply = { readonly ok: true; readonly name: string; readonly rooms: readonly RoomSummary[] } | Refusal

export type JoinReply =
  | {
      readonly ok: true
      readonly room: string
      readonly users: readonly string[]
      /** The last messages of the room, oldest first. */
      readonly messages: readonly ChatMessage[]
    }
  | Refusal

export type SendReply = { readonly ok: true; readonly id: string } | Refusal

export type UsersReply = { readonly ok: true; readonly users: readonly string[] } | Refusal

/** Events a page sends. */
export interface ClientToServer {
  /** Logs in under a name that nobody else has. */
  'new user': (name: string, reply: (result: LoginReply) => void) => void
  /** Goes into a room, and out of the one before. */
  'join room': (room: string, reply: (result: JoinReply) => void) => void
  /** Asks who is in the caller's room. */
  'get users': (reply: (result: UsersReply) => void) => void
  /** Says something in the caller's room. */
  'send message': (text: string, reply: (result: SendReply) => void) => void
  /** Tells the caller's room that its user started or stopped writing. */
  typing: (isTyping: boolean) => void
}

/** Events the server sends. */
export interface ServerToClient {
  'new message': (message: ChatMessage) => void
  'user joined': (passage: Passage) => void
  'user left': (passage: Passage) => void
  /** Everybody in a room, after each change. */
  users: (room: string, users: readonly string[]) => void
  /** How full the rooms are, after each change. */
  rooms: (rooms: readonly RoomSummary[]) => void
  /** Somebody else in the room started or stopped writing. */
  typing: (passage: Passage, isTyping: boolean) => void
}
