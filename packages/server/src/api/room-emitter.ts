import {
  type AckResult,
  assertRoomName,
  assertTimeout,
  type BroadcastArgs,
  type DataArgs,
  type DefaultUser,
  type EventNames,
  type EventsMap,
  type PublicUser,
  RoomcastError,
  splitAck,
} from '@roomcast/protocol'
import type { Handshake } from '../connection/handshake'
import { assertLatestKey } from '../delivery/latest-values'
import type { Targets } from '../egress/broadcaster'
import type { DeliveryFlags } from '../egress/delivery-flags'
import { assertText } from '../people/identity'
import { userRoom } from '../rooms/room-index'

/** A socket as bulk operations see it. */
export interface RemoteSocket<Emit extends EventsMap, Data, User extends PublicUser = DefaultUser> {
  readonly id: string
  readonly handshake: Handshake
  readonly rooms: Set<string>
  readonly data: Data
  readonly user: User | null
  emit<Event extends EventNames<Emit>>(event: Event, ...args: Parameters<Emit[Event]>): boolean
  join(room: string | readonly string[]): void
  leave(room: string): void
  disconnect(close?: boolean): unknown
}

/** Which messages of a room are read. */
export interface HistoryOptions {
  /** Messages at most, from 1 to 1,000. @default 100 */
  readonly limit?: number
  /** Position that they come before. @default the end */
  readonly before?: number
}

/** A message that a room was sent. */
export interface RoomMessage {
  /** Its position among the messages of the room. */
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly event: string
  readonly args: readonly unknown[]
}

/** Flags of an emit to many. */
export interface EmitFlags extends DeliveryFlags {
  /** Milliseconds to wait for acks; undefined means the server's `ackTimeout`. */
  readonly timeoutMs: number | undefined
  /** Key of the latest value that it is; undefined if it is none, or the rule of a room says so. */
  readonly latestKey: string | undefined
}

export const NO_FLAGS: EmitFlags = { volatile: false, compress: true, timeoutMs: undefined, latestKey: undefined }
export const EVERYBODY: Targets = { rooms: [], except: [] }

/** Told once how a broadcast with ack ended. */
export type BroadcastSettle = (error: RoomcastError | null, responses: unknown[]) => void

/** What a {@link RoomEmitter} works on: a namespace. */
export interface BroadcastHost {
  broadcast(
    targets: Targets,
    flags: EmitFlags,
    event: string,
    args: readonly unknown[],
    settle: BroadcastSettle | null,
  ): void
  select(targets: Targets): Iterable<RemoteSocket<EventsMap, unknown>>
  /** What bulk operations do to sessions whose link is lost. */
  readonly inside: {
    /** Takes them out of rooms; null ends them. */
    releaseDetached(targets: Targets, rooms: readonly string[] | null): void
    enterDetached(targets: Targets, rooms: readonly string[]): void
    history(room: string, options: HistoryOptions): Promise<RoomMessage[]>
  }
}

/**
 * Chooses receivers step by step and emits to them. Every step returns a new object, so a chain can be kept
 * and used again. Each socket gets an event at most once, however many of the rooms it is in.
 */
export class RoomEmitter<Emit extends EventsMap, Data, User extends PublicUser = DefaultUser> {
  /** @internal */
  constructor(
    private readonly host: BroadcastHost,
    private readonly targets: Targets,
    private readonly flags: EmitFlags,
  ) {}

  /**
   * Adds rooms to the receivers. A socket's id is the name of a room with this socket alone.
   *
   * @param room  Name or names, each 1 to 200 bytes of UTF-8 without control characters.
   * @throws RoomcastError `INVALID_ROOM_NAME`.
   */
  to(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.with({ rooms: [...this.targets.rooms, ...roomNames(room)], except: this.targets.except })
  }

  /** The same as {@link to}. */
  in(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.to(room)
  }

  /**
   * Takes the members of rooms out of the receivers. It says whom a message is sent to, and keeps no secrets: who is in a room with `history` may
   * read there what it was not sent.
   *
   * @throws RoomcastError `INVALID_ROOM_NAME`.
   */
  except(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.with({ rooms: this.targets.rooms, except: [...this.targets.except, ...roomNames(room)] })
  }

  /**
   * Adds the sockets of users, all their devices.
   *
   * @param id  Id or ids of users, as their login gave them. Those who are not online get nothing.
   * @throws RoomcastError `INVALID_USER` for what is no string.
   */
  toUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.with({ rooms: [...this.targets.rooms, ...userRooms(id)], except: this.targets.except })
  }

  /** Takes the sockets of users out of the receivers. @throws RoomcastError `INVALID_USER`. */
  exceptUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.with({ rooms: this.targets.rooms, except: [...this.targets.except, ...userRooms(id)] })
  }

  /** Skips receivers that still have unsent data: they get the next one. Takes the place of {@link latest}. */
  get volatile(): RoomEmitter<Emit, Data, User> {
    return this.flag({ volatile: true, latestKey: undefined })
  }

  /**
   * Only the newest value is wanted: a receiver who is behind, or has chosen a rate, gets the newest of each event and key, never a backlog. It has no
   * position, is in no history, and takes no ack. Takes the place of {@link volatile}.
   *
   * @param key  Which of the values of the event, among those to the same rooms: 1 to 128 bytes of UTF-8.
   * @throws RoomcastError `INVALID_OPTION`; so does an emit with an ack.
   */
  latest(key: string): RoomEmitter<Emit, Data, User> {
    return this.flag({ latestKey: assertLatestKey(key), volatile: false })
  }

  /** Only sockets of this process. On a single server every emit is local. */
  get local(): RoomEmitter<Emit, Data, User> {
    return this
  }

  /** Whether to compress, where the option `perMessageDeflate` is on. @default true */
  compress(compress: boolean): RoomEmitter<Emit, Data, User> {
    return this.flag({ compress })
  }

  /**
   * @param ms  Milliseconds to wait for the acks of the receivers, 1 to 2^31 - 1.
   * @throws RoomcastError `INVALID_OPTION`.
   */
  timeout(ms: number): RoomEmitter<Emit, Data, User> {
    return this.flag({ timeoutMs: assertTimeout(ms) })
  }

  /**
   * Sends an event to every receiver, encoding it once.
   *
   * @param args  Arguments; any value of PROTOCOL.md, "Values". A function at the end is the ack: called once
   *              with `(error, responses)` when every receiver has answered or left, or the time is over. The
   *              responses that came are there even when there is an error (`ACK_TIMEOUT`, `HANDLER_FAILED`).
   * @returns true.
   * @throws RoomcastError `INVALID_EVENT_NAME`, `RESERVED_EVENT`, `NOT_ENCODABLE`.
   */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true {
    const { data, ack } = splitAck(args)
    this.host.broadcast(this.targets, this.flags, event, data, ack)
    return true
  }

  /**
   * Sends an event and gathers one response from each receiver.
   *
   * @returns The first ack argument of each receiver, in order of arrival. Receivers that leave before they
   *          answer are not waited for.
   * @throws RoomcastError `ACK_TIMEOUT` or `HANDLER_FAILED` with the responses that came in `data.responses`,
   *         and what {@link emit} throws.
   */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: DataArgs<Emit, Event>
  ): Promise<AckResult<Emit, Event>[]> {
    return new Promise((resolve, reject) => {
      this.host.broadcast(this.targets, this.flags, event, args, (error, responses) => {
        if (error === null) resolve(responses as AckResult<Emit, Event>[])
        else reject(new RoomcastError(error.code, error.message, { data: { responses } }))
      })
    })
  }

  /** The receivers. */
  async fetchSockets(): Promise<RemoteSocket<Emit, Data, User>[]> {
    return [...this.host.select(this.targets)] as RemoteSocket<Emit, Data, User>[]
  }

  /** Makes every receiver join rooms. @throws RoomcastError `INVALID_ROOM_NAME`. */
  socketsJoin(room: string | readonly string[]): void {
    const names = roomNames(room)
    for (const socket of [...this.host.select(this.targets)]) socket.join(names)
    this.host.inside.enterDetached(this.targets, names)
  }

  /** Makes every receiver leave rooms. @throws RoomcastError `INVALID_ROOM_NAME`. */
  socketsLeave(room: string | readonly string[]): void {
    const names = roomNames(room)
    const sockets = [...this.host.select(this.targets)]
    this.host.inside.releaseDetached(this.targets, names)
    for (const socket of sockets) for (const name of names) socket.leave(name)
  }

  /** Disconnects every receiver. @param close  Also close the connection beneath. @default false */
  disconnectSockets(close = false): void {
    const sockets = [...this.host.select(this.targets)]
    this.host.inside.releaseDetached(this.targets, null)
    for (const socket of sockets) socket.disconnect(close)
  }

  /**
   * What a room was sent lately, as far as it is kept: by its policy, `history` of {@link RoomPolicy}, or for `connectionStateRecovery`.
   *
   * @returns The messages, the oldest first; none of a room that keeps none.
   * @throws RoomcastError `INVALID_OPTION` unless exactly one room is meant; a limit that is not 1 to 1,000.
   */
  async history(options: HistoryOptions = {}): Promise<RoomMessage[]> {
    const { rooms, except } = this.targets
    const [room] = rooms
    if (room === undefined || rooms.length > 1 || except.length > 0) {
      throw new RoomcastError('INVALID_OPTION', `history is of one room, not of ${rooms.length}, nor with exceptions`)
    }
    return this.host.inside.history(room, options)
  }

  private with(targets: Targets): RoomEmitter<Emit, Data, User> {
    return new RoomEmitter(this.host, targets, this.flags)
  }

  private flag(flags: Partial<EmitFlags>): RoomEmitter<Emit, Data, User> {
    return new RoomEmitter(this.host, this.targets, { ...this.flags, ...flags })
  }
}

/** One name or several as a checked list. @throws RoomcastError `INVALID_ROOM_NAME`. */
export function roomNames(room: string | readonly string[]): readonly string[] {
  const names = Array.isArray(room) ? (room as readonly string[]) : [room as string]
  for (const name of names) assertRoomName(name)
  return names
}

function userRooms(id: string | readonly string[]): readonly string[] {
  const ids = Array.isArray(id) ? (id as readonly string[]) : [id as string]
  return ids.map((each) => {
    assertText(each)
    return userRoom(each)
  })
}
