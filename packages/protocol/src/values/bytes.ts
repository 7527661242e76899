/*
 * Numbers and short texts out of bytes, without a DataView or a TextDecoder for each frame: making one costs
 * more than reading a small frame.
 */

export function readU16(bytes: Uint8Array, pos: number): number {
  return ((bytes[pos] as number) << 8) | (bytes[pos + 1] as number)
}

export function readU32(bytes: Uint8Array, pos: number): number {
  return ((readU16(bytes, pos) << 16) | readU16(bytes, pos + 2)) >>> 0
}

const KEPT_TEXTS = 512
const keptTexts: string[] = new Array(KEPT_TEXTS).fill('')

/**
 * Reads a text that is likely to come again: a property or an event. Finding it costs less than making it,
 * and objects with known keys are built faster (scripts/codec-bench.ts). Every find is compared byte by byte,
 * so what one frame leaves here cannot change the next.
 *
 * @returns undefined if `bytes[start, end)` is not ASCII.
 */
export function readKnownText(bytes: Uint8Array, start: number, end: number): string | undefined {
  let hash = 0
  for (let i = start; i < end; i++) {
    const code = bytes[i] as number
    if (code > 0x7f) return undefined
    hash = (Math.imul(hash, 31) + code) | 0
  }
  const slot = (hash ^ (hash >>> 15)) & (KEPT_TEXTS - 1)
  const kept = keptTexts[slot] as string
  if (isText(kept, bytes, start, end)) return kept
  const text = readAscii(bytes, start, end)
  keptTexts[slot] = text
  return text
}

function isText(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false
  for (let i = start; i < end; i++) if (text.charCodeAt(i - start) !== bytes[i]) return false
  return true
}

function readAscii(bytes: Uint8Array, start: number, end: number): string {
  const units: number[] = []
  for (let i = start; i < end; i++) units.push(bytes[i] as number)
  return String.fromCharCode(...units)
}
