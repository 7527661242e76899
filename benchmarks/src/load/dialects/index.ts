import { colyseusDialect } from './colyseus'
import type { Dialect } from './dialect'
import { rawDialect } from './raw'
import { roomcastDialect } from './roomcast'
import { roomcastHistoryDialect, roomcastRecoveryDialect } from './roomcast-positions'
import { socketclusterDialect } from './socketcluster'
import { socketioDialect } from './socketio'
import { socketioMsgpackDialect } from './socketio-msgpack'

/** Every dialect by its name. */
export const DIALECTS = {
  raw: rawDialect,
  roomcast: roomcastDialect,
  'roomcast-history': roomcastHistoryDialect,
  'roomcast-recovery': roomcastRecoveryDialect,
  socketio: socketioDialect,
  'socketio-msgpack': socketioMsgpackDialect,
  colyseus: colyseusDialect,
  socketcluster: socketclusterDialect,
} satisfies Record<string, Dialect>

/** Name of a dialect in {@link DIALECTS}. */
export type DialectName = keyof typeof DIALECTS
