import type { DialectName } from './load/dialects'

/** A server that the benchmarks compare. */
export interface Peer {
  readonly name: string
  readonly label: string
  /** File in `servers/`, without extension. */
  readonly server: string
  readonly dialect: DialectName
  /** Packages that must be installed. */
  readonly packages: readonly string[]
}

/** The peer that ratios are taken against. */
export const REFERENCE = 'raw-uws'

/** The peer that has budgets. */
export const OURS = 'roomcast'

/** Every peer, in the order of the tables. */
export const PEERS: readonly Peer[] = [
  {
    name: REFERENCE,
    label: 'raw uWebSockets.js',
    server: 'raw-uws',
    dialect: 'raw',
    packages: ['uws-pack'],
  },
  {
    name: OURS,
    label: 'Roomcast',
    server: 'roomcast',
    dialect: 'roomcast',
    packages: ['@roomcast/server'],
  },
  {
    name: 'raw-ws',
    label: 'raw ws',
    server: 'raw-ws',
    dialect: 'raw',
    packages: ['ws'],
  },
  {
    name: 'socketio-uws',
    label: 'Socket.IO on uWS',
    server: 'socketio-uws',
    dialect: 'socketio',
    packages: ['socket.io', 'uws-pack'],
  },
  {
    name: 'socketio-ws',
    label: 'Socket.IO on ws',
    server: 'socketio-ws',
    dialect: 'socketio',
    packages: ['socket.io'],
  },
]
