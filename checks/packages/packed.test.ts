import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PACKAGES, type PackageName, root } from '../lib/root'
import { runNode, runNpm } from '../lib/run'

/*
 * What a user gets: the tarballs of `npm pack`, checked as files, then installed together into an empty project
 * and used from ESM, CommonJS, TypeScript and a bundler for browsers. Run by `npm run check:packages`.
 */

const tarballs = {} as Record<PackageName, string>
let folder: string
let project: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roomcast-packed-'))
  project = join(folder, 'project')
  await mkdir(project)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

interface PackReport {
  filename: string
  size: number
  files: { path: string }[]
}

test.each(PACKAGES)('npm pack: the tarball of %s has its build and its licence, and no sources', async (name) => {
  const output = await runNpm(['pack', '--json', '--pack-destination', folder], `${root}/packages/${name}`)
  const [report] = JSON.parse(output) as PackReport[]
  if (!report) throw new Error(`npm pack said: ${output}`)
  tarballs[name] = join(folder, report.filename)
  const files = report.files.map(({ path }) => path)
  console.log(`${report.filename}: ${report.size} bytes, ${files.length} files`)
  const expected = ['package.json', 'LICENSE', ...(name === 'server' ? ['NOTICE'] : [])]
  expect(files).toEqual(expect.arrayContaining(expected))
  expect(files.some((path) => path.startsWith('dist/'))).toBe(true)
  expect(files.filter((path) => /(^|\/)(src|test)\//.test(path))).toEqual([])
})

test.each(PACKAGES)('publint (strict) has nothing against %s', async (name) => {
  const bytes = await readFile(tarballs[name])
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true })
  expect(pkg?.name).toBe(`@roomcast/${name}`)
  const texts = messages.map((message) => `${message.type}: ${formatMessage(message, pkg, { color: false })}`)
  console.log([`publint read ${pkg?.name}@${pkg?.version}`, ...texts].join('\n'))
  expect(texts.filter((text) => !text.startsWith('suggestion'))).toEqual([])
})

test.each(PACKAGES)('are-the-types-wrong finds no wrong types in %s', async (name) => {
  const attw = `${root}/node_modules/@arethetypeswrong/cli/dist/index.js`
  const options = ['--profile', 'node16', '--format', 'ascii', '--no-emoji', '--no-color', '--no-definitely-typed']
  console.log(await runNode([attw, tarballs[name], ...options], root))
})

test('the tarballs install together into an empty project', async () => {
  await writeFile(join(project, 'package.json'), '{ "name": "consumer", "private": true, "version": "1.0.0" }\n')
  await cp(`${root}/checks/packages/consumer`, project, { recursive: true })
  const files = PACKAGES.map((name) => tarballs[name])
  const options = ['--no-audit', '--no-fund', '--prefer-offline']
  console.log(await runNpm(['install', ...options, ...files], project))
  for (const name of PACKAGES) {
    const manifest = JSON.parse(await readFile(join(project, `node_modules/@roomcast/${name}/package.json`), 'utf8'))
    const source = JSON.parse(await readFile(`${root}/packages/${name}/package.json`, 'utf8'))
    expect(manifest.version).toBe(source.version)
  }
})

test.each(['esm.mjs', 'cjs.cjs'])(
  '%s: server and client start, exchange an event with ack, and end',
  async (program) => {
    const output = await runNode([program], project)
    console.log(`${program}: ${output}`)
    expect(output).toBe('answered 2')
  },
)

const COMPILERS = [
  { title: 'node16, ES module', file: 'program.mts', options: ['--module', 'node16', '--moduleResolution', 'node16'] },
  { title: 'node16, CommonJS', file: 'program.cts', options: ['--module', 'node16', '--moduleResolution', 'node16'] },
  { title: 'bundler', file: 'program.ts', options: ['--module', 'esnext', '--moduleResolution', 'bundler'] },
]

test.each(COMPILERS)('TypeScript compiles a typed program, $title', async ({ file, options }) => {
  await linkFromWorkspace('typescript')
  await linkFromWorkspace('@types/node')
  await linkFromWorkspace('undici-types')
  if (file !== 'program.ts') await cp(join(project, 'program.ts'), join(project, file))
  const common = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', '--types', 'node']
  await runNode(['node_modules/typescript/bin/tsc', ...common, ...options, file], project)
  console.log(`tsc ${options.join(' ')} ${file}: no errors, declarations of the packages included`)
})

test('a bundler for browsers takes the client without anything of Node.js', async () => {
  const { metafile } = await build({
    absWorkingDir: project,
    stdin: { contents: "export { io } from '@roomcast/client'", resolveDir: project },
    bundle: true,
    format: 'esm',
    logLevel: 'silent',
    metafile: true,
    platform: 'browser',
    write: false,
  })
  const inputs = Object.keys(metafile.inputs).map((path) => path.replace('node_modules/', ''))
  console.log(inputs.join('\n'))
  expect(inputs.filter((path) => !/^(<stdin>|@roomcast\/(client|protocol)\/)/.test(path))).toEqual([])
})

/** Lets the project use a package of this workspace, so that the compiler need not be installed again. */
async function linkFromWorkspace(name: string): Promise<void> {
  const path = join(project, 'node_modules', name)
  await mkdir(join(path, '..'), { recursive: true })
  await symlink(`${root}/node_modules/${name}`, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}
