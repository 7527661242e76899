import { type Direction, type FrameFields, MESSAGE_TYPES } from '../src/index'

/* The frames of vectors.json: those an encoder writes, those it only has to read, and those it has to refuse. */

/** A frame that every encoder writes with the same bytes. */
export interface FrameCase {
  readonly name: string
  readonly direction: Direction
  readonly fields: FrameFields
  readonly body: unknown
}

/** Bytes that a receiver accepts or refuses although no encoder of ours writes them. */
export interface BytesCase {
  readonly name: string
  readonly hex: string
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

/** EVENT "v" with one argument. */
const event = (value: string) => `05017691 ${value}`

export const READ_ONLY: readonly BytesCase[] = [
  { name: 'uint8 that fits in fixint', hex: event('cc05') },
  { name: 'uint16 that fits in fixint', hex: event('cd0005') },
  { name: 'uint32 that fits in fixint', hex: event('ce00000005') },
  { name: 'uint64 that fits in fixint', hex: event('cf0000000000000005') },
  { name: 'int8 that is positive', hex: event('d005') },
  { name: 'int16 of -1', hex: event('d1ffff') },
  { name: 'int32 of -1', hex: event('d2ffffffff') },
  { name: 'int64 of -1', hex: event('d3ffffffffffffffff') },
  { name: 'int64 that is positive', hex: event('d300000000000003e8') },
  { name: 'float32 1.5', hex: event('ca3fc00000') },
  { name: 'float32 not a number', hex: event('ca7fc00000') },
  { name: 'float64 without a fraction', hex: event('cb3ff0000000000000') },
  { name: 'float64 beyond 2^53', hex: event('cb43f0000000000000') },
  { name: 'str8 that fits in fixstr', hex: event('d90161') },
  { name: 'str16 that fits in fixstr', hex: event('da000161') },
  { name: 'str32 that fits in fixstr', hex: event('db0000000161') },
  { name: 'bin16 that fits in bin8', hex: event('c5000107') },
  { name: 'bin32 that fits in bin8', hex: event('c60000000107') },
  { name: 'array16 that fits in fixarray', hex: event('dc000101') },
  { name: 'array32 that fits in fixarray', hex: event('dd0000000101') },
  { name: 'map16 that fits in fixmap', hex: event('de0001a16101') },
  { name: 'map32 that fits in fixmap', hex: event('df00000001a16101') },
  { name: 'map with a str8 key', hex: event('81d9016101') },
  { name: 'map with the same key twice, of which the last counts', hex: event('82a16101a16102') },
  { name: 'timestamp 64 that fits in 32', hex: event('d7ff0000000000000001') },
  { name: 'timestamp 64 with 1,999,999 ns, read as 1 ms', hex: event('d7ff007a11fc00000000') },
  { name: 'timestamp 96 that fits in 32', hex: event('c70cff000000000000000000000001') },
  { name: 'namespace 0, which needs no field', hex: '250001769101' },
  { name: 'CONNECT with an unknown key', hex: '0182a36e7370a12fa66675747572650a' },
  {
    name: 'CONNECTED with an unknown limit',
    hex: '0283a36e7370a12fa3736964a161a66c696d69747382aa6672616d654279746573cd0400a47261746505',
  },
  { name: 'ERROR with an unknown key', hex: '0883a4636f6465a158a76d657373616765a16da5726574727901' },
]

export interface HostileCase extends BytesCase {
  readonly error: 'BAD_FRAME' | 'BAD_VALUE'
}

function badFrame(name: string, hex: string): HostileCase {
  return { name, hex, error: 'BAD_FRAME' }
}

/** A value that the gate refuses, as the argument of an event. */
function badValue(name: string, value: string): HostileCase {
  return { name, hex: event(value), error: 'BAD_VALUE' }
}

export const HOSTILE: readonly HostileCase[] = [
  badFrame('empty frame', ''),
  badFrame('type 0', '0090'),
  badFrame('type 31', '1f90'),
  badFrame('no body', '04'),
  badFrame('EVENT without a name', '05'),
  badFrame('EVENT whose name is cut', '05036161'),
  badFrame('EVENT without a body', '050161'),
  badFrame('EVENT whose numeric id is cut', '0500'),
  badFrame('EVENT whose name has 129 bytes', '0581 61*129 90'),
  badFrame('EVENT whose name has 255 bytes', '05ff 61*255 90'),
  badFrame('EVENT whose name holds a control character', '0502610090'),
  badFrame('EVENT whose name holds DEL', '0502617f90'),
  badFrame('EVENT whose name is not UTF-8', '0502c32890'),
  badFrame('EVENT whose name has an overlong character', '0502c0af90'),
  badFrame('EVENT whose name has half a surrogate pair', '0503eda08090'),
  badFrame('EVENT whose name is cut within a character', '0501c390'),
  badFrame('namespace number cut', '24'),
  badFrame('namespace number cut within', '2480'),
  badFrame('namespace number longer than needed', '248000c0'),
  badFrame('namespace number 2^53', '248080808080808010c0'),
  badFrame('namespace number of 9 bytes', '24808080808080808001c0'),
  badFrame('position cut', '8501'),
  badFrame('CONNECT with a namespace number', '210181a36e7370a12f'),
  badFrame('CONNECT with an ack id', '410181a36e7370a12f'),
  badFrame('CONNECTED with an ack id', '420183a36e7370a12fa3736964a161a66c696d69747381aa6672616d65427974657301'),
  badFrame('CONNECT_ERROR with a namespace number', '230183a36e7370a12fa4636f6465a158a76d657373616765a16d'),
  badFrame('DISCONNECT with an ack id', '4401c0'),
  badFrame('DISCONNECT with a position', '840101c0'),
  badFrame('ACK without an ack id', '0690'),
  badFrame('ACK with a position', 'c601010190'),
  badFrame('ACK_ERROR without an ack id', '0782a4636f6465a158a76d657373616765a16d'),
  badFrame('ERROR with an ack id', '480182a4636f6465a158a76d657373616765a16d'),
  badFrame('EVENT whose body is no array', '05017680'),
  badFrame('ACK whose body is no array', '4601c0'),
  badFrame('CONNECT whose body is an array', '0190'),
  badFrame('CONNECT without nsp', '0180'),
  badFrame('CONNECT whose nsp is a number', '0181a36e737001'),
  badFrame('CONNECT whose nsp has no slash', '0181a36e7370a161'),
  badFrame('CONNECTED without limits', '0282a36e7370a12fa3736964a161'),
  badFrame('CONNECTED without sid', '0282a36e7370a12fa66c696d69747381aa6672616d65427974657301'),
  badFrame('CONNECT_ERROR without code', '0382a36e7370a12fa76d657373616765a16d'),
  badFrame('ACK_ERROR whose code is a number', '470182a4636f646501a76d657373616765a16d'),
  badFrame('ERROR without message', '0881a4636f6465a158'),
  badFrame('PING with a namespace number', '2901c0'),
  badFrame('SWITCH with an ack id', '4b0182a773657373696f6ea161a8726563656976656400'),
  badFrame('SWITCH without received', '0b81a773657373696f6ea161'),
  badFrame('SWITCH whose received is negative', '0b82a773657373696f6ea161a87265636569766564ff'),
  badFrame('REQUEST without ack id', '0e91a56c6f67696e'),
  badFrame('REQUEST with a room position', 'ce010203' + '91a56c6f67696e'),
  badFrame('REQUEST without a name', '4e0190'),
  badFrame('NOTICE with an ack id', '4f0191a161'),
  badFrame('NOTICE whose name is a number', '0f9101'),
  badFrame('type 16', '1090'),
  badFrame('CLOSE without message', '0d81a4636f6465cd03e8'),
  badFrame('CLOSE whose code is text', '0d82a4636f6465a158a76d657373616765a16d'),
  { name: 'body of two values', hex: '0501769090', error: 'BAD_VALUE' },
  { name: 'body that is cut', hex: '0501769201', error: 'BAD_VALUE' },
  badValue('reserved type c1', 'c1'),
  badValue('fixext 1', 'd40000'),
  badValue('fixext 1, record definition', 'd4729101'),
  badValue('fixext 2', 'd5000000'),
  badValue('fixext 4 that is no timestamp', 'd67000000001'),
  badValue('fixext 8 that is no timestamp', 'd7000000000000000000'),
  badValue('fixext 16', 'd8ff 00*16'),
  badValue('ext 8', 'c7010000'),
  badValue('ext 8 timestamp of 11 bytes', 'c70bff 00*11'),
  badValue('ext 16', 'c800010000'),
  badValue('ext 32', 'c9000000010000'),
  badValue('timestamp 64 with 10^9 ns', 'd7ffee6b280000000000'),
  badValue('timestamp 96 with 10^9 ns', 'c70cff3b9aca000000000000000000'),
  badValue('timestamp 96 after the last Date', 'c70cff00000000000007dba8218001'),
  badValue('timestamp 96 before the first Date', 'c70cff00000000fffff82457de7fff'),
  badValue('timestamp 96 one ns after the last Date', 'c70cff00000001000007dba8218000'),
  badValue('uint64 2^53', 'cf0020000000000000'),
  badValue('uint64 2^64 - 1', 'cfffffffffffffffff'),
  badValue('int64 2^53', 'd30020000000000000'),
  badValue('int64 -2^53', 'd3ffe0000000000000'),
  badValue('int64 -2^63', 'd38000000000000000'),
  badValue('str8 cut', 'd90561'),
  badValue('str32 that claims 2^32 - 1 bytes', 'dbffffffff61'),
  badValue('bin32 that claims 2^32 - 1 bytes', 'c6ffffffff61'),
  badValue('array32 that claims 2^32 - 1 values', 'ddffffffff01'),
  badValue('map32 that claims 2^32 - 1 pairs', 'dfffffffff01'),
  badValue('array16 that claims more than there is', 'dcffff01'),
  badValue('length cut', 'cd01'),
  badValue('invalid UTF-8', 'a2c328'),
  badValue('overlong UTF-8', 'a2c0af'),
  badValue('half a surrogate pair', 'a3eda080'),
  badValue('UTF-8 beyond U+10FFFF', 'a4f4908080'),
  badValue('UTF-8 cut at the end of the text', 'a2e28282ac'),
  badValue('key __proto__', '81a95f5f70726f746f5f5f01'),
  badValue('key __proto__ as str8', '81d9095f5f70726f746f5f5f01'),
  badValue('key that is a number', '810101'),
  badValue('key that is binary', '81c4016101'),
  badValue('key that is an array', '819001'),
  badValue('key that is nil', '81c001'),
  badValue('nesting of 17', '91*15 90'),
  badValue('nesting of 17 maps', `${'81a161'.repeat(15)}80`),
  badValue('nesting of 5,000', '91*5000 90'),
  badValue('10,001 values', 'dc270f c0*9999'),
]
