/*
 * The notation of vectors.json; the file explains it to its readers. A value that JSON has stands for itself,
 * any other is a map with one key that begins with "$".
 *
 *   {"$float": "NaN" | "Infinity" | "-Infinity" | "-0"}
 *   {"$time": ms}            Date, milliseconds since 1970
 *   {"$bin": hex}            binary
 *   {"$text": [text, n]}     text n times
 *   {"$list": [value, n]}    array of n times the value
 *
 *   hex                      bytes; "61*300" is the byte 61 three hundred times; parts are separated by spaces
 */

/** A value of JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const LONGEST_PLAIN_RUN = 40

/** Bytes of the notation's hex. */
export function fromHex(hex: string): Uint8Array {
  const parts = hex.split(' ').map((part) => {
    const [digits = '', times = '1'] = part.split('*')
    return digits.repeat(Number(times))
  })
  const digits = parts.join('')
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16))
}

/** Hex of bytes, with long runs written short. */
export function toHex(bytes: Uint8Array): string {
  const parts: string[] = []
  let plain = ''
  for (let i = 0; i < bytes.length; ) {
    let end = i
    while (end < bytes.length && bytes[end] === bytes[i]) end++
    const two = (bytes[i] as number).toString(16).padStart(2, '0')
    if (end - i > LONGEST_PLAIN_RUN) {
      if (plain !== '') parts.push(plain)
      parts.push(`${two}*${end - i}`)
      plain = ''
    } else plain += two.repeat(end - i)
    i = end
  }
  if (plain !== '') parts.push(plain)
  return parts.join(' ')
}

/** The value that a notation stands for. */
export function fromNotation(json: Json): unknown {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map(fromNotation)
  const { $float, $time, $bin, $text, $list } = json
  if ($float !== undefined) return $float === '-0' ? -0 : Number($float)
  if ($time !== undefined) return new Date($time as number)
  if ($bin !== undefined) return fromHex($bin as string)
  if ($text !== undefined) {
    const [text, times] = $text as [string, number]
    return text.repeat(times)
  }
  if ($list !== undefined) {
    const [value, times] = $list as [Json, number]
    return Array.from({ length: times }, () => fromNotation(value))
  }
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, fromNotation(value)]))
}

/** The notation of a value of the protocol. */
export function toNotation(value: unknown): Json {
  if (typeof value === 'number') {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { $float: Object.is(value, -0) ? '-0' : `${value}` }
  }
  if (typeof value === 'string') {
    const isRun = value.length > LONGEST_PLAIN_RUN && value === (value[0] as string).repeat(value.length)
    return isRun ? { $text: [value[0] as string, value.length] } : value
  }
  if (value instanceof Date) return { $time: value.getTime() }
  if (value instanceof Uint8Array) return { $bin: toHex(value) }
  if (Array.isArray(value)) {
    const isRun = value.length > LONGEST_PLAIN_RUN && value.every((item) => Object.is(item, value[0]))
    return isRun ? { $list: [toNotation(value[0]), value.length] } : value.map(toNotation)
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toNotation(item)]))
  }
  return value as Json
}
