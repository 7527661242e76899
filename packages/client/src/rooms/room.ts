import { type DefaultEventsMap, Emitter, type EventsMap, type RoomcastError } from '@roomcast/protocol'
import type { RoomMessage } from '../inbound/kept-message'
import { Pace } from './pace'
import type { Stream } from './stream'

/** Messages of a room that this client has not received in their turn. */
export interface Gap {
  /** Name of the room; null for one that the server has put the socket into, or for messages to this socket alone. */
  readonly room: string | null
  /** The first position, and the last; from 1 if it is not known where the messages of the room began for this client. */
  readonly from: number
  readonly to: number
  /** Whether they have come after all, and were delivered in order. */
  readonly repaired: boolean
}

/** Events of the library on a {@link Room}. Those of the application with these names come to the socket alone. */
export interface RoomEvents {
  /** Messages were missing. Once for each gap, when it is known how it has ended. */
  gap: (gap: Gap) => void
  /** `state` and `messages` are new: messages are lost for good, or somebody has joined again. */
  snapshot: () => void
  /** The socket is in the room again after a reconnect; `recovered` if nothing was missed. Before any message of the room. */
  rejoin: (recovered: boolean) => void
  /** The server has taken the socket out of the room, or not let it in again. Nothing follows. */
  closed: (error: RoomcastError) => void
}

/** Options of `socket.join`. */
export interface JoinOptions {
  /** Milliseconds until it fails with `ACK_TIMEOUT`, the wait for a connection included. @default that of `ackTimeout` */
  readonly timeout?: number
  /**
   * How many times a second the newest values of the room come at most, 0.01 to 1,000. It is for what the server sends with `latest`: what is
   * replaced by something newer meanwhile is left out, and the last value always comes. @default as they are sent
   */
  readonly maxRate?: number | undefined
}

/** Options of `room.history`. */
export interface HistoryOptions {
  /** How many messages at most; the server has a limit of its own. @default 100 */
  readonly limit?: number
  /** Only messages in front of this position. @default the last of all */
  readonly before?: number | undefined
}

/** Who keeps the rooms of a socket. */
export interface RoomKeeper {
  history(room: string, limit: number, before: number | undefined): Promise<RoomMessage[]>
  leave(room: Room): Promise<void>
  setMaxRate(room: Room, rate: number | undefined): Promise<void>
  onListenerError(error: unknown, event: string): void
}

/** What the answer to `join` shows of a room. */
export type Snapshot = Pick<Room, 'messages' | 'state'>

const RESERVED: ReadonlySet<string> = new Set(['gap', 'snapshot', 'rejoin', 'closed'])

/**
 * A room that this socket has joined by itself. It is joined again after each reconnect, and goes on where it was if the server
 * still has what was missed.
 *
 *     const room = await socket.join('book:AAPL')
 *     render(room.state, room.messages)
 *     room.on('trade', (trade) => add(trade))
 *     room.on('snapshot', () => render(room.state, room.messages))
 *
 * Listeners that are attached right behind `await` miss nothing. The room gets the events that have a position in it, after
 * the listeners of the socket, which get them too. In a room without positions (`seq` is undefined) all events come to the
 * socket alone.
 */
export class Room<Listen extends EventsMap = DefaultEventsMap, State = unknown> extends Emitter<Listen, RoomEvents> {
  /** What the server shows of the room, as of the last `snapshot`; undefined if it shows nothing. */
  readonly state: State | undefined
  /** The last messages, oldest first, as of the last `snapshot`. */
  readonly messages: readonly RoomMessage[] = []
  /** Whether the socket is in the room now. */
  readonly isJoined: boolean = false
  /** Whether nothing was missing when it was joined again; true in the beginning. */
  readonly recovered: boolean = true
  /** How many times a second its newest values come at most; undefined for no limit. The server is told again at each reconnect. */
  readonly maxRate: number | undefined
  /** @internal Where it stands; null in a room without positions. */
  stream: Stream | null = null
  /** @internal Names the order of its positions. */
  epoch: string | undefined
  /** @internal Times in a row that it could not be joined again. */
  failures = 0
  /** @internal The rate that the server goes by, as far as it has answered. */
  heldRate: number | undefined
  /** @internal Messages are lost, and what it shows is of the time before. */
  isStale = false
  /** @internal Of its snapshots, while it is joined. */
  readonly pace = new Pace()
  readonly #keeper: RoomKeeper

  /** @internal */
  constructor(
    keeper: RoomKeeper,
    readonly name: string,
    /** What the server's rules were given; the same again at each reconnect. */
    readonly params: unknown,
  ) {
    super()
    this.#keeper = keeper
  }

  /** Position up to which everything was received; undefined in a room without positions. */
  get seq(): number | undefined {
    return this.stream?.position
  }

  /**
   * Reads what the room has kept.
   *
   * @returns Messages, oldest first. Fewer than `limit` are no end; none is one.
   * @throws RoomcastError `HISTORY_REFUSED`, `INVALID_REQUEST` (a limit or position that is no whole number, or below its least),
   *         `ACK_TIMEOUT`, `DISCONNECTED`, `TOO_MANY_PENDING_ACKS`, or of the server's rules.
   */
  history({ limit = 100, before }: HistoryOptions = {}): Promise<RoomMessage[]> {
    return this.#keeper.history(this.name, limit, before)
  }

  /**
   * Leaves the room, and does not come back. Without a connection the room is left already, at the latest when the next one is there.
   *
   * @throws RoomcastError `ACK_TIMEOUT`. The events of the room may then go on, at the socket.
   */
  leave(): Promise<void> {
    // The cast: what its events are makes no difference here.
    return this.#keeper.leave(this as unknown as Room)
  }

  /**
   * Chooses how often the newest values of the room come. Without a connection it holds from the next one on.
   *
   * @param rate  Times a second at most, 0.01 to 1,000; undefined for no limit.
   * @throws RoomcastError `INVALID_OPTION`; `JOIN_REFUSED` if the room was left; `TOO_MANY_PENDING_ACKS`, or of the server: it is as before.
   *         `ACK_TIMEOUT`: it may not hold before the next reconnect.
   */
  setMaxRate(rate: number | undefined): Promise<void> {
    return this.#keeper.setMaxRate(this as unknown as Room, rate)
  }

  /** @internal */
  override onListenerError(error: unknown, event: string): void {
    this.#keeper.onListenerError(error, event)
  }
}

/** @internal A room as its keeper has it. */
export type OpenRoom = { -readonly [Key in keyof Room]: Room[Key] }

/** @internal Whether an event of the application may come to a room. */
export function isForRoom(event: number | string): boolean {
  return !RESERVED.has(event as string)
}
