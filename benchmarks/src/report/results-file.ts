import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Results } from './results'

/** Changes with the shape of `Results`. */
const FORMAT = 2

/** Of every number that is no whole one. More digits would be noise, and half of the file. */
const SIGNIFICANT_DIGITS = 5

/** Text of a results file: JSON, a line for each table and for each sample. */
export function serializeResults(results: Results): string {
  const { modes, ...rest } = results
  const lines = Object.entries({ format: FORMAT, ...rest }).map(
    ([key, value]) => `${JSON.stringify(key)}:${json(value)}`,
  )
  const blocks = modes.map(({ tables, samples, ...mode }) => {
    const head = json(mode).slice(0, -1)
    return `${head},\n"tables":[\n${listed(tables)}\n],\n"samples":[\n${listed(samples)}\n]}`
  })
  return `{\n${lines.join(',\n')},\n"modes":[${blocks.join(',\n')}]\n}\n`
}

/**
 * The opposite.
 *
 * @throws Error if the text is not of this form.
 */
export function parseResults(text: string): Results {
  // JSON has no word for what is not a number.
  const parsed = JSON.parse(text, (_, value) => (value === null ? Number.NaN : value))
  if (parsed?.format !== FORMAT) throw new Error(`not a results file of format ${FORMAT}, but of ${parsed?.format}`)
  return parsed
}

/** Reads a results file. @throws Error that names the file if it cannot be read. */
export function readResults(file: string): Results {
  try {
    return parseResults(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`${path.basename(file)}: ${error instanceof Error ? error.message : error}`)
  }
}

function listed(values: readonly unknown[]): string {
  return values.map(json).join(',\n')
}

function json(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    typeof part === 'number' && !Number.isInteger(part) ? Number(part.toPrecision(SIGNIFICANT_DIGITS)) : part,
  )
}
