import type { AnySocket } from '../../../packages/server/src/api/socket'
import type { Connection } from '../../../packages/server/src/connection/connection'
import type { EngineWebSocket } from '../../../packages/server/src/transport/engine-types'
import { FlowClock } from '../../../packages/server/src/transport/flow-clock'
import { TopicTable } from '../../../packages/server/src/transport/topic-table'
import { UwsWire } from '../../../packages/server/src/transport/uws-wire'
import type { WireOwner, WireSettings } from '../../../packages/server/src/transport/wire-settings'
import type { Outgoing } from './fake-wire'
import type { RoomcastParts } from './roomcast'

/** Makes the real wires of WebSockets, above an engine that takes everything at once and confirms every ping. */
export function engineWire({ runtime, outgoing }: RoomcastParts): (connection: Connection<AnySocket>) => UwsWire {
  const settings: WireSettings = {
    codec: runtime.codec,
    compression: { isOn: false, thresholdBytes: 1_024 },
    limits: runtime.flowLimits,
    topics: new TopicTable(),
    clock: new FlowClock(runtime.wheel),
    whenIdle: (action) => runtime.turn.whenIdle(action),
  }
  return (connection) => {
    const webSocket = new FakeWebSocket({ connection }, outgoing)
    const wire = new UwsWire(webSocket, settings)
    webSocket.onPing = (payload) => wire.confirm(payload)
    return wire
  }
}

class FakeWebSocket implements EngineWebSocket<WireOwner> {
  onPing: (payload: ArrayBuffer) => void = () => {}

  constructor(
    private readonly owner: WireOwner,
    private readonly outgoing: Outgoing,
  ) {}

  send(message: Uint8Array): number {
    this.outgoing.take(message)
    return 1
  }

  ping(payload: Uint8Array): number {
    // The answer comes later.
    const copy = payload.slice().buffer
    queueMicrotask(() => this.onPing(copy))
    return 1
  }

  subscribe(): boolean {
    return true
  }

  unsubscribe(): boolean {
    return true
  }

  cork(write: () => void): this {
    write()
    return this
  }

  end(code: number, reason: string): void {
    throw new Error(`the server closed the connection: ${code} ${reason}`)
  }

  getBufferedAmount(): number {
    return 0
  }

  getTopics(): string[] {
    return []
  }

  getUserData(): WireOwner {
    return this.owner
  }
}
