/*
 * Unsigned integers of the header: LEB128, 7 bits a byte, lowest first, the shortest form only, up to
 * 2^53 - 1 (8 bytes). Small numbers, which is nearly all of them, take one byte.
 */

/** Bytes that {@link writeVarint} uses for `value`. */
export function varintLength(value: number): number {
  let length = 1
  for (let limit = 0x80; value >= limit; limit *= 0x80) length++
  return length
}

/** Writes `value` at `pos`; returns the position behind it. */
export function writeVarint(bytes: Uint8Array, pos: number, value: number): number {
  let rest = value
  let at = pos
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[at++] = rest
  return at
}

/** Position behind the last varint read; valid after {@link readVarint} returned a number >= 0. */
export let varintEnd = 0

/** Reads the number at `pos`; -1 if it is truncated, longer than needed, or beyond 2^53 - 1. */
export function readVarint(bytes: Uint8Array, pos: number): number {
  const first = bytes[pos]
  if (first === undefined) return -1
  if (first < 0x80) {
    varintEnd = pos + 1
    return first
  }
  let value = first & 0x7f
  let scale = 0x80
  for (let at = pos + 1; at < pos + 8; at++) {
    // Past the end there is none, and nothing that ends the number.
    const byte = bytes[at] as number
    value += (byte & 0x7f) * scale
    if (byte < 0x80) {
      varintEnd = at + 1
      return byte === 0 || value > Number.MAX_SAFE_INTEGER ? -1 : value
    }
    scale *= 0x80
  }
  return -1
}
