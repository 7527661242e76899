import { Agent, request as httpRequest } from 'node:http'
import {
  createCompactCodec,
  createHeader,
  encodeFrame,
  type FrameFields,
  MESSAGE_TYPES,
  type MessageName,
  POLL_CONTENT_TYPE,
  POLL_HEADERS,
  POLL_ROUTE,
  readBatch,
  readHeader,
  writeBatch,
} from '@roomcast/protocol'
import type { HttpAnswer } from './http'
import type { RawFrame } from './raw-client'
import { until } from './wait'

const NAMES = new Map<number, MessageName>(
  Object.entries(MESSAGE_TYPES).map(([name, type]) => [type, name as MessageName]),
)

/** Options of a {@link RawPoller}. */
export interface PollerOptions {
  /** Sent with every request. */
  readonly headers?: Record<string, string>
  readonly path?: string
}

/** One request; what is left out is as a well-behaved client would send it. */
export interface PollRequest {
  readonly method: string
  readonly headers?: Record<string, string | undefined>
  readonly body?: Uint8Array | string
  readonly path?: string
  readonly signal?: AbortSignal
}

/** The frames of a polling answer, in order, with the number of the first. */
export interface Batch {
  readonly first: number
  readonly frames: readonly RawFrame[]
}

/** Reads a frame. */
function decode(bytes: Uint8Array): RawFrame {
  const { type, namespace, ackId, event, bodyStart } = readHeader(bytes, createHeader())
  const body = createCompactCodec().decode(bytes, bodyStart)
  return { type: NAMES.get(type) ?? 'ERROR', namespace, ackId, event, body, bytes: new Uint8Array(bytes) }
}

/**
 * A client that speaks polling HTTP, for what the real one would never send. It asks only when it is told to: see
 * {@link poll}, or {@link start} for a loop. Numbers are kept as a well-behaved client would; extend it by sending other
 * requests with {@link request}, which checks nothing.
 */
export class RawPoller implements Disposable {
  /** Name and secret of the session; '' before it is open. */
  session = ''
  /** Number of the last frame received. */
  received = 0
  /** Number of the last POST. */
  seq = 0
  /** Every frame, once, in order. */
  readonly frames: RawFrame[] = []
  /** How a polling loop ended. */
  ended: HttpAnswer | null = null
  private taken = 0
  private isLooping = false
  private isAbandoned = false
  private readonly codec = createCompactCodec()
  private readonly agent = new Agent({ keepAlive: true })
  private readonly stop = new AbortController()

  constructor(
    private readonly port: number,
    private readonly options: PollerOptions = {},
  ) {}

  /** Opens a session. @throws if it is refused. */
  static async open(port: number, options: PollerOptions = {}): Promise<RawPoller> {
    const poller = new RawPoller(port, options)
    const answer = await poller.request({ method: 'POST', headers: { [POLL_HEADERS.session]: undefined } })
    if (answer.status !== 200) throw new Error(`not opened: ${answer.status} ${answer.text}`)
    poller.session = answer.text
    return poller
  }

  /** Opens a session, connects a namespace and takes the answer. */
  static async connect(port: number, nsp = '/', auth?: unknown, options: PollerOptions = {}): Promise<RawPoller> {
    const poller = await RawPoller.open(port, options)
    await poller.send({ type: MESSAGE_TYPES.CONNECT }, { nsp, auth })
    await poller.poll()
    await poller.frame('CONNECTED')
    return poller
  }

  /** Sends one request. */
  request({ method, headers = {}, body, path, signal }: PollRequest): Promise<HttpAnswer> {
    const all: Record<string, string | number | undefined> = {
      ...(this.session !== '' && { [POLL_HEADERS.session]: this.session }),
      ...(method === 'POST' && { 'content-type': POLL_CONTENT_TYPE, 'content-length': Buffer.byteLength(body ?? '') }),
      ...this.options.headers,
      ...headers,
    }
    const defined = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
    const { path: base = '/roomcast' } = this.options
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(
        {
          host: '127.0.0.1',
          port: this.port,
          method,
          path: path ?? `${base}/${POLL_ROUTE}`,
          headers: defined,
          agent: this.agent,
          signal: signal ?? this.stop.signal,
        },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.on('error', reject)
          answer.on('end', () => {
            const bytes = Buffer.concat(chunks)
            const { statusCode = 0, headers: answered } = answer
            resolve({ status: statusCode, headers: answered, body: bytes, text: bytes.toString('utf8') })
          })
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  /** Sends a POST with any bytes. @param seq  The next number unless given. */
  post(body: Uint8Array, seq = this.seq + 1): Promise<HttpAnswer> {
    this.seq = Math.max(this.seq, seq)
    return this.request({ method: 'POST', headers: { [POLL_HEADERS.seq]: String(seq) }, body })
  }

  /** Sends a well-made frame, and waits for the answer. @throws if it is not 204. */
  async send(fields: FrameFields, body: unknown): Promise<void> {
    const frame = encodeFrame(this.codec, fields, body)
    const answer = await this.post(writeBatch([frame], -1))
    if (answer.status !== 204) throw new Error(`not taken: ${answer.status} ${answer.text}`)
  }

  /** Sends an event. */
  emit(event: string, args: unknown[] = [], ackId = -1): Promise<void> {
    return this.send({ type: MESSAGE_TYPES.EVENT, event, ackId }, args)
  }

  /** Bytes of a frame of this client. */
  encode(fields: FrameFields, body: unknown): Uint8Array {
    return encodeFrame(this.codec, fields, body).slice()
  }

  /** Sends a GET, and leaves the answer alone. @param received  What has arrived, unless given. */
  get(received = this.received, signal?: AbortSignal): Promise<HttpAnswer> {
    const headers = { [POLL_HEADERS.seq]: String(received) }
    return this.request(signal === undefined ? { method: 'GET', headers } : { method: 'GET', headers, signal })
  }

  /** Sends a GET, and takes the frames of its answer. @returns null for an answer without frames. */
  async poll(): Promise<Batch | null> {
    const answer = await this.get()
    if (answer.status === 204) return null
    if (answer.status !== 200) throw new Error(`poll: ${answer.status} ${answer.text}`)
    return this.take(answer)
  }

  /** Takes the frames of an answer: those that are new. */
  take(answer: HttpAnswer): Batch {
    const { first, frames } = readAnswer(answer)
    frames.forEach((frame, index) => {
      if (first + index !== this.received + 1) return
      this.received++
      this.frames.push(frame)
    })
    return { first, frames }
  }

  /** Polls until the session is over, or the scope ends. The answer that ended it is in {@link ended}. */
  start(): this {
    if (this.isLooping) return this
    this.isLooping = true
    const loop = async () => {
      while (this.isLooping) {
        const answer = await this.get()
        if (answer.status === 200) this.take(answer)
        else if (answer.status !== 204) {
          this.ended = answer
          return
        }
      }
    }
    loop().catch(() => {})
    return this
  }

  /** Lets a loop end with the answer to come. */
  pause(): void {
    this.isLooping = false
  }

  /** The next frame of this type that was not taken yet; earlier ones of other types are passed over. Needs a loop. */
  frame(type: MessageName): Promise<RawFrame> {
    return until(() => {
      while (this.taken < this.frames.length) {
        const frame = this.frames[this.taken++]
        if (frame?.type === type) return frame
      }
      if (this.ended) throw new Error(`ended with ${this.ended.status} ${this.ended.text} while waiting for ${type}`)
      return null
    }, `frame ${type}`) as Promise<RawFrame>
  }

  /** Names of the events received. */
  get events(): (number | string)[] {
    return this.frames.filter(({ type }) => type === 'EVENT').map(({ event }) => event)
  }

  /** Cuts what is under way, without a word to the server. */
  abandon(): void {
    this.isAbandoned = true
    this.isLooping = false
    this.stop.abort()
    this.agent.destroy()
  }

  /** Leaves, unless it is gone already: a server that closes would wait a second for a client that may still ask. */
  [Symbol.dispose](): void {
    const isThere = this.session !== '' && !this.isAbandoned
    this.isLooping = false
    this.stop.abort()
    if (!isThere) return this.agent.destroy()
    const left = this.request({ method: 'DELETE', signal: AbortSignal.timeout(LEAVE_MS) })
    left.catch(() => {}).finally(() => this.agent.destroy())
  }
}

/** How long the last request may take. */
const LEAVE_MS = 1_000

/** The frames of a polling answer. */
export function readAnswer(answer: HttpAnswer): Batch {
  let first = 0
  const frames: RawFrame[] = []
  readBatch(answer.body, (bytes, number) => {
    if (frames.length === 0) first = number
    frames.push(decode(bytes))
  })
  return { first, frames }
}
