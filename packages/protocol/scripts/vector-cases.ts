import { type Direction, type FrameFields, MESSAGE_TYPES } from '../src/index'

/* The frames of vectors.json that every encoder writes; byte-cases.ts has those that it only has to read, or to refuse. */

/** A frame that every encoder writes with the same bytes. */
export interface FrameCase {
  readonly name: string
  readonly direction: Direction
  readonly fields: FrameFields
  readonly body: unknown
}

const {
  CONNECT,
  CONNECTED,
  CONNECT_ERROR,
  DISCONNECT,
  EVENT,
  ACK,
  ACK_ERROR,
  ERROR,
  PING,
  PONG,
  SWITCH,
  SWITCHED,
  CLOSE,
  REQUEST,
  NOTICE,
  CALL,
} = MESSAGE_TYPES
const MAX = Number.MAX_SAFE_INTEGER

function frame(name: string, direction: Direction, fields: FrameFields, body: unknown): FrameCase {
  return { name, direction, fields, body }
}

const limits = { frameBytes: 1_048_576, pingIntervalMs: 5_000, pingTimeoutMs: 5_000 }
const error = { code: 'NO_HANDLER', message: 'nobody listens for this event' }

const messages: FrameCase[] = [
  frame('CONNECT of the main namespace', 'client', { type: CONNECT }, { nsp: '/' }),
  frame(
    'CONNECT with credentials',
    'client',
    { type: CONNECT },
    { nsp: '/admin', auth: { token: 's3cret', tries: 1 } },
  ),
  frame('CONNECT with auth null', 'client', { type: CONNECT }, { nsp: '/', auth: null }),
  frame(
    'CONNECT that asks how the last connection ended',
    'client',
    { type: CONNECT },
    { nsp: '/', previous: 'Zx8fJ2' },
  ),
  frame(
    'CONNECTED that tells how the last connection ended',
    'server',
    { type: CONNECTED },
    { nsp: '/', sid: 'k3Qa', limits, previous: { code: 4004, message: 'frame has 9 bytes, limit 8' } },
  ),
  frame('CONNECTED to the main namespace', 'server', { type: CONNECTED }, { nsp: '/', sid: 'Zx8fJ2', limits }),
  frame(
    'CONNECTED to namespace 1',
    'server',
    { type: CONNECTED, namespace: 1 },
    { nsp: '/admin', sid: 'k3Qa', limits },
  ),
  frame(
    'CONNECT_ERROR',
    'server',
    { type: CONNECT_ERROR },
    { nsp: '/x', code: 'INVALID_NAMESPACE', message: 'Invalid namespace' },
  ),
  frame(
    'CONNECT_ERROR with data',
    'server',
    { type: CONNECT_ERROR },
    { nsp: '/', code: 'CONNECT_REFUSED', message: 'not today', data: { retryAfterMs: 500 } },
  ),
  frame('DISCONNECT', 'both', { type: DISCONNECT }, null),
  frame('DISCONNECT of namespace 3', 'both', { type: DISCONNECT, namespace: 3 }, null),
  frame('EVENT without arguments', 'both', { type: EVENT, event: 'ping' }, []),
  frame('EVENT with two arguments', 'both', { type: EVENT, event: 'chat message' }, ['hello', { to: 'lobby' }]),
  frame('EVENT that wants an answer', 'both', { type: EVENT, event: 'order', ackId: 0 }, [{ qty: 5 }]),
  frame(
    'EVENT with every header field',
    'server',
    { type: EVENT, namespace: 2, ackId: 7, room: 4, seq: 99, event: 'tick' },
    [1],
  ),
  frame('EVENT with room number and position 0', 'server', { type: EVENT, room: 0, seq: 0, event: 'tick' }, []),
  frame(
    'EVENT with the largest room number and position',
    'server',
    { type: EVENT, room: MAX, seq: MAX, event: 'tick' },
    [],
  ),
  frame('EVENT with a name of one byte', 'both', { type: EVENT, event: 'e' }, []),
  frame('EVENT with a name of 128 bytes', 'both', { type: EVENT, event: 'n'.repeat(128) }, []),
  frame('EVENT with a name of 128 bytes in 64 characters', 'both', { type: EVENT, event: 'é'.repeat(64) }, []),
  frame('EVENT with a name beyond the basic plane', 'both', { type: EVENT, event: 'chat 🎲' }, []),
  ...[0, 1, 127, 128, MAX].map((event) => frame(`EVENT with numeric id ${event}`, 'both', { type: EVENT, event }, [])),
  ...[1, 127, 128, 16_383, 16_384, 2 ** 32, MAX].map((namespace) =>
    frame(`EVENT of namespace ${namespace}`, 'both', { type: EVENT, namespace, event: 'a' }, []),
  ),
  ...[127, 128, 2 ** 21 - 1, 2 ** 21, 2 ** 49 - 1, 2 ** 49, MAX].map((ackId) =>
    frame(`EVENT with ack id ${ackId}`, 'both', { type: EVENT, ackId, event: 'a' }, []),
  ),
  frame('ACK without results', 'both', { type: ACK, ackId: 0 }, []),
  frame('ACK of namespace 1', 'both', { type: ACK, namespace: 1, ackId: 300 }, [{ ok: true }, 'second']),
  frame('ACK_ERROR', 'both', { type: ACK_ERROR, ackId: 3 }, error),
  frame(
    'ACK_ERROR of namespace 1 with data',
    'both',
    { type: ACK_ERROR, namespace: 1, ackId: 3 },
    { ...error, data: [1, 2] },
  ),
  frame('PING', 'client', { type: PING }, null),
  frame('PONG', 'server', { type: PONG }, null),
  frame('SWITCH', 'client', { type: SWITCH }, { session: 'Zx8fJ2.u7Tq', received: 300 }),
  frame('SWITCHED', 'server', { type: SWITCHED }, null),
  frame('CLOSE', 'server', { type: CLOSE }, { code: 4000, message: 'bye' }),
  frame('CLOSE with a time to stay away', 'server', { type: CLOSE }, { code: 1012, message: '', retryAfterMs: 2500 }),
  frame('DISCONNECT that says why', 'server', { type: DISCONNECT }, { code: 4013, message: 'replaced' }),
  frame('REQUEST to log in', 'client', { type: REQUEST, ackId: 2 }, ['login', { token: 's3cret' }]),
  frame('REQUEST of namespace 3 to watch a room', 'client', { type: REQUEST, namespace: 3, ackId: 300 }, [
    'watch',
    'lobby',
    'users',
  ]),
  frame('NOTICE of changed users', 'server', { type: NOTICE }, [
    'users',
    'lobby',
    7,
    2,
    [
      ['ada', 2, 1_700_000_000_000, { name: 'Ada' }],
      ['bob', 1, 1_700_000_000_001],
    ],
    ['eve'],
  ]),
  frame('NOTICE of namespace 3 about everybody', 'server', { type: NOTICE, namespace: 3 }, ['count', null, 1, 5000]),
  frame('NOTICE of a room that was joined', 'server', { type: NOTICE }, ['joined', 12, 300]),
  frame('NOTICE of a room that was left', 'server', { type: NOTICE }, ['left', 12, null]),
  frame('NOTICE of positions that hold nothing', 'server', { type: NOTICE, namespace: 3 }, ['skip', 12, 301, 301]),
  frame('NOTICE of messages that are gone', 'server', { type: NOTICE }, ['lost', 12, 400]),
  frame('REQUEST to join a room', 'client', { type: REQUEST, ackId: 3 }, ['join', 'book:AAPL', null, null]),
  frame('REQUEST to join a room again', 'client', { type: REQUEST, ackId: 3 }, [
    'join',
    'book:AAPL',
    { depth: 2 },
    ['k3Qa', 300],
  ]),
  frame('ACK of a room with messages', 'server', { type: ACK, ackId: 3 }, [
    {
      room: 12,
      epoch: 'k3Qa',
      seq: 300,
      recovered: false,
      messages: [[300, 1_700_000_000_000, Uint8Array.of(5, 1, 120, 0x90)]],
    },
  ]),
  frame('REQUEST for what is missing', 'client', { type: REQUEST, ackId: 4 }, [
    'sync',
    [
      [12, 300, 305],
      [13, null],
    ],
    false,
  ]),
  frame(
    'CONNECT that resumes a session',
    'client',
    { type: CONNECT },
    {
      nsp: '/',
      client: 'an example of a secret',
      resume: {
        secret: 'another example',
        own: 4,
        rooms: [
          [12, 300],
          [13, 0],
        ],
      },
    },
  ),
  frame(
    'CONNECTED with a session',
    'server',
    { type: CONNECTED },
    {
      nsp: '/',
      sid: 'Zx8fJ2',
      limits,
      session: { secret: 'a third example', windowMs: 120_000, resumed: true, recovered: false, own: 4 },
      rooms: [[12, 300, true], null, [14, 7, false]],
    },
  ),
  frame('CALL', 'client', { type: CALL, ackId: 5, event: 'order' }, [{ symbol: 'AAPL' }]),
  frame('CALL of namespace 3', 'client', { type: CALL, namespace: 3, ackId: 300, event: 'order' }, []),
  frame('NOTICE without arguments', 'server', { type: NOTICE }, ['later']),
  frame('ERROR', 'server', { type: ERROR }, { code: 'UNKNOWN_ACK', message: 'no call had this id' }),
  frame(
    'ERROR of namespace 9 with data',
    'server',
    { type: ERROR, namespace: 9 },
    { code: 'NOT_CONNECTED', message: 'no', data: null },
  ),
]

const INTEGERS = [
  0,
  1,
  127,
  128,
  255,
  256,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 2,
  MAX,
  -1,
  -32,
  -33,
  -128,
  -129,
  -32_768,
  -32_769,
  -(2 ** 31),
  -(2 ** 31) - 1,
  -(2 ** 32),
  -MAX,
]
const FLOATS = [-0, 0.1, -0.5, 1.5, 5e-324, Number.MAX_VALUE, 2 ** 53, -(2 ** 53), 1e300, Infinity, -Infinity, NaN]
const DATES = [
  0,
  1,
  999,
  1000,
  1_760_000_000_123,
  (2 ** 32 - 1) * 1000,
  2 ** 32 * 1000,
  (2 ** 34 - 1) * 1000 + 999,
  2 ** 34 * 1000,
  -1,
  -1000,
  -1001,
  8.64e15,
  -8.64e15,
]

function nested(depth: number): unknown {
  return depth === 0 ? 'core' : depth % 2 === 0 ? [nested(depth - 1)] : { in: nested(depth - 1) }
}

function numbered(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 0]))
}

/** Values, each the only argument of an event, so that nothing but the value differs. */
const values: [string, unknown][] = [
  ['null', null],
  ['false', false],
  ['true', true],
  ...INTEGERS.map((n): [string, unknown] => [`integer ${n}`, n]),
  ...FLOATS.map((n): [string, unknown] => [`float ${Object.is(n, -0) ? '-0' : n}`, n]),
  ...[0, 1, 31, 32, 40, 41, 255, 256, 65_535, 65_536].map((n): [string, unknown] => [
    `text of ${n} bytes`,
    'a'.repeat(n),
  ]),
  ['text of 2-byte characters', 'Grüße'],
  ['text of 3-byte characters', '会議は午後三時から'],
  ['text of 4-byte characters', '🎲🂡'],
  ['text with NUL, quotes and line ends', '\0"\\\n\r\u2028'],
  ['text that begins with a byte order mark', '\ufeffx'],
  ['text of 31 bytes in fewer characters', `${'é'.repeat(15)}a`],
  ['text of 32 bytes in fewer characters', 'é'.repeat(16)],
  ['text of 256 bytes in fewer characters', 'é'.repeat(128)],
  ...[0, 1, 255, 256, 65_535, 65_536].map((n): [string, unknown] => [
    `binary of ${n} bytes`,
    new Uint8Array(n).fill(7),
  ]),
  ['binary of all bytes', Uint8Array.from({ length: 256 }, (_, i) => i)],
  ...[0, 15, 16, 9_998].map((n): [string, unknown] => [`array of ${n} values`, new Array(n).fill(0)]),
  ...[0, 1, 15, 16, 300].map((n): [string, unknown] => [`map of ${n} keys`, numbered(n)]),
  ['map with unusual keys', { '': 1, constructor: 2, toString: 3, 'naïve 🎲': 4, hasOwnProperty: 5 }],
  ['map with a key of 256 bytes', { ['k'.repeat(256)]: 1 }],
  ...DATES.map((ms): [string, unknown] => [`time ${ms} ms`, new Date(ms)]),
  ['nesting of 16 with the arguments', nested(15)],
]

export const FRAMES: readonly FrameCase[] = [
  ...messages,
  ...values.map(([name, value]) => frame(`value: ${name}`, 'both', { type: EVENT, event: 'v' }, [value])),
]
