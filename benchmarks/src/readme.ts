import { fileURLToPath } from 'node:url'
import { readmeSection } from './report/readme-section'
import { readResults } from './report/results-file'

/*
 * Prints the section "Numbers" of the README, of the report of the repository or of another results file.
 */

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

try {
  process.stdout.write(readmeSection(readResults(process.argv[2] ?? `${RESULTS}report.json`)))
} catch (error) {
  process.stderr.write(`FAILED: ${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}
