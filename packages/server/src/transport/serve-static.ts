import { createHash } from 'node:crypto'
import { readFile, realpath, stat } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lookup } from 'mrmime'
import { matchesEtag } from './etag'
import type { HttpHandler } from './http'

/** Options of {@link serveStatic}. */
export interface ServeStaticOptions {
  /** Path that the folder appears under. @default '/' */
  readonly prefix?: string
  /** Seconds a browser may use a file without asking again. @default 0 */
  readonly maxAgeSeconds?: number
}

/**
 * A handler for `io.http` that serves the files of a folder: `index.html` for a path that ends in a slash,
 * ETag and 304, no dot files, nothing outside of the folder, links included. Files are read whole, so it
 * is meant for pages and their parts; put downloads behind a file server.
 *
 * @param directory  Path or file: URL.
 * @returns A handler that answers GET and HEAD for files that exist, and leaves everything else to the next.
 */
export function serveStatic(directory: URL | string, options: ServeStaticOptions = {}): HttpHandler {
  const root = resolve(directory instanceof URL ? fileURLToPath(directory) : directory)
  const prefix = `/${(options.prefix ?? '').replace(/^\/+|\/+$/g, '')}/`.replace('//', '/')
  const cacheControl = `public, max-age=${options.maxAgeSeconds ?? 0}`
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
    const file = await findFile(root, prefix, new URL(request.url).pathname)
    if (file === null) return undefined
    const content = await readFile(file)
    const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`
    const headers = new Headers({ etag, 'cache-control': cacheControl, 'x-content-type-options': 'nosniff' })
    if (matchesEtag(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers })
    const type = lookup(file) ?? 'application/octet-stream'
    headers.set('content-type', /^text\/|javascript|json|svg/.test(type) ? `${type}; charset=utf-8` : type)
    headers.set('content-length', String(content.length))
    return new Response(content, { headers })
  }
}

async function findFile(root: string, prefix: string, pathname: string): Promise<string | null> {
  let path: string
  try {
    path = decodeURIComponent(pathname)
  } catch {
    return null
  }
  if (!path.startsWith(prefix) || path.includes('\0') || /(^|\/)\./.test(path)) return null
  const wanted = resolve(root, `.${sep}${path.slice(prefix.length)}${path.endsWith('/') ? 'index.html' : ''}`)
  try {
    const [realRoot, real] = await Promise.all([realpath(root), realpath(wanted)])
    if (!real.startsWith(realRoot + sep)) return null
    return (await stat(real)).isFile() ? real : null
  } catch {
    return null
  }
}
