import { createCompactCodec, createHeader, readHeader } from '@roomcast/protocol'
import type { TestServer } from '../../../test-kit/server'
import type { LatestValue } from '../src/connection/wire-port'
import { type AnySession, eventsOf, runtimeOf, socketOf } from './room-support'

/** Something that the server has published, with the time of the monotonic clock. */
export interface Published {
  readonly topic: string
  readonly event: string
  readonly args: readonly unknown[]
  readonly frame: Uint8Array
  readonly latest: LatestValue | null
  readonly at: number
}

/** Notes the events that the server hands to its engine, from now on. */
export function recordPublishes(server: Pick<TestServer, 'io'>): Published[] {
  const codec = createCompactCodec()
  const published: Published[] = []
  const { turn } = runtimeOf(server)
  const { publisher } = turn
  turn.publisher = {
    publish: (topic, view, compress, latest = null) => {
      const at = performance.now()
      const frame = view.slice()
      const { event, bodyStart } = readHeader(frame, createHeader())
      if (typeof event === 'string' && event !== '') {
        const args = codec.decode(frame, bodyStart) as unknown[]
        published.push({ topic, event, args, frame, latest, at })
      }
      publisher.publish(topic, view, compress, latest)
    },
  }
  return published
}

/** First arguments of the events of a name that have come. */
export function firsts(session: AnySession, event: string): unknown[] {
  return eventsOf(session, event).map(([first]) => first)
}

/** Everything that was sent to these clients before, other than what waits for a rate or a tick, has come. */
export async function arrived(...sessions: readonly AnySession[]): Promise<void> {
  await Promise.all(sessions.map((session) => session.sync([])))
}

/** Puts clients into a room, from the server. */
export function enterAll(server: Pick<TestServer, 'io'>, room: string, ...sessions: readonly AnySession[]): void {
  for (const session of sessions) socketOf(server, session).join(room)
}

/** Asks to be sent the latest values of a room so often; null: as they come. */
export async function chooseRate(session: AnySession, room: string, rate: unknown): Promise<void> {
  await session.request('rate', room, rate)
}

/**
 * What has come, as a client that polls may have it: values that it had not fetched yet were replaced by newer ones, so the last stands for those
 * in front of it.
 */
export function asPolled<Value>(transport: string, values: readonly Value[]): readonly Value[] {
  return transport === 'polling' ? values.slice(-1) : values
}
