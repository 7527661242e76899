import { CHAT_LIMITS } from './events'
import { refusal } from './refusal'

/** Control characters, except tab and line feed. */
const CONTROL = /[^\P{Cc}\t\n]/gu

/**
 * Checks a text that a peer sent. Line ends become `\n`, control characters go, and more than one empty
 * line in a row becomes one. What looks like HTML stays as it is: the page shows text as text.
 *
 * @param raw  Whatever arrived.
 * @throws RoomcastError `TEXT_INVALID`, `TEXT_EMPTY`, `TEXT_TOO_LONG`.
 */
export function checkText(raw: unknown): string {
  if (typeof raw !== 'string') throw refusal('TEXT_INVALID', 'a message must be text')
  // A code point has at most two units, so this cuts only what the exact count below would refuse too.
  if (raw.length > CHAT_LIMITS.textLength * 2) throw tooLong()
  const text = raw
    .replace(/\r\n?/gu, '\n')
    .replace(CONTROL, '')
    .replace(/\n\s*\n\s*\n/gu, '\n\n')
    .trim()
  if (text === '') throw refusal('TEXT_EMPTY', 'the message is empty')
  if ([...text].length > CHAT_LIMITS.textLength) throw tooLong()
  return text
}

function tooLong(): Error {
  return refusal('TEXT_TOO_LONG', `a message may have at most ${CHAT_LIMITS.textLength} characters`)
}
