import type { Dialect } from './dialect'
import { rawDialect } from './raw'
import { roomcastDialect } from './roomcast'
import { roomcastHistoryDialect, roomcastRecoveryDialect } from './roomcast-positions'
import { socketioDialect } from './socketio'

/** Every dialect by its name. */
export const DIALECTS = {
  raw: rawDialect,
  roomcast: roomcastDialect,
  'roomcast-history': roomcastHistoryDialect,
  'roomcast-recovery': roomcastRecoveryDialect,
  socketio: socketioDialect,
} satisfies Record<string, Dialect>

/** Name of a dialect in {@link DIALECTS}. */
export type DialectName = keyof typeof DIALECTS
