import { CHAT_LIMITS, type Refusal } from './events'
import { refuse } from './refusal'

/** A name that may be used, and the form in which two names are compared. */
export interface CheckedName {
  readonly ok: true
  readonly name: string
  readonly key: string
}

/**
 * Control, zero-width and direction-override characters, blanks that look like nothing, private and
 * unassigned ones: they make two different names look the same, or turn the line around.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
const VISIBLE = /[\p{L}\p{N}]/u

/** One character can become 18 in the compatibility form, so the raw text has a bound of its own. */
const RAW_LENGTH_LIMIT = 200

/**
 * Checks a name that a peer sent and brings it into its normal form: NFKC, single spaces, no spaces around.
 *
 * @param raw  Whatever arrived.
 */
export function checkName(raw: unknown): CheckedName | Refusal {
  if (typeof raw !== 'string') return refuse('name invalid', 'The name must be text.')
  if (raw.length > RAW_LENGTH_LIMIT) return tooLong()
  const normal = raw.normalize('NFKC')
  if (HIDDEN.test(normal)) return refuse('name invalid', 'The name has a character that cannot be seen.')

  const name = normal.trim().replace(/\s+/gu, ' ')
  if (name === '') return refuse('name empty', 'Please enter a name.')
  if ([...name].length > CHAT_LIMITS.nameLength) return tooLong()
  if (!VISIBLE.test(name)) return refuse('name invalid', 'The name needs a letter or a digit.')
  return { ok: true, name, key: fold(name) }
}

/** Lower case and then upper case stands in for Unicode case folding: ß and SS, ς and σ become equal. */
function fold(name: string): string {
  return name.toLowerCase().toUpperCase().normalize('NFKC')
}

function tooLong(): Refusal {
  return refuse('name too long', `The name may have at most ${CHAT_LIMITS.nameLength} characters.`)
}
