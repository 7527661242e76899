/*
 * Texts out of bytes, without a TextDecoder for each that is short: to start one costs more than to read a
 * small frame.
 */

/** Longest text put together by hand; beyond it TextDecoder is faster (scripts/codec-bench.ts). */
const SHORT_TEXT_BYTES = 24
const KEPT_TEXTS = 512
const keptTexts: string[] = new Array(KEPT_TEXTS).fill('')

/**
 * Reads a text that is likely to come again: a property or an event. Finding it costs less than making it,
 * and objects with known keys are built faster (scripts/codec-bench.ts). Every find is compared byte by byte,
 * so what one frame leaves here cannot change the next.
 *
 * @returns undefined if `bytes[start, end)` is not valid UTF-8.
 */
export function readKnownText(bytes: Uint8Array, start: number, end: number): string | undefined {
  let hash = 0
  for (let i = start; i < end; i++) {
    const code = bytes[i] as number
    if (code > 0x7f) return readText(bytes, start, end)
    hash = (Math.imul(hash, 31) + code) | 0
  }
  const slot = (hash ^ (hash >>> 15)) & (KEPT_TEXTS - 1)
  const kept = keptTexts[slot] as string
  let isSame = kept.length === end - start
  for (let i = start; isSame && i < end; i++) isSame = kept.charCodeAt(i - start) === bytes[i]
  if (isSame) return kept
  const text = readText(bytes, start, end)
  keptTexts[slot] = text as string
  return text
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads a text of any length.
 *
 * @returns undefined if `bytes[start, end)` is not valid UTF-8. RFC 3629 section 4.
 */
export function readText(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > SHORT_TEXT_BYTES) {
    try {
      return utf8.decode(bytes.subarray(start, end))
    } catch {
      return undefined
    }
  }
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
