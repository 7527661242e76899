import type net from 'node:net'
import { openLink } from './link'
import { clientFrame, clientFrames, type Message, OPCODES, readServerFrame, upgradeRequest } from './ws-wire'

const HEAD_END = '\r\n\r\n'
const NOTHING = Buffer.alloc(0)
/** Code 1000 of RFC 6455 section 7.4.1: the client has what it wanted. */
const NORMAL_CLOSE: Message = { opcode: OPCODES.CLOSE, payload: Buffer.from([0x03, 0xe8]) }

/** What a connection tells its owner. */
export interface MessageEvents {
  /** The WebSocket is open. Once. */
  opened(): void
  /** A message, but for pings, which are answered. It is gone after the call. @param bytes  Of its frame. */
  message(message: Message, bytes: number): void
  /** The server has ended the link that {@link MessageConnection.close} asked it to end. Nothing follows. */
  closed(): void
  /** The link broke. Nothing follows. */
  failed(reason: string): void
}

/** One client whose messages are looked at one by one, where they cannot be foretold to the byte. */
export class MessageConnection {
  private phase: 'closed' | 'closing' | 'open' | 'upgrade' = 'upgrade'
  private readonly socket: net.Socket
  /** Bytes of an unfinished head or frame. */
  private rest: Buffer = NOTHING

  constructor(
    port: number,
    { path, subprotocol }: { readonly path: string; readonly subprotocol: string },
    private readonly events: MessageEvents,
  ) {
    this.socket = openLink(port, {
      received: (bytes) => this.onBytes(bytes),
      closed: () => this.onClosed(),
      failed: (reason) => this.fail(reason),
    })
    this.socket.write(upgradeRequest(port, path, subprotocol))
  }

  send(messages: readonly Message[]): void {
    this.socket.write(clientFrames(messages))
  }

  /** Leaves, with some last messages. What comes from now on is dropped. */
  close(messages: readonly Message[]): void {
    this.phase = 'closing'
    this.send([...messages, NORMAL_CLOSE])
  }

  private onBytes(fresh: Buffer): void {
    this.read(this.rest.length === 0 ? fresh : Buffer.concat([this.rest, fresh]))
  }

  private read(bytes: Buffer): void {
    let pos = this.phase === 'upgrade' ? this.readHead(bytes) : 0
    while (this.phase === 'open' && pos < bytes.length) {
      const frame = readServerFrame(bytes, pos)
      if (frame === undefined) break
      if (frame.opcode === OPCODES.PING) this.pong(frame.payload)
      else if (frame.opcode === OPCODES.CLOSE) throw new Error(`closed by the server: ${closeText(frame.payload)}`)
      else this.events.message(frame, frame.end - pos)
      pos = frame.end
    }
    this.rest = pos === bytes.length || this.phase === 'closing' ? NOTHING : Buffer.from(bytes.subarray(pos))
  }

  /** @returns The position behind the head of the answer, 0 while that is not there. */
  private readHead(bytes: Buffer): number {
    const head = bytes.indexOf(HEAD_END)
    if (head < 0) return 0
    const status = bytes.toString('latin1', 0, bytes.indexOf('\r\n'))
    if (!status.startsWith('HTTP/1.1 101 ')) throw new Error(`upgrade answered with "${status}"`)
    this.phase = 'open'
    this.events.opened()
    return head + HEAD_END.length
  }

  private pong(payload: Buffer): void {
    this.socket.write(clientFrame({ opcode: OPCODES.PONG, payload }))
  }

  private onClosed(): void {
    if (this.phase !== 'closing') return this.fail('closed by the server')
    this.phase = 'closed'
    this.events.closed()
  }

  private fail(reason: string): void {
    if (this.phase === 'closed') return
    this.phase = 'closed'
    this.socket.destroy()
    this.events.failed(reason)
  }
}

function closeText(payload: Buffer): string {
  return payload.length < 2 ? 'no code' : `${payload.readUInt16BE(0)} ${payload.toString('utf8', 2)}`
}
