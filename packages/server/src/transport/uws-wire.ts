import { CLOSE_CODES, encodeFrame, MESSAGE_TYPES, type ValueCodec } from '@roomcast/protocol'
import type { Connection, NamespaceMember } from '../connection/connection'
import type { LatestValue, WirePort } from '../connection/wire-port'
import type { EngineWebSocket } from './engine-types'
import { type FlowingWire, OutgoingFlow } from './outgoing-flow'
import type { CompressionPolicy, WireOwner, WireSettings } from './wire-settings'

/** The last frame of a connection. PROTOCOL.md, "CLOSE". */
export function closeFrame(codec: ValueCodec, code: number, message: string, retryAfterMs?: number): Uint8Array {
  return encodeFrame(codec, { type: MESSAGE_TYPES.CLOSE }, { code, message, retryAfterMs })
}

/** Whether a frame is to be compressed. */
export function shouldCompress(policy: CompressionPolicy, frame: Uint8Array, wanted: boolean): boolean {
  return policy.isOn && wanted && frame.length >= policy.thresholdBytes
}

/**
 * The wire port over one WebSocket of the engine.
 *
 *   fast   on the engine's topics, whatever is sent is handed over at once
 *   slow   {@link SlowLane}: on topics of ours, handed over as the client confirms
 *
 * Most connections are idle, and have nothing but two fields here.
 */
export class UwsWire implements WirePort, FlowingWire {
  /** Bytes handed over, without those of shared topics; all of them while it is slow. */
  private direct = 0
  private flow: OutgoingFlow | null = null

  constructor(
    private readonly ws: EngineWebSocket<WireOwner>,
    private readonly settings: WireSettings,
  ) {}

  get transport() {
    return 'websocket' as const
  }

  send(frame: Uint8Array, compress: boolean, latest: LatestValue | null = null): void {
    const lane = this.flow?.lane ?? null
    if (lane !== null) return lane.enqueue(frame.slice(), compress, latest)
    this.handOver(frame, compress)
    this.count(frame.length, latest !== null)
  }

  subscribe(topic: string): void {
    const lane = this.flow?.lane ?? null
    if (lane === null) this.ws.subscribe(topic)
    else this.settings.topics.subscribe(topic, lane)
  }

  unsubscribe(topic: string): void {
    const lane = this.flow?.lane ?? null
    if (lane === null) this.ws.unsubscribe(topic)
    else this.settings.topics.unsubscribe(topic, lane)
  }

  end(code: number, reason: string, retryAfterMs?: number): void {
    // Who is cut for being slow has had enough.
    this.flow?.dispose(code !== CLOSE_CODES.SLOW_CONSUMER)
    // The close frame says the rest.
    if (retryAfterMs !== undefined) this.handOver(closeFrame(this.settings.codec, code, reason, retryAfterMs), false)
    this.ws.end(code, reason)
  }

  count(bytes: number, isFresh: boolean): void {
    // What went into the lane is counted when it leaves it.
    if (this.flow?.isSlow) return
    const { freshStepBytes, stepBytes } = this.settings.limits
    const step = isFresh ? freshStepBytes : stepBytes
    const steps = Math.floor(this.direct / step)
    this.direct += bytes
    if (Math.floor(this.direct / step) !== steps) this.check(isFresh)
  }

  adjust(bytes: number): void {
    if (!this.flow?.isSlow) this.direct += bytes
  }

  check(isFresh: boolean): void {
    if (this.connection?.phase !== 'open') return
    if (this.flow === null) {
      const { freshStepBytes, stepBytes } = this.settings.limits
      if (this.handed < (isFresh ? freshStepBytes : stepBytes)) return
      this.flow = new OutgoingFlow(this, this.ws, this.settings)
    }
    this.flow.check(isFresh)
  }

  /** The client has answered a ping. */
  confirm(payload: ArrayBuffer): void {
    if (this.connection?.phase === 'open') this.flow?.confirm(payload)
  }

  bufferedBytes(): number {
    return this.flow?.buffered ?? 0
  }

  skipsVolatile(): boolean {
    const isBehind = this.flow?.isSlow === true || this.ws.getBufferedAmount() > 0
    if (isBehind) {
      this.flow ??= new OutgoingFlow(this, this.ws, this.settings)
      this.flow.skipped++
    }
    return isBehind
  }

  get skipped(): number {
    return this.flow?.skipped ?? 0
  }

  get replaced(): number {
    return this.flow?.replaced ?? 0
  }

  closed(): void {
    this.flow?.dispose(false)
  }

  // ---- As FlowingWire.

  get connection(): Connection<NamespaceMember> | null {
    return this.ws.getUserData().connection
  }

  get handed(): number {
    return this.flow?.isSlow ? this.direct : this.direct + (this.connection?.sharedBytes() ?? 0)
  }

  keepAccount(handed: number, isSlow: boolean): void {
    this.direct = isSlow ? handed : handed - (this.connection?.sharedBytes() ?? 0)
  }

  handOver(frame: Uint8Array, compress: boolean): void {
    this.ws.send(frame, true, shouldCompress(this.settings.compression, frame, compress))
  }
}
