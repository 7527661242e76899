import { encodeFrame, type FrameFields, LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import type { Runtime } from '../../../packages/server/src/api/runtime'
import type { AnySocket } from '../../../packages/server/src/api/socket'
import { Connection } from '../../../packages/server/src/connection/connection'
import type { WirePort } from '../../../packages/server/src/connection/wire-port'
import type { AnyRegistry } from '../../../packages/server/src/dispatch/connect'
import { Receiver } from '../../../packages/server/src/ingress/receive'
import type { RateLimit } from '../../../packages/server/src/options/inbound-options'
import type { ServerOptions } from '../../../packages/server/src/options/server-options'
import { Server } from '../../../packages/server/src/server'
import type { Connections } from '../../../packages/server/src/transport/connections'
import { FakePublisher, FakeWire, Outgoing } from './fake-wire'

/** What a server connects its parts with: put together anew here, it would one day be another server. */
interface Inside {
  readonly runtime: Runtime
  readonly namespaces: AnyRegistry
  readonly connections: Connections
}

/**
 * A limit that is never met, with the bursts of the default: these say how often the clock is read, which is what a limit that
 * is kept costs.
 */
export const OUT_OF_REACH = {
  messagesPerSecond: 1e9,
  burstMessages: LIMITS.burstMessages,
  bytesPerSecond: 1e12,
  burstBytes: LIMITS.burstBytes,
} as const satisfies RateLimit

/** A client as the server sees it. */
export interface RoomcastLink {
  readonly connection: Connection<AnySocket>
  readonly socket: AnySocket
}

/** A real server, made of its source, without the engine: frames are handed to its receiver, and counted when they leave. */
export class RoomcastParts {
  readonly io: Server
  readonly runtime: Runtime
  readonly outgoing = new Outgoing()
  private readonly inside: Inside
  private readonly receiver: Receiver
  private fault: unknown = null

  /** @param options  Beside the limits; those given here hold instead. */
  constructor(options: ServerOptions = {}) {
    this.io = new Server({
      rateLimits: { connection: OUT_OF_REACH },
      onError: (error) => this.noteFault(error),
      ...options,
    })
    this.inside = this.io as unknown as Inside
    this.runtime = this.inside.runtime
    this.runtime.turn.publisher = new FakePublisher(this.outgoing)
    this.receiver = new Receiver(this.inside.namespaces, this.runtime)
  }

  /** Connects a client to the main namespace. @param wireOf  The link; one that costs nothing if left out. */
  async connect(
    auth?: unknown,
    wireOf: (connection: Connection<AnySocket>) => WirePort = () => new FakeWire(this.outgoing),
  ): Promise<RoomcastLink> {
    const connection = new Connection<AnySocket>({
      headerBlock: 'host\x0a7.0.0.1',
      url: '/roomcast',
      address: '127.0.0.1',
      issued: Date.now(),
    })
    this.inside.connections.add(connection, wireOf(connection))
    this.receive(connection, this.frame({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/', auth }))
    // A login may be asked first.
    await new Promise(setImmediate)
    const socket = connection.member(0)
    if (socket === null) throw new Error('the server did not let a client in')
    return { connection, socket }
  }

  /** A whole frame of its own. */
  frame(fields: FrameFields, body: unknown): Uint8Array {
    return encodeFrame(this.runtime.codec, fields, body).slice()
  }

  /** Hands a frame to the server as the transport does. */
  receive(connection: Connection<AnySocket>, frame: Uint8Array): void {
    const { turn } = this.runtime
    turn.enterCallback(connection.port)
    try {
      this.receiver.receive(connection, frame)
    } finally {
      turn.leaveCallback()
    }
  }

  /** @throws Error if anything went wrong inside since it began. */
  assertFaultless(): void {
    if (this.fault !== null) throw new Error('the server reported a fault', { cause: this.fault })
  }

  private noteFault(error: unknown): void {
    this.fault ??= error
  }
}
