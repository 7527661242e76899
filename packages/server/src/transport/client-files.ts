import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { matchesEtag } from './etag'
import type { HttpExchange } from './http-exchange'

interface ClientFile {
  readonly etag: string
  readonly plain: Uint8Array
  readonly gzip: Uint8Array
  readonly brotli: Uint8Array
}

/** Files of the browser client: a classic script that defines `io`, and an ES module. */
type ClientFileName = 'client.js' | 'client.mjs'

/** The browser client by file name, ready to send. */
export type ClientFiles = Readonly<Record<ClientFileName, ClientFile>>

/** Whether `name` is a file of the browser client. */
export function isClientFile(name: string): name is ClientFileName {
  return name === 'client.js' || name === 'client.mjs'
}

/**
 * Reads and compresses the browser client, once.
 *
 * @param directory  Folder that the build put it in.
 * @throws what reading a file throws.
 */
export function loadClientFiles(directory: URL): ClientFiles {
  const load = (name: ClientFileName): ClientFile => {
    const plain = readFileSync(new URL(name, directory))
    const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
    return { etag, plain, gzip: gzipSync(plain, { level: 9 }), brotli: brotliCompressSync(plain) }
  }
  return { 'client.js': load('client.js'), 'client.mjs': load('client.mjs') }
}

/** Answers a request for a file of the client. */
export function serveClientFile(file: ClientFile, exchange: HttpExchange): void {
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') {
    return exchange.end('405 Method Not Allowed', [['allow', 'GET, HEAD']], '')
  }
  const headers: [string, string][] = [
    ['etag', file.etag],
    ['cache-control', 'public, max-age=0, must-revalidate'],
    ['vary', 'accept-encoding'],
    // The file is public, and a page of another origin may load it as a module.
    ['access-control-allow-origin', '*'],
    ['cross-origin-resource-policy', 'cross-origin'],
    ['x-content-type-options', 'nosniff'],
  ]
  if (matchesEtag(exchange.header('if-none-match'), file.etag)) {
    return exchange.endEmpty('304 Not Modified', headers)
  }
  const accepted = exchange.header('accept-encoding') ?? ''
  const encoding = /\bbr\b/.test(accepted) ? 'br' : /\bgzip\b/.test(accepted) ? 'gzip' : null
  if (encoding !== null) headers.push(['content-encoding', encoding])
  headers.push(['content-type', 'text/javascript; charset=utf-8'])
  exchange.end('200 OK', headers, encoding === 'br' ? file.brotli : encoding === 'gzip' ? file.gzip : file.plain)
}
