/*
 * Texts out of bytes, without a TextDecoder for each that is short: to start one costs more than to read a
 * small frame.
 */

/** Longest text put together by hand; beyond it TextDecoder is faster (scripts/codec-bench.ts). */
const SHORT_TEXT_BYTES = 32
const KEPT_TEXTS = 2048
const keptTexts: string[] = new Array(KEPT_TEXTS).fill('')

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads a text of any length. A short one is likely to come again, be it an event, a property, the id of a player or the
 * symbol of a share: finding it costs less than making it, leaves no garbage, and objects with known keys are built faster.
 * Every find is compared byte by byte, so what one frame leaves here cannot change the next.
 *
 * @returns undefined if `bytes[start, end)` is not valid UTF-8. RFC 3629 section 4.
 */
export function readText(bytes: Uint8Array, start: number, end: number): string | undefined {
  const length = end - start
  if (length > SHORT_TEXT_BYTES) {
    try {
      return utf8.decode(bytes.subarray(start, end))
    } catch {
      return undefined
    }
  }
  let hash = 0
  let all = 0
  for (let i = start; i < end; i++) {
    const code = bytes[i] as number
    all |= code
    hash = (Math.imul(hash, 31) + code) | 0
  }
  if (all > 0x7f) return readUtf8(bytes, start, end)
  const slot = (hash ^ (hash >>> 15)) & (KEPT_TEXTS - 1)
  const kept = keptTexts[slot] as string
  if (isText(kept, bytes, start, length)) return kept
  // Of the right length from the start: what grows leaves garbage.
  const codes = new Array<number>(length)
  for (let i = 0; i < length; i++) codes[i] = bytes[start + i] as number
  const text = String.fromCharCode(...codes)
  keptTexts[slot] = text
  return text
}

/** Whether an ASCII text is what these `length` bytes say. */
export function isText(text: string | undefined, bytes: Uint8Array, start: number, length: number): text is string {
  if (text?.length !== length) return false
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false
  return true
}

function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  const units: number[] = []
  for (let i = start; i < end; ) {
    let code = bytes[i++] as number
    if (code > 0x7f) {
      const more = code < 0xe0 ? 1 : code < 0xf0 ? 2 : 3
      if (code < 0xc2 || code > 0xf4 || i + more > end) return undefined
      code &= 0x3f >> more
      for (const last = i + more; i < last; i++) {
        const bits = (bytes[i] as number) ^ 0x80
        if (bits > 0x3f) return undefined
        code = (code << 6) | bits
      }
      // Longer than needed, half of a surrogate pair, beyond U+10FFFF.
      if (code >> (5 * more + 1) === 0 || code >> 11 === 0x1b || code > 0x10ffff) return undefined
      if (more === 3) {
        units.push(0xd7c0 + (code >> 10))
        code = 0xdc00 | (code & 0x3ff)
      }
    }
    units.push(code)
  }
  return String.fromCharCode(...units)
}
