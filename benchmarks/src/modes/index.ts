import { ackMode } from './ack'
import { broadcastMode } from './broadcast'
import { connectMode } from './connect'
import { idleMode } from './idle'
import { latencyMode } from './latency'
import { memberMode } from './member'
import type { Mode } from './mode'
import { pausedMode } from './paused'
import { payloadsMode } from './payloads'
import { pollingMode } from './polling'
import { presenceMode } from './presence'
import { sizesMode } from './sizes'
import { streamMode } from './stream'
import { unionMode } from './union'
import { wireMode } from './wire'

/** Every mode, in the order of the report. */
export const MODES: readonly Mode[] = [
  ackMode,
  latencyMode,
  broadcastMode,
  sizesMode,
  memberMode,
  unionMode,
  streamMode,
  payloadsMode,
  connectMode,
  idleMode,
  wireMode,
  pollingMode,
  presenceMode,
  pausedMode,
]
