import type { Socket as NetSocket } from 'node:net'
import {
  createCompactCodec,
  createHeader,
  encodeFrame,
  type FrameFields,
  MESSAGE_TYPES,
  type MessageName,
  REFUSAL_SUBPROTOCOL,
  readHeader,
  SUBPROTOCOL,
} from '@roomcast/protocol'
import { WebSocket } from 'ws'
import { until } from './wait'

/** A frame as it arrived. */
export interface RawFrame {
  readonly type: MessageName
  readonly namespace: number
  readonly ackId: number
  readonly event: number | string
  readonly body: unknown
  readonly bytes: Uint8Array
}

/** Options of a link. */
export interface RawOptions {
  readonly subprotocols?: string[]
  readonly headers?: Record<string, string>
  readonly path?: string
  /** Whether to offer compression. @default false */
  readonly perMessageDeflate?: boolean
  /** Whether to answer pings. @default true */
  readonly autoPong?: boolean
  /** Over TLS, with any certificate. @default false */
  readonly secure?: boolean
}

/** How the link ended. */
export interface RawClose {
  readonly code: number
  readonly reason: string
}

const NAMES = new Map<number, MessageName>(
  Object.entries(MESSAGE_TYPES).map(([name, type]) => [type, name as MessageName]),
)

/**
 * A client that speaks bytes, for what the real one would never send. It keeps every frame, so that nothing is
 * lost between two awaits. Extend it by sending other bytes with `sendBytes`; it checks nothing.
 */
export class RawClient implements Disposable {
  readonly frames: RawFrame[] = []
  closed: RawClose | null = null
  private readonly codec = createCompactCodec()
  private taken = 0

  private constructor(private readonly ws: WebSocket) {
    ws.on('message', (data: Buffer) => {
      const { type, namespace, ackId, event, bodyStart } = readHeader(data, createHeader())
      const body = this.codec.decode(data, bodyStart)
      this.frames.push({ type: NAMES.get(type) ?? 'ERROR', namespace, ackId, event, body, bytes: new Uint8Array(data) })
    })
    ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
    })
    ws.on('error', () => {})
  }

  /** Opens a link to a port of the loopback; sends nothing. Resolves when it is open or refused. */
  static async open(port: number, options: RawOptions = {}): Promise<RawClient> {
    const { subprotocols = [SUBPROTOCOL, REFUSAL_SUBPROTOCOL], headers = {}, path = '/roomcast/ws' } = options
    const { perMessageDeflate = false, secure = false, autoPong = true } = options
    const url = `${secure ? 'wss' : 'ws'}://127.0.0.1:${port}${path}`
    const ws = new WebSocket(url, subprotocols, { headers, perMessageDeflate, autoPong, rejectUnauthorized: false })
    const client = new RawClient(ws)
    await new Promise<void>((resolve) => {
      ws.once('open', resolve)
      ws.once('close', () => resolve())
    })
    return client
  }

  /** Opens a link and connects a namespace. */
  static async connect(port: number, nsp = '/', auth?: unknown, options: RawOptions = {}): Promise<RawClient> {
    const client = await RawClient.open(port, options)
    client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp, auth })
    await client.frame('CONNECTED')
    return client
  }

  /** Sends a well-made frame. */
  send(fields: FrameFields, body: unknown): void {
    this.ws.send(encodeFrame(this.codec, fields, body).slice())
  }

  /** Sends an event. */
  emit(event: string, args: unknown[] = [], ackId = -1): void {
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

  /** The next frame of this type that was not taken yet; earlier ones of other types are passed over. */
  async frame(type: MessageName): Promise<RawFrame> {
    return until(() => {
      while (this.taken < this.frames.length) {
        const frame = this.frames[this.taken++]
        if (frame?.type === type) return frame
      }
      if (this.closed) throw new Error(`closed with ${this.closed.code} while waiting for ${type}`)
      return null
    }, `frame ${type}`) as Promise<RawFrame>
  }

  /** How the link ended, when it has. */
  close(): Promise<RawClose> {
    return until(() => this.closed, 'close') as Promise<RawClose>
  }

  /** The subprotocol that the server chose. */
  get subprotocol(): string {
    return this.ws.protocol
  }

  /** The extensions that the server agreed to. */
  get extensions(): string {
    return this.ws.extensions
  }

  /** Bytes that have come over the wire, as they came: with HTTP and frame headers, and compressed. */
  get bytesRead(): number {
    return this.stream.bytesRead
  }

  /** Reads nothing more, so that what the server sends piles up. */
  pause(): void {
    this.stream.pause()
  }

  /** Reads on after {@link pause}. */
  resume(): void {
    this.stream.resume()
  }

  /** The connection beneath, which `ws` has but does not publish. */
  private get stream(): NetSocket {
    return (this.ws as unknown as { _socket: NetSocket })._socket
  }

  /** Closes the link with a close frame. */
  closeWith(code: number, reason = ''): void {
    this.ws.close(code, reason)
  }

  /** Cuts the link without a close frame. */
  terminate(): void {
    this.ws.terminate()
  }

  [Symbol.dispose](): void {
    this.ws.terminate()
  }
}
