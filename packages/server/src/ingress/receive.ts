import {
  type CloseName,
  createHeader,
  encodeFrame,
  isRoomcastError,
  LIMITS,
  MESSAGE_TYPES,
  RESERVED_EVENTS,
  type ReadHeader,
  RoomcastError,
  readArguments,
  readConnectBody,
  readErrorBody,
  readHeader,
  readNamedBody,
  TYPE_MASK,
} from '@roomcast/protocol'
import type { HeldFrame, HeldFrames } from '../api/held-frames'
import type { Runtime } from '../api/runtime'
import type { AnySocket } from '../api/socket'
import { type Connection, inboundOf } from '../connection/connection'
import type { Opening } from '../connection/opening'
import { deliverCall } from '../dispatch/call'
import { type AnyRegistry, connectNamespace, refuseNamespace } from '../dispatch/connect'
import { deliverEvent } from '../dispatch/event'
import { holdDuring } from '../dispatch/hold'
import { deliverRequest } from '../dispatch/request'
import { FloodGate } from './flood-gate'

/*
 * Bytes in: size, header, legal in this phase and direction, rate, body, then dispatch.
 *
 *   malformed, or not legal now      close BAD_FRAME
 *   breaks a rule, but is well made  coded answer; the eleventh closes with TOO_MANY_ERRORS
 *   too fast                         coded answer; after hundreds RATE_LIMITED
 */

/** Receives the frames of every connection of a server. */
export class Receiver {
  private readonly header: ReadHeader = createHeader()
  private readonly pong: Uint8Array
  private readonly gate: FloodGate | null

  constructor(
    private readonly registry: AnyRegistry,
    private readonly runtime: Runtime,
  ) {
    this.gate = runtime.rateLimits && new FloodGate(runtime.rateLimits, runtime)
    this.pong = encodeFrame(runtime.codec, { type: MESSAGE_TYPES.PONG }, null).slice()
  }

  /**
   * Handles one frame. Never throws.
   *
   * @param frame  Read before it returns; nothing refers to it afterwards.
   */
  receive(connection: Connection<AnySocket>, frame: Uint8Array): void {
    if (connection.phase !== 'open') return
    try {
      this.assertAllowed(connection, frame)
      this.route(connection, frame)
    } catch (error) {
      if (isRoomcastError(error) && error.code === 'MESSAGE_TOO_LARGE') {
        this.refuse(connection, 'FRAME_TOO_LARGE', error.message)
      } else if (isRoomcastError(error) && (error.code === 'BAD_FRAME' || error.code === 'BAD_VALUE')) {
        this.refuse(connection, 'BAD_FRAME', error.message)
      } else this.runtime.reportFault(error, { where: 'event handler', name: 'frame' })
    }
  }

  /** Closes a connection that sent text: every message of the protocol is binary. */
  receiveText(connection: Connection<AnySocket>): void {
    this.refuse(connection, 'BAD_FRAME', 'a text message; the protocol is binary')
  }

  private assertAllowed(connection: Connection<AnySocket>, frame: Uint8Array): void {
    const { frameBytes } = this.runtime.announced
    if (frame.length > frameBytes) {
      throw new RoomcastError('MESSAGE_TOO_LARGE', `frame has ${frame.length} bytes, limit ${frameBytes}`)
    }
    const { opening } = connection
    if (opening === null) return
    if (!isOneTooMany(opening, frame) && frame.length <= LIMITS.bytesBeforeConnect) return
    this.refuse(connection, 'CONNECT_LIMIT')
  }

  private route(connection: Connection<AnySocket>, frame: Uint8Array): void {
    if (connection.phase !== 'open') return
    const header = readHeader(frame, this.header)
    if (this.gate !== null && !this.gate.admit(connection, header, frame.length)) return
    switch (header.type) {
      case MESSAGE_TYPES.EVENT:
        return this.onEvent(connection, header, frame)
      case MESSAGE_TYPES.CALL:
        return this.onCall(connection, header, frame)
      case MESSAGE_TYPES.REQUEST:
        return this.onRequest(connection, header, frame)
      case MESSAGE_TYPES.ACK:
        return this.onAck(connection, header, null, readArguments(this.body(header, frame)))
      case MESSAGE_TYPES.ACK_ERROR: {
        const { code, message, data } = readErrorBody(this.body(header, frame))
        return this.onAck(connection, header, new RoomcastError(code, message, { data }), [])
      }
      case MESSAGE_TYPES.CONNECT: {
        // Credentials wait in a queue.
        if (frame.length > LIMITS.bytesBeforeConnect) return this.refuse(connection, 'CONNECT_LIMIT')
        const body = readConnectBody(this.body(header, frame))
        const refusal = this.gate?.refusalOfConnect(connection, frame.length) ?? null
        if (refusal !== null) return refuseNamespace(this.runtime, connection, body.nsp, refusal)
        if (!connectNamespace(this.registry, this.runtime, connection, body)) {
          throw new RoomcastError('BAD_FRAME', 'namespace connected twice')
        }
        return
      }
      case MESSAGE_TYPES.DISCONNECT:
        this.body(header, frame)
        connection.member(header.namespace)?.endNamespace('client namespace disconnect', false)
        return
      case MESSAGE_TYPES.PING:
        this.body(header, frame)
        return connection.port.send(this.pong, false)
      case MESSAGE_TYPES.SWITCH:
        throw new RoomcastError('BAD_FRAME', 'SWITCH is the first frame on a WebSocket, or not at all')
      default:
        throw new RoomcastError('BAD_FRAME', 'a message type that only a server sends')
    }
  }

  private body(header: ReadHeader, frame: Uint8Array): unknown {
    return this.runtime.codec.decode(frame, header.bodyStart)
  }

  private onEvent(connection: Connection<AnySocket>, header: ReadHeader, frame: Uint8Array): void {
    if (header.room >= 0) throw new RoomcastError('BAD_FRAME', 'a room position from a client')
    const { event, ackId } = header
    const args = readArguments(this.body(header, frame))
    const socket = this.memberOf(connection, header)
    if (socket === null) return
    if (!this.mayEmit(socket, event, ackId)) return
    if (socket.held === null) deliverEvent(socket, event, ackId, args, holdDuring)
    else this.hold(socket, socket.held, { kind: 'event', name: event, ackId, args, bytes: frame.length })
  }

  private onCall(connection: Connection<AnySocket>, header: ReadHeader, frame: Uint8Array): void {
    const { event, ackId } = header
    const args = readArguments(this.body(header, frame))
    const socket = this.memberOf(connection, header)
    if (socket === null || !this.mayEmit(socket, event, ackId)) return
    const call: HeldFrame = { kind: 'call', name: event, ackId, args, bytes: frame.length }
    if (socket.held !== null) this.hold(socket, socket.held, call)
    else deliverCall(socket, call, holdDuring)
  }

  /** Whether a client may send an event of this name; answers if not. */
  private mayEmit(socket: AnySocket, event: number | string, ackId: number): event is string {
    if (typeof event !== 'string') {
      this.answerBroken(socket, ackId, 'UNKNOWN_EVENT_ID', `event ${event} was never announced`)
      return false
    }
    if (!RESERVED_EVENTS.has(event)) return true
    this.answerBroken(socket, ackId, 'RESERVED_EVENT', 'this event name is reserved')
    return false
  }

  private onRequest(connection: Connection<AnySocket>, header: ReadHeader, frame: Uint8Array): void {
    const { ackId } = header
    const [name, ...args] = readNamedBody(this.body(header, frame))
    const socket = this.memberOf(connection, header)
    if (socket === null) return
    if (this.gate !== null && !this.gate.admitRequest(socket, header, name)) return
    const request: HeldFrame = { kind: 'request', name, ackId, args, bytes: frame.length }
    if (socket.held !== null) this.hold(socket, socket.held, request)
    else deliverRequest(socket, request, (work) => holdDuring(socket, work))
  }

  private hold({ connection }: AnySocket, held: HeldFrames, frame: HeldFrame): void {
    if (!held.push(frame)) this.refuse(connection, 'HELD_LIMIT')
  }

  private onAck(
    connection: Connection<AnySocket>,
    header: ReadHeader,
    error: RoomcastError | null,
    args: readonly unknown[],
  ): void {
    const { ackId } = header
    const socket = this.memberOf(connection, header)
    if (socket === null) return
    // Even ids are calls of the socket, odd ones broadcasts of its namespace.
    const isBroadcast = ackId % 2 === 1
    const outcome = isBroadcast
      ? socket.host.answerCall(socket, ackId, error, args)
      : socket.settleAck(ackId, error, args)
    if (outcome === 'unknown') this.answerBroken(socket, -1, 'UNKNOWN_ACK', 'no call had this id')
  }

  private memberOf(connection: Connection<AnySocket>, header: ReadHeader): AnySocket | null {
    const socket = connection.member(header.namespace)
    if (socket === null && !connection.hasEnded(header.namespace)) {
      this.countError(connection, header.namespace, 'NOT_CONNECTED', 'the namespace is not connected')
    }
    return socket
  }

  /** Answers a frame that broke a rule: the caller if it waits for an answer, else with an ERROR. */
  private answerBroken(socket: AnySocket, ackId: number, code: string, message: string): void {
    const { connection, namespaceNumber: namespace } = socket
    if (ackId < 0) return this.countError(connection, namespace, code, message)
    const fields = { type: MESSAGE_TYPES.ACK_ERROR, namespace, ackId }
    socket.sendFrame(encodeFrame(this.runtime.codec, fields, { code, message }))
    this.countError(connection, namespace, null, message)
  }

  private countError(connection: Connection<AnySocket>, namespace: number, code: string | null, message: string): void {
    const { turn, codec } = this.runtime
    if (++inboundOf(connection).errorCount > LIMITS.protocolErrors) this.refuse(connection, 'TOO_MANY_ERRORS')
    else if (code !== null) {
      turn.flush()
      connection.port.send(encodeFrame(codec, { type: MESSAGE_TYPES.ERROR, namespace }, { code, message }), false)
    }
  }

  /** Closes for a fault of the client, behind everything it was sent. */
  refuse(connection: Connection<AnySocket>, name: CloseName, message?: string): void {
    this.runtime.turn.flush()
    connection.end(name, 'parse error', message)
  }
}

/** Counts a frame of a connection that has no namespace yet. */
function isOneTooMany(opening: Opening, frame: Uint8Array): boolean {
  const type = (frame[0] ?? 0) & TYPE_MASK
  // They ask for a sign of life while the middleware of a namespace takes its time.
  if (type === MESSAGE_TYPES.PING) return false
  // What asks for namespaces is bounded by their number: some may wait for slow middleware.
  if (type === MESSAGE_TYPES.CONNECT) return ++opening.connects > LIMITS.namespacesPerConnection
  return ++opening.frames > LIMITS.framesBeforeConnect
}
