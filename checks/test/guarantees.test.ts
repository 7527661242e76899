import { existsSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { LIMITS } from '@roomcast/protocol'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { root } from '../lib/root'

/*
 * docs/guarantees.md promises nothing that no test shows: each row of its tables and each point of its lists refers to tests by footnotes,
 * `[^name]`, and a footnote is links to tests: the title as text, with those of its `describe` in front where the file has the title twice. The
 * limits it names have the values of the table.
 */

const DOCUMENT = 'docs/guarantees.md'

/** Text of a file by its path from the root; undefined if there is none. */
type Read = (path: string) => string | undefined

const readRepository: Read = (path) =>
  existsSync(`${root}/${path}`) ? readFileSync(`${root}/${path}`, 'utf8') : undefined

/** What runs no test, or takes its failure for success. */
const NOT_RUN = new Set(['fails', 'skip', 'todo'])

/** Titles of the tests of a file as they stand in it, each with those of its `describe`. */
function titlesOf(text: string): string[] {
  const titles: string[] = []
  const file = ts.createSourceFile('test.ts', text, ts.ScriptTarget.Latest)
  const visit = (node: ts.Node, path: readonly string[]): void => {
    const call = ts.isCallExpression(node) ? titleOf(node, file) : undefined
    if (call === undefined) return ts.forEachChild(node, (child) => visit(child, path))
    if (!call.runs) return
    const full = [...path, call.title]
    if (call.isGroup) ts.forEachChild(node, (child) => visit(child, full))
    else titles.push(full.join(' > '))
  }
  visit(file, [])
  return titles
}

/** What `test('…', …)`, `describe('…', …)` and the like are called; undefined for another call. */
function titleOf({ expression, arguments: [first, second] }: ts.CallExpression, file: ts.SourceFile) {
  if (second === undefined || first === undefined) return
  let callee: ts.Expression = expression
  let runs = true
  while (!ts.isIdentifier(callee)) {
    if (ts.isPropertyAccessExpression(callee)) {
      if (NOT_RUN.has(callee.name.text)) runs = false
      callee = callee.expression
    } else if (ts.isCallExpression(callee)) callee = callee.expression
    else return
  }
  if (!/^(describe|it|test)$/.test(callee.text)) return
  const title = textOf(first, file)
  return title === undefined ? undefined : { title, isGroup: callee.text === 'describe', runs }
}

/** A text as it stands in the source, with what is put into it. */
function textOf(node: ts.Expression, file: ts.SourceFile): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text
  return ts.isTemplateExpression(node) ? node.getText(file).slice(1, -1) : undefined
}

const FOOTNOTE = /^\[\^([\w-]+)\]:\s*(.*)$/
const REFERENCE = /\[\^([\w-]+)\](?!:)/g
const LINK = /\[((?:\\.|[^\]\\])+)\]\(([^)\s]+)\)/g
/** A limit and its value in two cells of a table. */
const LIMIT = /\| `(\w+)` +\| ([\d,]+)/

/** What a document promises without showing it. */
function faultsOf(document: string, path: string, read: Read): string[] {
  const faults: string[] = []
  const lines = linesOf(document)
  const used = new Set<string>()
  const defined = new Set<string>()
  const titles = new Map<string, string[]>()
  for (const [index, line] of lines.entries()) {
    const [, name, body] = FOOTNOTE.exec(line) ?? []
    if (name !== undefined && body !== undefined) {
      if (defined.has(name)) faults.push(`${name}: is there twice`)
      defined.add(name)
      faults.push(...faultsOfFootnote(body).map((fault) => `${name}: ${fault}`))
      continue
    }
    const references = [...line.matchAll(REFERENCE)].map(([, each]) => each as string)
    for (const each of references) used.add(each)
    const isHead = /^\|[ :|-]+\|$/.test(lines[index + 1] ?? '') || /^\|[ :|-]+\|$/.test(line)
    const isPromise = (line.startsWith('|') && !isHead) || /^\s*([-*]|\d+\.) /.test(line)
    if (isPromise && references.length === 0) faults.push(`no test: ${line.slice(0, 80)}`)
    const [, limit, value] = LIMIT.exec(line) ?? []
    const actual = limit === undefined ? undefined : (LIMITS as Readonly<Record<string, number>>)[limit]
    if (limit !== undefined && actual?.toLocaleString('en-US') !== value) {
      faults.push(`${limit} is ${actual?.toLocaleString('en-US')}, not ${value}`)
    }
  }
  for (const name of used) if (!defined.has(name)) faults.push(`${name}: is not defined`)
  for (const name of defined) if (!used.has(name)) faults.push(`${name}: nothing refers to it`)
  return faults

  function faultsOfFootnote(body: string): string[] {
    const links = [...body.matchAll(LINK)]
    if (links.length === 0) return ['no link to a test']
    return links.flatMap(([, text, target]) => {
      const title = (text as string).replaceAll(/\\(.)/g, '$1')
      const file = posix.join(posix.dirname(path), target as string)
      if (!titles.has(file)) titles.set(file, titlesOf(read(file) ?? ''))
      const found = (titles.get(file) ?? []).filter((each) => each === title || each.endsWith(` > ${title}`))
      return found.length === 1 ? [] : [`${found.length} tests "${title}" in ${file}`]
    })
  }
}

/** Without examples, which promise nothing; a point of a list in one line. */
function linesOf(document: string): string[] {
  const text = document.replaceAll(/^```[\s\S]*?^```$/gm, '')
  return text.replaceAll(/\n +(?![-*] |\d+\. )(?=\S)/g, ' ').split('\n')
}

test('every promise of the document is shown by tests that exist, and its limits are those of the table', () => {
  const document = readRepository(DOCUMENT) as string
  expect(document.match(new RegExp(FOOTNOTE, 'gm'))?.length, 'footnotes').toBeGreaterThan(50)
  expect(faultsOf(document, DOCUMENT, readRepository)).toEqual([])
})

describe('the check finds', () => {
  const tests = `
    // test('only in a comment', () => {})
    test('one', () => {})
    test.each([1])('each %i', (n) => {})
    test(\`\${a.b} clients\`, { timeout: 1 }, () => {})
    describe.each([1])('group', () => { it('two', () => {}); test.concurrent('both', () => {}) })
    describe('other', () => { test('both', () => {}) })
    test.skip('skipped', () => {})
    test.fails('fails', () => {})
    describe.skip('not run', () => { test('inner', () => {}) })
    test.todo('to do')
    expect('no test', 'at all')
  `
  const check = (document: string) =>
    faultsOf(document, 'docs/a.md', (path) => (path === 'test/a.test.ts' ? tests : undefined))
  const promise = (title: string, file = '../test/a.test.ts') => `- this holds [^a]\n\n[^a]: [${title}](${file})\n`

  // biome-ignore lint/suspicious/noTemplateCurlyInString: a title as it stands in the source
  test.each(['one', 'each %i', '${a.b} clients', 'two', 'group > two', 'group > both', 'other > both'])(
    'nothing wrong with "%s"',
    (title) => expect(check(promise(title))).toEqual([]),
  )

  test.each([
    'on',
    'onE',
    'only in a comment',
    'no test',
    'group',
    'other > two',
    'skipped',
    'fails',
    'inner',
    'to do',
  ])('that no test is called "%s"', (title) =>
    expect(check(promise(title))).toEqual([`a: 0 tests "${title}" in test/a.test.ts`]),
  )

  test('a title that two tests have', () => {
    expect(check(promise('both'))).toEqual(['a: 2 tests "both" in test/a.test.ts'])
  })

  test('a file that is not there', () => {
    expect(check(promise('one', '../test/b.test.ts'))).toEqual(['a: 0 tests "one" in test/b.test.ts'])
  })

  test('rows and points without a test, and footnotes that lead nowhere', () => {
    expect(check('| what |\n| ---- |\n| this |\n')).toEqual(['no test: | this |'])
    expect(check('1. this\n')).toEqual(['no test: 1. this'])
    expect(check('  - this\n')).toEqual(['no test:   - this'])
    expect(check('- this\n  and that\n')).toEqual(['no test: - this and that'])
    expect(check('- this [^a]\n')).toEqual(['a: is not defined'])
    expect(check('- this [^a]\n\n[^a]: trust us\n')).toEqual(['a: no link to a test'])
    expect(check(promise('one').replace(' [', '\n  ['))).toEqual([])
    expect(check(`${promise('one')}[^b]: [two](../test/a.test.ts)\n`)).toEqual(['b: nothing refers to it'])
    expect(check(`${promise('one')}[^a]: [two](../test/a.test.ts)\n`)).toEqual(['a: is there twice'])
  })

  test('a limit with another value', () => {
    const row = (value: string) =>
      check(`| a | \`pendingAcks\` | ${value} | [^a] |\n\n[^a]: [one](../test/a.test.ts)\n`)
    expect(row(String(LIMITS.pendingAcks))).toEqual([])
    expect(row('257')).toEqual([`pendingAcks is ${LIMITS.pendingAcks}, not 257`])
  })
})
