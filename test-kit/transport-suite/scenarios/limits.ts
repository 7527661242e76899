import { next } from '../../wait'
import { equal, failsWith, patterned } from '../assert'
import type { Scenario } from '../environment'

/** Default of the server's option `maxHttpBufferSize`. */
const FRAME_BYTES = 1_048_576
/** What a frame with a short name and one binary argument has beside its bytes, generously. */
const AROUND = 64

/** Bytes by which the client takes a header for wider than it may be: numbers that are not known yet. */
const WIDEST = 32

/** Frames near the limit, and beyond. */
export const LIMITS_SCENARIOS: readonly Scenario[] = [
  {
    name: 'carries frames a little below the limit to the server',
    async run(scope) {
      const socket = await scope.connect()
      for (const less of [AROUND, 1_000, 500_000]) {
        const size = FRAME_BYTES - less
        equal(await socket.timeout(30_000).emitWithAck('size', new Uint8Array(size)), size, `${size} bytes`)
      }
    },
  },
  {
    name: 'takes frames of the limit but for the widest header, and refuses one byte more than the limit',
    async run(scope) {
      const socket = await scope.connect()
      const key = 'big'
      // Type, name with its length, list of two, key with its length, bin 32 with its length.
      const around = 1 + 1 + 'note'.length + 1 + 1 + key.length + 1 + 4
      const room = FRAME_BYTES - around
      await failsWith('MESSAGE_TOO_LARGE', () => socket.emit('note', key, new Uint8Array(room + 1)), 'one byte more')
      equal(await socket.emitWithAck('count of notes', key), 0, 'what arrived')
      socket.emit('note', key, new Uint8Array(room - WIDEST))
      equal(await socket.timeout(30_000).emitWithAck('count of notes', key), 1, 'what arrived')
    },
  },
  {
    name: 'carries frames a little below the limit to the client',
    async run(scope) {
      const socket = await scope.connect()
      for (const less of [AROUND, 1_000, 500_000]) {
        const bytes = patterned(FRAME_BYTES - less)
        const arrived = next(socket, 'big')
        socket.emit('send', 'big', bytes)
        equal(await arrived, [bytes], `${bytes.length} bytes`)
      }
    },
  },
  {
    name: 'refuses what is too large at the call, and goes on',
    async run(scope) {
      const socket = await scope.connect()
      const large = new Uint8Array(FRAME_BYTES)
      await failsWith('MESSAGE_TOO_LARGE', () => socket.emit('note', 'large', large), 'emit')
      await failsWith('MESSAGE_TOO_LARGE', () => socket.emitWithAck('note', 'large', large), 'emitWithAck')
      await failsWith('MESSAGE_TOO_LARGE', () => socket.emit('note', 'large', 'x'.repeat(FRAME_BYTES)), 'text')
      equal(await socket.emitWithAck('count of notes', 'large'), 0, 'what arrived')
      equal(socket.connected, true, 'still connected')
    },
  },
]
