import { RoomcastError } from '@roomcast/protocol'
import type { EngineRequest, EngineResponse } from './engine-types'

const PLAIN_TEXT: readonly (readonly [string, string])[] = [['content-type', 'text/plain; charset=utf-8']]

/** Frees what a request or an answer holds. */
type Release = () => void

/**
 * One HTTP request and its answer, without the engine's traps: the abort handler is attached before
 * anything else (a handler without one aborts the process), what is needed of the request is copied
 * (it is gone after the handler), every write is corked, and nothing is written twice or after an abort.
 */
export class HttpExchange {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  private knownAddress: string | null = null
  private phase: 'aborted' | 'ended' | 'open' | 'streaming' = 'open'
  private onGone: Release | null = null
  private readonly releases: Release[] = []

  constructor(
    private readonly res: EngineResponse,
    req: EngineRequest,
  ) {
    res.onAborted(() => {
      this.phase = 'aborted'
      this.onGone?.()
      for (const release of this.releases) release()
    })
    this.method = (req.getCaseSensitiveMethod?.() ?? req.getMethod()).toUpperCase()
    const query = req.getQuery()
    this.url = query ? `${req.getUrl()}?${query}` : req.getUrl()
    const headers: [string, string][] = []
    req.forEach((name, value) => {
      headers.push([name, value])
    })
    this.headers = headers
  }

  /**
   * Address of the peer. Has to be asked for a first time in the same turn as the handler and before the answer, or the engine has
   * forgotten it. Not read before: that takes 1.5 to 3 µs, and nobody asks for it with the requests of a polling session.
   */
  get address(): string {
    this.knownAddress ??= readAddress(this.res)
    return this.knownAddress
  }

  /** Whether the client is still there. */
  get isOpen(): boolean {
    return this.phase === 'open' || this.phase === 'streaming'
  }

  /** Value of a header by lower-case name, undefined if absent; a header sent twice is joined with ", ". */
  header(name: string): string | undefined {
    let joined: string | undefined
    for (const header of this.headers) {
      if (header[0] === name) joined = joined === undefined ? header[1] : `${joined}, ${header[1]}`
    }
    return joined
  }

  /** Calls `release` when the client is gone before the answer has ended. */
  whenGone(release: Release): void {
    if (this.phase === 'aborted') release()
    else this.releases.push(release)
  }

  /** More than one Content-Length: the engine believes the first and parses the rest as another request. */
  get hasRepeatedLength(): boolean {
    return this.header('content-length')?.includes(',') === true
  }

  /**
   * Reads the body. Has to be called in the same turn as the handler.
   *
   * @param onBytes  Called when some of it has come.
   * @returns The bytes; null if there are more than `limitBytes`, or if the client is gone.
   */
  readBody(limitBytes: number, onBytes?: () => void): Promise<Uint8Array<ArrayBuffer> | null> {
    return new Promise((resolve) => {
      const chunks: Uint8Array[] = []
      let size = 0
      this.onGone = () => resolve(null)
      this.res.onData((chunk, isLast) => {
        size += chunk.byteLength
        onBytes?.()
        if (size > limitBytes) {
          chunks.length = 0
          resolve(null)
          return
        }
        // The engine takes the chunk back after this callback.
        chunks.push(new Uint8Array(chunk.slice(0)))
        if (isLast) resolve(new Uint8Array(Buffer.concat(chunks, size)))
      })
    })
  }

  /**
   * Answers with a whole body.
   *
   * @param status   Code and phrase, as in "404 Not Found".
   * @param headers  Without Content-Length, which is set here.
   */
  end(status: string, headers: Iterable<readonly [string, string]>, body: Uint8Array | string): void {
    if (this.phase !== 'open') return
    const checked = checkHead(status, headers)
    this.phase = 'ended'
    this.res.cork(() => {
      this.writeHead(status, checked)
      if (this.method === 'HEAD') this.res.endWithoutBody(Buffer.byteLength(body))
      else this.res.end(body)
    })
  }

  /** Answers a request whose body was not read to the end, and closes the connection. */
  endAndClose(status: string, body: string, headers: Iterable<readonly [string, string]> = PLAIN_TEXT): void {
    if (this.phase !== 'open') return
    const checked = checkHead(status, headers)
    this.phase = 'ended'
    this.res.cork(() => {
      this.writeHead(status, checked)
      this.res.end(body, true)
    })
  }

  /** Cuts the connection: for requests that cannot be answered safely, and answers that cannot be finished. */
  destroy(): void {
    if (!this.isOpen) return
    this.phase = 'ended'
    this.res.close()
  }

  /** Answers without a body: 204, 304. */
  endEmpty(status: string, headers: Iterable<readonly [string, string]>): void {
    if (this.phase !== 'open') return
    const checked = checkHead(status, headers)
    this.phase = 'ended'
    this.res.cork(() => {
      this.writeHead(status, checked)
      this.res.endWithoutBody()
    })
  }

  /** Begins an answer of unknown length; follow with {@link write} and {@link finish}. */
  begin(status: string, headers: Iterable<readonly [string, string]>): void {
    if (this.phase !== 'open') return
    const checked = checkHead(status, headers)
    this.phase = 'streaming'
    this.res.cork(() => this.writeHead(status, checked))
  }

  /** Writes a chunk; resolves when the next may follow, with false once the client is gone. */
  write(chunk: Uint8Array): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.phase !== 'streaming') return resolve(false)
      this.onGone = () => resolve(false)
      this.res.onWritable(() => {
        resolve(true)
        return true
      })
      let isTaken = true
      // One write per cork: two that exceed 16 KB together corrupt the stream of a blocked client.
      this.res.cork(() => {
        isTaken = this.res.write(chunk)
      })
      if (isTaken) resolve(true)
    })
  }

  /** Ends a streamed answer. */
  finish(): void {
    if (this.phase !== 'streaming') return
    this.phase = 'ended'
    this.res.cork(() => this.res.end())
  }

  /** Upgrades to a WebSocket, if the client is still there. */
  upgrade<Data>(data: Data, key: string, protocol: string, extensions: string, context: unknown): void {
    if (this.phase !== 'open') return
    this.phase = 'ended'
    this.res.cork(() => this.res.upgrade(data, key, protocol, extensions, context))
  }

  private writeHead(status: string, headers: readonly (readonly [string, string])[]): void {
    this.res.writeStatus(status)
    for (const [name, value] of headers) this.res.writeHeader(name, value)
  }
}

/** The engine does not look at header values: a line break in one would begin a header of its own. */
function checkHead(
  status: string,
  headers: Iterable<readonly [string, string]>,
): readonly (readonly [string, string])[] {
  if (/[\0\r\n]/.test(status)) throw new RoomcastError('INVALID_OPTION', 'response status is malformed')
  const checked = [...headers]
  for (const [name, value] of checked) {
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && !/[\0\r\n]/.test(value)) continue
    throw new RoomcastError('INVALID_OPTION', `response header "${name.slice(0, 40)}" is malformed`)
  }
  return checked
}

function readAddress(res: EngineResponse): string {
  const address = String.fromCharCode(...new Uint8Array(res.getRemoteAddressAsText()))
  // IPv4 over an IPv6 socket.
  const mapped = /^(?:0000:){5}ffff:([0-9a-f]{2})([0-9a-f]{2}):([0-9a-f]{2})([0-9a-f]{2})$/.exec(address)
  if (mapped === null) return address
  return mapped
    .slice(1)
    .map((byte) => Number.parseInt(byte, 16))
    .join('.')
}
