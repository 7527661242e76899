import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { compareRuns } from './comparison'
import { reportDocument } from './document'
import { plotsOf } from './plots'
import type { Results } from './results'
import { readResults, serializeResults } from './results-file'

/*
 * What a run leaves behind in the folder of results. Names with LATEST are not kept in the repository, the others are:
 *
 *   latest.json                              every run
 *   latest.md, latest-*.svg                  a run of a part
 *   report.json, report.md, main.svg, ...    a run of everything, as it is without arguments
 */

/** Names of the two, without what follows the dot. */
export type ReportName = 'latest' | 'report'

/**
 * Writes the results of a run, and the report made of them.
 *
 * @param folder  With a slash at its end; made if it is not there.
 * @param isComplete  Whether this is a run of everything: its report is compared with the one before, and takes its place.
 * @returns what was written, names in the folder, and the results with that comparison.
 */
export function writeResults(
  folder: string,
  results: Results,
  isComplete: boolean,
): { readonly files: string[]; readonly results: Results } {
  mkdirSync(folder, { recursive: true })
  // At once: whatever goes wrong with the report, a long run is not lost.
  const latest = `${folder}latest.json`
  writeFileSync(latest, serializeResults(results))
  // The report is made of what is in the file, so that it comes out the same when it is made again.
  const kept = readResults(latest)
  if (!isComplete) return { files: ['latest.json', ...writeReport(folder, 'latest', kept)], results: kept }
  const compared = withComparison(`${folder}report.json`, kept)
  const json = serializeResults(compared)
  for (const name of ['latest', 'report']) writeFileSync(`${folder}${name}.json`, json)
  return { files: ['latest.json', 'report.json', ...writeReport(folder, 'report', compared)], results: compared }
}

/** A report that is missing, or of another format, is nothing to compare with. */
function withComparison(file: string, results: Results): Results {
  if (!existsSync(file)) return results
  try {
    return { ...results, comparison: compareRuns(readResults(file), results) }
  } catch (error) {
    return {
      ...results,
      remarks: [...results.remarks, `not compared with the report before: ${(error as Error).message}`],
    }
  }
}

/** Writes the document and its images. @returns their names. */
export function writeReport(folder: string, name: ReportName, results: Results): string[] {
  const prefix = name === 'report' ? '' : `${name}-`
  // Images of an earlier run, of other modes, would not be told from those of this one.
  if (prefix !== '')
    for (const old of readdirSync(folder)) if (old.startsWith(prefix) && old.endsWith('.svg')) rmSync(`${folder}${old}`)
  const plots = plotsOf(results.modes, prefix)
  for (const { file, svg } of plots) writeFileSync(`${folder}${file}`, svg)
  writeFileSync(`${folder}${name}.md`, reportDocument(results, plots))
  return [`${name}.md`, ...plots.map(({ file }) => file)]
}
