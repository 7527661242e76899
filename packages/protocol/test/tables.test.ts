import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  CLOSE_CODES,
  CLOSE_MEANINGS,
  CLOSE_SENDERS,
  type CloseName,
  closeVerdict,
  ERROR_CODES,
  type ErrorCodeRow,
  LIMITS,
  MESSAGE_DEFINITIONS,
  MESSAGE_TYPES,
  type MessageName,
  RESERVED_EVENTS,
  utf8Length,
} from '../src/index'

const text = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8')

/** Cells of the table rows of a section of PROTOCOL.md, without the head of the table. */
function rowsOf(section: string): string[][] {
  const body = text.split(/^## /m).find((part) => part.includes(`${section}\n`) && part.indexOf(section) < 5) ?? ''
  return body
    .split('\n')
    .filter((line) => /^\|(?! ?-)/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
    .slice(1)
}

const closeRows = Object.entries(CLOSE_CODES) as [CloseName, number][]
const errorRows = Object.entries(ERROR_CODES) as [string, ErrorCodeRow][]

describe('PROTOCOL.md', () => {
  it('has the error codes of the table and no others', () => {
    const expected = errorRows.map(([code, { sources, carriers, meaning }]) => [
      `\`${code}\``,
      sources.join(', '),
      carriers.join(', '),
      meaning,
    ])
    expect(rowsOf('Errors')).toEqual(expected)
  })

  it('has the close codes of the table and no others', () => {
    const expected = closeRows.map(([name, code]) => [
      `${code}`,
      `\`${name}\``,
      CLOSE_SENDERS[name],
      CLOSE_MEANINGS[name],
      closeVerdict(code),
    ])
    expect(rowsOf('Close codes')).toEqual(expected)
  })

  it('has the limits of the table and no others', () => {
    const documented = rowsOf('Limits').map(([name, value]) => [name, value])
    expect(documented).toEqual(
      Object.entries(LIMITS).map(([name, value]) => [`\`${name}\``, value.toLocaleString('en-US')]),
    )
  })

  it('has the messages of MESSAGE_DEFINITIONS, each with a section of its own', () => {
    const directions = { both: 'both', client: 'client → server', server: 'server → client' }
    const names = Object.keys(MESSAGE_TYPES) as MessageName[]
    const expected = names.map((name) => {
      const { direction, header, body } = MESSAGE_DEFINITIONS[name]
      return [`${MESSAGE_TYPES[name]}`, `\`${name}\``, directions[direction], header.join(', '), `\`${body}\``]
    })
    expect(rowsOf('Messages')).toEqual(expected)
    expect([...text.matchAll(/^### ([A-Z_]+)$/gm)].map((match) => match[1])).toEqual(names)
  })

  it('names the reserved events', () => {
    for (const event of RESERVED_EVENTS) expect(text).toContain(`\`${event}\``)
  })

  it('mentions no code that the tables do not have', () => {
    const known = new Set([...Object.keys(ERROR_CODES), ...Object.keys(CLOSE_CODES), ...Object.keys(MESSAGE_TYPES)])
    const mentioned = [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map((match) => match[1] as string)
    expect(mentioned.filter((code) => !known.has(code))).toEqual([])
    const closes = [...text.matchAll(/(?:close|with) (4\d{3})/g)].map((match) => Number(match[1]))
    expect(closes.filter((code) => !closeRows.some(([, known]) => known === code))).toEqual([])
  })
})

describe('close codes', () => {
  it('are different numbers', () => {
    expect(new Set(closeRows.map(([, code]) => code)).size).toBe(closeRows.length)
  })

  it('are those of RFC 6455 or in the range for applications', () => {
    for (const [name, code] of closeRows) {
      expect(
        code === 1000 ||
          code === 1001 ||
          code === 1005 ||
          code === 1006 ||
          code === 1012 ||
          (code >= 4000 && code < 5000),
        name,
      ).toBe(true)
      // 1005 and 1006 must not appear in a close frame, RFC 6455 section 7.4.1.
      expect(CLOSE_SENDERS[name] === 'engine', name).toBe(code === 1005 || code === 1006)
    }
  })

  it('have meanings that fit a close frame', () => {
    for (const [name, meaning] of Object.entries(CLOSE_MEANINGS))
      expect(utf8Length(meaning), name).toBeLessThanOrEqual(123)
  })

  it('tell what to do next, and count as a lost link when they are unknown', () => {
    expect(closeVerdict(CLOSE_CODES.KICKED)).toBe('never')
    expect(closeVerdict(CLOSE_CODES.PING_TIMEOUT)).toBe('now')
    expect(closeVerdict(CLOSE_CODES.ABNORMAL)).toBe('backoff')
    for (const code of [0, 1002, 1011, 3000, 4999]) expect(closeVerdict(code)).toBe('backoff')
  })
})

describe('error codes', () => {
  it('say who makes them and how they arrive', () => {
    for (const [code, { sources, carriers, meaning }] of errorRows) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
      expect([sources.length > 0, carriers.length > 0, meaning.length > 0], code).toEqual([true, true, true])
    }
  })

  it('are in alphabetical order', () => {
    const codes = errorRows.map(([code]) => code)
    // The underscore before the letters, as a reader looks for them.
    const keyOf = (code: string) => code.replaceAll('_', ' ')
    expect(codes).toEqual([...codes].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)))
  })
})

describe('limits', () => {
  it('are positive whole numbers', () => {
    for (const [name, value] of Object.entries(LIMITS))
      expect(Number.isSafeInteger(value) && value > 0, name).toBe(true)
  })

  it('let the names of events and rooms through the length byte of the header', () => {
    expect(LIMITS.eventNameBytes).toBeLessThan(256)
  })
})
