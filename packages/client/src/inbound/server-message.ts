import {
  type CloseBody,
  type ConnectErrorBody,
  type ConnectedBody,
  createHeader,
  type ErrorBody,
  MESSAGE_TYPES,
  RoomcastError,
  readArguments,
  readCloseBody,
  readConnectErrorBody,
  readConnectedBody,
  readErrorBody,
  readHeader,
  type ValueCodec,
} from '@roomcast/protocol'

/** A frame of the server, decoded. PROTOCOL.md, "Messages". */
export type ServerMessage =
  | { readonly kind: 'connected'; readonly namespace: number; readonly body: ConnectedBody }
  | { readonly kind: 'connect_error'; readonly body: ConnectErrorBody }
  | { readonly kind: 'disconnect'; readonly namespace: number }
  | {
      readonly kind: 'event'
      readonly namespace: number
      /** -1 if no answer is wanted. */
      readonly ackId: number
      readonly event: number | string
      readonly args: unknown[]
    }
  | {
      readonly kind: 'ack'
      readonly namespace: number
      readonly ackId: number
      readonly error: ErrorBody | null
      readonly args: readonly unknown[]
    }
  | { readonly kind: 'error'; readonly namespace: number; readonly body: ErrorBody }
  | { readonly kind: 'close'; readonly body: CloseBody }

const header = createHeader()

/** @throws RoomcastError `BAD_FRAME`, `BAD_VALUE`. */
export function readServerMessage(frame: Uint8Array, codec: ValueCodec): ServerMessage {
  const { type, namespace, ackId, event, bodyStart } = readHeader(frame, header)
  const body = codec.decode(frame, bodyStart)
  switch (type) {
    case MESSAGE_TYPES.EVENT:
      return { kind: 'event', namespace, ackId, event, args: readArguments(body) }
    case MESSAGE_TYPES.ACK:
      return { kind: 'ack', namespace, ackId, error: null, args: readArguments(body) }
    case MESSAGE_TYPES.ACK_ERROR:
      return { kind: 'ack', namespace, ackId, error: readErrorBody(body), args: [] }
    case MESSAGE_TYPES.CONNECTED:
      return { kind: 'connected', namespace, body: readConnectedBody(body) }
    case MESSAGE_TYPES.CONNECT_ERROR:
      return { kind: 'connect_error', body: readConnectErrorBody(body) }
    case MESSAGE_TYPES.DISCONNECT:
      return { kind: 'disconnect', namespace }
    case MESSAGE_TYPES.ERROR:
      return { kind: 'error', namespace, body: readErrorBody(body) }
    case MESSAGE_TYPES.CLOSE:
      return { kind: 'close', body: readCloseBody(body) }
    default:
      throw new RoomcastError('BAD_FRAME', 'a message type that only a client sends')
  }
}

/** The error that a body tells of. */
export function toError({ code, message, data }: ErrorBody): RoomcastError {
  return new RoomcastError(code, message, { data })
}
