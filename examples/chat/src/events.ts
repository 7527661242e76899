/*
 * What travels between the page and the server: every event, its arguments and its answer. Logging in, joining a room
 * and the lists of people are requests of the library. Who says something, and when, is always the server's to tell: no argument of a page carries it.
 */

/** Bounds of what the chat keeps and accepts. Lengths are Unicode code points. */
export const CHAT_LIMITS = {
  nameLength: 20,
  textLength: 1_000,
  /** Of what a room has said, the messages that people who come later are shown. */
  shownMessages: 50,
  /** Milliseconds that a room keeps what was said. */
  keptMs: 24 * 60 * 60 * 1_000,
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

/** What somebody said in a room, as the server recorded it. */
export interface ChatMessage {
  readonly id: string
  readonly from: ChatUser
  readonly text: string
  /** Milliseconds since 1970, by the server's clock. */
  readonly sentAt: number
}

/** A message to one user. Nobody sees it who comes later. */
export interface PrivateMessage extends ChatMessage {
  readonly to: ChatUser
}

/** The answer to a message that was sent. */
export interface Sent {
  readonly id: string
}

/** Events a page sends. What is refused is answered with an error, whose codes are in `refusal.ts`. */
export interface ClientToServer {
  /** Says something in a room that the caller has joined. */
  'send message': (room: string, text: string, reply: (sent: Sent) => void) => void
  /** Says something to one user, by id, wherever they are. */
  'private message': (to: string, text: string, reply: (sent: Sent) => void) => void
  /** Tells a room that the caller's user started or stopped writing. */
  typing: (room: string, isTyping: boolean) => void
}

/** Events the server sends. */
export interface ServerToClient {
  'new message': (message: ChatMessage) => void
  /** To all tabs of both. */
  'private message': (message: PrivateMessage) => void
  /** Somebody else in the room started or stopped writing. Not kept with what was said: it is sent as a volatile event. */
  typing: (user: ChatUser, isTyping: boolean) => void
}
