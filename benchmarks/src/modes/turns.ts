import type { Session } from '../session'
import type { ModeSettings } from './mode'

/** Turns of each server in a round. */
export const TURNS = 6
/** Turns before those, which are not counted: with all connections there, and the caches of the machine as they will be. */
export const WARM_UP_TURNS = 1

const SLACK_MS = 15_000

/** Milliseconds of a turn. */
export function turnMs({ windowMs }: Pick<ModeSettings, 'windowMs'>): number {
  return Math.round(windowMs / TURNS)
}

/** The turns in words. @param warmUpMs  @default that of the settings */
export function describeTurns(settings: ModeSettings, warmUpMs = settings.warmUpMs): string {
  return `${TURNS} turns of ${turnMs(settings)} ms after ${warmUpMs} ms warm-up and ${WARM_UP_TURNS} turn`
}

/** What `act` came to, and the CPU of the server meanwhile, in microseconds. */
export async function withCpu<T>({ server }: Session, act: () => Promise<T>): Promise<T & { readonly cpuUs: number }> {
  const before = await server.request('cpu', undefined, SLACK_MS)
  const result = await act()
  const cpuUs = (await server.request('cpu', undefined, SLACK_MS)) - before
  return { ...result, cpuUs }
}
