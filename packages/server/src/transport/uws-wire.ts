import { encodeFrame, MESSAGE_TYPES, type ValueCodec } from '@roomcast/protocol'
import type { WirePort } from '../connection/wire-port'
import type { EngineWebSocket } from './engine-types'

/** How frames are compressed. */
export interface CompressionPolicy {
  readonly isOn: boolean
  /** Frames below this many bytes go as they are. */
  readonly thresholdBytes: number
}

/** What all wires of a server share. */
export interface WireSettings {
  readonly codec: ValueCodec
  readonly compression: CompressionPolicy
}

/** The last frame of a connection. PROTOCOL.md, "CLOSE". */
export function closeFrame(codec: ValueCodec, code: number, message: string, retryAfterMs?: number): Uint8Array {
  return encodeFrame(codec, { type: MESSAGE_TYPES.CLOSE }, { code, message, retryAfterMs })
}

/** Whether a frame is to be compressed. */
export function shouldCompress(policy: CompressionPolicy, frame: Uint8Array, wanted: boolean): boolean {
  return policy.isOn && wanted && frame.length >= policy.thresholdBytes
}

/** The wire port over one WebSocket of the engine. */
export class UwsWire implements WirePort {
  readonly transport = 'websocket'

  constructor(
    private readonly ws: EngineWebSocket<unknown>,
    private readonly settings: WireSettings,
  ) {}

  send(frame: Uint8Array, compress: boolean): void {
    this.ws.send(frame, true, shouldCompress(this.settings.compression, frame, compress))
  }

  subscribe(topic: string): void {
    this.ws.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    this.ws.unsubscribe(topic)
  }

  end(code: number, reason: string, retryAfterMs?: number): void {
    // The close frame says the rest.
    if (retryAfterMs !== undefined) this.send(closeFrame(this.settings.codec, code, reason, retryAfterMs), false)
    this.ws.end(code, reason)
  }

  isCongested(): boolean {
    return this.ws.getBufferedAmount() > 0
  }

  bufferedBytes(): number {
    return this.ws.getBufferedAmount()
  }
}
