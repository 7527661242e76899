import { CHAT_LIMITS, type Refusal } from './events'
import { refuse } from './refusal'

/** A message text that may be shown. */
export interface CheckedText {
  readonly ok: true
  readonly text: string
}

/** Control characters, except tab and line feed. */
const CONTROL = /[^\P{Cc}\t\n]/gu

/**
 * Checks a text that a peer sent. Line ends become `\n`, control characters go, and more than one empty
 * line in a row becomes one. What looks like HTML stays as it is: the page shows text as text.
 *
 * @param raw  Whatever arrived.
 */
export function checkText(raw: unknown): CheckedText | Refusal {
  if (typeof raw !== 'string') return refuse('message invalid', 'A message must be text.')
  // A code point has at most two units, so this cuts only what the exact count below would refuse too.
  if (raw.length > CHAT_LIMITS.textLength * 2) return tooLong()
  const text = raw
    .replace(/\r\n?/gu, '\n')
    .replace(CONTROL, '')
    .replace(/\n\s*\n\s*\n/gu, '\n\n')
    .trim()
  if (text === '') return refuse('message empty', 'The message is empty.')
  if ([...text].length > CHAT_LIMITS.textLength) return tooLong()
  return { ok: true, text }
}

function tooLong(): Refusal {
  return refuse('message too long', `A message may have at most ${CHAT_LIMITS.textLength} characters.`)
}
