import type { PayloadName } from '../../payloads'
import type { Place } from '../frame-run'
import type { Traffic } from '../traffic'
import type { Message } from '../ws-wire'

/** What a client does with a message that arrives before it is joined, or between the counted ones; then none is ignored. */
export type Reaction =
  /** `place`: behind which ticks have positions; without it they have none. `reply`: what the client confirms with. */
  | { readonly kind: 'joined'; readonly place?: Place; readonly reply?: Message }
  | { readonly kind: 'reply'; readonly message: Message }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'unexpected' }

/**
 * What a connection is there for. All of them are in the room and may call.
 *
 * - `member`: gets ticks.
 * - `speaker`: sends {@link Dialect.say}, and gets no ticks.
 * - `grouped`: tells its number in the query of its path, `?n=7`, and gets the ticks of the groups that the server
 *   puts it into (`groupsOf` of payloads.ts).
 * - `paused`: says so in the query of its path, `?paused=1`, and gets what the server sends to PAUSED_ROOM, too. Of a
 *   process that will be stopped: nobody expects anything of it.
 */
export type Role = 'member' | 'speaker' | 'grouped' | 'paused'

/**
 * How a peer's clients speak: the same application values (payloads.ts) in the peer's own encoding. What an application
 * sends once may be several messages, one behind the other. Calls and answers with ids 0 to 9 have the same length
 * each, and so have those with ids 10 to 99.
 */
export interface Dialect {
  /** Path and subprotocol of the upgrade; '' for none. */
  readonly path: string
  readonly subprotocol: string
  /** Paths of roles for which the server has a route of its own; {@link Dialect.path} for the others. */
  readonly rolePaths?: Readonly<Partial<Record<Role, string>>>
  /**
   * What a client does before the upgrade, if its protocol needs it.
   *
   * @param traffic  Counts what is exchanged.
   * @returns The path of the upgrade, in the place of {@link Dialect.path} and {@link Dialect.rolePaths}.
   */
  prepare?(port: number, traffic: Traffic): Promise<string>
  /** Whether a connection is in the room as soon as the WebSocket is open. */
  readonly joinedAtOpen: boolean
  /** Messages that a new client sends at open. */
  greeting(): readonly Message[]
  /** What to do with a message that is not counted. WebSocket pings are answered before. */
  react(message: Message): Reaction
  /** The call with id `id`. */
  call(id: number): readonly Message[]
  /** The answer to {@link Dialect.call}, to the byte. */
  answer(id: number): readonly Message[]
  /** What a member of the room receives, to the byte. @param at  Its place; undefined if the room has no positions. */
  tick(payload: PayloadName, at?: Place): readonly Message[]
  /** What a speaker sends, so that the others get {@link Dialect.tick}. Missing: the peer has no such thing. */
  say?(payload: PayloadName): readonly Message[]
}

/** Path of the upgrade. @param number  How many connections of the same role were opened before. */
export function pathOf({ path, rolePaths }: Dialect, role: Role, number: number): string {
  const rolePath = rolePaths?.[role] ?? path
  const query = queryOf(role, number)
  if (query === '') return rolePath
  return `${rolePath}${rolePath.includes('?') ? '&' : '?'}${query}`
}

function queryOf(role: Role, number: number): string {
  if (role === 'grouped') return `n=${number}`
  return role === 'paused' ? 'paused=1' : ''
}
