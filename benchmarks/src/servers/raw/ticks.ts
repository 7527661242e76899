import { MESSAGE_TYPES } from '@roomcast/protocol'
import { rawDialect } from '../../load/dialects/raw'
import { roomcastMessage } from '../../load/dialects/roomcast'
import { type PayloadName, TICK_EVENT } from '../../payloads'

/** What a member receives, made in advance: one binary message for each payload. */
export const TICKS: Readonly<Record<PayloadName, Buffer>> = {
  tick: tickOf('tick'),
  chat: tickOf('chat'),
  state: tickOf('state'),
  binary: tickOf('binary'),
}

/** What a member receives with these bytes. */
export function tickWith(bytes: Uint8Array): Buffer {
  return roomcastMessage({ type: MESSAGE_TYPES.EVENT, event: TICK_EVENT }, [bytes]).payload
}

function tickOf(payload: PayloadName): Buffer {
  return Buffer.concat(rawDialect.tick(payload).map((message) => message.payload))
}
