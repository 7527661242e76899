import { Emitter } from '@roomcast/protocol'
import type { FaultHook } from '../observe/report'
import type { RoomIndex, RoomMember } from '../rooms/room-index'

/** Events of `namespace.adapter`, with the names of Socket.IO. */
export interface AdapterEvents {
  /** A room got its first member. Own-id rooms too. */
  'create-room': (room: string) => void
  /** A room lost its last member. */
  'delete-room': (room: string) => void
  'join-room': (room: string, id: string) => void
  'leave-room': (room: string, id: string) => void
}

/** A read-only Map whose entries are looked up when asked for. */
export type RoomsView = Pick<ReadonlyMap<string, ReadonlySet<string>>, 'forEach' | 'get' | 'has' | 'keys' | 'size'> &
  Iterable<[string, ReadonlySet<string>]>

/** `namespace.adapter`: who is in which room, and events about it. Read-only. */
export class AdapterView extends Emitter<Record<never, never>, AdapterEvents> {
  private index!: RoomIndex<RoomMember>

  /** @internal */
  constructor(
    private readonly namespace: string,
    private readonly reportFault: FaultHook,
  ) {
    super()
  }

  /** @internal */
  observe(index: RoomIndex<RoomMember>): void {
    this.index = index
  }

  /** Ids of the members by room; own-id rooms included. */
  get rooms(): RoomsView {
    const { index } = this
    return view(
      () => index.names(),
      (room) => {
        const ids = new Set<string>()
        for (const member of index.membersOf(room)) ids.add(member.id)
        return ids.size === 0 ? undefined : ids
      },
    )
  }

  /** Rooms by id of the socket. */
  get sids(): RoomsView {
    const { index } = this
    return view(
      () => index.members.keys(),
      (id) => {
        const member = index.members.get(id)
        return member && index.roomsOf(member)
      },
    )
  }

  /** @internal */
  created(room: string): void {
    this.fire('create-room', room)
  }

  /** @internal */
  joined(room: string, id: string): void {
    this.fire('join-room', room, id)
  }

  /** @internal */
  left(room: string, id: string): void {
    this.fire('leave-room', room, id)
  }

  /** @internal */
  deleted(room: string): void {
    this.fire('delete-room', room)
  }

  /** @internal */
  override onListenerError(error: unknown, event: string): void {
    this.reportFault(error, { where: 'listener', name: `${this.namespace} ${event}` })
  }
}

function view(keys: () => Iterable<string>, get: (key: string) => Set<string> | undefined): RoomsView {
  function* entries(): IterableIterator<[string, Set<string>]> {
    for (const key of [...keys()]) {
      const value = get(key)
      if (value !== undefined) yield [key, value]
    }
  }
  return {
    get size() {
      return [...keys()].length
    },
    get,
    has: (key) => get(key) !== undefined,
    keys: () => [...keys()].values(),
    forEach(callback, thisArg) {
      for (const [key, value] of entries()) callback.call(thisArg, value, key, this as ReadonlyMap<string, Set<string>>)
    },
    [Symbol.iterator]: entries,
  }
}
