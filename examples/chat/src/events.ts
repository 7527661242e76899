/*
 * What travels between the page and the server: every event, its arguments and its answer. Logging in and the lists of people
 * are requests of the library. Who says something, and when, is always the server's to tell: no argument of a page carries it.
 */

/** Bounds of what the chat keeps and accepts. Lengths are Unicode code points. */
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

export type RoomName = (typeof ROOM_NAMES)[number]

/** Somebody who is logged in, as everybody sees them. */
export interface ChatUser {
  readonly id: string
  readonly name: string
}

/** What somebody said, as the server recorded it. */
interface Saying {
  readonly id: string
  readonly from: ChatUser
  readonly text: string
  /** Milliseconds since 1970, by the server's clock. */
  readonly sentAt: number
}

/** A message to a room. */
export interface ChatMessage extends Saying {
  readonly room: RoomName
}

/** A message to one user. The server keeps none. */
export interface PrivateMessage extends Saying {
  readonly to: ChatUser
}

/** A room and how many people are in it. */
export interface RoomSummary {
  readonly name: RoomName
  readonly userCount: number
}

/** The answer to `join room`. */
export interface Joined {
  readonly room: RoomName
  /** The last messages of the room, oldest first. */
  readonly messages: readonly ChatMessage[]
}

/** The answer to a message that was sent. */
export interface Sent {
  readonly id: string
}

/** Events a page sends. What is refused is answered with an error, whose codes are in `refusal.ts`. */
export interface ClientToServer {
  /** Goes into a room, and out of the one before. */
  'join room': (room: string, reply: (joined: Joined) => void) => void
  /** Says something in the caller's room. */
  'send message': (text: string, reply: (sent: Sent) => void) => void
  /** Says something to one user, by id, wherever they are. */
  'private message': (to: string, text: string, reply: (sent: Sent) => void) => void
  /** Tells the caller's room that its user started or stopped writing. */
  typing: (isTyping: boolean) => void
}

/** Events the server sends. */
export interface ServerToClient {
  /** How full the rooms are: at the start, and after each change. */
  rooms: (rooms: readonly RoomSummary[]) => void
  'new message': (message: ChatMessage) => void
  /** To all tabs of both. */
  'private message': (message: PrivateMessage) => void
  /** Somebody else in the room started or stopped writing. */
  typing: (user: ChatUser, isTyping: boolean) => void
}
