import type { HistoryRecord } from './records'
import type { Message, Timeline } from './timeline'

/** A message that a session should have been given. */
export interface MissingMessage {
  readonly message: Message
  readonly stream: string
  /** Index of the record after which it should have come. */
  readonly after: number
  /** Index of the first record that claimed, later than the message, to have missed nothing; null without one. */
  readonly claimedAt: number | null
}

/** A time in which every message of a stream is owed. */
export interface Stretch {
  readonly start: HistoryRecord
  /** Place of the first message that is owed. */
  from: number
  /** What came: places, and the indexes of the records. */
  readonly came: { readonly place: number; readonly index: number }[]
  /** Connects and rejoins that claimed to have missed nothing. */
  readonly recoveries: HistoryRecord[]
}

/** Place of the first message that was published later than a record, with none in front of it behind that. */
export function placeAt(timeline: Timeline, stream: string, { at, index }: HistoryRecord): number {
  const messages = timeline.streams.get(stream) ?? []
  let place = messages.length
  while (place > 0) {
    const { record } = messages[place - 1] as Message
    if (record.at < at || (record.at === at && record.index < index)) break
    place--
  }
  return place
}

/**
 * What is missing between two places.
 *
 * @param isOwed  Whether a message is, if it is between these.
 */
export function missingIn(
  timeline: Timeline,
  stream: string,
  stretch: Stretch,
  { first, last }: { readonly first: number; readonly last: number },
  isOwed: (message: Message) => boolean,
): MissingMessage[] {
  const messages = timeline.streams.get(stream) ?? []
  const came = [...stretch.came].sort((a, b) => a.place - b.place)
  const missing: MissingMessage[] = []
  let after = stretch.start.index
  let next = 0
  for (let place = first; place <= last; place++) {
    for (; next < came.length && (came[next]?.place ?? 0) < place; next++) after = came[next]?.index ?? after
    const message = messages[place] as Message
    if (!isOwed(message)) continue
    const before = came[next]?.index ?? Number.POSITIVE_INFINITY
    const claim = stretch.recoveries.find(({ index, at }) => index > after && index < before && message.record.at <= at)
    missing.push({ message, stream, after, claimedAt: claim?.index ?? null })
  }
  return missing
}
