import ts from 'typescript'

/*
 * The TypeScript of a document, each block as a module of its own. What follows the language says what else it needs:
 *
 *   ```ts              nothing
 *   ```ts continues    names of the blocks before it in the document, the nearest first
 *   ```ts page         `io` and `socket` of the client, as in a page without a bundler
 *   ```ts sketch       is not compiled
 *   ```diff            is compiled as it is afterwards; the same words may follow
 */

/** A block of code in a document. */
export interface CodeBlock {
  /** Of the document, from the root. */
  readonly document: string
  /** Of its first line of code, from 1. */
  readonly line: number
  readonly words: readonly string[]
  /** As TypeScript, with as many lines as in the document. */
  readonly code: string
}

const WORDS = new Set(['continues', 'page', 'sketch'])

/** @throws Error for a word that is not known, and for a block without an end. */
export function codeBlocksOf(document: string, text: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let open: { fence: string; language: string; words: string[]; line: number; lines: string[] } | null = null
  for (const [index, line] of text.split('\n').entries()) {
    if (open === null) {
      const [, fence, language = '', rest = ''] = /^ *(`{3,})(\w*)(.*)$/.exec(line) ?? []
      if (fence !== undefined) open = { fence, language, words: wordsOf(rest), line: index + 2, lines: [] }
    } else if (line.trim() === open.fence) {
      const { language, words, lines } = open
      if (/^(ts|typescript|diff)$/.test(language)) {
        const unknown = words.find((word) => !WORDS.has(word))
        if (unknown !== undefined) throw new Error(`${document}:${open.line - 1} "${unknown}" is not known`)
        const code = (language === 'diff' ? lines.map(afterwards) : lines).join('\n')
        blocks.push({ document, line: open.line, words, code })
      }
      open = null
    } else open.lines.push(line)
  }
  if (open !== null) throw new Error(`${document}:${open.line - 1} a block has no end`)
  return blocks
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

/** A line of a diff as it is afterwards; one that is taken out leaves an empty one. */
function afterwards(line: string): string {
  return line.startsWith('-') ? '' : line.slice(1)
}

/**
 * Compiles blocks, all in one program.
 *
 * @param folder  Where the modules are taken to be; it need not exist. Of it is `page.ts`, which exports what a page finds.
 * @param files  Compiled with them: declarations of what examples leave out.
 * @returns One line for each error: document, line and text.
 */
export function compileBlocks(
  blocks: readonly CodeBlock[],
  options: ts.CompilerOptions,
  folder: string,
  files: readonly string[],
): string[] {
  const modules = new Map<string, Module>()
  const byDocument = new Map<string, Module[]>()
  for (const [index, block] of blocks.entries()) {
    if (block.words.includes('sketch')) continue
    const before = byDocument.get(block.document) ?? []
    byDocument.set(block.document, before)
    const module = moduleOf(block, `block-${index}`, before)
    before.push(module)
    modules.set(`${folder}/${module.name}.ts`, module)
  }
  const program = ts.createProgram([...modules.keys(), ...files], options, hostOf(modules, options))
  return [...modules.keys()].flatMap((path) => {
    const file = program.getSourceFile(path)
    const { block } = modules.get(path) as Module
    const errors = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    return errors.map(({ start = 0, messageText }) => {
      const line = block.line + (file?.getLineAndCharacterOfPosition(start).line ?? 0)
      return `${block.document}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    })
  })
}

/** A block that other blocks may take names from. */
interface Module {
  readonly block: CodeBlock
  readonly name: string
  readonly declared: ReadonlySet<string>
  readonly text: string
}

function moduleOf(block: CodeBlock, name: string, before: readonly Module[]): Module {
  const file = ts.createSourceFile('block.ts', block.code, ts.ScriptTarget.Latest)
  const declared = new Set(file.statements.flatMap(namesOf))
  const imports: string[] = []
  const found = new Set(declared)
  const take = (from: string, names: Iterable<string>) => {
    const missing = [...names].filter((each) => !found.has(each) && mentions(block.code, each))
    for (const each of missing) found.add(each)
    if (missing.length > 0) imports.push(`import { ${missing.join(', ')} } from './${from}'`)
  }
  if (block.words.includes('page')) take('page', ['io', 'socket'])
  if (block.words.includes('continues')) for (const each of [...before].reverse()) take(each.name, each.declared)
  // Behind the code, whose lines keep their numbers.
  const text = [block.code, ...imports, `export { ${[...declared].join(', ')} }`].join('\n')
  return { block, name, declared, text }
}

function mentions(code: string, name: string): boolean {
  return new RegExp(`(?<![\\w$.])${name.replaceAll('$', '\\$')}(?![\\w$])`).test(code)
}

/** Names that a statement at the top declares; what it exports by itself is no name for others. */
function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => bound(name))
  if (ts.isImportDeclaration(statement)) {
    const { name, namedBindings } = statement.importClause ?? {}
    const names = name === undefined ? [] : [name.text]
    if (namedBindings === undefined) return names
    if (ts.isNamespaceImport(namedBindings)) return [...names, namedBindings.name.text]
    return [...names, ...namedBindings.elements.map((element) => element.name.text)]
  }
  const isNamed =
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement)
  return isNamed && statement.name !== undefined ? [statement.name.text] : []
}

function bound(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text]
  return name.elements.flatMap((element) => (ts.isOmittedExpression(element) ? [] : bound(element.name)))
}

function hostOf(modules: ReadonlyMap<string, Module>, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  return {
    ...host,
    fileExists: (path) => modules.has(path) || fileExists(path),
    readFile: (path) => modules.get(path)?.text ?? readFile(path),
    getSourceFile: (path, target, ...rest) => {
      const text = modules.get(path)?.text
      return text === undefined ? getSourceFile(path, target, ...rest) : ts.createSourceFile(path, text, target)
    },
  }
}
