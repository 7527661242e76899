import type { AddressInfo } from 'node:net'
import {
  createCompactCodec,
  createHeader,
  encodeFrame,
  type FrameFields,
  LIMITS,
  MESSAGE_TYPES,
  type MessageName,
  readHeader,
  SUBPROTOCOL,
} from '@roomcast/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import type { RawClose, RawFrame } from './raw-client'
import { until } from './wait'

/*
 * A server that speaks bytes, for what the real one never does. How to extend it:
 *
 *   another answer to CONNECT   answer: (link, frame) => ..., with the calls of FakeLink
 *   answers to other frames     onFrame: (link, frame) => ..., as link.ack(frame, 1) or link.send({ type: PONG }, null)
 *   another subprotocol         subprotocol: 'name', or null for none
 *   frames of your own          link.send for well-made ones, link.sendBytes for the rest; nothing is checked
 *   another end                 link.close with any code of CLOSE_CODES, those of the engine too
 *
 *     await using server = await FakeServer.start({ answer: () => {} })   // CONNECT is never answered
 *     const link = await server.link()
 *     link.emit('news', [1])
 */

/** Options of a {@link FakeServer}. */
export interface FakeServerOptions {
  /** Port of the loopback. @default a free one */
  readonly port?: number
  /** The subprotocol of the answer, whatever the client offered; null for none. @default the right one */
  readonly subprotocol?: string | null
  /** What a CONNECT is answered with. @default CONNECTED */
  readonly answer?: (link: FakeLink, connect: RawFrame) => void
  /** Told of every other frame. @default nothing is answered, PING neither */
  readonly onFrame?: (link: FakeLink, frame: RawFrame) => void
}

/** What a CONNECTED says. */
export interface Acceptance {
  /** @default 0, the main namespace */
  readonly namespace?: number
  readonly frameBytes?: number
  readonly pingIntervalMs?: number
  readonly pingTimeoutMs?: number
  /** How the connection before ended. */
  readonly previous?: { readonly code: number; readonly message: string }
}

const NAMES = new Map<number, MessageName>(
  Object.entries(MESSAGE_TYPES).map(([name, type]) => [type, name as MessageName]),
)

/** One connection of a client to a {@link FakeServer}. It keeps every frame. */
export class FakeLink {
  readonly frames: RawFrame[] = []
  closed: RawClose | null = null
  private readonly codec = createCompactCodec()
  private readonly taken = new Set<RawFrame>()
  private connected = 0

  constructor(
    private readonly ws: WebSocket,
    answer: (link: FakeLink, connect: RawFrame) => void,
    onFrame: (link: FakeLink, frame: RawFrame) => void,
  ) {
    ws.on('message', (data: Buffer) => {
      const { type, namespace, ackId, event, bodyStart } = readHeader(data, createHeader())
      const body = this.codec.decode(data, bodyStart)
      const name = NAMES.get(type) ?? 'ERROR'
      const frame: RawFrame = { type: name, namespace, ackId, event, body, bytes: new Uint8Array(data) }
      this.frames.push(frame)
      if (name === 'CONNECT') answer(this, frame)
      else onFrame(this, frame)
    })
    ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
    })
    ws.on('error', () => {})
  }

  /** Admits a client that asked with `connect`. */
  accept(connect: RawFrame, { namespace = 0, previous, ...given }: Acceptance = {}): void {
    const { nsp } = connect.body as { nsp: string }
    const sid = `fake-${++this.connected}`
    const limits = { frameBytes: LIMITS.frameBytes as number, ...given }
    this.send({ type: MESSAGE_TYPES.CONNECTED, namespace }, { nsp, sid, limits, ...(previous && { previous }) })
  }

  /** Answers an event. */
  ack({ namespace, ackId }: RawFrame, ...results: unknown[]): void {
    this.send({ type: MESSAGE_TYPES.ACK, namespace, ackId }, results)
  }

  /** Sends a well-made frame. */
  send(fields: FrameFields, body: unknown): void {
    this.ws.send(encodeFrame(this.codec, fields, body).slice())
  }

  /** Sends an event, on the main namespace. */
  emit(event: number | string, args: unknown[] = [], ackId = -1): void {
    this.send({ type: MESSAGE_TYPES.EVENT, event, ackId }, args)
  }

  /** Sends any bytes as one binary message. */
  sendBytes(bytes: Uint8Array): void {
    this.ws.send(bytes)
  }

  /** Sends a text message. */
  sendText(text: string): void {
    this.ws.send(text)
  }

  /** The oldest frame of this type that was not taken yet. */
  async frame(type: MessageName): Promise<RawFrame> {
    const isWanted = (frame: RawFrame) => frame.type === type && !this.taken.has(frame)
    const found = (await until(() => this.frames.find(isWanted), `frame ${type} from the client`)) as RawFrame
    this.taken.add(found)
    return found
  }

  /** Ends the link; the codes of the engine in the way that makes the client see them. */
  close(code: number, reason = ''): void {
    if (code === 1006) this.ws.terminate()
    else if (code === 1005) this.ws.close()
    else this.ws.close(code, reason)
  }

  /** How the link ended, when it has. */
  end(): Promise<RawClose> {
    return until(() => this.closed, 'the end of the link') as Promise<RawClose>
  }
}

/** A WebSocket server that does what a test tells it. See the head of the file. */
export class FakeServer implements AsyncDisposable {
  /** Every link so far, closed ones too. */
  readonly links: FakeLink[] = []
  private taken = 0

  private constructor(
    private readonly server: WebSocketServer,
    options: FakeServerOptions,
  ) {
    const { answer = (link, connect) => link.accept(connect), onFrame = () => {} } = options
    server.on('connection', (ws) => this.links.push(new FakeLink(ws, answer, onFrame)))
  }

  /** Starts a server on the loopback. */
  static async start(options: FakeServerOptions = {}): Promise<FakeServer> {
    const { subprotocol = SUBPROTOCOL, port = 0 } = options
    const server = new WebSocketServer({ port, host: '127.0.0.1', handleProtocols: () => subprotocol ?? false })
    const fake = new FakeServer(server, options)
    await new Promise<void>((resolve, reject) => {
      server.once('listening', resolve)
      server.once('error', reject)
    })
    return fake
  }

  /** Address for clients. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** The oldest link that was not taken yet, open or closed. */
  async link(): Promise<FakeLink> {
    return (await until(() => {
      const link = this.links[this.taken]
      if (link !== undefined) this.taken++
      return link
    }, 'a link from the client')) as FakeLink
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const ws of this.server.clients) ws.terminate()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
