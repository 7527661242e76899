import { callListener, isThenable } from '@roomcast/protocol'
import type { Runtime } from '../api/runtime'
import type { Soon } from '../cluster/engine'
import { type HandshakeSource, packHeaders, unpackHeaders } from '../connection/handshake'
import type { ResolvedServerOptions, UpgradeRequest } from '../options/server-options'
import type { Refusal } from './admission'
import { clientAddress } from './client-address'
import type { Connections } from './connections'
import type { Door } from './door'
import type { HttpExchange } from './http-exchange'
import { SharedTexts } from './shared-texts'

/** Told of each request for a connection that was not admitted. */
export type RefusalListener = (refusal: Refusal, request: UpgradeRequest) => void

type Header = readonly [name: string, value: string]

/** Means nothing once the link is open, and would make every block of headers longer. RFC 6455 section 4.1. */
const NONCE_HEADER = 'sec-websocket-key'

const SHUTTING_DOWN: Refusal = {
  status: '503 Service Unavailable',
  code: 'REQUEST_REFUSED',
  message: 'the server is shutting down',
}

/** Longer ones are of one client alone, in all likelihood. */
const HEADER_BLOCK_CHARS = 1_024

const REFUSED_BY_HOOK = 'the connection was refused'

/** What both transports do with a well-made request for a connection. */
export class Reception {
  private readonly headerBlocks = new SharedTexts()

  constructor(
    private readonly options: ResolvedServerOptions,
    private readonly runtime: Runtime,
    private readonly connections: Connections,
    private readonly door: Door,
    private readonly onRefusal: RefusalListener,
  ) {}

  /** Asks whether anybody may come in, then the application. @returns null if the client may. */
  ask(exchange: HttpExchange): Soon<Refusal | null> {
    const { allowRequest } = this.options
    const address = this.addressOf(exchange)
    if (this.connections.isClosing) return SHUTTING_DOWN
    const refusal = this.door.knock(address)
    if (refusal !== null || allowRequest === undefined) return refusal
    return this.askHook(allowRequest, this.toUpgradeRequest(exchange)).then((message) =>
      message === null
        ? this.lastWord(exchange)
        : ({ status: '403 Forbidden', code: 'REQUEST_REFUSED', message } satisfies Refusal),
    )
  }

  /** To be asked again right before a connection opens: others may have come while the application was asked. */
  lastWord(exchange: HttpExchange): Refusal | null {
    return this.connections.isClosing ? SHUTTING_DOWN : this.door.refusal(this.addressOf(exchange))
  }

  /** Milliseconds that clients are to stay away, when the server shuts down and says so. */
  get retryAfterMs(): number | undefined {
    return this.connections.retryAfterMs
  }

  /** Headers of a refusal besides its type: how long to stay away. RFC 9110 section 10.2.3. */
  refusalHeaders(refusal: Refusal): readonly Header[] {
    const retryAfterMs = refusal.status.startsWith('503')
      ? (this.connections.retryAfterMs ?? refusal.retryAfterMs)
      : refusal.retryAfterMs
    if (retryAfterMs === undefined) return []
    return [['retry-after', String(Math.ceil(retryAfterMs / 1000))]]
  }

  /** Refuses a request for a connection, and tells the application. */
  refuse(refusal: Refusal, exchange: HttpExchange, answer: () => void): void {
    // First: behind the answer the engine does not know any more who it was.
    const request = this.toUpgradeRequest(exchange)
    answer()
    this.onRefusal(refusal, request)
  }

  /**
   * What is kept of the request.
   *
   * @param usualUrl  Nearly all clients ask for the same URL: one string for them.
   */
  source(exchange: HttpExchange, usualUrl: string): HandshakeSource {
    return {
      headerBlock: this.packed(exchange),
      url: exchange.url === usualUrl ? usualUrl : exchange.url,
      address: this.addressOf(exchange),
      issued: Date.now(),
    }
  }

  /** The same string for the same headers: clients of one kind send no others. What tells who somebody is, is not kept for others. */
  private packed(exchange: HttpExchange): string {
    const headerBlock = packHeaders(exchange.headers, NONCE_HEADER)
    const isPersonal = exchange.header('cookie') !== undefined || exchange.header('authorization') !== undefined
    return isPersonal || headerBlock.length > HEADER_BLOCK_CHARS ? headerBlock : this.headerBlocks.share(headerBlock)
  }

  private toUpgradeRequest(exchange: HttpExchange): UpgradeRequest {
    return {
      // Others are refused before anybody is asked.
      method: exchange.method === 'POST' ? 'POST' : 'GET',
      url: exchange.url,
      headers: unpackHeaders(packHeaders(exchange.headers)),
      address: this.addressOf(exchange),
    }
  }

  private addressOf(exchange: HttpExchange): string {
    return clientAddress(exchange.address, exchange.header('x-forwarded-for'), this.options.trustedProxies)
  }

  /** @returns null if the hook accepts, else the reason for the client. */
  private askHook(
    hook: NonNullable<ResolvedServerOptions['allowRequest']>,
    request: UpgradeRequest,
  ): Promise<string | null> {
    return new Promise((resolve) => {
      const callback = (error: string | null | undefined, isAccepted: boolean) =>
        resolve(isAccepted && !error ? null : error || REFUSED_BY_HOOK)
      const ask = () => {
        const result = hook(request, callback)
        return isThenable(result) ? result.then((isAccepted) => callback(null, isAccepted)) : undefined
      }
      callListener(ask, undefined, [], (error) => {
        this.runtime.reportFault(error, { where: 'http handler', name: 'allowRequest' })
        resolve(REFUSED_BY_HOOK)
      })
    })
  }
}
