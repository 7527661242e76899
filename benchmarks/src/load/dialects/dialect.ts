import type { Message } from '../ws-wire'

/** What a client does with a message that arrives before it is joined, or between the counted ones. */
export type Reaction =
  | { readonly kind: 'joined' }
  | { readonly kind: 'reply'; readonly message: Message }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'unexpected' }

/**
 * How a peer's clients speak: the same application values (payloads.ts) in the peer's own encoding. Calls
 * and answers with ids 0 to 9 have the same length each.
 */
export interface Dialect {
  /** Path and subprotocol of the upgrade; '' for none. */
  readonly path: string
  readonly subprotocol: string
  /** Whether a connection is in the room as soon as the WebSocket is open. */
  readonly joinedAtOpen: boolean
  /** Messages to send at open. */
  readonly greeting: readonly Message[]
  /** What to do with a message that is not counted. WebSocket pings are answered before. */
  react(message: Message): Reaction
  /** The call with id `id`. */
  call(id: number): Message
  /** The answer to {@link Dialect.call}, to the byte. */
  answer(id: number): Message
  /** The message to the room, to the byte. */
  tick(): Message
}
