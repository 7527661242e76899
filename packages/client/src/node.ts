import { WebSocket } from 'ws'
import { createIo, type Io } from './client'
import { Manager as BaseManager, type Platform } from './manager/manager'
import { readServerUrl } from './manager/server-url'
import type { ClientOptions } from './options'
import { pollingTransport } from './transport/polling'
import { type WebSocketLike, webSocketTransport } from './transport/websocket'

// The cast: the handlers' event types of `ws` are wider than what is used here.
// Node.js 20 has no WebSocket of its own, and none that sends headers.
const websocket = webSocketTransport(
  (url, subprotocols, headers) =>
    new WebSocket(url, subprotocols, { headers: { ...headers }, perMessageDeflate: false }) as unknown as WebSocketLike,
)

const platform: Platform = { transports: { polling: pollingTransport, websocket }, store: new Map<string, string>() }

/** Connects to a server. See {@link Io}. */
export const io: Io = createIo(platform)

/** The same as {@link io}, for code written for Socket.IO. */
export const connect: Io = io

/** One connection to one server, for code that manages connections itself. */
export class Manager extends BaseManager {
  /**
   * @param url  Origin of the server, as `https://example.com`.
   * @throws RoomcastError `INVALID_OPTION`, `OPTION_NOT_SUPPORTED`.
   */
  constructor(url: string, options: ClientOptions = {}) {
    super(readServerUrl(url, undefined).origin, options, platform)
  }
}

export type { DefaultEventsMap, DefaultUser, EventsMap, PublicUser, UserEntry } from '@roomcast/protocol'
export { isRoomcastError, RoomcastError } from '@roomcast/protocol'
export type { Io } from './client'
export type { Congestion } from './connection/flow'
export type { RoomMessage } from './inbound/kept-message'
export type { AuthOption, ClientOptions, ManagerOptions, SocketOptions, TransportName } from './options'
export type { UserWatch, UserWatchEvents, WatchMode, WatchOptions } from './people/user-watch'
export type { Gap, HistoryOptions, JoinOptions, Room, RoomEvents } from './rooms/room'
export type { DirectEmitter } from './socket/direct-emitter'
export { Socket } from './socket/socket'
export type { SocketReservedEvents } from './socket/socket-events'
export type { DisconnectDetails, DisconnectReason, LinkState, ManagerReservedEvents } from './socket/socket-link'
