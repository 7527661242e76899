import type { EventsMap, RoomcastError } from '@roomcast/protocol'
import type { Gap } from '../rooms/room'
import type { DisconnectDetails, DisconnectReason } from './socket-link'

/** Events that the library fires on a socket. */
export interface SocketReservedEvents {
  /** The server admitted the socket. Emits made here go out before those that waited. */
  connect: () => void
  /** An attempt failed; `socket.active` tells whether another one follows by itself. */
  connect_error: (error: RoomcastError) => void
  disconnect: (reason: DisconnectReason, details?: DisconnectDetails) => void
  /** A call with a plain ack callback failed, the outbox is full, the server refused a frame, or a listener threw. */
  error: (error: Error) => void
}

/** Adds the event `gap`: messages of a room, or to this socket, were missing. As with {@link WithUser}. */
export type WithGap<Listen extends EventsMap> = 'gap' extends keyof Listen
  ? Listen
  : Listen & { gap: (gap: Gap) => void }

/** Adds the event `user`, unless the application has an event of this name: then it has the type that it has there. */
export type WithUser<Listen extends EventsMap, User> = 'user' extends keyof Listen
  ? Listen
  : Listen & { user: (user: User | null) => void }
