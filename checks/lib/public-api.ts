import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { type PackageName, root } from './root'

/*
 * The public API of a package as one text: every exported name of the built types in alphabetical order, then
 * the declarations they refer to. Comments, private members and members marked `@internal` are left out; names
 * of chunk files do not appear, so the text moves only when the API does.
 */

/** Built types of each package; those of the client for browsers, its types for Node.js must be the same. */
export const TYPE_ENTRIES: Record<PackageName, string> = {
  protocol: 'packages/protocol/dist/index.d.ts',
  client: 'packages/client/dist/browser.d.ts',
  server: 'packages/server/dist/index.d.ts',
}

/**
 * Reads built types and prints the API in them.
 *
 * @param entry  Path of a `.d.ts` file, relative to the root.
 * @throws Error when the file is missing: the build has to run first.
 */
export function describeApi(entry: string): string {
  const path = join(root, entry)
  if (!existsSync(path)) throw new Error(`${entry} is missing: run "npm run build" first`)
  return new ApiPrinter(path).print()
}

class ApiPrinter {
  private readonly checker: ts.TypeChecker
  private readonly printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed })
  private readonly folder: string
  private readonly module: ts.Symbol
  /** Symbols to print: those of the entry first, then what they lead to. */
  private readonly found = new Set<ts.Symbol>()
  /** What a symbol is called by those that refer to it, if it is not its own name. */
  private readonly aliases = new Map<ts.Symbol, string>()
  /** Names from other packages, by package. */
  private readonly imports = new Map<string, Set<string>>()

  constructor(entry: string) {
    const program = ts.createProgram([entry], {
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      types: [],
      noEmit: true,
    })
    const file = program.getSourceFile(entry)
    this.checker = program.getTypeChecker()
    const module = file && this.checker.getSymbolAtLocation(file)
    if (!module) throw new Error(`${entry} exports nothing`)
    this.module = module
    this.folder = dirname(entry)
  }

  print(): string {
    const exported = this.checker.getExportsOfModule(this.module).sort((a, b) => (a.name < b.name ? -1 : 1))
    const names = new Map<ts.Symbol, string[]>()
    const reexports: string[] = []
    for (const entry of exported) {
      const symbol = this.target(entry)
      const origin = this.originOf(symbol)
      if (origin === null) {
        this.found.add(symbol)
        names.set(symbol, [...(names.get(symbol) ?? []), entry.name])
      } else {
        reexports.push(
          `export { ${symbol.name === entry.name ? '' : `${symbol.name} as `}${entry.name} } from '${origin}'`,
        )
      }
    }
    const publicCount = this.found.size
    const texts: string[] = []
    // The set grows while it is walked: each declaration adds those it refers to.
    for (const symbol of this.found) texts.push(this.printSymbol(symbol, names.get(symbol) ?? []))
    const internal = texts.slice(publicCount).sort()
    const imports = [...this.imports]
      .sort()
      .map(([from, list]) => `import { ${[...list].sort().join(', ')} } from '${from}'`)
    const blocks = [...imports, ...reexports, ...texts.slice(0, publicCount), ...internal]
    return `// The public API. Update with: npm run api:update\n\n${blocks.join('\n')}\n`
  }

  private printSymbol(symbol: ts.Symbol, exportedAs: string[]): string {
    const prefix = exportedAs.includes(symbol.name) ? 'export ' : ''
    const declarations = (symbol.declarations ?? []).map((declaration) => {
      const node = withoutHidden(asStatement(declaration))
      this.collect(node)
      const text = this.printer.printNode(ts.EmitHint.Unspecified, node, declaration.getSourceFile())
      return (
        prefix +
        this.distinct(symbol, text).replace(
          /^(export )?(default )?(declare )?/,
          isTypeOnly(declaration) ? '' : 'declare ',
        )
      )
    })
    const renamed = exportedAs.filter((name) => name !== symbol.name)
    return [...declarations, ...renamed.map((name) => `export { ${symbol.name} as ${name} }`)].join('\n')
  }

  /** Two files may have a declaration of one name; the second takes the name it is referred to by. */
  private distinct(symbol: ts.Symbol, text: string): string {
    const alias = this.aliases.get(symbol)
    const isTaken = [...this.found].some((other) => other !== symbol && other.name === symbol.name)
    return alias && isTaken ? text.replace(new RegExp(`\\b${symbol.name}\\b`), () => alias) : text
  }

  /** Notes every name that `node` refers to: local ones to print, others to import. */
  private collect(node: ts.Node): void {
    if (ts.isIdentifier(node)) {
      const symbol = this.checker.getSymbolAtLocation(ts.getOriginalNode(node))
      if (symbol) this.note(this.target(symbol), node.text)
    }
    ts.forEachChild(node, (child) => this.collect(child))
  }

  private note(symbol: ts.Symbol, calledAs: string): void {
    const declaration = symbol.declarations?.[0]
    if (!declaration || !isTopLevel(declaration)) return
    const origin = this.originOf(symbol)
    if (origin === null) {
      this.found.add(symbol)
      if (calledAs !== symbol.name) this.aliases.set(symbol, calledAs)
    } else if (origin !== 'typescript')
      this.imports.set(origin, (this.imports.get(origin) ?? new Set()).add(symbol.name))
  }

  private target(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol
  }

  /** The package that declares `symbol`; null for the one that is described. */
  private originOf(symbol: ts.Symbol): string | null {
    const file = symbol.declarations?.[0]?.getSourceFile().fileName
    if (file === undefined) throw new Error(`${symbol.name} has no declaration: is a sister package not built?`)
    if (file.startsWith(this.folder)) return null
    const sister = /packages\/(\w+)\/dist\//.exec(file)
    if (sister) return `@roomcast/${sister[1]}`
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]
    if (name === undefined) throw new Error(`${symbol.name} comes from ${file}, which is no package`)
    return name
  }
}

function asStatement(declaration: ts.Declaration): ts.Node {
  if (!ts.isVariableDeclaration(declaration)) return declaration
  const list = ts.factory.createVariableDeclarationList([declaration], ts.NodeFlags.Const)
  return ts.factory.createVariableStatement(undefined, list)
}

const isTypeOnly = (node: ts.Node): boolean => ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)

function isTopLevel(declaration: ts.Declaration): boolean {
  const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
  return statement.parent !== undefined && ts.isSourceFile(statement.parent)
}

/** Leaves out members that are private or marked `@internal`. */
function withoutHidden(node: ts.Node): ts.Node {
  const { transformed } = ts.transform(node, [
    (context) => (top) => {
      const visit = (child: ts.Node): ts.Node | undefined =>
        isHidden(child) ? undefined : ts.visitEachChild(child, visit, context)
      return ts.visitEachChild(top, visit, context)
    },
  ])
  return transformed[0] ?? node
}

function isHidden(node: ts.Node): boolean {
  if (!ts.isClassElement(node) && !ts.isTypeElement(node)) return false
  // A private constructor stays: that nobody may call it is public.
  const isPrivate =
    ts.canHaveModifiers(node) &&
    !ts.isConstructorDeclaration(node) &&
    node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)
  return isPrivate === true || ts.getJSDocTags(node).some((tag) => tag.tagName.text === 'internal')
}

/** The text of built types without its comments. */
export async function readWithoutComments(path: string): Promise<string> {
  const file = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.ES2022)
  return ts.createPrinter({ removeComments: true }).printFile(file)
}
