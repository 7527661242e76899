import { OURS } from '../peers'
import { isBetterThanOurs, isOurs } from './findings'
import { formatKilobytes, formatNumber, formatSpread } from './format'
import { type Column, escapeMarkdown, markdownTable } from './markdown'
import type { Results, Row, Table } from './results'

/*
 * The section "Numbers" of the README: what a run came to, without what is only in the report.
 */

/** Peers with a column, in the order of the columns. Those that took no part have none. */
const COLUMNS: readonly { readonly peer: string; readonly title: string }[] = [
  { peer: 'raw-ws', title: 'raw `ws`' },
  { peer: 'socketio-uws', title: 'Socket.IO on uWS' },
  { peer: 'socketio-ws', title: 'Socket.IO on `ws`' },
  { peer: 'socketio-msgpack', title: 'Socket.IO msgpack' },
  { peer: 'colyseus', title: 'Colyseus' },
  { peer: 'socketcluster', title: 'SocketCluster' },
]

/** Text before the table, and the table. */
export function readmeSection(results: Results): string {
  const { modes, environment, date } = results
  const tables = modes
    .flatMap((mode) => mode.tables)
    .filter(({ rows }) => rows.some(({ bound }) => bound !== undefined))
  const rounds = modes.filter((mode) => mode.tables.some((table) => tables.includes(table))).map((mode) => mode.rounds)
  const spans = [...new Set(rounds)].sort((a, b) => a - b).join(' to ')
  const versions = Object.entries(environment.packages).map((entry) => entry.join(' '))
  return [
    `\`npm run bench\` of ${date.slice(0, 10)}, ${spans === '1' ? 'one round' : `${spans} rounds`}, on ${environment.machine}, Node.js ${environment.node.slice(1)}; ${versions.join(', ')}.`,
    'Server CPU and memory as ratios to a raw uWebSockets.js server in the same round: the median of the rounds, for Roomcast',
    'with their range. A bold ratio is better than that of Roomcast.',
    '',
    '![Ratios of Roomcast and its peers to raw uWebSockets.js; the numbers are in the table](benchmarks/results/main.svg)',
    '',
    ...readmeTable(tables),
    '',
    'The raw servers echo bytes without looking at them; they are the floor, not a competitor.',
    '[All tables](benchmarks/results/report.md), and [how it is measured](benchmarks/README.md).',
    '',
  ].join('\n')
}

/** A row for each table, and below it one for each option of Roomcast. */
export function readmeTable(tables: readonly Table[]): string[] {
  const present = COLUMNS.filter(({ peer }) => tables.some(({ rows }) => rows.some((row) => row.peer === peer)))
  const columns: Column[] = [
    { title: '', align: 'left' },
    { title: 'Roomcast', align: 'left' },
    ...present.map(({ title }): Column => ({ title, align: 'left' })),
    { title: 'bound', align: 'left' },
  ]
  const rows = tables.flatMap((table) => {
    const others = present.map(({ peer }) => otherText(table.rows.find((row) => row.peer === peer)))
    return table.rows
      .filter(({ peer }) => isOurs(peer))
      .map((row) => [
        escapeMarkdown(row.peer === OURS ? table.metric.title : `the same, ${option(row.label)}`),
        oursText(table, row),
        ...(row.peer === OURS ? others : others.map(() => '')),
        boundText(row),
      ])
  })
  return markdownTable(columns, rows)
}

/** "Roomcast, room with history" is about the room with history. */
function option(label: string): string {
  return label.replace(/^Roomcast, /, '')
}

function oursText({ metric }: Table, { ratio, value }: Row): string {
  const bytes = metric.unit.startsWith('bytes') ? `, ${formatKilobytes(value.median)}` : ''
  return `${formatSpread(ratio)}${bytes}`
}

function otherText(row: Row | undefined): string {
  if (row === undefined) return ''
  const ratio = formatNumber(row.ratio.median)
  return isBetterThanOurs(row) ? `**${ratio}**` : ratio
}

function boundText({ bound }: Row): string {
  if (bound === undefined) return ''
  return bound.isKept ? `${bound.limit}` : `${bound.limit}, over`
}
