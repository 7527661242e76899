/** Whom a message is for: the members of a room, or of several, one session, or with null everyone. */
export type Audience = string | readonly string[] | { readonly session: string } | null

/** What is behind the snapshot that a subscriber begins with. Without it, what was published later than the record is. */
export interface Anchor {
  /** The newest message that it contains. */
  readonly after?: string | undefined
  /** Its position, in streams whose messages are delivered with positions. */
  readonly position?: number | undefined
}

/** A place in the order of a room. */
export interface Place {
  readonly position: number
  /** Positions of two epochs are not compared. @default '' */
  readonly epoch?: string | undefined
}

/** An inclusive range of positions that are missing; `room` is null for a stream whose name a subscriber does not know. */
export interface GapReport {
  readonly room: string | null
  readonly from: number
  readonly to: number
  readonly repaired: boolean
}

/** The times of a bystander, in milliseconds. */
export interface BystanderReport {
  readonly quietMs: readonly number[]
  readonly loadedMs: readonly number[]
  /** Messages that did not come, and links that ended. @default 0 */
  readonly dropped?: number
}

/** Users that a node shows in a room, and those that are there. */
export interface PresenceReport {
  readonly node: string
  readonly room?: string | null
  readonly shown: readonly string[]
  readonly live: readonly string[]
}

/** What a process holds, by name: of `heapBytes`, `rssBytes`, open files, timers, sessions and so on. */
export interface ResourceReport {
  readonly process: string
  readonly before: Readonly<Record<string, number>>
  readonly after: Readonly<Record<string, number>>
  /** How much more is allowed, as a share. @default heapBytes 0.05, rssBytes 0.15; others have to be equal */
  readonly tolerance?: Readonly<Record<string, number>>
}

/** What a record says. */
export type HistoryFact =
  | AddedFact
  | { readonly kind: 'answered'; readonly msgId: string }
  | { readonly kind: 'bystander'; readonly name: string; readonly report: BystanderReport }
  | { readonly kind: 'called'; readonly msgId: string; readonly once: boolean }
  | { readonly kind: 'connected'; readonly session: string; readonly recovered: boolean }
  | DeliveredFact
  | { readonly kind: 'disconnected'; readonly session: string }
  | { readonly kind: 'failed'; readonly msgId: string }
  | GapFact
  | { readonly kind: 'handled'; readonly msgId: string; readonly server: string }
  | ({
      readonly kind: 'joined'
      readonly session: string
      readonly room: string | null
      readonly by: JoinedBy
    } & Anchor)
  | { readonly kind: 'left'; readonly session: string; readonly room: string }
  | MissedFact
  | { readonly kind: 'presence'; readonly report: PresenceReport }
  | PublishedFact
  | ({
      readonly kind: 'rejoined'
      readonly session: string
      readonly room: string
      readonly recovered: boolean
    } & Anchor)
  | RenderedFact
  | { readonly kind: 'resources'; readonly report: ResourceReport }
  | SkippedFact
  | ({ readonly kind: 'snapshot'; readonly session: string; readonly room: string } & Anchor)
  | { readonly kind: 'uncaught'; readonly process: string; readonly count: number; readonly what: string }

/** Who put a session into a room. What the server did ends with a connect that has recovered nothing. */
export type JoinedBy = 'client' | 'server'

/** What an application shows of the handle of a room. */
export interface ViewName {
  readonly session: string
  readonly room: string
  /** Of one handle; no other view of the history has the same number. */
  readonly view: number
}

/** A handle gave its application a message, which is shown behind the others. */
export interface AddedFact extends ViewName {
  readonly kind: 'added'
  readonly msgId: string
}

/** A handle told its application that positions are lost. */
export interface MissedFact extends ViewName {
  readonly kind: 'missed'
  readonly from: number
  readonly to: number
}

/** An application shows these messages of a room and no others, oldest first. */
export interface RenderedFact extends ViewName {
  readonly kind: 'rendered'
  readonly msgIds: readonly string[]
}

/** A subscriber was given a message. */
export interface DeliveredFact extends Partial<Place> {
  readonly kind: 'delivered'
  readonly session: string
  readonly msgId: string
  /** Of the stream that the position belongs to; null for the session's own. */
  readonly room: string | null
}

/** A subscriber was told of a gap. */
export interface GapFact extends GapReport {
  readonly kind: 'gap'
  readonly session: string
}

/** A server sent a message. */
export interface PublishedFact extends Partial<Place> {
  readonly kind: 'published'
  readonly msgId: string
  readonly to: Audience
  /** Sessions that are left out. */
  readonly except: readonly string[]
}

/** Positions that hold nothing for a session. */
export interface SkippedFact {
  readonly kind: 'skipped'
  readonly session: string
  readonly room: string | null
  readonly from: number
  readonly to: number
}

/** A fact, when it was, and its place in the record. */
export type HistoryRecord<Fact = HistoryFact> = Fact & {
  /** Milliseconds since 1970, with fractions, comparable between processes of one machine. */
  readonly at: number
  readonly index: number
}

/** One line for people. @param start  Time of the first record. */
export function describe({ at, index, ...fact }: HistoryRecord, start: number): string {
  const { kind, ...rest } = fact
  return `#${index} +${(at - start).toFixed(1)} ms ${kind} ${JSON.stringify(rest)}`
}
