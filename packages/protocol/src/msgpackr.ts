import { Packr, RESERVE_START_SPACE, RESET_BUFFER_MODE } from 'msgpackr/pack'
import { type Options, Unpackr } from 'msgpackr/unpack'
import type { ValueCodec } from './values/codec'
import { assertBodyAllowed } from './values/gate'
import { toPlainValue } from './values/normaliser'

/** Free bytes that msgpackr can leave in front by itself. */
const LARGEST_RESERVE = 0xff

/** `'auto'`: a number where it is exact. The gate has refused everything else. The published types leave it out. */
const INT64_AS_TYPE = 'auto' as 'number'

/** Objects stay maps: records, references and every other extension of msgpackr are outside the protocol. */
const OPTIONS: Options & { structuredClone: boolean } = {
  useRecords: false,
  mapsAsObjects: true,
  structuredClone: false,
  moreTypes: false,
  bundleStrings: false,
  // Equal to the compact codec in length: a map has the shortest header, not always 3 bytes.
  variableMapSize: true,
  // The bytes handed in live only as long as the callback of the transport.
  copyBuffers: true,
  int64AsType: INT64_AS_TYPE,
  encodeUndefinedAsNil: true,
  // Already done by the normaliser; an own property of that name is data.
  useToJSON: false,
}

/**
 * A codec that encodes and decodes with msgpackr, behind the same gate and by the same table of values as
 * the codec of the main entry. The two understand each other: each side of a connection may choose.
 *
 * Differences on the wire, all within PROTOCOL.md, "Values": `-0` is sent as `0`; integers beyond 32 bits
 * are sent as float64; Dates between 2106 and 2514 take 12 bytes instead of 8.
 *
 * `encode` returns an exact copy, which later calls do not change: msgpackr writes into one slab for the
 * whole process, and a view kept of it would keep all of it.
 */
export function createMsgpackrCodec(): ValueCodec {
  // msgpackr keeps the object it is given.
  const packr = new Packr({ ...OPTIONS })
  const unpackr = new Unpackr({ ...OPTIONS })
  return {
    name: 'msgpackr',
    encode(value, reserve) {
      const plain = toPlainValue(value)
      if (reserve <= LARGEST_RESERVE) {
        return new Uint8Array(packr.pack(plain, RESET_BUFFER_MODE | RESERVE_START_SPACE | reserve))
      }
      const body = packr.pack(plain, RESET_BUFFER_MODE)
      const bytes = new Uint8Array(reserve + body.length)
      bytes.set(body, reserve)
      return bytes
    },
    decode(bytes, start) {
      assertBodyAllowed(bytes, start, bytes.length)
      // A plain Uint8Array, so that binary values are no Buffers, whatever was handed in.
      const body = new Uint8Array(bytes.buffer, bytes.byteOffset + start, bytes.length - start)
      const value: unknown = unpackr.unpack(body)
      return value
    },
  }
}
