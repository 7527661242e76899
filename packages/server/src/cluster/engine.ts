/*
 * The engine port: what several processes have to share. The server knows nothing else of an engine, and which one runs
 * makes no difference to it.
 *
 *   bus        frames to the members of a channel, at most once
 *   log        the same, in one order for all, and kept for a while
 *   directory  who is where
 *   store      small values that end by themselves
 *
 * Rules. Frames and values are opaque bytes; channels and keys are opaque text. An engine copies what it is given, and what
 * it answers with is nobody else's; only a frame that it hands over may be its own. It never calls user code. What it cannot do it declares, so that the server can refuse when
 * a room is defined, and not at the first lost message. `engine-conformance.ts` of the tests is the whole contract.
 */

/** At once if the engine has it in memory, which saves a wait and keeps the order of calls; later otherwise. */
export type Soon<Value> = PromiseLike<Value> | Value

/** A place in a channel's order. Places of two epochs cannot be compared. */
export interface Position {
  /** Names one order; another one begins when the engine has lost the channel. Up to 64 characters. */
  readonly epoch: string
  /** From 1, each higher by one than the one before; 0 stands for the place before the first. */
  readonly offset: number
}

/** A part of an engine was lost, or is back. */
export type EngineState = 'degraded' | 'down' | 'up'

/** What an engine calls, synchronously. */
export interface EngineEvents {
  /**
   * A frame of a subscribed channel, in the channel's order.
   *
   * @param frame  Only until this returns.
   * @param position  Of a frame that was appended; null for one that was published.
   */
  onFrame(channel: string, frame: Uint8Array, position: Position | null): void
  /** A frame that another node sent to this one. @param frame  Only until this returns. */
  onNodeFrame(frame: Uint8Array): void
  /** Frames of these channels, or of all, may have been missed. */
  onGap(channels: 'all' | readonly string[], why: string): void
  onState(state: EngineState): void
}

/** Frames to whoever subscribes now. In order per channel and publisher, as long as the connection to the engine lives. */
export interface Bus {
  readonly capabilities: {
    /** Whether `publish` and `append` tell how many nodes received the frame. */
    readonly receivers: boolean
  }
  /** Done when every later frame will come. Again for a channel that is subscribed: nothing. */
  subscribe(channels: readonly string[]): Soon<void>
  /** Nothing comes any more. */
  unsubscribe(channels: readonly string[]): void
  /** To every node that subscribes, this one included. */
  publish(channel: string, frame: Uint8Array): Soon<{ readonly receivers?: number }>
  /** To one node. @returns false if nobody of that name listens. */
  sendNode(nodeId: string, frame: Uint8Array): Soon<boolean>
}

/** How much of a channel is kept: what is over any of these goes, the oldest first. */
export interface KeepLimits {
  readonly messages: number
  /** Of frames, without what the engine needs to keep them. */
  readonly bytes: number
  readonly ageMs: number
}

/** A frame that is kept. */
export interface LogItem {
  readonly offset: number
  /** When it was appended: milliseconds since 1970, by the engine's clock. */
  readonly at: number
  readonly frame: Uint8Array
}

/** What a log has behind a position. */
export interface LogPage {
  readonly epoch: string
  /** In order, without holes; as many as `limit` allows. */
  readonly items: readonly LogItem[]
  /** Offset of the newest message there has been; 0 if there was none. */
  readonly top: number
  /** Whether nothing is missing between the position asked for and the first item. Always false for another epoch. */
  readonly isGapless: boolean
}

/** Channels whose frames are kept, in one order for every node. */
export interface Log {
  readonly capabilities: {
    /** Whether what was appended outlives this process. */
    readonly outlivesProcess: boolean
  }
  /**
   * Adds a frame. It is handed to every node that subscribes, this one included, by `onFrame`: in the memory engine before this
   * returns.
   *
   * @param key  Under which the frame is retained, in place of an earlier one, beyond the limits; see {@link retained}.
   */
  append(
    channel: string,
    frame: Uint8Array,
    keep: KeepLimits,
    key?: string,
  ): Soon<{ readonly position: Position; readonly receivers?: number }>
  /**
   * What is behind `since`; null reads from the oldest on. A channel that is not known has a page without items, with an epoch that holds from
   * now on as long as the channel is subscribed or has something kept.
   *
   * @param limit  Most items of the page.
   */
  read(channel: string, since: Position | null, limit: number): Soon<LogPage>
  /**
   * The newest items in front of `before`, or of all if it is null, in order. `isGapless`: nothing is missing between the last
   * item and `before`; of a page without items, that there was none in front of `before`.
   */
  readLast(channel: string, before: number | null, limit: number): Soon<LogPage>
  /**
   * The frames retained under a key, the newest of each, in order of offset; of up to `LIMITS.retainedKeys` keys, the longest
   * unchanged goes first. `isGapless`: none has gone.
   */
  retained(channel: string): Soon<LogPage>
  /**
   * Retains a frame under a key, in place of an earlier one, that is no message: nobody is handed it, and it has no offset of its own. It is read with {@link retained}.
   *
   * @returns `isGapless`: whether the channel has lost none of its keys.
   */
  retain(channel: string, key: string, frame: Uint8Array): Soon<{ readonly isGapless: boolean }>
  /** The frame retained under a key; null if there is none. */
  retainedUnder(channel: string, key: string): Soon<Uint8Array | null>
  /** Nothing is retained in the channel any more. */
  release(channel: string): Soon<void>
}

/** A node and what it says of itself. */
export interface NodeInfo {
  readonly nodeId: string
  /** Different for each start of a node of the same name. */
  readonly boot: number
}

/** A user in a room, as far as one node knows. */
export interface Member {
  readonly userId: string
  /** Of this node. */
  readonly devices: number
  /** Milliseconds since 1970. */
  readonly joinedAt: number
  /** Opaque. Never changed by anybody, so that it may be shared. */
  readonly profile: Uint8Array
}

/** A change of the members of a room on this node. */
export interface MemberDelta {
  readonly room: string
  readonly userId: string
  /** null: the user has left, on this node. */
  readonly member: Member | null
}

/** Users of a room, in order of arrival. */
export interface MemberPage {
  readonly members: readonly Member[]
  /** For the next page, a number from 1 as decimal text; undefined at the end. */
  readonly next?: string
}

/** Who is in which room on which node. A user of several nodes is one member, with the devices of all. */
export interface Directory {
  /** Renews the lease of this node. @returns The nodes that live. */
  heartbeat(info: NodeInfo): Soon<readonly NodeInfo[]>
  /** Changes of this node, in order. */
  setMembers(changes: readonly MemberDelta[]): Soon<void>
  count(room: string): Soon<number>
  /** One member; null for who is not there. */
  get(room: string, userId: string): Soon<Member | null>
  list(room: string, options: { readonly limit: number; readonly after?: string }): Soon<MemberPage>
  /** Takes the members of a dead node out, `budget` rooms at most. @returns Who is gone, by room. */
  reap(nodeId: string, budget: number): Soon<readonly { readonly room: string; readonly userIds: readonly string[] }[]>
}

/** Small values under a key. */
export interface Store {
  readonly capabilities: {
    /** Whether other nodes have the same values. */
    readonly isShared: boolean
  }
  /** @param ttlMs  Milliseconds until it is gone; null for a value that stays until it is taken. */
  put(key: string, value: Uint8Array, ttlMs: number | null): Soon<void>
  get(key: string): Soon<Uint8Array | null>
  /** Reads and deletes: of several who take at once one gets the value. */
  take(key: string): Soon<Uint8Array | null>
  /** Counts `amount` against `limit` in a window that begins with its first use. @returns Whether it fits; then it is counted. */
  consume(
    key: string,
    amount: number,
    limit: number,
    windowMs: number,
  ): Soon<{ readonly isAllowed: boolean; readonly left: number }>
}

/** What several processes share. */
export interface Engine {
  /** For messages. */
  readonly name: string
  /** Of this process. */
  readonly nodeId: string
  readonly bus: Bus
  readonly log: Log
  readonly directory: Directory
  readonly store: Store
  /** Before anything else is called. */
  start(events: EngineEvents): Soon<void>
  /** Nothing is called after it, and no event comes. Calling it again does nothing. */
  close(): Soon<void>
}
