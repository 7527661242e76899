import type { Metric } from '../src/modes/mode'
import type { Peer } from '../src/peers'
import { type ModeResult, type Results, type RoundSample, tableOf } from '../src/report/results'

/*
 * Results of a run that never was.
 */

/** A peer of which only the name and the label matter. */
export function fakePeer(name: string, label = name, comparison?: Peer['comparison']): Peer {
  return {
    name,
    label,
    server: name,
    dialect: 'raw',
    packages: [],
    modes: ['ack'],
    ...(comparison === undefined ? {} : { comparison }),
  }
}

export const PEERS: readonly Peer[] = [
  fakePeer('raw-uws', 'raw uWebSockets.js'),
  fakePeer('roomcast', 'Roomcast'),
  fakePeer('roomcast-history', 'Roomcast, room with history', {
    baseline: 'roomcast',
    subject: 'a room with history',
    counterpart: 'one without',
  }),
  fakePeer('raw-ws', 'raw ws'),
]

export function fakeMetric(id: string, bound = 1.5): Metric {
  return { id, title: `title of ${id}`, unit: 'µs server CPU per message', bounds: { roomcast: bound } }
}

/** Samples of one metric: the values of each peer, round by round. */
export function fakeSamples(metric: string, values: Readonly<Record<string, readonly number[]>>): RoundSample[] {
  return Object.entries(values).flatMap(([peer, rounds]) =>
    rounds.map((value, round) => ({ metric, value, details: { messages: 100 }, round, peer })),
  )
}

/** One mode with one metric. */
export function fakeMode(
  name: string,
  values: Readonly<Record<string, readonly number[]>>,
  { peers = PEERS, metric = fakeMetric(name) }: { peers?: readonly Peer[]; metric?: Metric } = {},
): ModeResult {
  const samples = fakeSamples(metric.id, values)
  const taking = peers.filter((peer) => peer.name in values)
  return {
    name,
    title: `mode ${name}`,
    rounds: 3,
    load: 'a load | in words',
    tables: [tableOf(metric, taking, samples)],
    samples,
  }
}

export function fakeResults(modes: readonly ModeResult[], more: Partial<Results> = {}): Results {
  return {
    date: '2026-01-02T03:04:05.678Z',
    seconds: 125,
    command: 'npm run bench',
    environment: {
      machine: '2 x CPU',
      loadAverage: 0.25,
      node: 'v20.0.0',
      pinning: 'not pinned: no reason',
      packages: { 'uws-pack': '1.2.3' },
    },
    missing: [],
    remarks: [],
    settings: { windowMs: 1, members: 1 },
    modes,
    micro: [],
    scenarios: [],
    ...more,
  }
}
