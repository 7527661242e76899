import type { Audience, GapFact, HistoryRecord, PublishedFact } from './records'
import type { Violation } from './violation'
import { linesAround } from './violation'

/** The name of the stream that everyone has. Names of rooms have no control characters. */
const EVERYONE = '\u0000everyone'

/** The name of the stream of one session. */
export function ownStream(session: string): string {
  return `\u0000${session}`
}

/** Whether this is the stream of everyone, or of a session: those that nobody has to join. */
export function isAmbient(stream: string): boolean {
  return stream.startsWith('\u0000')
}

/** A stream for people. */
export function streamName(stream: string): string {
  if (stream === EVERYONE) return 'the messages to everyone'
  return isAmbient(stream) ? 'the messages to it alone' : `room "${stream}"`
}

/** A message, and its place in each of its streams. */
export interface Message {
  readonly record: HistoryRecord<PublishedFact>
  readonly streams: readonly string[]
  readonly places: Map<string, number>
}

/** The records of a history, in the ways in which the invariants look at them. */
export class Timeline {
  /** In the order of time. */
  readonly records: readonly HistoryRecord[]
  readonly messages = new Map<string, Message>()
  /** Messages of each stream, in their order. */
  readonly streams = new Map<string, Message[]>()
  /** Records of each session. */
  readonly sessions = new Map<string, HistoryRecord[]>()
  /** Positions that were told, by stream and message. */
  private readonly positions = new Map<string, number>()

  constructor(records: readonly HistoryRecord[]) {
    this.records = inOrder(records)
    for (const record of this.records) {
      if (record.kind === 'published') this.addMessage(record)
      if ('session' in record) push(this.sessions, record.session, record)
      if (record.kind === 'delivered' && record.position !== undefined) {
        this.positions.set(`${record.room ?? ownStream(record.session)} ${record.msgId}`, record.position)
      }
    }
    for (const [stream, messages] of this.streams) {
      sortByPosition(messages)
      for (const [place, message] of messages.entries()) message.places.set(stream, place)
    }
  }

  /** Position of a message in a stream, if anybody has told it. */
  positionOf(stream: string, { record, streams }: Message): number | undefined {
    const told = streams.length === 1 ? record.position : undefined
    return this.positions.get(`${stream} ${record.msgId}`) ?? told
  }

  /** What a session was told to have lost. */
  lossesOf(session: string): HistoryRecord<GapFact>[] {
    return (this.sessions.get(session) ?? []).filter(
      (record): record is HistoryRecord<GapFact> => record.kind === 'gap' && !record.repaired,
    )
  }

  /** A violation at a record of a session. */
  violation(
    invariant: Violation['invariant'],
    session: string,
    index: number,
    message: string,
    msgIds: readonly string[],
  ): Violation {
    const lines = linesAround(this.sessions.get(session) ?? [], index, this.records[0]?.at ?? 0)
    return { invariant, message: `session ${session}: ${message}`, msgIds, session, records: lines }
  }

  /** One that was published again has the place of the first time: I2 finds it when it is delivered again. */
  private addMessage(record: HistoryRecord<PublishedFact>): void {
    if (this.messages.has(record.msgId)) return
    const message: Message = { record, streams: streamsOf(record.to), places: new Map() }
    this.messages.set(record.msgId, message)
    for (const stream of message.streams) push(this.streams, stream, message)
  }
}

/** Records of another process come late. */
function inOrder(records: readonly HistoryRecord[]): readonly HistoryRecord[] {
  const isOrdered = records.every(({ at }, place) => place === 0 || at >= (records[place - 1] as HistoryRecord).at)
  if (isOrdered) return records
  return [...records].sort((a, b) => a.at - b.at || a.index - b.index).map((record, index) => ({ ...record, index }))
}

function streamsOf(to: Audience): readonly string[] {
  if (to === null) return [EVERYONE]
  if (typeof to === 'string') return [to]
  return 'session' in to ? [ownStream(to.session)] : to
}

/** In the order of their positions if all have one, by epochs in the order in which these were first seen. */
function sortByPosition(messages: Message[]): void {
  const epochs = new Map<string, number>()
  for (const { record } of messages) {
    if (record.position === undefined) return
    const epoch = record.epoch ?? ''
    if (!epochs.has(epoch)) epochs.set(epoch, epochs.size)
  }
  const rank = ({ record }: Message) => epochs.get(record.epoch ?? '') ?? 0
  messages.sort((a, b) => rank(a) - rank(b) || Number(a.record.position) - Number(b.record.position))
}

function push<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

/** The streams that everyone has from its first connect on. */
export function ambientStreams(session: string): string[] {
  return [EVERYONE, ownStream(session)]
}
