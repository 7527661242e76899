import { RoomcastError } from '@roomcast/protocol'
import type { Engine } from './engine-types'

/** How a module is imported; replaced by tests. */
export type ImportModule = (name: string) => Promise<unknown>

/** Names tried in order: what the application installed itself, then what comes with this package. */
const CANDIDATES = ['uWebSockets.js', 'uws-pack'] as const

/**
 * Finds uWebSockets.js: the module given in `options.uws`, else `uWebSockets.js` if the application has
 * it, else the bundled `uws-pack`. Imported here and not at the top of a file: a CommonJS program can then
 * load this package, and the error below replaces the engine's own.
 *
 * @throws RoomcastError `ENGINE_NOT_FOUND`, naming Node.js version, ABI and platform, and what to do.
 */
export async function loadEngine(injected: unknown, importModule: ImportModule = importByName): Promise<Engine> {
  if (injected !== undefined) {
    const engine = asEngine(injected)
    if (engine === null) throw notFound(['options.uws: not uWebSockets.js: it has no App function'])
    return engine
  }
  const failures: string[] = []
  for (const name of CANDIDATES) {
    try {
      const engine = asEngine(await importModule(name))
      if (engine !== null) return engine
      failures.push(`${name}: has no App function`)
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? (error.message.split('\n')[0] as string) : String(error)}`)
    }
  }
  throw notFound(failures)
}

/** The names have to be literals where a bundler should see them, and variables where it must not look. */
function importByName(name: string): Promise<unknown> {
  return import(name)
}

/** The CommonJS build appears behind `default`, the ESM repack directly. */
function asEngine(module: unknown): Engine | null {
  const candidate = module as (Partial<Engine> & { default?: Partial<Engine> }) | null
  if (typeof candidate?.default?.App === 'function') return candidate.default as Engine
  return typeof candidate?.App === 'function' ? (candidate as Engine) : null
}

function notFound(failures: readonly string[]): RoomcastError {
  const { platform, arch, version, versions } = process
  const tried = failures.map((failure) => `  ${failure}`).join('\n')
  return new RoomcastError(
    'ENGINE_NOT_FOUND',
    `uWebSockets.js could not be loaded on Node.js ${version} (ABI ${versions.modules}), ${platform} ${arch}.\n${tried}\n` +
      'The bundled engine runs on Node.js 20, 21 and 22 on Linux with glibc, macOS and Windows. Ways out: use one of these, ' +
      'add uWebSockets.js to your application in a version for your Node.js, or pass the module as the option `uws`.',
  )
}
