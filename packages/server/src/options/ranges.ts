import { RoomcastError } from '@roomcast/protocol'

/** @throws RoomcastError `INVALID_OPTION` unless `value` is an integer from `min` to `max`. */
export function inRange(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new RoomcastError('INVALID_OPTION', `${name} is ${value}; it has to be an integer from ${min} to ${max}`)
}
