import { fileURLToPath } from 'node:url'
import { compareRuns, formatComparison } from './report/comparison'
import { readResults } from './report/results-file'

/*
 * Compares two results files. By default the last run on this machine with the report of the repository.
 */

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

try {
  const [earlier = `${RESULTS}report.json`, later = `${RESULTS}latest.json`] = process.argv.slice(2)
  process.stdout.write(`${formatComparison(compareRuns(readResults(earlier), readResults(later)))}\n`)
} catch (error) {
  process.stderr.write(`FAILED: ${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}
