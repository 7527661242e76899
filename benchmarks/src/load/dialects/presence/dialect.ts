import type { Message } from '../../ws-wire'

/** What a message says about who is in the room. */
export type PresenceNews =
  /** The client is in the room. Once. */
  | { readonly kind: 'joined' }
  /** Who is there, or the next of them; `next` asks for those behind. Without it, the client sees changes from here on. */
  | { readonly kind: 'list'; readonly names: readonly string[]; readonly next: Message | undefined }
  /** Names of those who have come, and of those who have gone. */
  | { readonly kind: 'changes'; readonly came: readonly string[]; readonly gone: readonly string[] }
  | { readonly kind: 'reply'; readonly message: Message }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'unexpected' }

/** How a peer's clients see who is in a room. */
export interface PresenceDialect {
  readonly subprotocol: string
  /** Whether a client is in the room as soon as the WebSocket is open. */
  readonly joinedAtOpen: boolean
  /** Path of the upgrade. @param isWatching  Whether the client is one that wants to see who is there. */
  path(name: string, isWatching: boolean): string
  /** Messages that a client sends at open. */
  greeting(name: string): readonly Message[]
  /** Messages with which a client in the room asks who is there; none if the path says so, and there is no list. */
  watch(): readonly Message[]
  /** What a message says. Equal messages say the same to all clients. WebSocket pings are answered before. */
  read(message: Message): PresenceNews
  /** Messages in front of the close frame of a client that leaves. */
  leave(): readonly Message[]
}
