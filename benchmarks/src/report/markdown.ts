/** A cell or a paragraph whose text may be anything. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_[\]<>|]/g, '\\$&').replace(/\s+/g, ' ')
}

/** How a column stands. */
export type Alignment = 'left' | 'right'

/** A column of a table. */
export interface Column {
  readonly title: string
  readonly align: Alignment
}

/**
 * A table whose columns are as wide in the source as they look.
 *
 * @param rows  Cells as Markdown, each row as long as `columns`; text is escaped by the caller.
 */
export function markdownTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(3, title.length, ...rows.map((cells) => cells[index]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) => {
    const padded = columns.map(({ align }, index) => {
      const cell = cells[index] ?? ''
      const width = widths[index] ?? 0
      return align === 'right' ? cell.padStart(width) : cell.padEnd(width)
    })
    return `| ${padded.join(' | ')} |`
  }
  const rule = columns.map(({ align }, index) => {
    const dashes = '-'.repeat(widths[index] ?? 0)
    return align === 'right' ? `${dashes.slice(1)}:` : dashes
  })
  return [line(columns.map(({ title }) => title)), `| ${rule.join(' | ')} |`, ...rows.map(line)]
}
