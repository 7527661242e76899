export type { DefaultEventsMap, DefaultUser, EventsMap, PublicUser, UserEntry } from '@roomcast/protocol'
export { isRoomcastError, RoomcastError } from '@roomcast/protocol'
export type { AdapterEvents, AdapterView, RoomsView } from './api/adapter-view'
export type { ConnectionView } from './api/connection-view'
export type { DirectEmitter } from './api/direct-emitter'
export type { NamespaceMiddleware } from './api/namespace'
export { Namespace } from './api/namespace'
export type { NamespaceMatcher } from './api/parent-namespace'
export { ParentNamespace } from './api/parent-namespace'
export type { HistoryOptions, RemoteSocket, RoomMessage } from './api/room-emitter'
export { RoomEmitter } from './api/room-emitter'
export { Socket } from './api/socket'
export type { DisconnectDetails, SocketMiddleware, SocketReservedEvents } from './api/socket-events'
export { UserList, type UserPage } from './api/user-list'
export type { DisconnectReason } from './connection/connection'
export type { ConnectionReservedEvents } from './connection/connection-events'
export type { Handshake, RequestHeaders } from './connection/handshake'
export type { FaultContext, FaultHook } from './observe/report'
export type { CloseOptions } from './options/close-options'
export type { CorsOptions, OriginRule } from './options/cors-options'
export type { HandshakeLimits, HandshakeRate, InboundOptions, RateLimit, RateLimits } from './options/inbound-options'
export type { FlushPolicy, LatestKeyRule, LatestMerge, LatestPolicy } from './options/pace-options'
export type {
  Login,
  LoginContext,
  LoginLimits,
  LoginResult,
  NameOptions,
  NamePolicy,
  PeopleOptions,
  PresencePolicy,
  SessionPolicy,
  Watcher,
  WatchRule,
} from './options/people-options'
export type {
  HistoryLimits,
  HistoryPolicy,
  Joiner,
  JoinRule,
  RecoveryOptions,
  RoomPolicy,
  SnapshotHook,
} from './options/room-options'
export type { ServerOptions, TlsOptions, Transport, UpgradeRequest } from './options/server-options'
export { type CheckedUserName, checkUserName } from './people/names'
export type { UserListEvents } from './people/roster-events'
export { Server } from './server'
export type { ConnectionError, EngineEvents } from './transport/engine-events'
export type { HttpHandler, HttpInfo } from './transport/http'
export type { ListenOptions } from './transport/listener'
export type { ServeStaticOptions } from './transport/serve-static'
export { serveStatic } from './transport/serve-static'
