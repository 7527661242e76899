import { CHAT_LIMITS, type ChatMessage, type RoomName } from './events'

/** What was said last in each room, for people who come later. */
export class Backlog {
  private readonly byRoom = new Map<RoomName, readonly ChatMessage[]>()

  /** Keeps a message, and lets the oldest of its room go when there are too many. */
  add(message: ChatMessage): void {
    this.byRoom.set(message.room, [...this.of(message.room), message].slice(-CHAT_LIMITS.backlogLength))
  }

  /** The last messages of a room, oldest first. */
  of(room: RoomName): readonly ChatMessage[] {
    return this.byRoom.get(room) ?? []
  }
}
