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
  const before = `${folder}report.json`
  const isCompared = isComplete && existsSync(before)
  const compared = isCompared ? { ...results, comparison: compareRuns(readResults(before), results) } : results
  const names: ReportName[] = isComplete ? ['latest', 'report'] : ['latest']
  const json = serializeResults(compared)
  for (const name of names) writeFileSync(`${folder}${name}.json`, json)
  const files = [
    ...names.map((name) => `${name}.json`),
    ...writeReport(folder, isComplete ? 'report' : 'latest', compared),
  ]
  return { files, results: compared }
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
