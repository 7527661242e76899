import { describe, expect, it } from 'vitest'
import { fromHex } from '../scripts/notation'
import { assertBodyAllowed, LIMITS } from '../src/index'
import { CODECS, encode, errorOf, expectCanary, expectSame } from './support'

/** The hostile bodies that were measured against msgpackr alone; docs/design/codec.md, "What the gate stops". */
const HOSTILE: [string, Uint8Array | string][] = [
  ['D-01 nothing', ''],
  ['D-01 a text that is cut', 'a561'],
  ['D-01 a binary that is cut', 'c40561'],
  ['D-01 an extension that is cut', 'c705'],
  ['D-01 an array that is cut', '9201'],
  ['D-01 a map that is cut', '82a16101'],
  ['D-01 a text of 2^32 - 1 bytes', 'dbffffffff 61*20'],
  ['D-01 a binary of 2^32 - 1 bytes', 'c6ffffffff 61*20'],
  ['D-01 an extension of 2^32 - 1 bytes', 'c9ffffffffff 61*20'],
  ['D-01 an array of 2^32 - 1 values', 'ddffffffff 01*20'],
  ['D-01 a map of 2^32 - 1 pairs', 'dfffffffff a161*20'],
  ['D-02 arrays that each claim the rest', claimingArrays(100_000)],
  ['D-03 nesting of 17', '91*16 90'],
  ['D-03 nesting of 1,000', '91*1000 90'],
  ['D-03 nesting of 5,000', '91*5000 90'],
  ['D-03 nesting of 5,000 maps', new Uint8Array(Buffer.from('81a161'.repeat(5_000).concat('c0'), 'hex'))],
  ['D-03 nesting of 1,000,000', new Uint8Array(1_000_000).fill(0x91)],
  ['D-04 references that double 26 times', references(26)],
  ['D-05 a million empty maps', `dd000f4240 80*1000000`],
  ['D-06 record definitions', `dc0bb8${'d4729193a161a162a163010203'.repeat(3_000)}`],
  ['D-07 a record whose keys are nil', 'd47240c0'],
  [
    'D-08 code in the name of a record key',
    `d4724091${'b8785d273a70726f636573732e657869742837292c5b2761 61'.replace(' ', '')}01`,
  ],
  ['D-09 errors', `dc2710${'d4650093a145a16dc0'.repeat(10_000)}`],
  ['D-10 sets', `dc2710${'d4730090'.repeat(10_000)}`],
  ['D-10 typed arrays', 'c70574 06 00000000'.replaceAll(' ', '')],
  ['D-10 ten thousand Dates too many', `dc2710${'d6ff00000000'.repeat(10_000)}`],
  ['D-11 a regular expression', 'd4780092a528612b292ba0'],
  ['D-12 a bigint of a megabyte as a key', bigintKey(1_000_000)],
  ['D-13 a byte after the value', Uint8Array.from([...encode(CODECS[0] as never, 'x'.repeat(100_000)), 0xc0])],
  ['D-14 the key __proto__', '81a95f5f70726f746f5f5f81a5 61646d696e c3'.replaceAll(' ', '')],
  ['D-14 the key __proto__ as str8', '81d9095f5f70726f746f5f5fc3'],
  ['D-14 the key __proto__ as str16', '81da00095f5f70726f746f5f5fc3'],
  ['D-14 the key __proto__ as str32', '81db000000095f5f70726f746f5f5fc3'],
  ['D-14 the key __proto__ deep inside', '9281a16181a95f5f70726f746f5f5fc3c0'],
  ['D-15 an array as a key', '819001'],
  ['D-15 a number as a key', '810101'],
  ['D-15 nil as a key', '81c001'],
  ['D-15 a float as the second key', '82a16101cb000000000000000001'],
  ['D-16 the largest uint64', 'cfffffffffffffffff'],
  ['D-16 the smallest int64', 'd38000000000000000'],
  ['D-16 2^53', 'cf0020000000000000'],
  ['D-16 -2^53', 'd3ffe0000000000000'],
  ['D-17 a byte that is no UTF-8', 'a1ff'],
  ['D-17 an overlong slash', 'a2c0af'],
  ['D-17 an overlong character of 3 bytes', 'a3e08080'],
  ['D-17 an overlong character of 4 bytes', 'a4f0808080'],
  ['D-17 half a surrogate pair', 'a3eda080'],
  ['D-17 a character beyond U+10FFFF', 'a4f4908080'],
  ['D-17 a character cut at the end of its text', 'a2e282'],
  ['D-17 a continuation byte alone', 'a180'],
  ['D-17 a bad key', '81a1ff01'],
  ['D-18 c1', 'c1'],
  ['D-18 undefined as an extension', 'd40000'],
  ['D-18 a Date that is none', 'd4ffff'],
  ['D-18 a timestamp beyond every Date', 'c70cff000000007fffffffffffffff'],
  ['D-18 a timestamp with too many nanoseconds', 'd7ffffffffff00000000'],
]

/** array16 headers, each of which claims all bytes that follow it. */
function claimingArrays(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at + 5 <= length; at += 5) {
    bytes[at] = 0xdd
    new DataView(bytes.buffer).setUint32(at + 1, length - at - 5)
  }
  return bytes
}

/** msgpackr's shared references: pairs of the level below and a pointer to it, then a stray byte. */
function references(levels: number): string {
  let hex = 'd6690000000190'
  for (let level = 2; level <= levels; level++) {
    hex = `d669${level.toString(16).padStart(8, '0')}92${hex}d670${(level - 1).toString(16).padStart(8, '0')}`
  }
  return `${hex}00`
}

function bigintKey(length: number): Uint8Array {
  const bytes = new Uint8Array(8 + length).fill(0x7f)
  bytes.set([0x81, 0xc9, length >>> 24, length >>> 16, length >>> 8, length, 0x42])
  bytes[bytes.length - 1] = 0x01
  return bytes
}

const toBytes = (body: Uint8Array | string) => (typeof body === 'string' ? fromHex(body) : body)

describe('the gate', () => {
  it.each(HOSTILE)('refuses %s', (_, body) => {
    const bytes = toBytes(body)
    for (const codec of CODECS) {
      const before = performance.now()
      const error = errorOf(() => codec.decode(bytes, 0))
      // Without the gate several of these take seconds; the margin is for a busy machine.
      expect(performance.now() - before).toBeLessThan(300)
      expect(error.code).toBe('BAD_VALUE')
      expect(error.message).toMatch(/^body refused at byte \d+: [^\n]{1,60}$/)
      expectCanary(codec)
    }
  })

  it.each(HOSTILE)('refuses %s in the middle of a body', (_, body) => {
    const bytes = Uint8Array.of(0x93, 0xa1, 0x61, ...toBytes(body).subarray(0, 70_000), 0xc0)
    for (const codec of CODECS) expect(errorOf(() => codec.decode(bytes, 0)).code).toBe('BAD_VALUE')
  })

  it('never quotes what it refuses', () => {
    const secret = Buffer.from('pa55word')
    for (const tail of ['c1', 'a1ff', 'cfffffffffffffffff', '']) {
      const bytes = Uint8Array.of(0x93, 0xa8, ...secret, ...fromHex(tail))
      const { message, data, cause } = errorOf(() => assertBodyAllowed(bytes, 0, bytes.length))
      expect(message).not.toContain('pa55')
      expect([data, cause]).toEqual([undefined, undefined])
    }
  })

  it('lets through what is exactly at its bounds', () => {
    const bodies = [
      '91*15 90',
      'dc270f c0*9999',
      'cf001fffffffffffff',
      'd3ffe0000000000001',
      'c70cff00000000000007dba8218000',
    ]
    for (const hex of bodies) {
      for (const codec of CODECS) codec.decode(fromHex(hex), 0)
    }
  })

  it('counts keys and containers as values', () => {
    const limits = { depth: 4, items: 5 }
    const check = (hex: string) => assertBodyAllowed(fromHex(hex), 0, fromHex(hex).length, limits)
    check('82a16101a16202')
    expect(errorOf(() => check('83a16101a16202a16303')).message).toContain('more than 5 values')
    check('9191919191'.slice(0, 6).concat('90'))
    expect(errorOf(() => check('9191919190')).message).toContain('nested deeper than 4')
  })

  it('says where the offence is, counted from the start of the body', () => {
    const bytes = fromHex('eeee93a16101c1')
    expect(errorOf(() => assertBodyAllowed(bytes, 2, bytes.length)).message).toBe(
      'body refused at byte 4: type not allowed',
    )
  })

  it('looks at nothing outside the part it is given', () => {
    const bytes = fromHex('ff9101ff')
    assertBodyAllowed(bytes, 1, 3)
    expect(errorOf(() => assertBodyAllowed(bytes, 1, 2)).message).toContain('truncated')
    expect(errorOf(() => assertBodyAllowed(bytes, 1, 4)).message).toContain('bytes after the value')
  })

  it('walks a body of a megabyte in less time than a heartbeat notices', () => {
    const long = encode(CODECS[0] as never, ['語'.repeat(300_000), new Uint8Array(100_000)])
    const before = performance.now()
    assertBodyAllowed(long, 0, long.length)
    expect(performance.now() - before).toBeLessThan(500)
  })

  it('keeps names such as constructor as own properties of a plain object', () => {
    const bytes = encode(CODECS[0] as never, { constructor: 1, hasOwnProperty: 2, toString: 3, __proto_: 4 })
    for (const codec of CODECS) {
      const value = codec.decode(bytes, 0) as object
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
      expectSame(value, { constructor: 1, hasOwnProperty: 2, toString: 3, __proto_: 4 })
    }
  })

  it('has the bounds that LIMITS announces', () => {
    expect([LIMITS.valueDepth, LIMITS.valueItems]).toEqual([16, 10_000])
  })
})
