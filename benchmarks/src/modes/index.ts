import { ackMode } from './ack'
import { broadcastMode } from './broadcast'
import { idleMode } from './idle'
import type { Mode } from './mode'

/** Every mode, in the order of the report. */
export const MODES: readonly Mode[] = [ackMode, broadcastMode, idleMode]
