import { type EndBody, LIMITS } from '@roomcast/protocol'
import { Recent } from './recent'

/**
 * How connections ended whose clients could not see it: the engine cuts some without a close frame, and the client
 * sees a lost link. It is told when it connects again and names the socket it had. PROTOCOL.md, "CONNECTED".
 */
export class CloseMemory {
  private readonly ends = new Recent<EndBody>(LIMITS.rememberedCloses, LIMITS.rememberedCloseMs)

  /** Remembers it for a socket that the connection had. */
  add(socketId: string, end: EndBody): void {
    this.ends.add(socketId, end)
  }

  /** How the connection of a socket ended, once. */
  take(socketId: string): EndBody | undefined {
    return this.ends.take(socketId)
  }
}
