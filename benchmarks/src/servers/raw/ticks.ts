import { rawDialect } from '../../load/dialects/raw'
import type { PayloadName } from '../../payloads'

/** What a member receives, made in advance: one binary message for each payload. */
export const TICKS: Readonly<Record<PayloadName, Buffer>> = {
  tick: tickOf('tick'),
  chat: tickOf('chat'),
  state: tickOf('state'),
  binary: tickOf('binary'),
}

function tickOf(payload: PayloadName): Buffer {
  return Buffer.concat(rawDialect.tick(payload).map((message) => message.payload))
}
