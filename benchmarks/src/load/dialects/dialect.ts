import type { Place } from '../frame-run'
import type { Message } from '../ws-wire'

/** What a client does with a message that arrives before it is joined, or between the counted ones; then none is ignored. */
export type Reaction =
  /** `place`: behind which ticks have positions; without it they have none. */
  | { readonly kind: 'joined'; readonly place?: Place }
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
  /** Messages that a new client sends at open. */
  greeting(): readonly Message[]
  /** What to do with a message that is not counted. WebSocket pings are answered before. */
  react(message: Message): Reaction
  /** The call with id `id`. */
  call(id: number): Message
  /** The answer to {@link Dialect.call}, to the byte. */
  answer(id: number): Message
  /** The message to the room, to the byte. @param at  Its place; undefined if the room has no positions. */
  tick(at?: Place): Message
}
