import { readdir, readFile } from 'node:fs/promises'
import { root } from './root'

/** A file of the repository. */
export interface SourceFile {
  /** Relative to the root. */
  path: string
  text: string
}

const SKIPPED = /(^|\/)(node_modules|dist|test|fixtures)\/|^checks\/api\//

/** Reads the TypeScript sources below `folders`, without tests, fixtures and what is built. */
export async function readSourceFiles(folders: string[]): Promise<SourceFile[]> {
  const lists = await Promise.all(folders.map((folder) => readdir(`${root}/${folder}`, { recursive: true })))
  const paths = lists.flatMap((names, index) => names.map((name) => `${folders[index]}/${name}`))
  const sources = paths.filter((path) => /\.(ts|mjs|cjs)$/.test(path) && !SKIPPED.test(path)).sort()
  return Promise.all(sources.map(async (path) => ({ path, text: await readFile(`${root}/${path}`, 'utf8') })))
}

const MAX_LINES = 380
const WARN_LINES = 350

/** Sorts out the files that are over the limit, and those that are close to it. */
export function tooLong(files: readonly SourceFile[]): { errors: string[]; warnings: string[] } {
  const errors: string[] = []
  const warnings: string[] = []
  for (const { path, text } of files) {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    const sentence = `${path} has ${lines} lines, limit ${MAX_LINES}`
    if (lines > MAX_LINES) errors.push(sentence)
    else if (lines >= WARN_LINES) warnings.push(sentence)
  }
  return { errors, warnings }
}
