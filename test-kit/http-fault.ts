import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { AnswerFaults } from './answer-faults'
import { type CutHow, reset } from './fault-link'
import { FaultProxy } from './fault-proxy'
import { askServer, matches, type RequestMatcher, RequestRules, readBody, type SeenRequest } from './http-relay'
import { UpgradeFaults } from './upgrade-faults'

/** When a duplicate of a POST is sent. */
export type DuplicateTime = 'after' | 'before' | 'late' | 'together'

/**
 * A proxy on the loopback that understands HTTP, for what middleboxes do. In front of it is a {@link FaultProxy},
 * `tcp`, for the faults of the network beneath:
 *
 *     client ── tcp ── HTTP ── server
 *
 *     await using proxy = await HttpFaultProxy.start(server.port)
 *     proxy.refuseUpgrade()                       // no WebSocket here
 *     proxy.loseAnswer('POST')                    // the next one is handled, and nobody learns of it
 *     await until(() => proxy.lostAnswers === 1)
 *     proxy.tcp.cut()
 *
 * Faults add up, and hold until `pass`, for requests that are under way too where that means anything. Each request
 * goes to the server on a connection of its own; when a client ends a request, or the server an answer, in the middle,
 * the other side sees it.
 */
export class HttpFaultProxy implements AsyncDisposable {
  /** Every request so far whose head has come in, in this order. */
  readonly requests: SeenRequest[] = []
  /** Status of the answer to each duplicate so far; 0 if there was none. */
  readonly duplicates: number[] = []
  /** The proxy in front, which clients connect to: for faults that know nothing of HTTP. */
  readonly tcp: FaultProxy
  private readonly upgradeFaults: UpgradeFaults
  private readonly answers = new AnswerFaults()
  private readonly failures = new RequestRules<number>()
  private readonly lostRequests = new RequestRules<true>()
  private readonly duplicated = new RequestRules<DuplicateTime>()
  private lateDuplicates: (() => void)[] = []

  private constructor(
    private readonly http: Server,
    tcp: FaultProxy,
    private readonly serverPort: number,
  ) {
    this.tcp = tcp
    this.upgradeFaults = new UpgradeFaults(serverPort)
    // Connections stay open as long as the client likes.
    Object.assign(http, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 })
    http.on('request', (request, answer) => this.onRequest(request, answer))
    http.on('upgrade', (request, socket, head) => {
      this.upgradeFaults.take(this.see(request, 'upgrade'), request, socket as Socket, head)
    })
    http.on('clientError', (_error, socket) => socket.destroy())
  }

  /** Starts both proxies on free ports. @param serverPort  Port of the server on the loopback; nobody has to listen there yet. */
  static async start(serverPort: number): Promise<HttpFaultProxy> {
    const http = createServer({ noDelay: true })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const tcp = await FaultProxy.start((http.address() as AddressInfo).port)
    return new HttpFaultProxy(http, tcp, serverPort)
  }

  /** Port that clients connect to. */
  get port(): number {
    return this.tcp.port
  }

  /** Address for clients. */
  get url(): string {
    return this.tcp.url
  }

  /** Requests for an upgrade so far. */
  get upgrades(): number {
    return this.count(({ kind }) => kind === 'upgrade')
  }

  /** GETs so far, upgrades aside. */
  get gets(): number {
    return this.count('GET')
  }

  /** POSTs so far; a duplicate is not a request. */
  get posts(): number {
    return this.count('POST')
  }

  /** Requests so far that match. */
  count(which: RequestMatcher): number {
    return this.requests.filter((seen) => matches(which, seen)).length
  }

  /** Upgraded connections that are open now. */
  get openUpgrades(): number {
    return this.upgradeFaults.open
  }

  /** Answers that wait, by `holdAnswers` or `reorderAnswers`. */
  get heldAnswers(): number {
    return this.answers.waiting
  }

  /** Answers so far that their clients did not get, or got a part of. */
  get lostAnswers(): number {
    return this.answers.lost
  }

  /** Ends all faults, those of `tcp` too, and delivers what was held. What hangs or was lost stays so. */
  pass(): void {
    this.tcp.pass()
    this.upgradeFaults.pass()
    for (const rules of [this.failures, this.lostRequests, this.duplicated]) rules.clear()
    this.lateDuplicates = []
    this.answers.pass()
  }

  /** Ends all open links, those of requests and upgraded ones. */
  cut(how: CutHow = 'reset'): void {
    this.tcp.cut(how)
  }

  /** Answers requests for an upgrade with this status, without asking the server. Open ones stay. */
  refuseUpgrade(status = 403): void {
    this.upgradeFaults.refuse(status)
  }

  /** Never answers requests for an upgrade, and keeps their links open. Open ones stay. */
  hangUpgrade(): void {
    this.upgradeFaults.hang()
  }

  /** Upgrades work, and then nothing arrives in either direction but the end; on open ones from now on. */
  silenceUpgrade(): void {
    this.upgradeFaults.silence()
  }

  /** Resets upgraded connections so long after the upgrade; open ones so long from now. */
  resetUpgradeAfter(ms: number): void {
    this.upgradeFaults.resetAfter(ms)
  }

  /** Ends the upgraded connections that are open now; requests stay. */
  cutUpgrades(how: CutHow = 'reset'): void {
    this.upgradeFaults.cut(how)
  }

  /**
   * Holds each answer, head and all, until so many bytes of its body are there, and then until there are as many
   * again; what is left when it ends goes then. For answers that begin from now on.
   *
   * @param bytes  Infinity for the end only.
   */
  bufferAnswers(bytes = Number.POSITIVE_INFINITY): void {
    this.answers.bufferBytes = bytes
  }

  /**
   * Sends POSTs to the server twice, the duplicate on a connection of its own. Its answer is thrown away and noted in
   * `duplicates`. `when`:
   *
   *   together   both at once, in any order
   *   before     the duplicate has been answered before the request is sent: the client gets the second answer
   *   after      as soon as the client was sent the answer to the request
   *   late       as soon as a client was sent the answer to another POST after it
   */
  duplicatePosts(
    when: DuplicateTime = 'together',
    which: RequestMatcher = 'POST',
    times = Number.POSITIVE_INFINITY,
  ): void {
    this.duplicated.add(which, times, when)
  }

  /** The server handles the requests, and their answers are not sent: when they are complete, the links are cut. */
  loseAnswer(which: RequestMatcher, times = 1, how: CutHow = 'reset'): void {
    this.answers.losses.add(which, times, { afterBytes: undefined, how })
  }

  /** As {@link loseAnswer}, but the head and so many bytes of the body are sent before the cut. */
  cutAnswer(which: RequestMatcher, afterBytes: number, times = 1): void {
    this.answers.losses.add(which, times, { afterBytes, how: 'fin' })
  }

  /** The requests never reach the server: their links are cut as soon as the head is there. */
  loseRequest(which: RequestMatcher, times = 1): void {
    this.lostRequests.add(which, times, true)
  }

  /** Answers requests with this status and a page of HTML, as a gateway does without its server, or a hotel's network. */
  failRequests(status: number, which: RequestMatcher, times = 1): void {
    this.failures.add(which, times, status)
  }

  /** The next answers, when they are complete, wait for {@link releaseAnswers}. */
  holdAnswers(which: RequestMatcher, times = 1): void {
    this.answers.holds.add(which, times, 'release')
  }

  /** Delivers all answers that wait, the oldest first. */
  releaseAnswers(): void {
    this.answers.release()
  }

  /**
   * The next answers, when they are complete, wait until the answer to another request was sent, whichever comes next.
   * Where it has to be a certain one, or where it has to have arrived, use {@link holdAnswers}.
   */
  reorderAnswers(which: RequestMatcher = 'GET', times = 1): void {
    this.answers.holds.add(which, times, 'next answer')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.upgradeFaults.cut('reset')
    await this.tcp[Symbol.asyncDispose]()
    this.http.closeAllConnections()
    await new Promise((resolve) => this.http.close(resolve))
  }

  private see(request: IncomingMessage, kind: SeenRequest['kind']): SeenRequest {
    const { method = '', url: path = '', headers } = request
    const seen: SeenRequest = { kind, method, path, headers, status: null }
    this.requests.push(seen)
    return seen
  }

  private onRequest(request: IncomingMessage, answer: ServerResponse): void {
    const seen = this.see(request, 'http')
    request.on('error', () => {})
    answer.on('error', () => {})
    answer.on('finish', () => this.onAnswered(seen))
    if (this.lostRequests.take(seen) !== undefined) {
      reset(request.socket)
      return
    }
    const status = this.failures.take(seen)
    if (status !== undefined) {
      request.resume()
      seen.status = status
      answer.writeHead(status, { 'content-type': 'text/html' }).end(`<h1>${status}</h1>`)
      return
    }
    const when = this.duplicated.take(seen)
    if (when === undefined) {
      const asked = this.ask(seen, request, answer)
      request.pipe(asked)
      return
    }
    readBody(request).then(
      (body) => this.sendTwice(seen, request, answer, body, when),
      () => {},
    )
  }

  private async sendTwice(
    seen: SeenRequest,
    request: IncomingMessage,
    answer: ServerResponse,
    body: Buffer,
    when: DuplicateTime,
  ): Promise<void> {
    const duplicate = () => this.sendDuplicate(request, body)
    if (when === 'before') await duplicate()
    if (when === 'together') duplicate()
    if (when === 'after') answer.once('finish', duplicate)
    if (when === 'late') answer.once('finish', () => this.lateDuplicates.push(duplicate))
    if (!answer.destroyed) this.ask(seen, request, answer).end(body)
  }

  private sendDuplicate(request: IncomingMessage, body: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const note = (status: number) => {
        this.duplicates.push(status)
        resolve()
      }
      const asked = askServer(this.serverPort, request)
      asked.on('response', (head) => {
        readBody(head).then(
          () => note(head.statusCode ?? 0),
          () => note(0),
        )
      })
      asked.on('error', () => note(0))
      asked.end(body)
    })
  }

  /** Asks the server, and hands the answer on. */
  private ask(seen: SeenRequest, request: IncomingMessage, answer: ServerResponse) {
    const asked = askServer(this.serverPort, request)
    const lose = () => reset(request.socket)
    let isAnswered = false
    asked.on('response', (head) => {
      isAnswered = true
      // A server may answer before it has read everything.
      request.unpipe(asked).resume()
      seen.status = head.statusCode ?? 0
      this.answers.handOn(seen, head, answer).catch(lose)
    })
    asked.on('error', () => {
      if (!isAnswered) lose()
    })
    answer.on('close', () => {
      if (!answer.writableFinished) asked.destroy()
    })
    return asked
  }

  /** An answer was sent: what has waited for that goes now. */
  private onAnswered(seen: SeenRequest): void {
    this.answers.onSent()
    if (seen.method !== 'POST') return
    const late = this.lateDuplicates
    this.lateDuplicates = []
    for (const send of late) send()
  }
}
