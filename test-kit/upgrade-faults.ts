import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { type CutHow, clearLinkFaults, createLinkFaults, FaultLink, reset } from './fault-link'
import { askServer, headText, readBody, refuseOn, type SeenRequest } from './http-relay'

/** What becomes of requests for an upgrade, and of the connections that they turn into. */
export class UpgradeFaults {
  private mode: 'hang' | 'pass' | 'refuse' = 'pass'
  private status = 403
  private resetMs: number | null = null
  private readonly faults = createLinkFaults()
  private readonly links = new Map<FaultLink, NodeJS.Timeout | undefined>()

  constructor(private readonly serverPort: number) {}

  /** Upgraded connections that are open. */
  get open(): number {
    return this.links.size
  }

  pass(): void {
    this.mode = 'pass'
    this.resetMs = null
    clearLinkFaults(this.faults)
    for (const link of [...this.links.keys()]) {
      this.scheduleReset(link)
      link.update()
    }
  }

  refuse(status: number): void {
    this.mode = 'refuse'
    this.status = status
  }

  hang(): void {
    this.mode = 'hang'
  }

  silence(): void {
    this.mode = 'pass'
    this.faults.up.swallows = true
    this.faults.down.swallows = true
    for (const link of [...this.links.keys()]) link.update()
  }

  resetAfter(ms: number): void {
    this.mode = 'pass'
    this.resetMs = ms
    for (const link of this.links.keys()) this.scheduleReset(link)
  }

  cut(how: CutHow): void {
    for (const link of [...this.links.keys()]) link.end(how)
  }

  /** Does with a request for an upgrade what is to be done now. */
  take(seen: SeenRequest, request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => {})
    if (this.mode === 'pass') return this.relay(seen, request, socket, head)
    socket.resume()
    if (this.mode === 'hang') {
      socket.on('end', () => socket.end())
      return
    }
    seen.status = this.status
    socket.end(headText(this.status, ['Content-Length', '0', 'Connection', 'close']))
  }

  private relay(seen: SeenRequest, request: IncomingMessage, client: Socket, clientHead: Buffer): void {
    const asked = askServer(this.serverPort, request)
    const abandon = () => asked.destroy()
    client.on('close', abandon)
    asked.on('upgrade', (answer, server, serverHead) => {
      client.off('close', abandon)
      seen.status = answer.statusCode ?? 0
      client.write(headText(101, answer.rawHeaders, answer.statusMessage))
      if (clientHead.length > 0) client.unshift(clientHead)
      if (serverHead.length > 0) server.unshift(serverHead)
      this.join(client, server)
    })
    asked.on('response', (answer) => {
      seen.status = answer.statusCode ?? 0
      readBody(answer).then(
        (body) => refuseOn(client, { head: answer, body }),
        () => reset(client),
      )
    })
    asked.on('error', () => {
      if (seen.status === null) reset(client)
    })
    asked.end()
  }

  private join(client: Socket, server: Socket): void {
    const link: FaultLink = new FaultLink(client, server, this.faults, () => {
      clearTimeout(this.links.get(link))
      this.links.delete(link)
    })
    this.links.set(link, undefined)
    this.scheduleReset(link)
  }

  private scheduleReset(link: FaultLink): void {
    clearTimeout(this.links.get(link))
    const timer = this.resetMs === null ? undefined : setTimeout(() => link.end('reset'), this.resetMs)
    this.links.set(link, timer)
  }
}
