import type { ValueCodec } from '@roomcast/protocol'
import type { Connection, NamespaceMember } from '../connection/connection'
import type { FlowLimits } from '../options/flow-limits'
import type { FlowClock } from './flow-clock'
import type { TopicTable } from './topic-table'

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
  readonly limits: FlowLimits
  readonly topics: TopicTable
  readonly clock: FlowClock
  /** Runs what must not happen in the middle of a delivery. */
  whenIdle(action: () => void): void
}

/** What the engine keeps with a WebSocket, as far as its wire is concerned. */
export interface WireOwner {
  /** The connection that it carries. */
  readonly connection: Connection<NamespaceMember> | null
}
