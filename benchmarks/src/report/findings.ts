import { OURS, REFERENCE } from '../peers'
import type { MicroRow, MicroTable, ModeResult, Row, Table } from './results'

/*
 * What the tables say, in lists: bounds, and where Roomcast is worse than somebody else.
 */

/** A row and where it stands. */
export interface Finding {
  readonly table: Table
  readonly row: Row
}

/** Whether a peer is Roomcast, as it is or with an option. */
export function isOurs(peer: string): boolean {
  return peer === OURS || peer.startsWith(`${OURS}-`)
}

/** Whether somebody else's row is better than Roomcast's of the same table. The reference does less, and is not asked. */
export function isBetterThanOurs({ peer, overOurs }: Row): boolean {
  return !isOurs(peer) && peer !== REFERENCE && overOurs.median < 1
}

/** Every row with a bound, in the order of the tables. */
export function rowsWithBounds(modes: readonly ModeResult[]): Finding[] {
  return findings(modes, ({ bound }) => bound !== undefined)
}

/** Every row that is better than Roomcast's. */
export function betterRows(modes: readonly ModeResult[]): Finding[] {
  return findings(modes, isBetterThanOurs)
}

/**
 * What a variant of a micro benchmark is compared with in Roomcast: "Socket.IO: adapter" with "Roomcast: adapter", and
 * what has no such namesake with Roomcast's cheapest variant.
 *
 * @returns undefined for Roomcast's own variants, and where there are none.
 */
export function counterpartOf(row: MicroRow, { rows }: MicroTable): MicroRow | undefined {
  if (isOurVariant(row)) return undefined
  const ours = rows.filter(isOurVariant).sort((one, other) => one.value.median - other.value.median)
  const part = partOf(row)
  return ours.find((each) => part !== undefined && partOf(each) === part) ?? ours[0]
}

/** Whether a variant costs less than its counterpart in Roomcast. */
export function isCheaperThanOurs(row: MicroRow, table: MicroTable): boolean {
  const counterpart = counterpartOf(row, table)
  return counterpart !== undefined && row.value.median < counterpart.value.median
}

function isOurVariant({ name }: MicroRow): boolean {
  return /^Roomcast\b/.test(name)
}

function partOf({ name }: MicroRow): string | undefined {
  return name.split(': ')[1]
}

function findings(modes: readonly ModeResult[], isFound: (row: Row) => boolean): Finding[] {
  const tables = modes.flatMap((mode) => mode.tables)
  return tables.flatMap((table) => table.rows.filter(isFound).map((row) => ({ table, row })))
}
