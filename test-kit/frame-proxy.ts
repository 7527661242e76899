import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { TYPE_MASK } from '@roomcast/protocol'
import { WebSocket, WebSocketServer } from 'ws'
import type { Direction } from './fault-link'
import { FrameLink } from './frame-link'
import type { Random } from './random'

/** What becomes of a frame; `cut` loses it and ends its link on both sides without a close frame. */
export type FrameVerdict = 'cut' | 'drop' | 'pass' | 'twice'

/**
 * Decides about a frame.
 *
 * @param frame      Its bytes.
 * @param index      How many frames its link had before it in this direction.
 * @param direction  `up` is from the client to the server.
 * @param link       How many links there were before its own.
 */
export type FrameFilter = (frame: Uint8Array, index: number, direction: Direction, link: number) => FrameVerdict

/** A frame that did not just pass. */
export interface FrameFault {
  readonly verdict: Exclude<FrameVerdict, 'pass'>
  /** Message type, of MESSAGE_TYPES. */
  readonly type: number
  readonly direction: Direction
  readonly link: number
  readonly index: number
}

/** Options of a {@link FrameProxy}. */
export interface FrameProxyOptions {
  /** @default everything passes */
  readonly filter?: FrameFilter
  /** Message types that always pass, and that no filter is asked about. @default none: CONNECTED is as good as any */
  readonly spare?: (type: number) => boolean
}

/** How often what happens, each from 0 to 1. They add up, so that their sum is 1 at most. */
export interface FrameFaultRates {
  readonly drop?: number
  readonly twice?: number
  readonly cut?: number
  /** @default 'down' */
  readonly direction?: Direction | 'both'
}

const PASS: FrameFilter = () => 'pass'

/** A filter that throws dice for each frame; the same seed and the same frames give the same faults. */
export function randomFrameFaults(random: Random, rates: FrameFaultRates): FrameFilter {
  const { drop = 0, twice = 0, cut = 0, direction: wanted = 'down' } = rates
  if (!(drop + twice + cut <= 1)) throw new Error(`rates add up to ${drop + twice + cut}, more than 1`)
  return (_frame, _index, direction) => {
    if (wanted !== 'both' && direction !== wanted) return 'pass'
    const value = random.next()
    if (value < drop) return 'drop'
    if (value < drop + twice) return 'twice'
    return value < drop + twice + cut ? 'cut' : 'pass'
  }
}

/**
 * A WebSocket proxy on the loopback between clients and a server, for faults that whole frames have: no network loses a
 * frame and keeps the link, but a server that has sent too much does, and whoever counts frames has to notice.
 * {@link FaultProxy} of `fault-proxy.ts` is for what networks do.
 *
 *     const random = createRandom()
 *     await using proxy = await FrameProxy.start(server.port, { filter: randomFrameFaults(random, { drop: 0.05 }) })
 *     const client = io(proxy.url, { transports: ['websocket'] })
 *     proxy.filter = (frame, index, direction) => (direction === 'down' && index === 7 ? 'cut' : 'pass')
 *     proxy.pass()                                      // no faults from here on
 *     expect(proxy.count('drop')).toBeGreaterThan(0)    // otherwise the test has tested nothing
 *
 * Path, subprotocols, headers, text messages, pings and pongs, close codes and what the server refuses go through.
 * Compression is not offered to the server. Only WebSocket: anything else is answered with 404.
 */
export class FrameProxy implements AsyncDisposable {
  /** What happened to frames, in order. */
  readonly faults: FrameFault[] = []
  /** Frames that went through, by direction. */
  readonly passed: Record<Direction, number> = { up: 0, down: 0 }
  /** Links that clients have asked for so far, refused ones too. */
  accepted = 0
  /** For all links, open ones too. */
  filter: FrameFilter
  private readonly spare: (type: number) => boolean
  private readonly links = new Set<FrameLink>()
  /** WebSockets to the server that are not open yet. */
  private readonly opening = new Set<WebSocket>()
  private readonly subprotocols = new WeakMap<IncomingMessage, string>()
  private readonly upgrades = new WebSocketServer({
    noServer: true,
    autoPong: false,
    perMessageDeflate: false,
    handleProtocols: (_offered, request) => this.subprotocols.get(request) ?? false,
  })
  private readonly listener: Server

  private constructor(
    /** Port that new links lead to. A test may change it, for a server that has moved. */
    public serverPort: number,
    { filter = PASS, spare = () => false }: FrameProxyOptions,
  ) {
    this.filter = filter
    this.spare = spare
    this.listener = createServer((_request, answer) => answer.writeHead(404).end())
    this.listener.on('upgrade', (request, socket, head) => this.onUpgrade(request, socket, head))
  }

  /** Starts a proxy on a free port. @param serverPort  Port of the server on the loopback; nobody has to listen there yet. */
  static async start(serverPort: number, options: FrameProxyOptions = {}): Promise<FrameProxy> {
    const proxy = new FrameProxy(serverPort, options)
    await new Promise<void>((resolve) => proxy.listener.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  /** Port that clients connect to. */
  get port(): number {
    return (this.listener.address() as AddressInfo).port
  }

  /** Address for clients. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Links that are open now, on one side at least. */
  get openLinks(): number {
    return this.links.size
  }

  /** How many frames this happened to, of all types or of one. */
  count(verdict: FrameFault['verdict'], type?: number): number {
    return this.faults.filter((fault) => fault.verdict === verdict && (type === undefined || fault.type === type))
      .length
  }

  /** Lets everything through from now on. */
  pass(): void {
    this.filter = PASS
  }

  /** Ends all open links on both sides, without a close frame. */
  cut(): void {
    for (const link of [...this.links]) link.cut()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.opening) server.terminate()
    this.cut()
    this.listener.closeAllConnections()
    await new Promise((resolve) => this.listener.close(resolve))
  }

  private onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const number = this.accepted++
    socket.on('error', () => {})
    const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? []
    const url = `ws://127.0.0.1:${this.serverPort}${request.url}`
    const server = new WebSocket(url, offered, {
      headers: headersOf(request),
      autoPong: false,
      perMessageDeflate: false,
    })
    this.opening.add(server)
    let isAnswered = false
    const onGone = () => server.terminate()
    socket.on('close', onGone)
    server.on('error', () => {})
    server.on('close', () => {
      this.opening.delete(server)
      if (!isAnswered) socket.destroy()
    })
    server.on('unexpected-response', (_request, answer) => {
      isAnswered = true
      refuse(socket, answer, () => server.terminate())
    })
    server.on('open', () => {
      isAnswered = true
      this.opening.delete(server)
      socket.off('close', onGone)
      if (server.protocol !== '') this.subprotocols.set(request, server.protocol)
      this.upgrades.handleUpgrade(request, socket, head, (client) => this.join(client, server, number))
    })
  }

  private join(client: WebSocket, server: WebSocket, number: number): void {
    const link = new FrameLink(
      client,
      server,
      (frame, index, direction) => this.judge(frame, index, direction, number),
      () => this.links.delete(link),
    )
    this.links.add(link)
  }

  private judge(frame: Uint8Array, index: number, direction: Direction, link: number): FrameVerdict {
    const type = (frame[0] ?? 0) & TYPE_MASK
    const verdict = this.spare(type) ? 'pass' : this.filter(frame, index, direction, link)
    if (verdict === 'pass' || verdict === 'twice') this.passed[direction]++
    if (verdict !== 'pass') this.faults.push({ verdict, type, direction, link, index })
    return verdict
  }
}

/** Headers that belong to one hop, and those that the other WebSocket makes itself. */
const OF_THE_HOP = /^(connection|upgrade|host|sec-websocket-.*)$/

function headersOf(request: IncomingMessage): Record<string, string | string[]> {
  const entries = Object.entries(request.headers).filter(([name]) => !OF_THE_HOP.test(name))
  return Object.fromEntries(entries) as Record<string, string | string[]>
}

/** Hands on the refusal of an upgrade. @param onRead  Called when it has been read. */
function refuse(socket: Duplex, answer: IncomingMessage, onRead: () => void): void {
  const chunks: Buffer[] = []
  answer.on('data', (chunk: Buffer) => chunks.push(chunk))
  answer.on('error', () => socket.destroy())
  answer.on('end', () => {
    const body = Buffer.concat(chunks)
    const type = answer.headers['content-type'] ?? 'text/plain'
    socket.write(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\ncontent-type: ${type}\r\n`)
    socket.write(`content-length: ${body.length}\r\nconnection: close\r\n\r\n`)
    socket.end(body)
    onRead()
  })
}
