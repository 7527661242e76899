import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import {
  type ArmedCut,
  type CutHow,
  clearLinkFaults,
  createLinkFaults,
  type Direction,
  FaultLink,
  type FlowFaults,
  reset,
} from './fault-link'

/** Which directions a fault is for: `up` is from the client to the server. */
export type Directions = Direction | 'both'

/** Options of {@link FaultProxy.cutAfter}. */
export interface CutAfterOptions {
  /**
   * With a FIN exactly these bytes arrive; a RST may overtake some of them. @default 'fin'
   */
  readonly how?: CutHow
  /** Whether every link is cut there, instead of the first only. @default false */
  readonly repeat?: boolean
}

/**
 * A TCP proxy on the loopback between clients and a server, for the faults that networks have.
 *
 * Each fault holds for links that are open and for new ones, and until `pass` ends them all, unless it says
 * otherwise. Faults of the two directions do not know each other, and add up: `slow(1_000, 'down')` with
 * `stall('up')` is both. {@link HttpFaultProxy} of `http-fault.ts` is for faults that have to understand HTTP.
 *
 *     await using proxy = await FaultProxy.start(server.port)
 *     proxy.cutAfter(1_000, 'down')              // in the middle of an answer
 *     proxy.swallow()                            // a cable that was pulled: both sides think they are connected
 *     await until(() => proxy.accepted === 2)    // the client has opened another link
 *
 * Sockets of the kernel hold some megabytes on the loopback. A sender notices that a link is slow or stalled when
 * these are full, not before.
 */
export class FaultProxy implements AsyncDisposable {
  /** Links that clients have opened so far, whatever became of them. */
  accepted = 0
  /** Links that `cutAfter` has cut so far. */
  cuts = 0
  private newLinks: 'accept' | 'black hole' | 'refuse' = 'accept'
  private readonly faults = createLinkFaults()
  private readonly links = new Set<FaultLink>()
  /** Links that were opened into a black hole. */
  private readonly lost = new Set<Socket>()
  private readonly listener: Server

  private constructor(
    /** Port that new links lead to. A test may change it, for a server that has moved. */
    public serverPort: number,
  ) {
    this.listener = createServer({ allowHalfOpen: true }, (client) => this.onClient(client))
  }

  /** Starts a proxy on a free port. @param serverPort  Port of the server on the loopback; nobody has to listen there yet. */
  static async start(serverPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(serverPort)
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
    return this.links.size + this.lost.size
  }

  /** Bytes that went through so far. */
  get forwarded(): Readonly<Record<Direction, number>> {
    return { up: this.faults.up.forwarded, down: this.faults.down.forwarded }
  }

  /**
   * Ends all faults. Bytes that waited go first; those that were swallowed are lost. Links of which one side has
   * closed meanwhile without the other being told are reset, and those in a black hole stay there.
   */
  pass(): void {
    this.newLinks = 'accept'
    clearLinkFaults(this.faults)
    this.update()
  }

  /** Cuts new links at once, as a machine does where nobody listens; open ones stay. */
  refuse(): void {
    this.newLinks = 'refuse'
  }

  /** Accepts new links and says nothing on them; open ones stay. They stay there, `pass` or not. */
  blackHole(): void {
    this.newLinks = 'black hole'
  }

  /** Holds back bytes: nothing is read, and the sender waits. New links are accepted. */
  stall(directions: Directions = 'both'): void {
    this.newLinks = 'accept'
    this.set(directions, { isStalled: true })
  }

  /**
   * Throws bytes away and tells neither side when the other closes, as a cable that was pulled: both sides stay
   * open. New links are connected to the server and are as silent; with `blackHole` or `refuse` they are not.
   */
  swallow(directions: Directions = 'both'): void {
    this.set(directions, { swallows: true, swallowsEnds: true })
  }

  /** Lets so many bytes a second through on each link, and reads no faster than that. */
  slow(bytesPerSecond: number, directions: Directions = 'both'): void {
    this.set(directions, { bytesPerSecond })
  }

  /**
   * Cuts the first link, open or new, on which so many bytes went through in a direction from now on; others stay,
   * and it has to be called again for the next one. Another call for the direction replaces it. `cuts` counts.
   */
  cutAfter(bytes: number, direction: Direction, options: CutAfterOptions = {}): void {
    const { how = 'fin', repeat = false } = options
    if (!(bytes >= 1)) throw new Error(`a link is cut after 1 byte or more, not ${bytes}`)
    const armedCut: ArmedCut = { bytes, how, repeat }
    this.set(direction, { armedCut })
  }

  /** Ends all open links on both sides, with a FIN or a RST, in the middle of whatever they were doing. */
  cut(how: CutHow = 'reset'): void {
    for (const link of [...this.links]) link.end(how)
    for (const client of this.lost) {
      if (how === 'reset') reset(client)
      else client.destroy()
    }
    this.lost.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse()
    this.cut()
    await new Promise((resolve) => this.listener.close(resolve))
  }

  private set(directions: Directions, faults: Partial<FlowFaults>): void {
    if (directions !== 'down') Object.assign(this.faults.up, faults)
    if (directions !== 'up') Object.assign(this.faults.down, faults)
    this.update()
  }

  private update(): void {
    for (const link of [...this.links]) link.update()
  }

  private onClient(client: Socket): void {
    this.accepted++
    client.on('error', () => {})
    if (this.newLinks === 'refuse') {
      reset(client)
      return
    }
    if (this.newLinks === 'black hole') return this.lose(client)
    const server = connect({ port: this.serverPort, host: '127.0.0.1', allowHalfOpen: true })
    const link: FaultLink = new FaultLink(client, server, this.faults, (wasCut) => {
      this.links.delete(link)
      if (wasCut) this.cuts++
    })
    this.links.add(link)
  }

  private lose(client: Socket): void {
    this.lost.add(client)
    client.resume()
    client.on('end', () => client.end())
    client.on('close', () => this.lost.delete(client))
  }
}
