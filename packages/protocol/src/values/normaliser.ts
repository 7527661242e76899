import { LONE_SURROGATE } from '../names/names'
import { LIMITS } from '../tables/limits'
import { asNotEncodable, assertDepth, formOf, PROTO_KEY, refuse, refuseType, TOO_MANY } from './encodable'

/*
 * For encoders that are not ours: makes of any value one that holds only null, booleans, numbers, well-formed
 * strings, arrays, plain objects, Uint8Array and valid Dates, by the same table and with the same refusals as
 * CompactEncoder. What is in order already is returned as it is; only the containers on the way to something
 * that changes are copied.
 */

const textEncoder = new TextEncoder()
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Values seen in the current call, keys and containers included. */
let items = 0

/**
 * @returns `value` itself or a changed copy; parts of it may be shared with `value`. The encoder reads
 *          properties once more, so a getter has to answer the same kind of value twice.
 * @throws RoomcastError `NOT_ENCODABLE`.
 */
export function toPlainValue(value: unknown): unknown {
  // A `toJSON` may encode another message: its count is its own.
  const outer = items
  items = 0
  try {
    return plain(value, 0)
  } catch (error) {
    throw asNotEncodable(error)
  } finally {
    items = outer
  }
}

function plain(value: unknown, depth: number): unknown {
  if (++items > LIMITS.valueItems) throw refuse(TOO_MANY)
  switch (typeof value) {
    case 'string':
      return wellFormed(value)
    case 'number':
    case 'boolean':
      return value
    case 'undefined':
      return null
    case 'object':
      if (value === null) return null
      return Array.isArray(value) ? plainArray(value, depth + 1) : plainObject(value, depth + 1)
    default:
      throw refuseType(value)
  }
}

/** The halves of surrogate pairs become U+FFFD, as TextEncoder makes them; msgpackr would write invalid UTF-8. */
function wellFormed(text: string): string {
  return LONE_SURROGATE.test(text) ? utf8.decode(textEncoder.encode(text)) : text
}

function plainArray(value: readonly unknown[], depth: number): readonly unknown[] {
  assertDepth(depth)
  const { length } = value
  if (length > LIMITS.valueItems) throw refuse(TOO_MANY)
  let copy: unknown[] | undefined = value.constructor === Array ? undefined : []
  for (let i = 0; i < length; i++) {
    const item = value[i]
    const changed = plain(item, depth)
    if (copy === undefined && changed !== item && !Object.is(changed, item)) copy = value.slice(0, i)
    if (copy !== undefined) copy[i] = changed
  }
  return copy ?? value
}

function plainObject(value: object, depth: number): unknown {
  const form = formOf(value)
  if (typeof form === 'number') return value instanceof Date ? value : new Date(form)
  // msgpackr writes other views wrongly, and with bytes of earlier messages.
  if (form instanceof Uint8Array) return form
  assertDepth(depth)
  if (form === undefined) return plainMap(value as Record<string, unknown>, depth)
  items--
  return plain(form.call(value), depth)
}

function plainMap(value: Record<string, unknown>, depth: number): Record<string, unknown> {
  const keys = Object.keys(value)
  let copy: Record<string, unknown> | undefined = value.constructor === Object ? undefined : {}
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string
    const item = value[key]
    if (item === undefined) {
      copy ??= copyUpTo(value, keys, i)
      continue
    }
    if (key === '__proto__') throw refuse(PROTO_KEY)
    items++
    const name = wellFormed(key)
    const changed = plain(item, depth)
    if (copy === undefined && (name !== key || (changed !== item && !Object.is(changed, item)))) {
      copy = copyUpTo(value, keys, i)
    }
    if (copy !== undefined) copy[name] = changed
  }
  return copy ?? value
}

/** A copy of the first `count` properties, which needed no change. */
function copyUpTo(value: Record<string, unknown>, keys: readonly string[], count: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (let i = 0; i < count; i++) copy[keys[i] as string] = value[keys[i] as string]
  return copy
}
