import type { DialectName } from './load/dialects'
import { type ModeName, WEBSOCKET_MODES } from './modes/mode-name'
import type { Runtime } from './process/runtime'

/** A server that the benchmarks compare. */
export interface Peer {
  readonly name: string
  readonly label: string
  /** File in `servers/`, without extension. */
  readonly server: string
  /** What runs the server. @default 'node' */
  readonly runtime?: Runtime
  readonly dialect: DialectName
  /** Packages that must be installed. */
  readonly packages: readonly string[]
  /** Modes that it takes part in. */
  readonly modes: readonly ModeName[]
  /** Whether it takes part only where the command line names it. */
  readonly isOnRequest?: boolean
  /** What it is compared with besides the reference. */
  readonly comparison?: Comparison
}

/** A peer that differs from another one in one thing: "`subject` costs 1.1 times `counterpart`". */
export interface Comparison {
  /** The other peer, by its name. */
  readonly baseline: string
  readonly subject: string
  readonly counterpart: string
}

/** The peer that ratios are taken against. */
export const REFERENCE = 'raw-uws'

/** The peer that the benchmarks are for. */
export const OURS = 'roomcast'

/** Of whoever has clients that can also see who is there, and may stop reading. */
const ROOM_MODES: readonly ModeName[] = ['presence', 'paused']

/** Every peer, in the order of the tables. */
export const PEERS: readonly Peer[] = [
  {
    name: REFERENCE,
    label: 'raw uWebSockets.js',
    server: 'raw-uws',
    dialect: 'raw',
    packages: ['uws-pack'],
    modes: [...WEBSOCKET_MODES, ...ROOM_MODES, 'polling'],
  },
  {
    name: 'raw-uws-codec',
    label: 'raw uWebSockets.js with the codec',
    server: 'raw-uws-codec',
    dialect: 'raw',
    packages: ['uws-pack'],
    // What reading and writing adds to the floor of whoever understands its messages.
    modes: ['ack'],
    isOnRequest: true,
  },
  {
    name: 'raw-uws-greeting',
    label: 'raw uWebSockets.js with a greeting',
    server: 'raw-uws-greeting',
    dialect: 'roomcast',
    packages: ['uws-pack'],
    // What a message and its answer add to the floor of those whose clients say who they are.
    modes: ['connect'],
  },
  {
    name: OURS,
    label: 'Roomcast',
    server: 'roomcast',
    dialect: 'roomcast',
    packages: ['@roomcast/server'],
    modes: [...WEBSOCKET_MODES, ...ROOM_MODES, 'polling'],
  },
  {
    name: 'roomcast-history',
    label: 'Roomcast, room with history',
    server: 'roomcast-history',
    dialect: 'roomcast-history',
    packages: ['@roomcast/server'],
    // Calls and idle connections have nothing to do with the positions of a room.
    modes: ['broadcast'],
    comparison: { baseline: OURS, subject: 'a room with history', counterpart: 'one without' },
  },
  {
    name: 'roomcast-ticks',
    label: 'Roomcast, room with ticks of 5 ms',
    server: 'roomcast-ticks',
    dialect: 'roomcast',
    packages: ['@roomcast/server'],
    // What is sent in one turn, or once, is not held together by ticks.
    modes: ['stream'],
    comparison: { baseline: OURS, subject: 'a room with ticks', counterpart: 'one without' },
  },
  {
    name: 'roomcast-recovery',
    label: 'Roomcast, connectionStateRecovery',
    server: 'roomcast-recovery',
    dialect: 'roomcast-recovery',
    packages: ['@roomcast/server'],
    // Who is left out of a message gets a notice of its position.
    modes: webSocketModesBut('member', 'union'),
    isOnRequest: true,
    comparison: { baseline: OURS, subject: 'a server that keeps sessions', counterpart: 'one that does not' },
  },
  {
    name: 'raw-ws',
    label: 'raw ws',
    server: 'raw-ws',
    dialect: 'raw',
    packages: ['ws'],
    modes: [...WEBSOCKET_MODES, ...ROOM_MODES],
  },
  {
    name: 'socketio-uws',
    label: 'Socket.IO on uWS',
    server: 'socketio-uws',
    dialect: 'socketio',
    packages: ['socket.io', 'uws-pack'],
    modes: [...WEBSOCKET_MODES, ...ROOM_MODES, 'polling'],
  },
  {
    name: 'socketio-ws',
    label: 'Socket.IO on ws',
    server: 'socketio-ws',
    dialect: 'socketio',
    packages: ['socket.io'],
    modes: [...WEBSOCKET_MODES, ...ROOM_MODES, 'polling'],
  },
  {
    name: 'socketio-msgpack',
    label: 'Socket.IO on ws, MessagePack',
    server: 'socketio-msgpack',
    dialect: 'socketio-msgpack',
    packages: ['socket.io', 'socket.io-msgpack-parser'],
    modes: [...WEBSOCKET_MODES, 'paused'],
  },
  {
    name: 'colyseus',
    label: 'Colyseus',
    server: 'colyseus',
    dialect: 'colyseus',
    packages: ['@colyseus/core', '@colyseus/ws-transport'],
    // A connection has one room.
    modes: webSocketModesBut('union'),
  },
  {
    name: 'socketcluster',
    label: 'SocketCluster',
    server: 'socketcluster',
    dialect: 'socketcluster',
    packages: ['socketcluster-server'],
    // Who publishes to a channel and is subscribed to it gets the message too; and a message has one channel.
    modes: webSocketModesBut('member', 'union'),
  },
  {
    name: 'bun',
    label: 'Bun.serve',
    server: 'bun',
    runtime: 'bun',
    dialect: 'raw',
    packages: [],
    modes: WEBSOCKET_MODES,
  },
  {
    name: 'socketio-bun',
    label: 'Socket.IO on Bun',
    server: 'socketio-bun',
    runtime: 'bun',
    dialect: 'socketio',
    packages: ['socket.io', '@socket.io/bun-engine'],
    modes: WEBSOCKET_MODES,
  },
]

function webSocketModesBut(...left: readonly ModeName[]): readonly ModeName[] {
  return WEBSOCKET_MODES.filter((mode) => !left.includes(mode))
}
