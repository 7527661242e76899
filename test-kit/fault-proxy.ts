import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/**
 * What the proxy does with new links and with the bytes of those there are.
 *
 *   pass        bytes go through
 *   refuse      new links are cut at once, as by a machine where nobody listens; those there are stay
 *   black hole  new links are accepted and nothing is ever said on them; those there are stay
 *   stall       bytes wait, on links of both kinds, until `pass` is called
 */
type Mode = 'black hole' | 'pass' | 'refuse' | 'stall'

interface Link {
  readonly client: Socket
  /** null in a black hole. */
  readonly server: Socket | null
}

/** A TCP proxy on the loopback between clients and a server, for the faults that networks have. */
export class FaultProxy implements AsyncDisposable {
  /** Links that clients have opened so far, whatever became of them. */
  accepted = 0
  private mode: Mode = 'pass'
  private readonly links = new Set<Link>()
  private readonly listener: Server

  private constructor(private readonly serverPort: number) {
    this.listener = createServer((client) => this.onClient(client))
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

  /** Links that are open now. */
  get openLinks(): number {
    return this.links.size
  }

  /** Lets bytes through, those that waited first. */
  pass(): void {
    this.mode = 'pass'
    for (const { client, server } of this.links) {
      client.resume()
      server?.resume()
    }
  }

  /** Cuts new links at once. */
  refuse(): void {
    this.mode = 'refuse'
  }

  /** Accepts new links and says nothing on them. */
  blackHole(): void {
    this.mode = 'black hole'
  }

  /** Holds back all bytes, in both directions. */
  stall(): void {
    this.mode = 'stall'
    for (const { client, server } of this.links) {
      client.pause()
      server?.pause()
    }
  }

  /** Ends all links on both sides, with a FIN or a RST, in the middle of whatever they were doing. */
  cut(how: 'fin' | 'reset' = 'reset'): void {
    for (const link of this.links) {
      for (const socket of [link.client, link.server]) {
        if (how === 'reset') socket?.resetAndDestroy()
        else socket?.destroy()
      }
    }
    this.links.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.listener.close(resolve))
  }

  private onClient(client: Socket): void {
    this.accepted++
    client.on('error', () => {})
    if (this.mode === 'refuse') {
      client.resetAndDestroy()
      return
    }
    const server = this.mode === 'black hole' ? null : connect(this.serverPort, '127.0.0.1')
    const link: Link = { client, server }
    this.links.add(link)
    client.setNoDelay()
    client.on('close', () => {
      this.links.delete(link)
      server?.destroy()
    })
    if (server === null) return
    server.setNoDelay()
    server.on('error', () => {})
    server.on('close', () => client.destroy())
    // By hand and not with `pipe`, which would resume what `stall` has paused.
    client.on('data', (bytes) => server.write(bytes))
    server.on('data', (bytes) => client.write(bytes))
    if (this.mode === 'stall') {
      client.pause()
      server.pause()
    }
  }
}
