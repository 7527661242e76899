import { isRoomcastError, LIMITS, utf8Length } from '@roomcast/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runs } from '../../protocol/test/support'
import { checkUserName, userNameKey } from '../src/people/names'

/** What `raw` is refused with; null if it is a name. */
function refusal(raw: unknown, maxBytes?: number): string | null {
  try {
    checkUserName(raw, maxBytes)
    return null
  } catch (error) {
    if (isRoomcastError(error) && error.code === 'INVALID_NAME') return error.message
    throw error
  }
}

const key = (raw: string) => checkUserName(raw).key

describe('names that are taken', () => {
  test.each([
    ['Ann', 'Ann'],
    ['  Ann   Lee ', 'Ann Lee'],
    ['Ann\u00a0Lee\u3000', 'Ann Lee'],
    ['Ａｄｍｉｎ', 'Admin'],
    ['Zoe\u0308', 'Zoë'],
    ['O’Neil-Ruíz Jr.', 'O’Neil-Ruíz Jr.'],
    ['李小龍', '李小龍'],
    ['ﬁlou', 'filou'],
    ['अनिता', 'अनिता'],
    ['x😀', 'x😀'],
    ['007', '007'],
  ])('%j is %j', (raw, name) => {
    expect(checkUserName(raw).name).toBe(name)
  })

  test('64 bytes of UTF-8 in the normal form, unless another limit is given', () => {
    expect(LIMITS.userNameBytes).toBe(64)
    expect(checkUserName('ä'.repeat(32)).name).toHaveLength(32)
    expect(refusal('ä'.repeat(33))).toBe('the user name has 66 bytes, limit 64')
    expect(checkUserName('x'.repeat(65), 65).name).toHaveLength(65)
    expect(refusal('abc', 2)).toBe('the user name has 3 bytes, limit 2')
    // Decomposed it is longer than the limit, composed it is not.
    expect(checkUserName('e\u0301'.repeat(32)).name).toBe('é'.repeat(32))
    expect(checkUserName('\u1112\u1161\u11ab'.repeat(21)).name).toBe('한'.repeat(21))
  })
})

describe('names that are refused, with a sentence', () => {
  test.each([
    [undefined, 'is of type undefined, not text'],
    [null, 'is null, not text'],
    [42, 'is of type number, not text'],
    [{ toString: () => 'Ann' }, 'is of type object, not text'],
    [['Ann'], 'is of type object, not text'],
    ['', 'is empty'],
    [' \u3000 ', 'is empty'],
    ['!?…', 'has no letter and no digit'],
    ['😀', 'has no letter and no digit'],
    ['\u0301bob', 'begins with U+0301, which belongs behind a letter'],
  ])('%j', (raw, what) => {
    expect(refusal(raw)).toBe(`the user name ${what}`)
  })

  test.each([
    ['a line end', 'Ann\nLee', '000A'],
    ['a NUL', 'Ann\0', '0000'],
    ['an escape', '\x1b[31mAnn', '001B'],
    ['a C1 control', 'Ann\x9b', '009B'],
    ['a zero-width space', 'An\u200bn', '200B'],
    ['a zero-width joiner', 'An\u200dn', '200D'],
    ['a byte order mark', '\ufeffAnn', 'FEFF'],
    ['a direction override', 'Ann\u202e', '202E'],
    ['a direction isolate', 'Ann\u2066', '2066'],
    ['a soft hyphen', 'An\u00adn', '00AD'],
    ['a Hangul filler', 'Ann\u3164', '1160'],
    ['a variation selector', 'Ann\ufe0f', 'FE0F'],
    ['a grapheme joiner', 'An\u034fn', '034F'],
    ['a line separator', 'Ann\u2028', '2028'],
    ['a paragraph separator', 'Ann\u2029', '2029'],
    ['a tag', 'Ann\u{e0041}', 'E0041'],
    ['a private character', 'Ann\ue000', 'E000'],
    ['an unassigned character', 'Ann\u0378', '0378'],
    ['a noncharacter', 'Ann\uffff', 'FFFF'],
    ['half a surrogate pair', 'Ann\ud800', 'D800'],
    ['an empty Braille cell', 'Ann\u2800', '2800'],
    ['a note head without ink', 'Ann\u{1d159}', '1D159'],
    ['what is left of a lost character', 'Ann\ufffd', 'FFFD'],
  ])('%s', (_what, raw, code) => {
    expect(refusal(raw)).toBe(`the user name has a character that cannot be seen, U+${code}`)
  })

  test('a text that is absurdly long is not brought into its normal form first', () => {
    // Each becomes 18 characters: the normal form would have 18 million.
    const raw = '\ufdfa'.repeat(1_000_000)
    const before = performance.now()
    expect(refusal(raw)).toBe('the user name has 1000000 characters, limit 64 bytes')
    expect(performance.now() - before).toBeLessThan(50)
  })
})

describe('keys', () => {
  test.each([
    ['case', 'Ann', 'aNN'],
    ['width', 'Ａdmin', 'admin'],
    ['a sharp s', 'Straße', 'STRASSE'],
    ['a capital sharp s', 'STRAẞE', 'strasse'],
    ['a final sigma', 'ΟΔΥΣΣΕΥΣ', 'οδυσσευς'],
    ['the Kelvin sign', '\u212aelvin', 'kelvin'],
    ['the Ångström sign', '\u212bsa', 'åsa'],
    ['a long s', 'ſam', 'Sam'],
    ['an I with a dot', 'İlker', 'ilker'],
    ['an i without a dot', 'ılker', 'ILKER'],
    ['a second dot on an i', 'i\u0307lker', 'ilker'],
    ['a dot on an i without one', 'ı\u0307lker', 'ilker'],
    ['a ligature', 'ﬁlou', 'FILOU'],
    ['composition', 'Zoe\u0308', 'ZOË'],
    ['spaces', ' Ann  Lee', 'ann\u00a0lee'],
    ['Roman numerals', 'Louis Ⅸ', 'louis ix'],
    ['Georgian capitals', 'ᲜᲘᲜᲝ', 'ნინო'],
    ['Cherokee small letters', 'ꭰꭱ', 'ᎠᎡ'],
  ])('are equal but for %s', (_what, one, other) => {
    expect(key(one)).toBe(key(other))
    expect(userNameKey(one)).toBe(key(other))
  })

  test.each([
    ['Ann', 'Anna'],
    ['Ann Lee', 'AnnLee'],
    ['Zoe', 'Zoë'],
    ['\u0430nn', 'ann'],
  ])('differ for %j and %j', (one, other) => {
    expect(key(one)).not.toBe(key(other))
  })

  test('any text has one', () => {
    expect(userNameKey('')).toBe('')
    expect(userNameKey('\u202e!')).toBe('\u202e!')
  })

  // Not a random sample: the exceptions are single characters.
  test('no character has another key in upper case, in lower case or as a key', () => {
    const differ: string[] = []
    for (let code = 0; code <= 0x10ffff; code++) {
      const text = String.fromCodePoint(code)
      const folded = userNameKey(text)
      const variants = [text.toUpperCase(), text.toLowerCase(), text.normalize('NFKD'), folded]
      if (variants.some((variant) => userNameKey(variant) !== folded)) differ.push(code.toString(16))
    }
    expect(differ).toEqual([])
  })
})

describe('random texts', () => {
  const odd = fc.constantFrom(...'İıiǰßẞſςσΣΐᾳŉ´ \u00a0\u1680\u3000\u0307\u0301\u0345\u200d\u202e\u3164\ufdfaΩK')
  const text = fc.oneof(
    fc.string({ maxLength: 24 }),
    fc.string({ unit: 'grapheme', maxLength: 24 }),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc
      .array(fc.oneof(odd, fc.string({ unit: 'grapheme', maxLength: 1 })), { maxLength: 16 })
      .map((all) => all.join('')),
  )
  const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u

  test('a name that was checked stays as it is, is within its limit, and shows all it has', () => {
    let names = 0
    fc.assert(
      fc.property(text, (raw) => {
        if (refusal(raw) !== null) return
        names++
        const checked = checkUserName(raw)
        expect(checkUserName(checked.name)).toEqual(checked)
        expect(checked.name).not.toMatch(HIDDEN)
        expect(checked.key).not.toMatch(HIDDEN)
        expect(utf8Length(checked.name)).toBeLessThanOrEqual(64)
        expect(userNameKey(raw)).toBe(checked.key)
        expect(userNameKey(checked.key)).toBe(checked.key)
      }),
      runs(3_000),
    )
    expect(names, 'names among the texts').toBeGreaterThan(300)
  })

  test('case, width and composition do not change the key', () => {
    fc.assert(
      fc.property(text, (raw) => {
        const expected = userNameKey(raw)
        // Composed, upper case makes a letter of the iota below, and marks behind it would change their place.
        const plain = raw.normalize('NFD')
        for (const variant of [plain, plain.toUpperCase(), plain.toLowerCase(), widened(raw)]) {
          expect(userNameKey(variant)).toBe(expected)
        }
      }),
      runs(3_000),
    )
  })
})

/** With the full-width forms of ASCII. */
function widened(text: string): string {
  return text.replace(/[!-~]/g, (char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0))
}
