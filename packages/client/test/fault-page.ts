import { fileURLToPath } from 'node:url'
import type { Server } from '@roomcast/server'
import { build } from 'esbuild'

const source = (path: string) => fileURLToPath(new URL(`../../../packages/${path}`, import.meta.url))

/** The script that pages load, made of the sources. */
export async function bundleClient(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [source('client/src/standalone.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    alias: { '@roomcast/protocol': source('protocol/src/index.ts') },
  })
  return outputFiles[0]?.text ?? ''
}

const HTML = '<!doctype html><title>t</title><link rel="icon" href="data:,"><script src="/script.js"></script>'

/** Serves a page with the client: `/`. */
export function servePage(io: Server, script: string): void {
  io.http((request) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/') return new Response(HTML, { headers: { 'content-type': 'text/html' } })
    if (pathname !== '/script.js') return undefined
    return new Response(script, { headers: { 'content-type': 'text/javascript' } })
  })
}

/** A socket in the page, as far as tests use it. */
export interface PageSocket {
  readonly connected: boolean
  readonly id: string
  readonly io: { readonly transport: string | undefined }
  emit(event: string, ...args: unknown[]): void
  emitWithAck(event: string, ...args: unknown[]): Promise<unknown>
  timeout(ms: number): PageSocket
  on(event: string, listener: (...args: unknown[]) => void): void
}

/** What a page holds. */
export interface FaultWindow {
  io(url: string, options: object): PageSocket
  socket: PageSocket
  ends: unknown[]
  received: number[]
  WebSocket: unknown
}
