import { LIMITS, RoomcastError, utf8Length } from '@roomcast/protocol'

/** A user name that may be shown, and what it is compared by. */
export interface CheckedUserName {
  /** NFKC, without spaces around it, and with single spaces inside. */
  readonly name: string
  /** Equal for names that are the same but for case, width, or another way to write a letter. Not for people. */
  readonly key: string
}

/**
 * Control, zero-width and direction-override characters, fillers, private and unassigned ones, half surrogate pairs, other
 * line ends; and what is visible by its category only: a Braille cell without dots, a note head without ink, the places of
 * objects and of characters that were lost. They make two different names look the same, or turn the line around.
 */
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{2800}\u{1d159}\u{fffc}\u{fffd}]/u

/** Would sit on whatever is shown before the name. */
const LEADING_MARK = /^\p{M}/u
const VISIBLE = /[\p{L}\p{N}]/u

/** UTF-16 units of raw text for each byte that the name may have: NFKC composes up to four of them into one letter. */
const RAW_FACTOR = 4

/**
 * Checks a user name and brings it into its normal form. Checking the result again changes nothing.
 *
 * Letters of other scripts that look alike (Cyrillic "а" and Latin "a") are different: to tell them apart would refuse names
 * of people.
 *
 * @param raw       Whatever a client, or a database, gave.
 * @param maxBytes  Longest name in its normal form, in bytes of UTF-8. @default 64
 * @throws RoomcastError `INVALID_NAME`, with a sentence for the person who chose the name.
 */
export function checkUserName(raw: unknown, maxBytes: number = LIMITS.userNameBytes): CheckedUserName {
  if (typeof raw !== 'string') throw invalid(`is ${raw === null ? 'null' : `of type ${typeof raw}`}, not text`)
  // Before the normal form is made: one character may become 18 there.
  const rawLimit = maxBytes * RAW_FACTOR
  if (raw.length > rawLimit) throw invalid(`has ${raw.length} characters, limit ${maxBytes} bytes`)
  const normal = raw.normalize('NFKC')
  const [hidden] = HIDDEN.exec(normal) ?? []
  if (hidden !== undefined) throw invalid(`has a character that cannot be seen, ${codePoint(hidden)}`)
  const name = singleSpaced(normal)
  if (name === '') throw invalid('is empty')
  const bytes = utf8Length(name)
  if (bytes > maxBytes) throw invalid(`has ${bytes} bytes, limit ${maxBytes}`)
  if (LEADING_MARK.test(name)) throw invalid(`begins with ${codePoint(name)}, which belongs behind a letter`)
  if (!VISIBLE.test(name)) throw invalid('has no letter and no digit')
  return { name, key: fold(name) }
}

/** What a name is compared by, as {@link checkUserName} makes it; without the checks, so any text has one. */
export function userNameKey(name: string): string {
  return fold(singleSpaced(name.normalize('NFKC')))
}

function singleSpaced(text: string): string {
  return text.trim().replace(/\s+/gu, ' ')
}

/**
 * Lower case and then upper case stands in for the case folding of Unicode: ß, ẞ and SS, σ and ς become equal. A dot
 * above a letter that has one already cannot be seen, and lower case puts it on the İ: i, ı, I and İ are one letter.
 */
function fold(text: string): string {
  const lower = text.toLowerCase().replace(/([\p{Soft_Dotted}ı])\u0307+/gu, '$1')
  // Decomposed: upper case makes a letter of the iota below, and marks behind it would then stand on that.
  return lower.normalize('NFD').toUpperCase().normalize('NFKC')
}

function invalid(what: string): RoomcastError {
  return new RoomcastError('INVALID_NAME', `the user name ${what}`)
}

function codePoint(text: string): string {
  return `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
