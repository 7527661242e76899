import type { Connection, NamespaceMember } from '../connection/connection'
import { Confirmations } from './confirmations'
import type { EngineWebSocket } from './engine-types'
import { type LaneHost, SlowLane } from './slow-lane'
import type { WireOwner, WireSettings } from './wire-settings'

/** A client that has not confirmed for so long is slow, if enough is on its way. */
const PATIENCE_MS = 250
/** The same for one that is sent latest values: two ticks of the clock, since one turn of the loop is no reason. */
const FRESH_PATIENCE_MS = 50
/** How long a client counts as one that is sent latest values. */
const FRESH_MS = 10_000
/** What the engine may hold for a client that is not slow: a moment's worth. */
const ENGINE_BYTES = 65_536

/** A wire, as far as its flow is concerned. */
export interface FlowingWire {
  /** What it carries; another one after a move from polling. */
  readonly connection: Connection<NamespaceMember> | null
  /** Bytes handed over since the link opened, those of shared topics included. */
  readonly handed: number
  /** It is slow from now on, and the bytes are all kept by itself; or not any more. */
  keepAccount(handed: number, isSlow: boolean): void
  /** Gives a frame to the engine. */
  handOver(frame: Uint8Array, compress: boolean): void
}

/**
 * What one WebSocket has been sent, and has confirmed. Made when there is something to confirm.
 *
 *   fast ──much unconfirmed for long, or the kernel takes no more──► slow
 *     ◄───────────nothing waits, little unconfirmed─────────────────┤
 *                                                                    └──more than the budget──► closed, SLOW_CONSUMER
 *
 * From one to the other nothing is lost, sent twice or out of order: the engine freezes the receivers of a topic at each publish, and a
 * topic is left and entered between two of them.
 */
export class OutgoingFlow implements LaneHost {
  /** What is not handed over yet; null while it is fast. */
  lane: SlowLane | null = null
  skipped = 0
  replaced = 0
  private readonly confirmations = new Confirmations()
  private freshUntil = 0
  private serving: NodeJS.Immediate | undefined
  /** The link has ended: the engine throws for whoever touches it. */
  private isOver = false

  constructor(
    private readonly wire: FlowingWire,
    private readonly ws: EngineWebSocket<WireOwner>,
    private readonly settings: WireSettings,
  ) {}

  get isSlow(): boolean {
    return this.lane !== null
  }

  /** Bytes outstanding, as far as they are known. */
  get buffered(): number {
    const { lane, confirmations } = this
    if (lane === null && !confirmations.isPending) return 0
    return this.unconfirmed + (lane?.bytes ?? 0)
  }

  /** More has been handed over. */
  check(isFresh: boolean): void {
    const now = this.settings.clock.now()
    if (isFresh) this.freshUntil = now + FRESH_MS
    this.mark(now, this.stepBytes(now))
    this.note()
    if (this.lane === null && this.isBehind(now)) this.settings.whenIdle(() => this.slowDown())
  }

  /** A pong has come. */
  confirm(payload: ArrayBuffer): void {
    if (!this.confirmations.confirm(payload, performance.now())) return
    this.serve()
    this.note()
    if (this.hasCaughtUp()) this.speedUp()
  }

  /** The link ends. @param sendsRest  Hands over what waits. */
  dispose(sendsRest: boolean): void {
    const { lane } = this
    this.isOver = true
    clearImmediate(this.serving)
    if (lane === null) return
    this.settings.topics.remove(lane)
    if (sendsRest) this.handOver(lane, () => true)
    lane.clear()
  }

  // ---- What the lane asks.

  isFull(): boolean {
    const { limits, clock } = this.settings
    const onItsWay = Math.min(this.unconfirmed, this.windowBytes(clock.now()))
    return (this.lane?.weight ?? 0) + onItsWay > limits.budgetBytes
  }

  onQueued(hasReplaced: boolean, wasFull: boolean): void {
    if (hasReplaced) this.replaced++
    // As everywhere, it is what was there before that counts: one frame may be larger than any budget.
    if (wasFull) return this.wire.connection?.end('SLOW_CONSUMER', 'transport error')
    this.note()
    this.serving ??= setImmediate(() => {
      this.serving = undefined
      this.serve()
    })
  }

  // ----

  private get unconfirmed(): number {
    return this.wire.handed - this.confirmations.confirmed
  }

  private isFresh(now: number): boolean {
    return now < this.freshUntil
  }

  private stepBytes(now: number): number {
    const { freshStepBytes, stepBytes } = this.settings.limits
    return this.isFresh(now) ? freshStepBytes : stepBytes
  }

  /**
   * What may be on its way. A long way takes more: with less than twice what has place on it the client would wait for us, and be slow by
   * our own doing.
   */
  private windowBytes(now: number): number {
    const { budgetBytes, freshHighBytes, highBytes } = this.settings.limits
    const least = this.isFresh(now) ? freshHighBytes : highBytes
    return Math.max(least, Math.min(2 * this.confirmations.pathBytes, budgetBytes / 2))
  }

  private isBehind(now: number): boolean {
    if (this.ws.getBufferedAmount() > this.engineBytes) return true
    if (this.unconfirmed <= this.windowBytes(now)) return false
    const patienceMs = this.isFresh(now) ? FRESH_PATIENCE_MS : PATIENCE_MS
    return now - this.confirmations.pendingSince >= patienceMs
  }

  /** What the engine may hold for a moment. */
  private get engineBytes(): number {
    return Math.min(ENGINE_BYTES, this.settings.limits.highBytes)
  }

  /** Asks for a sign, if at least `step` bytes have been handed over since the last time. */
  private mark(now: number, step: number): void {
    const { handed } = this.wire
    if (this.confirmations.unmarked(handed) < step) return
    const payload = this.confirmations.mark(handed, now, performance.now())
    if (payload !== null) this.ws.ping(payload)
  }

  private note(): void {
    this.wire.connection?.noteBuffered(this.buffered, this.settings.limits)
  }

  private slowDown(): void {
    const { wire, ws, settings } = this
    if (this.isOver || this.lane !== null || wire.connection?.phase !== 'open') return
    const { handed } = wire
    const lane = new SlowLane(this)
    for (const topic of ws.getTopics()) {
      ws.unsubscribe(topic)
      settings.topics.subscribe(topic, lane)
    }
    this.lane = lane
    wire.keepAccount(handed, true)
    // Nothing comes any more that could ask.
    this.mark(settings.clock.now(), 1)
  }

  private speedUp(): void {
    const { lane, wire, ws, settings } = this
    if (lane === null) return
    const { handed } = wire
    const topics = [...lane.topics]
    settings.topics.remove(lane)
    for (const topic of topics) ws.subscribe(topic)
    this.lane = null
    wire.keepAccount(handed, false)
  }

  /** Whether nothing waits, and little is on its way. */
  private hasCaughtUp(): boolean {
    if (this.lane === null || this.lane.next !== undefined) return false
    return this.unconfirmed <= this.windowBytes(this.settings.clock.now()) / 2
  }

  /** Hands over what the client has confirmed room for. */
  private serve(): void {
    const { lane, settings } = this
    if (lane === null || this.wire.connection?.phase !== 'open') return
    const now = settings.clock.now()
    if (lane.next !== undefined) {
      const windowBytes = this.windowBytes(now)
      const stepBytes = this.stepBytes(now)
      this.handOver(lane, () => {
        this.mark(now, stepBytes)
        return this.unconfirmed < windowBytes && this.ws.getBufferedAmount() <= this.engineBytes
      })
    }
    // The answer is what serving goes on with. Also if nothing waits: there may have been too many signs on their way to ask for another.
    this.mark(now, 1)
  }

  /** In one piece: a system call for each would cost more than the frames. */
  private handOver(lane: SlowLane, mayGoOn: () => boolean): void {
    this.ws.cork(() => {
      for (let next = lane.next; next !== undefined && mayGoOn(); next = lane.next) {
        this.wire.handOver(next.frame, next.compress)
        this.wire.keepAccount(this.wire.handed + next.frame.length, true)
        lane.shift()
      }
    })
  }
}
