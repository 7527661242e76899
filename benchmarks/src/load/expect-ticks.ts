import type { Audience, PayloadName } from '../payloads'
import type { Connection } from './connection'
import type { Crowd } from './crowd'
import { type FrameRun, type Place, tickRun } from './frame-run'
import { serverFrames } from './ws-wire'

/**
 * From now on each listener expects ticks from its place on, and everybody else nothing. Listeners at the same place share
 * the frames.
 *
 * @returns The listeners.
 */
export function expectTicks(
  crowd: Crowd,
  { payload, audience }: { readonly payload: PayloadName; readonly audience: Audience },
): readonly Connection[] {
  const frameAt = (at: Place | undefined) => serverFrames(crowd.dialect.tick(payload, at))
  const runs = new Map<string, FrameRun>()
  const listeners = crowd.listeners(audience)
  if (listeners.length < crowd.connections.length) for (const other of crowd.connections) other.expectNothing()
  for (const connection of listeners) {
    const { place } = connection
    const key = place === undefined ? '' : `${place.room} ${place.position}`
    const run = runs.get(key) ?? tickRun(place, frameAt)
    runs.set(key, run)
    connection.expect(run)
  }
  return listeners
}

/** Frames that every one of `connections` has received. @throws Error if they differ. */
export function framesOfEach(connections: readonly Connection[]): number {
  const frames = connections.map((connection) => connection.frames)
  const fewest = frames.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const most = frames.reduce((a, b) => Math.max(a, b), 0)
  if (fewest !== most) throw new Error(`one connection received ${fewest} messages, another ${most}`)
  return most
}
