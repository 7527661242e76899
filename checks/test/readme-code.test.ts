import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { type CodeBlock, codeBlocksOf, compileBlocks } from '../lib/code-blocks'
import { PACKAGES, root } from '../lib/root'

/*
 * The TypeScript in the documents compiles against the sources. How a block says that it goes on from the one before: see
 * code-blocks.ts.
 */

const FOLDER = `${root}/checks/fixtures/examples`

const DOCUMENTS = [
  'README.md',
  ...readdirSync(`${root}/docs`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...PACKAGES.map((name) => `packages/${name}/README.md`),
]

/** Documents as a reader's mistakes would be, and what is wrong with them. */
const WRONG: Record<string, string> = {
  'a wrong line': "```ts\nimport { Server } from '@roomcast/server'\n\nnew Server({ path: 7 })\n```\n",
  'a name of a block before, without the word': '```ts\nconst one = 1\n```\n```ts\nconsole.log(one)\n```\n',
  'a name of another document': '```ts continues\nconsole.log(lastId)\n```\n',
  'a name of the page, without the word': '```ts\nsocket.emit("m")\n```\n',
  'a wrong line of a diff': "```diff\n-import 'socket.io'\n const n = 1\n+n.length\n```\n",
  'no TypeScript': '```ts\nconst const\n```\n',
}

const RIGHT: Record<string, string> = {
  'a block that goes on':
    '```ts\nconst [one] = [1]\n```\n```ts\nconst two = 2\n```\n```ts continues\nconsole.log(one + two)\n```\n',
  'a type of a block before': '```ts\ninterface A { n: number }\n```\n```ts continues\nconst a: A = { n: 1 }\n```\n',
  'a page': '```ts page\nsocket.emit("m")\nio("http://localhost")\n```\n',
  'a sketch': '```ts sketch\nsocket.emit(…)\n```\n',
  'another language': '```js\nsocket.emit(…)\n```\n',
}

test('every block of TypeScript in the documents compiles, and a wrong one does not', () => {
  const blocks = DOCUMENTS.flatMap((path) => codeBlocksOf(path, readFileSync(`${root}/${path}`, 'utf8')))
  expect(blocks.length, 'blocks in the documents').toBeGreaterThan(10)
  expect(blocks.filter(({ words }) => words.includes('sketch')).length, 'sketches').toBeLessThan(3)
  const fixtures = { ...WRONG, ...RIGHT }
  const others = Object.keys(fixtures).flatMap((name) => codeBlocksOf(name, fixtures[name] as string))
  const errors = compile([...blocks, ...others])
  const wrong = errors.filter((line) => Object.keys(WRONG).some((name) => line.startsWith(`${name}:`)))
  expect(errors.filter((line) => !wrong.includes(line))).toEqual([])
  expect([...new Set(wrong.map((line) => line.slice(0, line.indexOf(' ', line.indexOf(':')))))]).toEqual([
    'a wrong line:4',
    'a name of a block before, without the word:5',
    'a name of another document:2',
    'a name of the page, without the word:2',
    'a wrong line of a diff:4',
    'no TypeScript:2',
  ])
})

test('a word that is not known, and a block without an end, are errors', () => {
  expect(() => codeBlocksOf('a.md', '\n```ts continued\n```\n')).toThrow('a.md:2 "continued" is not known')
  expect(() => codeBlocksOf('a.md', '```ts\nconst a = 1\n')).toThrow('a.md:1 a block has no end')
})

/** Compiles blocks as the sources are compiled. */
function compile(blocks: readonly CodeBlock[]): string[] {
  const { config } = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile)
  // No files: those of the project are not compiled again.
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root)
  const free = { ...options, declaration: false, isolatedModules: false, verbatimModuleSyntax: false }
  return compileBlocks(blocks, free, FOLDER, [`${FOLDER}/application.d.ts`])
}
