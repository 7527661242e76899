import { RoomcastError } from '@roomcast/protocol'
import { inRange } from './ranges'

/**
 * Names the value that an event carries, or says that it is none: undefined. Of two values of one event and one key only the newer is wanted. Asked
 * for each emit to the room. What it throws is reported, and the event goes as any other.
 *
 * @returns 1 to 128 bytes of text.
 */
// biome-ignore lint/suspicious/noExplicitAny: the arguments of any event
export type LatestKeyRule = (event: string, ...args: any[]) => string | undefined

/**
 * Makes the arguments of one event of those of two, where the older was not sent yet: fields that the newer leaves out, for instance. Has to answer
 * at once, and to do nothing else: no emit, join or leave. What it throws is reported, and the newer takes the place of the older.
 */
// biome-ignore lint/suspicious/noExplicitAny: the arguments of any event
export type LatestMerge = (older: any[], newer: any[]) => unknown[]

/** Which messages of a room are latest values, without the caller saying so. At the client they come to the listeners of the socket: they have no position. */
export interface LatestPolicy {
  /** @default none; `latest(key)` says it */
  readonly key?: LatestKeyRule
  /**
   * Whether the room keeps the newest value of each key, and gives it to who joins: 1,024 of them, within `maxHistoryBytes`; of a room without members
   * for as long as `history.ageMs`. @default false
   */
  readonly retain?: boolean
  /** @default the newer */
  readonly merge?: LatestMerge
}

/** When what a room is sent leaves the server. */
export type FlushPolicy = 'immediate' | { readonly tickMs: number }

/** {@link LatestPolicy} with the defaults filled in. */
export interface ResolvedLatestPolicy {
  readonly key: LatestKeyRule | null
  readonly retain: boolean
  readonly merge: LatestMerge | null
}

/** Longest tick. */
const MAX_TICK_MS = 1_000

/** @throws RoomcastError `INVALID_OPTION`. */
export function resolveLatest(latest: LatestPolicy | undefined): ResolvedLatestPolicy | null {
  if (latest === undefined) return null
  if (typeof latest !== 'object' || latest === null) throw invalid('latest', 'an object')
  const { key, retain = false, merge } = latest
  if (key !== undefined && typeof key !== 'function') throw invalid('latest.key', 'a function')
  if (typeof retain !== 'boolean') throw invalid('latest.retain', 'a boolean')
  if (merge !== undefined && typeof merge !== 'function') throw invalid('latest.merge', 'a function')
  return { key: key ?? null, retain, merge: merge ?? null }
}

/** @returns Milliseconds; 0 for at once. @throws RoomcastError `INVALID_OPTION`. */
export function resolveFlush(flush: FlushPolicy | undefined): number {
  if (flush === undefined || flush === 'immediate') return 0
  if (typeof flush !== 'object' || flush === null) throw invalid('flush', '"immediate" or { tickMs }')
  return inRange('flush.tickMs', flush.tickMs, 1, MAX_TICK_MS)
}

function invalid(name: string, expected: string): RoomcastError {
  return new RoomcastError('INVALID_OPTION', `${name} has to be ${expected}`)
}
