// Adds up the results that vitest wrote. Usage: node checks/ci-summary.mjs FAILED_STEPS FOLDER
// The folder has, for each run of vitest, NAME.code with its exit code and NAME.json with its report.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , failedSteps = '0', folder = '.'] = process.argv
const total = { passed: 0, failed: Number(failedSteps), skipped: 0 }

for (const name of readdirSync(folder).filter((file) => file.endsWith('.code'))) {
  const code = readFileSync(join(folder, name), 'utf8').trim()
  const { passed, failed, skipped } = readReport(join(folder, name.replace('.code', '.json')))
  total.passed += passed
  // A file that cannot be loaded or an error outside of a test has no failed test, only the exit code.
  total.failed += failed === 0 && code !== '0' ? 1 : failed
  total.skipped += skipped
}

console.log()
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
if (total.failed > 0) process.exitCode = 1

/** @returns the counts of a report; one failure if vitest did not come to write it. */
function readReport(/** @type {string} */ path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'))
    const skipped = report.numPendingTests + report.numTodoTests
    return { passed: report.numPassedTests, failed: report.numFailedTests, skipped }
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
}
