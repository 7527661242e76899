import { decodeCompact } from './compact-decoder'
import { CompactEncoder } from './compact-encoder'

/**
 * Turns values into bodies and back. Every codec speaks the same MessagePack (PROTOCOL.md, "Values"), so
 * the two sides of a connection may use different ones.
 */
export interface ValueCodec {
  /** For logs and benchmarks. */
  readonly name: string
  /**
   * @param value    Any value of the table in PROTOCOL.md, "Values".
   * @param reserve  Bytes left free in front of the body, for the header.
   * @returns `reserve` free bytes, then the body. May be a view of a buffer that the next call overwrites:
   *          who keeps it copies it.
   * @throws RoomcastError `NOT_ENCODABLE`.
   */
  encode(value: unknown, reserve: number): Uint8Array
  /**
   * Decodes the body that fills `bytes` from `start` to the end. Nothing in the result refers to `bytes`.
   *
   * @throws RoomcastError `BAD_VALUE`.
   */
  decode(bytes: Uint8Array, start: number): unknown
}

/** The codec of both sides: a small encoder and a strict decoder, one pass each (docs/design/codec.md). */
export function createCompactCodec(): ValueCodec {
  const encoder = new CompactEncoder()
  return {
    name: 'compact',
    encode: (value, reserve) => encoder.encode(value, reserve),
    decode: decodeCompact,
  }
}
