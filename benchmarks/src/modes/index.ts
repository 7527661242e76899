import { ackMode } from './ack'
import { broadcastMode } from './broadcast'
import { connectMode } from './connect'
import { idleMode } from './idle'
import { latencyMode } from './latency'
import { memberMode } from './member'
import type { Mode } from './mode'
import { pausedMode } from './paused'
import { pollingMode } from './polling'
import { presenceMode } from './presence'
import { sizesMode } from './sizes'
import { streamMode } from './stream'

/** Every mode, in the order of the report. */
export const MODES: readonly Mode[] = [
  ackMode,
  latencyMode,
  broadcastMode,
  sizesMode,
  memberMode,
  streamMode,
  connectMode,
  idleMode,
  pollingMode,
  presenceMode,
  pausedMode,
]
