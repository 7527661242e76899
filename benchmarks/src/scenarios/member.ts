import net from 'node:net'
import { createHeader, MESSAGE_TYPES, readHeader } from '@roomcast/protocol'
import { roomcastDialect, roomcastMessage } from '../load/dialects/roomcast'
import { clientFrame, OPCODES, readServerFrame, upgradeRequest } from '../load/ws-wire'
import { clockUs } from './clock'
import { ECHO_EVENT, type MessageHead, readMessageHead } from './payload'

const HEAD_END = '\r\n\r\n'
const READ_BUFFER_BYTES = 65_536
const NOTHING = Buffer.alloc(0)
/** Reads are handled before the next one starts, so that all members can share the memory. */
const sharedReadBuffer = Buffer.allocUnsafe(READ_BUFFER_BYTES)
const header = createHeader()
const head: MessageHead = { atUs: 0, number: 0 }

/** What a member tells its owner. */
export interface MemberEvents {
  /** It is in the room. Once. */
  joined(): void
  /** A message of the room. @param ageUs  Microseconds since it was emitted. */
  message(member: Member, number: number, ageUs: number): void
  /** The answer to a call. @param tripUs  Microseconds since the call. */
  answered(tripUs: number): void
  /** The connection broke or received what it must not. Nothing follows. */
  failed(reason: string): void
}

/** A client that reads whatever comes at once, and of each message no more than its head: a thousand of them are cheap. */
export class Member {
  /** Number of the last message; undefined before the first. */
  last: number | undefined
  private readonly socket: net.Socket
  private isUpgraded = false
  private hasFailed = false
  /** Bytes of an unfinished frame. */
  private rest: Buffer = NOTHING
  private calledAtUs = 0

  /** @param room  Room that the server puts it into; '' for none. */
  constructor(
    port: number,
    private readonly room: string,
    private readonly events: MemberEvents,
  ) {
    this.socket = net.connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: sharedReadBuffer,
        callback: (length, bytes) => {
          this.onBytes((bytes as Buffer).subarray(0, length))
          return true
        },
      },
    })
    this.socket.on('error', (error) => this.fail(error.message))
    this.socket.on('close', () => this.fail('closed by the server'))
    this.socket.write(upgradeRequest(port, roomcastDialect.path, roomcastDialect.subprotocol))
  }

  /** Asks for an answer; one at a time. */
  call(): void {
    this.calledAtUs = clockUs()
    this.socket.write(clientFrame(roomcastMessage({ type: MESSAGE_TYPES.EVENT, ackId: 0, event: ECHO_EVENT }, [1])))
  }

  private onBytes(chunk: Buffer): void {
    try {
      let bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
      if (!this.isUpgraded) bytes = this.upgrade(bytes)
      // What is left lies in the memory that the next read overwrites.
      else bytes = this.readFrames(bytes)
      this.rest = bytes.length === 0 ? NOTHING : Buffer.from(bytes)
    } catch (error) {
      this.fail((error as Error).message)
    }
  }

  private upgrade(bytes: Buffer): Buffer {
    const end = bytes.indexOf(HEAD_END)
    if (end < 0) return bytes
    const status = bytes.toString('latin1', 0, bytes.indexOf('\r\n'))
    if (!status.startsWith('HTTP/1.1 101 ')) throw new Error(`upgrade answered with "${status}"`)
    this.isUpgraded = true
    const auth = { room: this.room }
    this.socket.write(clientFrame(roomcastMessage({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/', auth })))
    return this.readFrames(bytes.subarray(end + HEAD_END.length))
  }

  /** @returns The bytes of an unfinished frame. */
  private readFrames(bytes: Buffer): Buffer {
    const nowUs = clockUs()
    let pos = 0
    for (;;) {
      const frame = readServerFrame(bytes, pos)
      if (!frame) return bytes.subarray(pos)
      pos = frame.end
      if (frame.opcode === OPCODES.BINARY) this.onFrame(frame.payload, nowUs)
      else if (frame.opcode === OPCODES.PING) {
        this.socket.write(clientFrame({ opcode: OPCODES.PONG, payload: frame.payload }))
      } else if (frame.opcode === OPCODES.CLOSE) throw new Error(`closed with ${frame.payload.readUInt16BE(0)}`)
    }
  }

  private onFrame(payload: Buffer, nowUs: number): void {
    if (readMessageHead(payload, head)) {
      const { number, atUs } = head
      if (this.last !== undefined && number !== this.last + 1) throw new Error(`message ${number} after ${this.last}`)
      this.last = number
      return this.events.message(this, number, nowUs - atUs)
    }
    const { type } = readHeader(payload, header)
    switch (type) {
      case MESSAGE_TYPES.CONNECTED:
        return this.events.joined()
      case MESSAGE_TYPES.ACK:
        return this.events.answered(nowUs - this.calledAtUs)
      case MESSAGE_TYPES.PING:
        return void this.socket.write(clientFrame(roomcastMessage({ type: MESSAGE_TYPES.PONG }, null)))
      case MESSAGE_TYPES.NOTICE:
      case MESSAGE_TYPES.PONG:
        return
      default:
        throw new Error(`unexpected frame of type ${type}`)
    }
  }

  private fail(reason: string): void {
    if (this.hasFailed) return
    this.hasFailed = true
    this.socket.destroy()
    this.events.failed(reason)
  }
}
