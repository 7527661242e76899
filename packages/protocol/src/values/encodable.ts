import { RoomcastError } from '../errors'
import { VALUE_DEPTH, VALUE_ITEMS } from '../tables/limits'

/*
 * What the wire can carry and what it refuses, shared by every codec (PROTOCOL.md, "Values").
 *
 *   string, number, boolean, null      as they are
 *   undefined                          nil; left out as a property
 *   array                              array, holes become nil
 *   Date                               timestamp, an invalid one is refused
 *   ArrayBuffer, typed array, DataView their bytes
 *   object with toJSON                 what toJSON returns; costs one level of depth
 *   other object                       map of its own enumerable properties
 *   bigint, symbol, function           refused
 *   Map, Set, Error, Promise, ...      refused: JSON would make {} of them without a word
 */

const tagOf = Object.prototype.toString

/** Objects whose content JSON would drop without a word; everything else is sent as its own enumerable properties. */
const OPAQUE =
  /^\[object (Map|Set|Weak(Map|Set|Ref)|Promise|RegExp|Error|Number|String|Boolean|Symbol|BigInt|SharedArrayBuffer|Blob|File|FormData|(Async)?Generator|.+ Iterator)\]$/

/**
 * How an object that is not an array travels. Tells by prototype and tag, not by class alone, because a value
 * may come from another realm, such as a frame or a `vm` context.
 *
 * @returns of a Date the milliseconds since 1970, an integer; of binary data its bytes, not a copy; of an object
 *          with a `toJSON` this function; undefined for an object that is sent as its properties.
 * @throws RoomcastError `NOT_ENCODABLE` for an invalid Date, and an object whose content would be lost.
 */
export function formOf(value: object): number | Uint8Array | (() => unknown) | undefined {
  const { toJSON } = value as { toJSON?: unknown }
  const form = typeof toJSON === 'function' ? (toJSON as () => unknown) : undefined
  const proto: unknown = Object.getPrototypeOf(value)
  if (proto === Object.prototype || proto === null) return form
  if (proto === Uint8Array.prototype) return value as Uint8Array
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  const tag = tagOf.call(value)
  if (tag === '[object ArrayBuffer]') return new Uint8Array(value as ArrayBuffer)
  if (tag === '[object Date]') {
    const ms = Date.prototype.getTime.call(value)
    if (Number.isNaN(ms)) throw refuse('an invalid Date')
    return ms
  }
  if (form === undefined && (value instanceof Error || OPAQUE.test(tag))) throw refuse(`a ${tag.slice(8, -1)}`)
  return form
}

/** Why a value of a primitive type, or a function, cannot be sent. */
export function refuseType(value: unknown): RoomcastError {
  return refuse(typeof value === 'bigint' ? 'a bigint (send it as a string)' : `a ${typeof value}`)
}

/** The key that would change the prototype of the object a careless receiver builds. */
export const PROTO_KEY = 'an own property named "__proto__"'

/** More values than the receiver takes. Also ends small values that share their parts many times. */
export const TOO_MANY = `more than ${VALUE_ITEMS} values`

/** @throws RoomcastError `NOT_ENCODABLE` for a container in more nesting than the receiver takes. */
export function assertDepth(depth: number): void {
  if (depth > VALUE_DEPTH) throw refuse(`a value nested deeper than ${VALUE_DEPTH}, or a cycle`)
}

/** An error of encoding as its caller sees it: our own as it is, what user code threw as the cause of ours. */
export function asNotEncodable(error: unknown): RoomcastError {
  if (error instanceof RoomcastError && error.code === 'NOT_ENCODABLE') return error
  return refuse('a value that threw when it was read', error)
}

/** The error that says what cannot be sent. */
export function refuse(what: string, cause?: unknown): RoomcastError {
  return new RoomcastError('NOT_ENCODABLE', `cannot be sent: ${what}`, { cause })
}
