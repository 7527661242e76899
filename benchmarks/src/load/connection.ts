import type net from 'node:net'
import { type Dialect, pathOf, type Role } from './dialects/dialect'
import { ExpectedStream } from './expected-stream'
import { type FrameRun, type Place, repeatedRun } from './frame-run'
import { openLink } from './link'
import type { Traffic } from './traffic'
import { clientFrame, type Message, OPCODES, readServerFrame, upgradeRequest } from './ws-wire'

const HEAD_END = '\r\n\r\n'
const NOTHING = Buffer.alloc(0)

/** What a connection tells its owner. */
export interface ConnectionEvents {
  /** The connection is in the room. Once. */
  joined(): void
  /** `count` expected frames have arrived. */
  received(connection: Connection, count: number): void
  /** The connection broke or received what it must not. Nothing follows. */
  failed(reason: string): void
}

/** One client: a TCP socket that speaks the few messages it needs. */
export class Connection {
  private phase: 'upgrade' | 'greeting' | 'joined' | 'failed' = 'upgrade'
  /** Undefined while the client prepares its upgrade. */
  private socket: net.Socket | undefined
  private readonly prepared: Traffic = { sentBytes: 0, receivedBytes: 0 }
  /** Bytes of an unfinished head or uncounted frame. */
  private rest: Buffer = NOTHING
  private expected = new ExpectedStream(repeatedRun([]))
  /** Where it was in the order of the room before `expected`. */
  private placeBefore: Place | undefined

  /** @param number  How many connections of the same role were opened before. */
  constructor(
    port: number,
    private readonly dialect: Dialect,
    readonly role: Role,
    readonly number: number,
    private readonly events: ConnectionEvents,
  ) {
    if (!dialect.prepare) this.open(port, pathOf(dialect, role, number))
    else
      dialect.prepare(port, this.prepared).then(
        (path) => this.open(port, path),
        (error) => this.fail((error as Error).message),
      )
  }

  /** Since it was made, what the client exchanged before its upgrade included. */
  get traffic(): Readonly<Traffic> {
    return {
      sentBytes: this.prepared.sentBytes + (this.socket?.bytesWritten ?? 0),
      receivedBytes: this.prepared.receivedBytes + (this.socket?.bytesRead ?? 0),
    }
  }

  /** Expected frames received since {@link Connection.expect}. */
  get frames(): number {
    return this.expected.frames
  }

  /** Where it is in the order of the room; undefined if the room has no positions. */
  get place(): Place | undefined {
    return this.expected.place ?? this.placeBefore
  }

  /** From now on exactly the frames of `run`, and of those behind it, must arrive. */
  expect(run: FrameRun): void {
    if (!this.expected.isAtBoundary) this.fail('an unfinished frame')
    this.placeBefore = this.place
    this.expected = new ExpectedStream(run)
  }

  /** Nothing must arrive. */
  expectNothing(): void {
    this.expect(repeatedRun([]))
  }

  write(bytes: Buffer): void {
    this.socket?.write(bytes)
  }

  private open(port: number, path: string): void {
    this.socket = openLink(port, {
      received: (bytes) => this.onBytes(bytes),
      closed: () => this.fail('closed by the server'),
      failed: (reason) => this.fail(reason),
    })
    this.socket.write(upgradeRequest(port, path, this.dialect.subprotocol))
  }

  private onBytes(bytes: Buffer): void {
    if (this.phase === 'joined' && this.rest.length === 0) this.count(bytes)
    else this.onUncounted(Buffer.concat([this.rest, bytes]))
  }

  private count(bytes: Buffer): void {
    const { length } = bytes
    const before = this.expected.frames
    const pos = this.expected.take(bytes, 0, length)
    const count = this.expected.frames - before
    if (count > 0) this.events.received(this, count)
    if (pos < length) this.onUncounted(Buffer.from(bytes.subarray(pos, length)))
  }

  /** Bytes that begin with the head or a frame that is not counted. */
  private onUncounted(bytes: Buffer): void {
    this.rest = NOTHING
    if (this.phase === 'upgrade') this.onHead(bytes)
    else if (this.phase !== 'failed' && bytes.length > 0) this.onFrame(bytes)
  }

  private onHead(bytes: Buffer): void {
    const head = bytes.indexOf(HEAD_END)
    if (head < 0) {
      this.rest = bytes
      return
    }
    const status = bytes.toString('latin1', 0, bytes.indexOf('\r\n'))
    if (!status.startsWith('HTTP/1.1 101 ')) throw new Error(`upgrade answered with "${status}"`)
    this.phase = 'greeting'
    for (const message of this.dialect.greeting()) this.write(clientFrame(message))
    if (this.dialect.joinedAtOpen) this.join()
    this.onUncounted(bytes.subarray(head + HEAD_END.length))
  }

  private onFrame(bytes: Buffer): void {
    const frame = readServerFrame(bytes, 0)
    if (!frame) {
      this.rest = bytes
      return
    }
    this.react(frame)
    const rest = bytes.subarray(frame.end)
    if (this.phase === 'joined') this.count(rest)
    else this.onUncounted(rest)
  }

  private react(message: Message): void {
    if (message.opcode === OPCODES.PING) {
      this.write(clientFrame({ opcode: OPCODES.PONG, payload: message.payload }))
      return
    }
    const reaction = this.dialect.react(message)
    switch (reaction.kind) {
      case 'joined':
        this.placeBefore = reaction.place
        if (reaction.reply) this.write(clientFrame(reaction.reply))
        return this.join()
      case 'reply':
        return this.write(clientFrame(reaction.message))
      case 'ignored':
        if (this.phase === 'joined') throw unexpected(message, this.place)
        return
      case 'unexpected':
        throw unexpected(message, this.place)
    }
  }

  private join(): void {
    if (this.phase !== 'greeting') throw new Error('joined twice')
    this.phase = 'joined'
    this.events.joined()
  }

  private fail(reason: string): void {
    if (this.phase === 'failed') return
    this.phase = 'failed'
    this.socket?.destroy()
    this.events.failed(reason)
  }
}

function unexpected({ payload }: Message, place: Place | undefined): Error {
  const where = place === undefined ? '' : ` behind position ${place.position} of room ${place.room}`
  return new Error(`unexpected message${where}: ${JSON.stringify(payload.toString('latin1', 0, 80))}`)
}
