import { fileURLToPath } from 'node:url'
import { writeReport } from './report/files'
import { readResults } from './report/results-file'

/*
 * Writes the report of the repository again, from its results file: where only the look of it has changed.
 */

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

try {
  const files = writeReport(RESULTS, 'report', readResults(`${RESULTS}report.json`))
  process.stdout.write(`in benchmarks/results: ${files.join(', ')}\n`)
} catch (error) {
  process.stderr.write(`FAILED: ${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}
