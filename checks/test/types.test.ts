import { readdir, readFile } from 'node:fs/promises'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { root } from '../lib/root'

/*
 * The type tests against the built types, as a user's compiler sees them; `npm run types` compiles them against
 * the sources.
 */

const folder = `${root}/checks/types`
const EXPECTED_ERROR = /^( *\/\/ )@ts-expect-error/gm

/** Compiles the type tests, with their text changed by `edit`. @returns one line for each error. */
async function compile(names: string[], edit: (text: string) => string): Promise<string[]> {
  const { config, error } = ts.readConfigFile(`${root}/tsconfig.base.json`, ts.sys.readFile)
  expect(error).toBeUndefined()
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const texts = new Map<string, string>()
  for (const name of names) texts.set(`${folder}/${name}`, edit(await readFile(`${folder}/${name}`, 'utf8')))
  const host = ts.createCompilerHost(options)
  const getSourceFile = host.getSourceFile
  host.getSourceFile = (path, target, ...rest) => {
    const text = texts.get(path)
    return text === undefined ? getSourceFile(path, target, ...rest) : ts.createSourceFile(path, text, target)
  }
  const program = ts.createProgram([...texts.keys()], options, host)
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const place = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0)
    const path = diagnostic.file?.fileName.replace(`${root}/`, '')
    return `${path}:${(place?.line ?? 0) + 1} ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`
  })
}

const names = (await readdir(folder)).filter((name) => name.endsWith('.ts'))

test('right programs compile against the built types, and wrong lines do not', async () => {
  expect(names.length, 'type tests').toBeGreaterThan(2)
  expect(await compile(names, (text) => text)).toEqual([])
})

test('every line that is expected to be wrong is an error of its own', async () => {
  let expected = 0
  const errors = await compile(names, (text) => {
    expected += text.match(EXPECTED_ERROR)?.length ?? 0
    return text.replaceAll(EXPECTED_ERROR, '$1here')
  })
  expect(expected, 'lines that must not compile').toBeGreaterThan(30)
  expect(new Set(errors.map((line) => line.split(' ')[0])).size).toBe(expected)
})
