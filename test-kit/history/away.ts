import type { HistoryRecord } from './records'

/** What a session has of its own rooms. */
interface Presence {
  isConnected: boolean
  /** Rooms that it has joined itself. */
  readonly rooms: Set<string>
  /** Those that it has not joined again yet. */
  readonly awaited: Set<string>
}

/**
 * Sessions that have lost their link, or a room that they had joined themselves, and do not have it back yet. Nothing is owed to
 * them, so that a check while they are away would find nothing.
 */
export function awayOf(records: readonly HistoryRecord[]): string[] {
  const sessions = new Map<string, Presence>()
  for (const record of records) {
    if (!('session' in record)) continue
    const { session } = record
    const known = sessions.get(session) ?? { isConnected: true, rooms: new Set(), awaited: new Set() }
    sessions.set(session, known)
    follow(known, record)
  }
  return [...sessions].filter(([, { isConnected, awaited }]) => !isConnected || awaited.size > 0).map(([name]) => name)
}

function follow(known: Presence, record: HistoryRecord): void {
  switch (record.kind) {
    case 'disconnected':
      known.isConnected = false
      return
    case 'connected':
      if (record.recovered) known.awaited.clear()
      else if (!known.isConnected) for (const room of known.rooms) known.awaited.add(room)
      known.isConnected = true
      return
    case 'joined':
      if (record.room === null) return
      known.awaited.delete(record.room)
      if (record.by === 'client') known.rooms.add(record.room)
      return
    case 'rejoined':
    case 'snapshot':
      known.awaited.delete(record.room)
      return
    case 'left':
      known.awaited.delete(record.room)
      known.rooms.delete(record.room)
  }
}
