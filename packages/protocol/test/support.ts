import { inspect, isDeepStrictEqual } from 'node:util'
import {
  createCompactCodec,
  createHeader,
  isRoomcastError,
  MESSAGE_TYPES,
  type ReadHeader,
  type RoomcastError,
  readArguments,
  readCloseBody,
  readConnectBody,
  readConnectErrorBody,
  readConnectedBody,
  readErrorBody,
  readHeader,
  readNamedBody,
  readSwitchBody,
  type ValueCodec,
} from '../src/index'
import { createMsgpackrCodec } from '../src/msgpackr'

/** The codecs that have to agree. */
export const CODECS: readonly ValueCodec[] = [createCompactCodec(), createMsgpackrCodec()]

/**
 * Options of fast-check: `FUZZ_RUNS` multiplies the count, `SEED` and `REPLAY_PATH` repeat a failure with
 * what it printed.
 */
export function runs(count: number): { numRuns: number; seed?: number; path?: string } {
  const { FUZZ_RUNS, SEED, REPLAY_PATH } = process.env
  return {
    numRuns: Math.ceil(count * Number(FUZZ_RUNS ?? 1)),
    ...(SEED !== undefined && { seed: Number(SEED) }),
    ...(REPLAY_PATH !== undefined && { path: REPLAY_PATH }),
  }
}

/** Bytes of a body, independent of the next call of the codec. */
export function encode(codec: ValueCodec, value: unknown): Uint8Array {
  return Uint8Array.from(codec.encode(value, 0))
}

/** What `encode` by one codec and `decode` by another make of a value. */
export function carry(value: unknown, from: ValueCodec, to: ValueCodec): unknown {
  return to.decode(encode(from, value), 0)
}

/** The error that `run` throws; fails unless it is a RoomcastError. */
export function errorOf(run: () => unknown): RoomcastError {
  let result: unknown
  try {
    result = run()
  } catch (error) {
    if (isRoomcastError(error)) return error
    throw new Error(`threw something else: ${error}`, { cause: error })
  }
  throw new Error(`did not throw, returned ${JSON.stringify(result)?.slice(0, 100)}`)
}

/** As a receiver reads a frame: header, body, shape. */
export function readFrame(codec: ValueCodec, frame: Uint8Array): { header: ReadHeader; body: unknown } {
  const header = readHeader(frame, createHeader())
  const body = codec.decode(frame, header.bodyStart)
  switch (header.type) {
    case MESSAGE_TYPES.CONNECT:
      readConnectBody(body)
      break
    case MESSAGE_TYPES.CONNECTED:
      readConnectedBody(body)
      break
    case MESSAGE_TYPES.CONNECT_ERROR:
      readConnectErrorBody(body)
      break
    case MESSAGE_TYPES.EVENT:
    case MESSAGE_TYPES.CALL:
    case MESSAGE_TYPES.ACK:
      readArguments(body)
      break
    case MESSAGE_TYPES.ACK_ERROR:
    case MESSAGE_TYPES.ERROR:
      readErrorBody(body)
      break
    case MESSAGE_TYPES.SWITCH:
      readSwitchBody(body)
      break
    case MESSAGE_TYPES.CLOSE:
      readCloseBody(body)
      break
    case MESSAGE_TYPES.REQUEST:
    case MESSAGE_TYPES.NOTICE:
      readNamedBody(body)
      break
  }
  return { header, body }
}

/** Equality with types, prototypes and the sign of zero. */
export function expectSame(actual: unknown, expected: unknown, note = ''): void {
  if (isDeepStrictEqual(actual, expected)) return
  // Not a matcher: its difference of two large values takes seconds, and fast-check wants hundreds of them.
  const show = (value: unknown) => inspect(value, { depth: 20, breakLength: 120 }).slice(0, 2_000)
  throw new Error(`${note}\n  got      ${show(actual)}\n  expected ${show(expected)}`)
}

const CANARY = { room: 'lobby', ids: [1, 2.5, -3], name: 'Zoë', raw: Uint8Array.of(1, 2) }

/** Fails if what happened before has changed what a codec makes of a usual body. */
export function expectCanary(codec: ValueCodec): void {
  expectSame(carry(CANARY, codec, codec), CANARY, `canary of ${codec.name}`)
  if (!isDeepStrictEqual(({} as { polluted?: unknown }).polluted, undefined))
    throw new Error('Object.prototype is polluted')
}
