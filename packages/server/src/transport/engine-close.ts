import { CLOSE_CODES, CLOSE_MEANINGS, type CloseName, type EndBody } from '@roomcast/protocol'
import type { CloseInfo } from '../connection/connection'

/** Text of an end that the client made itself, or its network: there is nothing to tell it. */
const LEFT = /^$|FIN/

/** What the engine calls its own cuts, and what they are called here. */
const CUTS: readonly (readonly [text: RegExp, name: CloseName])[] = [
  [/too big/i, 'FRAME_TOO_LARGE'],
  [/timed out/i, 'PING_TIMEOUT'],
  [/maxOutgoingBytes/, 'SLOW_CONSUMER'],
]

/** What the engine reports of a close, in our words. @param message  Valid only now. */
export function readClose(code: number, message: ArrayBuffer): CloseInfo {
  const text = Buffer.from(message).toString('utf8').slice(0, 123)
  if (code !== CLOSE_CODES.ABNORMAL) return { reason: 'transport close', code, message: text }
  if (LEFT.test(text)) return { reason: 'transport close', code, message: text }
  if (/timed out/.test(text)) return { reason: 'ping timeout', code, message: text }
  return { reason: 'transport error', code, message: text }
}

/**
 * How a connection ended, if the client could not see that: the engine cuts a link without a close frame. It is told
 * when it connects again.
 */
export function describeCut({ code, message }: CloseInfo): EndBody | null {
  // Its close frame is behind all that the client does not read.
  if (code === CLOSE_CODES.SLOW_CONSUMER) return { code, message }
  if (code !== CLOSE_CODES.ABNORMAL || LEFT.test(message)) return null
  const name = CUTS.find(([text]) => text.test(message))?.[1]
  return name === undefined ? { code, message } : { code: CLOSE_CODES[name], message: CLOSE_MEANINGS[name] }
}
