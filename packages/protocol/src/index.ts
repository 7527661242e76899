export type { RoomcastErrorOptions } from './errors'
export { isRoomcastError, RoomcastError } from './errors'
export { callListener, isThenable } from './events/call-listener'
export type { CatchAllListener } from './events/catch-all'
export type { ListenableNames, ListenerFor } from './events/emitter'
export { Emitter } from './events/emitter'
export type { AnyListener } from './events/listener-table'
export { SocketEmitter } from './events/socket-emitter'
export { splitAck } from './events/split-ack'
export { FrameStream, readBatch, writeBatch } from './frame/batch'
export type {
  AnnouncedLimits,
  CloseBody,
  ConnectBody,
  ConnectErrorBody,
  ConnectedBody,
  EndBody,
  ErrorBody,
  NamedBody,
  PositionEntry,
  ResumeBody,
  RoomEntry,
  SessionBody,
  SwitchBody,
} from './frame/bodies'
export {
  isCount,
  isPosition,
  isUser,
  readArguments,
  readCloseBody,
  readConnectBody,
  readConnectErrorBody,
  readConnectedBody,
  readDisconnectBody,
  readErrorBody,
  readNamedBody,
  readSwitchBody,
  toErrorBody,
} from './frame/bodies'
export type { FrameFields } from './frame/frame'
export { encodeFrame, prependHeader, withPosition } from './frame/frame'
export type { FrameHeader, ReadHeader } from './frame/header'
export { createHeader, headerLength, readHeader, writeHeader } from './frame/header'
export type { Direction, MessageDefinition, MessageName, MessageType } from './frame/message-types'
export { HEADER_FLAGS, MESSAGE_DEFINITIONS, MESSAGE_TYPES, TYPE_MASK } from './frame/message-types'
export {
  assertEmittable,
  assertRoomName,
  isNamespaceName,
  isValidName,
  RESERVED_EVENTS,
  utf8Length,
} from './names/names'
export { assertTimeout } from './names/timeout'
export type { CloseName, CloseSender, CloseVerdict } from './tables/close-codes'
export { CLOSE_CODES, CLOSE_MEANINGS, CLOSE_SENDERS, closeVerdict } from './tables/close-codes'
export type { ErrorCarrier, ErrorCode, ErrorCodeRow, ErrorSource } from './tables/error-codes'
export { ERROR_CODES } from './tables/error-codes'
export type { LimitName } from './tables/limits'
export { LIMITS } from './tables/limits'
export type {
  AckResult,
  BroadcastArgs,
  DataArgs,
  DefaultEventsMap,
  EventArgs,
  EventHandler,
  EventNames,
  EventsMap,
  HandlerResult,
  TimedArgs,
} from './types/event-map'
export type { DefaultUser, PublicUser, UserEntry } from './types/user'
export type { ValueCodec } from './values/codec'
export { createCompactCodec } from './values/codec'
export type { GateLimits } from './values/gate'
export { assertBodyAllowed } from './values/gate'
export type { Negotiation } from './version'
export {
  negotiateSubprotocol,
  POLL_CONTENT_TYPE,
  POLL_HEADERS,
  POLL_ROUTE,
  PROTOCOL_VERSION,
  REFUSAL_SUBPROTOCOL,
  SUBPROTOCOL,
} from './version'
