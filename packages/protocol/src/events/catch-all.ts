import { without } from './listener-table'

/** A listener of every event in one direction: the event's name, then its arguments. */
// biome-ignore lint/suspicious/noExplicitAny: it sees the arguments of every event there is
export type CatchAllListener = (event: string, ...args: any[]) => void

/** `list` without the first registration of `listener`, or without all. Lists are replaced and never changed, as in ListenerTable. */
export function withoutListener(
  list: readonly CatchAllListener[],
  listener: CatchAllListener | undefined,
): readonly CatchAllListener[] {
  return listener === undefined ? [] : without(list, list.indexOf(listener))
}
