import {
  type CloseBody,
  type ConnectErrorBody,
  type ConnectedBody,
  createHeader,
  type EndBody,
  type ErrorBody,
  type NamedBody,
  RoomcastError,
  readArguments,
  readCloseBody,
  readConnectErrorBody,
  readConnectedBody,
  readDisconnectBody,
  readErrorBody,
  readHeader,
  readNamedBody,
  type ValueCodec,
} from '@roomcast/protocol'
import { ACK, ACK_ERROR, CLOSE, CONNECT_ERROR, CONNECTED, DISCONNECT, ERROR, EVENT, NOTICE } from '../tables'

/** What the messages of a server hold, by type. */
interface Bodies {
  [ACK]: unknown[]
  [ACK_ERROR]: ErrorBody
  [CLOSE]: CloseBody
  [CONNECTED]: ConnectedBody
  [CONNECT_ERROR]: ConnectErrorBody
  [DISCONNECT]: EndBody | undefined
  [ERROR]: ErrorBody
  [EVENT]: unknown[]
  [NOTICE]: NamedBody
}

/** A message of one type. PROTOCOL.md, "Messages". */
export interface MessageOf<Type extends keyof Bodies> {
  readonly type: Type
  readonly namespace: number
  /** -1 if no answer is wanted. */
  readonly ackId: number
  /** Of an EVENT. */
  readonly event: number | string
  /** Number of the room of an EVENT that has a position; -1 if it has none. */
  readonly room: number
  /** Its position. */
  readonly seq: number
  /** Size of the frame. */
  readonly bytes: number
  readonly body: Bodies[Type]
}

/** A frame of the server, decoded. */
export type ServerMessage = { [Type in keyof Bodies]: MessageOf<Type> }[keyof Bodies]

const BODY_READERS: { readonly [Type in keyof Bodies]: (body: unknown) => Bodies[Type] } = {
  [ACK]: readArguments,
  [ACK_ERROR]: readErrorBody,
  [CLOSE]: readCloseBody,
  [CONNECTED]: readConnectedBody,
  [CONNECT_ERROR]: readConnectErrorBody,
  [DISCONNECT]: readDisconnectBody,
  [ERROR]: readErrorBody,
  [EVENT]: readArguments,
  [NOTICE]: readNamedBody,
}

const header = createHeader()

/** @throws RoomcastError `BAD_FRAME`, `BAD_VALUE`. */
export function readServerMessage(frame: Uint8Array, codec: ValueCodec): ServerMessage {
  const { type, namespace, ackId, event, room, seq, bodyStart } = readHeader(frame, header)
  const readBody = BODY_READERS[type as ServerMessage['type']] as ((body: unknown) => unknown) | undefined
  if (!readBody) throw new RoomcastError('BAD_FRAME', `unknown message type ${type}`)
  // The cast: TypeScript does not see that type and reader go together; the type of the table does.
  return {
    type,
    namespace,
    ackId,
    event,
    room,
    seq,
    bytes: frame.length,
    body: readBody(codec.decode(frame, bodyStart)),
  } as ServerMessage
}

/** The error that a body tells of. */
export function toError({ code, message, data }: ErrorBody): RoomcastError {
  return new RoomcastError(code, message, { data })
}
