import type { WirePort } from '../connection/wire-port'
import type { EngineWebSocket } from './engine-types'

/** How frames are compressed. */
export interface CompressionPolicy {
  readonly isOn: boolean
  /** Frames below this many bytes go as they are. */
  readonly thresholdBytes: number
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
    private readonly compression: CompressionPolicy,
  ) {}

  send(frame: Uint8Array, compress: boolean): void {
    this.ws.send(frame, true, shouldCompress(this.compression, frame, compress))
  }

  subscribe(topic: string): void {
    this.ws.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    this.ws.unsubscribe(topic)
  }

  end(code: number, reason: string): void {
    this.ws.end(code, reason)
  }

  bufferedBytes(): number {
    return this.ws.getBufferedAmount()
  }
}
