import { RoomcastError } from '../errors'
import { LIMITS } from '../tables/limits'

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

/** How an object that is not an array travels. */
export type Shape = 'binary' | 'date' | 'map' | 'toJSON'

const tagOf = Object.prototype.toString

/** Objects whose content JSON would drop without a word; everything else is sent as its own enumerable properties. */
const OPAQUE =
  /^\[object (Map|Set|Weak(Map|Set|Ref)|Promise|RegExp|Error|Number|String|Boolean|Symbol|BigInt|SharedArrayBuffer|Blob|File|FormData|(Async)?Generator|.+ Iterator)\]$/

/**
 * Tells by prototype and tag, not by class alone, because a value may come from another realm, such as a
 * frame or a `vm` context.
 *
 * @throws RoomcastError `NOT_ENCODABLE` for an object whose content would be lost.
 */
export function shapeOf(value: object): Shape {
  const proto: unknown = Object.getPrototypeOf(value)
  const isPlain = proto === Object.prototype || proto === null
  let tag = ''
  if (!isPlain) {
    if (ArrayBuffer.isView(value)) return 'binary'
    tag = tagOf.call(value)
    if (tag === '[object Date]') return 'date'
    if (tag === '[object ArrayBuffer]') return 'binary'
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return 'toJSON'
  if (!isPlain && (value instanceof Error || OPAQUE.test(tag))) throw refuse(`a ${tag.slice(8, -1)}`)
  return 'map'
}

/** The bytes of an ArrayBuffer or of a view of one; a view, not a copy. */
export function bytesOf(value: object): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value as ArrayBuffer)
}

/**
 * @returns Milliseconds since 1970, an integer.
 * @throws RoomcastError `NOT_ENCODABLE` for an invalid Date.
 */
export function timeOf(value: object): number {
  const ms = Date.prototype.getTime.call(value)
  if (Number.isNaN(ms)) throw refuse('an invalid Date')
  return ms
}

/** Why a value of a primitive type, or a function, cannot be sent. */
export function refuseType(value: unknown): RoomcastError {
  return refuse(typeof value === 'bigint' ? 'a bigint (send it as a string)' : `a ${typeof value}`)
}

/** The key that would change the prototype of the object a careless receiver builds. */
export function refuseProto(): RoomcastError {
  return refuse('an own property named "__proto__"')
}

/** More nesting than the gate of the receiver lets through. */
export function refuseDepth(): RoomcastError {
  return refuse(`a value nested deeper than ${LIMITS.valueDepth}, or a cycle`)
}

/** More values than the gate of the receiver lets through. Also ends small values that share their parts many times. */
export function refuseCount(): RoomcastError {
  return refuse(`more than ${LIMITS.valueItems} values`)
}

/** An error of encoding as its caller sees it: our own as it is, what user code threw as the cause of ours. */
export function asNotEncodable(error: unknown): RoomcastError {
  if (error instanceof RoomcastError && error.code === 'NOT_ENCODABLE') return error
  return refuse('a value that threw when it was read', error)
}

function refuse(what: string, cause?: unknown): RoomcastError {
  return new RoomcastError('NOT_ENCODABLE', `cannot be sent: ${what}`, { cause })
}
