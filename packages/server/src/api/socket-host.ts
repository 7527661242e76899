import type { EventsMap, PublicUser, RoomcastError } from '@roomcast/protocol'
import type { AckOutcome } from '../connection/pending-acks'
import type { BroadcastHost, RoomEmitter } from './room-emitter'
import type { Runtime } from './runtime'
import type { DisconnectDetails } from './socket-events'

/** What a socket sees of its namespace. */
export interface SocketNamespace<Member, Emit extends EventsMap, Data, User extends PublicUser> {
  readonly name: string
  readonly sockets: ReadonlyMap<string, Member>
  to(room: string | readonly string[]): RoomEmitter<Emit, Data, User>
  in(room: string | readonly string[]): RoomEmitter<Emit, Data, User>
  except(room: string | readonly string[]): RoomEmitter<Emit, Data, User>
  emit: RoomEmitter<Emit, Data, User>['emit']
}

/** The untyped inside of a namespace that its sockets work with. */
export interface SocketHost<Member> extends BroadcastHost {
  readonly number: number
  readonly runtime: Runtime
  readonly inside: BroadcastHost['inside'] & {
    readonly index: { roomsOf(socket: Member): Set<string>; sharedBytes(socket: Member): number }
    join(socket: Member, room: string): void
    leave(socket: Member, room: string): void
    /** Publishes what its rooms hold. */
    settle(socket: Member): void
  }
  remove(socket: Member, details: DisconnectDetails | undefined, isFinal: boolean): void
  /** @param isObserved  Whether it has listeners of `onAnyOutgoing`. */
  observe(socket: Member, isObserved: boolean): void
  awaitsAnswer(socket: Member, ackId: number): boolean
  answerCall(socket: Member, ackId: number, error: RoomcastError | null, args: readonly unknown[]): AckOutcome
}
