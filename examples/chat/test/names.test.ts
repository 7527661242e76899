import { describe, expect, it } from 'vitest'
import { checkName } from '../src/names'

const key = (name: string) => {
  const checked = checkName(name)
  return checked.ok ? checked.key : checked.code
}

describe('names', () => {
  it('are trimmed, with single spaces, in the compatibility form', () => {
    expect(checkName('  Ada \u3000 Lovelace ')).toMatchObject({ ok: true, name: 'Ada Lovelace' })
    expect(checkName('Ａｄａ')).toMatchObject({ ok: true, name: 'Ada' })
  })

  it.each([
    ['Ada', 'aDA'],
    ['Ada', 'Ａｄａ'],
    ['Straße', 'STRASSE'],
    ['Οδυσσεύς', 'ΟΔΥΣΣΕΎΣ'],
    ['Zoë', 'Zoe\u0308'],
    ['K', '\u212a'],
  ])('%s and %s are the same name', (one, other) => {
    expect(key(one)).toBe(key(other))
  })

  it('have at most 20 characters, counted as code points', () => {
    expect(checkName('a'.repeat(20)).ok).toBe(true)
    expect(checkName(`a${'😀'.repeat(19)}`).ok).toBe(true)
    expect(checkName('a'.repeat(21))).toMatchObject({ code: 'name too long' })
    expect(checkName('\ufdfa'.repeat(2))).toMatchObject({ code: 'name too long' })
    expect(checkName('a'.repeat(16_000))).toMatchObject({ code: 'name too long' })
  })

  it.each([
    ['a line feed', 'Ada\nBob'],
    ['a null', 'Ada\u0000'],
    ['a zero-width space', 'Ada\u200b'],
    ['a zero-width joiner', 'A\u200dda'],
    ['a byte order mark', '\ufeffAda'],
    ['a direction override', 'Ada\u202eboB'],
    ['a direction isolate', 'Ada\u2066'],
    ['a soft hyphen', 'A\u00adda'],
    ['a blank letter', 'Ada\u3164'],
    ['a variation selector', 'Ada\ufe0f'],
    ['half a surrogate pair', 'Ada\ud800'],
    ['nothing but signs', '!!!'],
    ['nothing but a braille blank', '\u2800'],
  ])('with %s are refused', (_, name) => {
    expect(checkName(name)).toMatchObject({ ok: false, code: 'name invalid' })
  })

  it.each([[undefined], [null], [7], [{}], [['Ada']], [new Uint8Array(3)]])(
    'that are no text are refused: %s',
    (raw) => {
      expect(checkName(raw)).toMatchObject({ ok: false, code: 'name invalid' })
    },
  )

  it.each([[''], ['   ']])('that are empty are refused: "%s"', (raw) => {
    expect(checkName(raw)).toMatchObject({ ok: false, code: 'name empty' })
  })
})
