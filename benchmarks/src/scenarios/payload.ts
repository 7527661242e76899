import { createHeader, MESSAGE_TYPES, readHeader } from '@roomcast/protocol'

/*
 * The messages of a server under a scenario: event `m` with the time of the emit (clock.ts), a number that is higher by
 * one with each message to the room, a key, and bytes to make it as large as is wanted.
 */

/** Event of every message. */
export const MESSAGE_EVENT = 'm'

/** Event that the server answers with its argument. */
export const ECHO_EVENT = 'echo'

/** Arguments of {@link MESSAGE_EVENT}: microseconds, number, key, filling. */
export type MessageArgs = readonly [atUs: number, number: number, key: number, filling: Uint8Array]

/** What a receiver that decodes nothing else sees of a message. */
export interface MessageHead {
  atUs: number
  number: number
}

const ARRAY_OF_4 = 0x94
const FLOAT_64 = 0xcb
const UINT_8 = 0xcc
const UINT_16 = 0xcd
const UINT_32 = 0xce
const FLOAT_64_BYTES = 9

const header = createHeader()

/**
 * Reads time and number of a message without decoding the rest.
 *
 * @param frame  A whole frame of Roomcast.
 * @param into   Filled.
 * @returns false if it is another frame.
 */
export function readMessageHead(frame: Buffer, into: MessageHead): boolean {
  const { type, event, bodyStart } = readHeader(frame, header)
  if (type !== MESSAGE_TYPES.EVENT || event !== MESSAGE_EVENT) return false
  if (frame[bodyStart] !== ARRAY_OF_4 || frame[bodyStart + 1] !== FLOAT_64) throw new Error('a message of another form')
  into.atUs = frame.readDoubleBE(bodyStart + 2)
  into.number = readCount(frame, bodyStart + 1 + FLOAT_64_BYTES)
  return true
}

function readCount(bytes: Buffer, at: number): number {
  const first = bytes[at] as number
  if (first < 0x80) return first
  if (first === UINT_8) return bytes[at + 1] as number
  if (first === UINT_16) return bytes.readUInt16BE(at + 1)
  if (first === UINT_32) return bytes.readUInt32BE(at + 1)
  throw new Error('a number of another form')
}
