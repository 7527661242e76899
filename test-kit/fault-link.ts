import type { Socket } from 'node:net'

/** A direction of a link: `up` is from the client to the server. */
export type Direction = 'down' | 'up'

/** How a link ends: both sides get a FIN, or a RST. */
export type CutHow = 'fin' | 'reset'

/**
 * Closes a connection with a RST. `socket.resetAndDestroy()` sends a FIN first, and only then the RST, so that the
 * peer may see either; this is what it does in the end.
 */
export function reset(socket: Socket): void {
  Object.assign(socket, { resetAndClosing: true }).destroy()
}

/** A cut that waits for its byte. */
export interface ArmedCut {
  /** Bytes that still go through on each link, counted from when it was armed. */
  readonly bytes: number
  readonly how: CutHow
  /** Whether it stays armed for other links after the first one. */
  readonly repeat: boolean
}

/** What happens to the bytes of one direction. Shared by the links of a proxy, and changed while they are open. */
export interface FlowFaults {
  /** Nothing is read, so that bytes wait at the sender. */
  isStalled: boolean
  /** Bytes are read and thrown away. */
  swallows: boolean
  /** So is the news that the sender has closed. */
  swallowsEnds: boolean
  /** 0 for no limit. */
  bytesPerSecond: number
  armedCut: ArmedCut | null
  /** Bytes that went through so far. */
  forwarded: number
}

/** Faults of both directions. */
export type LinkFaults = Readonly<Record<Direction, FlowFaults>>

/** No faults. */
export function createLinkFaults(): LinkFaults {
  const flow = () => ({ ...NO_FAULT, forwarded: 0 })
  return { up: flow(), down: flow() }
}

const NO_FAULT = { isStalled: false, swallows: false, swallowsEnds: false, bytesPerSecond: 0, armedCut: null }

/** Ends the faults of both directions. */
export function clearLinkFaults(faults: LinkFaults): void {
  Object.assign(faults.up, NO_FAULT)
  Object.assign(faults.down, NO_FAULT)
}

/** Bytes that a direction keeps itself at most, beside what the kernel keeps; the sender then has to wait. */
const QUEUE_BYTES = 65_536
const SLOW_TICK_MS = 10

/** One direction of a link. */
class Flow {
  private readonly queue: Buffer[] = []
  private queuedBytes = 0
  /** The target takes no more until it has drained. */
  private isBlocked = false
  private hasEnded = false
  /** The sender has closed, and the receiver was not told. */
  private keptEnd = false
  private timer: NodeJS.Timeout | undefined
  private slowSince = 0
  private slowBytes = 0
  private cut: ArmedCut | null = null
  private bytesToCut = 0

  constructor(
    private readonly source: Socket,
    private readonly target: Socket,
    private readonly faults: FlowFaults,
    private readonly link: { end(how: CutHow, lastOf?: Socket): void },
  ) {
    source.on('data', (bytes: Buffer) => this.onData(bytes))
    source.on('end', () => {
      this.hasEnded = true
      if (faults.swallowsEnds) this.keptEnd = true
      this.pump()
    })
    source.on('close', (hadError) => this.onClose(hadError))
    target.on('drain', () => {
      this.isBlocked = false
      this.pump()
    })
  }

  /** Takes up faults that have changed. */
  update(): void {
    // A network that comes back tells the one side that the other is gone.
    if (this.keptEnd && !this.faults.swallowsEnds) return this.link.end('reset')
    this.slowSince = performance.now()
    this.slowBytes = 0
    this.pump()
  }

  stop(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.queue.length = 0
    this.queuedBytes = 0
  }

  private onData(bytes: Buffer): void {
    if (this.faults.swallows) return
    this.queue.push(bytes)
    this.queuedBytes += bytes.length
    this.pump()
  }

  private onClose(hadError: boolean): void {
    if (this.faults.swallowsEnds) this.keptEnd = true
    else if (hadError || !this.hasEnded) this.link.end('reset')
  }

  private pump(): void {
    const { faults, target } = this
    if (faults.swallows) this.stop()
    while (this.queuedBytes > 0 && !faults.isStalled && !this.isBlocked && !target.destroyed) {
      const allowed = this.allowance()
      if (allowed <= 0) break
      const bytes = this.take(Math.min(allowed, this.queuedBytes))
      faults.forwarded += bytes.length
      this.slowBytes += bytes.length
      this.bytesToCut -= bytes.length
      this.isBlocked = !target.write(bytes)
      if (this.cut !== null && this.bytesToCut <= 0) return this.fireCut(this.cut)
    }
    if (this.hasEnded && this.queuedBytes === 0 && !this.keptEnd && !target.writableEnded) target.end()
    this.schedule()
    if (faults.isStalled || this.queuedBytes >= QUEUE_BYTES) this.source.pause()
    else if (!this.hasEnded) this.source.resume()
  }

  /** Bytes that may go now, as far as a speed and a cut are concerned. */
  private allowance(): number {
    const { armedCut, bytesPerSecond } = this.faults
    if (this.cut !== armedCut) {
      this.cut = armedCut
      this.bytesToCut = armedCut?.bytes ?? 0
    }
    const toCut = armedCut === null ? Number.POSITIVE_INFINITY : this.bytesToCut
    if (bytesPerSecond === 0) return toCut
    const budget = Math.floor(((performance.now() - this.slowSince) * bytesPerSecond) / 1_000) - this.slowBytes
    return Math.min(toCut, budget)
  }

  private take(count: number): Buffer {
    const first = this.queue.shift() as Buffer
    const bytes = first.length <= count ? first : first.subarray(0, count)
    if (bytes.length < first.length) this.queue.unshift(first.subarray(count))
    this.queuedBytes -= bytes.length
    return bytes
  }

  /** A slow direction goes on with the clock; what was not used while there was nothing to send is not saved. */
  private schedule(): void {
    const isWaiting = this.faults.bytesPerSecond > 0 && this.queuedBytes > 0
    if (isWaiting) {
      this.timer ??= setTimeout(() => {
        this.timer = undefined
        this.pump()
      }, SLOW_TICK_MS)
      return
    }
    this.slowSince = performance.now()
    this.slowBytes = 0
  }

  private fireCut(cut: ArmedCut): void {
    if (!cut.repeat) this.faults.armedCut = null
    this.link.end(cut.how, this.target)
  }
}

/** Two sockets that are joined, and the faults between them. The sockets need `allowHalfOpen`. */
export class FaultLink {
  private readonly flows: readonly Flow[]
  private isOver = false

  /**
   * @param onEnd  The link has ended; `wasCut` if a cut that had waited for its byte ended it.
   */
  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    faults: LinkFaults,
    private readonly onEnd: (wasCut: boolean) => void,
  ) {
    for (const socket of [client, server]) {
      socket.setNoDelay()
      socket.on('error', () => {})
      socket.on('close', () => this.onSocketClose())
    }
    this.flows = [new Flow(client, server, faults.up, this), new Flow(server, client, faults.down, this)]
    this.update()
  }

  /** Takes up faults that have changed. */
  update(): void {
    for (const flow of this.flows) flow.update()
  }

  /**
   * Ends the link on both sides, with a FIN or a RST, in the middle of whatever they were doing.
   *
   * @param lastOf  The side that is to have what was written to it before, which only a FIN can promise.
   */
  end(how: CutHow, lastOf?: Socket): void {
    if (this.isOver) return
    this.isOver = true
    for (const flow of this.flows) flow.stop()
    for (const socket of [this.client, this.server]) {
      socket.on('data', () => {})
      if (how === 'reset') reset(socket)
      else if (socket === lastOf) socket.end(() => socket.destroy())
      else socket.destroy()
    }
    this.onEnd(lastOf !== undefined)
  }

  private onSocketClose(): void {
    if (this.isOver || !this.client.destroyed || !this.server.destroyed) return
    this.isOver = true
    for (const flow of this.flows) flow.stop()
    this.onEnd(false)
  }
}
