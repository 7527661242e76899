import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { type HttpHandler, serveStatic } from '@roomcast/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorOf, pair } from '../../../test-kit/clients'
import { HEAD, type HttpAnswer, rawRequest, request } from '../../../test-kit/http'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'roomcast-http-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A server with these handlers. */
function startHttp(...handlers: HttpHandler[]): Promise<TestServer> {
  return startServer((io) => {
    for (const handler of handlers) io.http(handler)
  })
}

const hello: HttpHandler = () => new Response('hello')

async function expectAlive(server: TestServer): Promise<void> {
  using one = await pair(server)
  expect(one.client.connected).toBe(true)
}

describe('io.http', () => {
  test('handlers are asked in order until one answers, and without an answer it is 404', async () => {
    const log: string[] = []
    await using server = await startHttp(
      () => {
        log.push('first')
        return undefined
      },
      async (request) => {
        log.push('second')
        return new URL(request.url).pathname === '/a' ? new Response('from the second', { status: 201 }) : undefined
      },
    )
    server.io.http(({ url }) => {
      log.push('third')
      return url.endsWith('/b') ? Response.json({ b: 1 }) : undefined
    })
    expect(await request(server.port, { path: '/a' })).toMatchObject({ status: 201, text: 'from the second' })
    expect(log).toEqual(['first', 'second'])
    const json = await request(server.port, { path: '/b' })
    expect(json).toMatchObject({ status: 200, text: '{"b":1}' })
    expect(json.headers['content-type']).toBe('application/json')
    expect((await request(server.port, { path: '/c' })).status).toBe(404)
    expect(server.faults).toEqual([])
  })

  test('the request is what the client sent', async () => {
    const seen: unknown[] = []
    await using server = await startHttp(async (request, { address }) => {
      const { method, url, headers } = request
      const given = { host: headers.get('host'), a: headers.get('x-a'), cookie: headers.get('cookie') }
      seen.push({ method, url, ...given, address, body: await request.text() })
      return new Response()
    })
    const headers = { 'X-A': '1', cookie: 'a=b' }
    await request(server.port, { path: '/p/%20q?x=1&y=%26', headers })
    const host = `127.0.0.1:${server.port}`
    expect(seen).toEqual([
      {
        method: 'GET',
        url: `http://${host}/p/%20q?x=1&y=%26`,
        host,
        a: '1',
        cookie: 'a=b',
        address: '127.0.0.1',
        body: '',
      },
    ])
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s comes with its body, whole, in pieces or empty', async (method) => {
    const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    await using server = await startHttp(async (request) => {
      const bytes = new Uint8Array(await request.arrayBuffer())
      return new Response(`${request.method} ${bytes.length} ${sha(bytes)}`)
    })
    for (const body of [Buffer.alloc(0), Buffer.from('hello'), randomBytes(900_000)]) {
      const expected = `${method} ${body.length} ${sha(body)}`
      const sized = { 'content-length': String(body.length) }
      expect((await request(server.port, { method, body, headers: sized })).text).toBe(expected)
      expect((await request(server.port, { method, body, headers: { 'transfer-encoding': 'chunked' } })).text).toBe(
        expected,
      )
    }
  })

  test('each handler gets the body anew', async () => {
    await using server = await startHttp(
      async (request) => {
        await request.text()
        return undefined
      },
      async (request) => new Response(await request.text()),
    )
    expect((await request(server.port, { method: 'POST', body: 'twice' })).text).toBe('twice')
  })

  test('a body over the limit is 413, and no handler is asked', async () => {
    let isAsked = false
    await using server = await startServer(
      (io) =>
        io.http(() => {
          isAsked = true
          return new Response()
        }),
      { maxRequestBodyBytes: 1_000 },
    )
    expect((await request(server.port, { method: 'POST', body: 'x'.repeat(1_000) })).status).toBe(200)
    isAsked = false
    const headers = ['POST / HTTP/1.1', 'Host: a']
    const long = await rawRequest(server.port, [...headers, 'Content-Length: 1001', '', 'x'.repeat(1_001)].join('\r\n'))
    expect(long).toMatch(/^HTTP\/1\.1 413/)
    const chunk = `3e9\r\n${'x'.repeat(1_001)}\r\n0\r\n\r\n`
    const chunked = await rawRequest(server.port, [...headers, 'Transfer-Encoding: chunked', '', chunk].join('\r\n'))
    expect(chunked).toMatch(/^HTTP\/1\.1 413/)
    expect(isAsked).toBe(false)
    await expectAlive(server)
  })

  test.each(['GET', 'HEAD'])('an endless answer to a %s is given up when the client is gone', async (method) => {
    let cancelled = 0
    let asked = 0
    await using server = await startHttp(() => {
      asked++
      return new Response(new ReadableStream({ cancel: () => void cancelled++ }))
    })
    const socket = connectSocket(server.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`)
    await until(() => asked === 1)
    socket.destroy()
    await until(() => cancelled === 1)
    expect(server.faults).toEqual([])
    await expectAlive(server)
  })

  test('HEAD gets the headers of GET without the body', async () => {
    await using server = await startHttp(({ url }) => {
      if (url.endsWith('/stream')) return new Response(new Blob(['streamed']).stream())
      return new Response('hello', { headers: { 'x-a': '1' } })
    })
    const answer = await request(server.port, { method: 'HEAD' })
    expect(answer).toMatchObject({ status: 200, text: '' })
    expect(answer.headers).toMatchObject({ 'content-length': '5', 'x-a': '1' })
    expect(await request(server.port, { method: 'HEAD', path: '/stream' })).toMatchObject({ status: 200, text: '' })
    expect((await request(server.port)).text).toBe('hello')
  })

  test('status, headers and cookies are sent as given', async () => {
    await using server = await startHttp(({ url }) => {
      if (url.endsWith('/empty')) return new Response(null, { status: 204, headers: { 'x-a': '1' } })
      if (url.endsWith('/redirect')) return new Response(null, { status: 302, headers: { location: '/x' } })
      const headers = new Headers({ 'content-type': 'text/plain', 'content-length': '3' })
      headers.append('set-cookie', 'a=1')
      headers.append('set-cookie', 'b=2')
      return new Response('wrong length given', { status: 418, statusText: 'Short And Stout', headers })
    })
    const answer = await request(server.port)
    expect(answer).toMatchObject({ status: 418, text: 'wrong length given' })
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2'])
    const empty = await request(server.port, { path: '/empty' })
    expect(empty).toMatchObject({ status: 204, text: '' })
    expect(empty.headers['x-a']).toBe('1')
    expect(await request(server.port, { path: '/redirect' })).toMatchObject({
      status: 302,
      headers: { location: '/x' },
    })
  })

  test('a body that is a stream is sent as it comes, with backpressure', async () => {
    const chunk = randomBytes(100_000)
    let pulls = 0
    await using server = await startHttp(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              if (++pulls > 40) controller.close()
              else controller.enqueue(new Uint8Array(chunk))
            },
          }),
        ),
    )
    const { body, headers } = await request(server.port)
    expect(headers['transfer-encoding']).toBe('chunked')
    expect(body.length).toBe(4_000_000)
    expect(body.subarray(-100_000).equals(chunk)).toBe(true)
  })

  test('a stream is cancelled when its client leaves', async () => {
    let isCancelled = false
    await using server = await startHttp(
      () =>
        new Response(
          new ReadableStream({
            async pull(controller) {
              await new Promise((resolve) => setImmediate(resolve))
              controller.enqueue(new Uint8Array(10_000))
            },
            cancel() {
              isCancelled = true
            },
          }),
        ),
    )
    const answer = await rawRequest(server.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', HEAD)
    expect(answer).toMatch(/^HTTP\/1\.1 200/)
    await until(() => isCancelled)
    expect(server.faults).toEqual([])
  })

  test('a stream that fails ends the connection, so that the client does not take a part for the whole', async () => {
    let pulls = 0
    await using server = await startHttp(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              if (++pulls > 2) throw new Error('in the stream')
              controller.enqueue(new Uint8Array(10))
            },
          }),
        ),
    )
    const answer = await rawRequest(server.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(answer).not.toContain('\r\n0\r\n\r\n')
    expect(server.faults).toHaveLength(1)
    await expectAlive(server)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('secret text')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('secret text'))],
    ['returns what is no Response', () => 'hello' as unknown as Response],
  ])('a handler that %s gives 500 without the text, is reported, and the server lives', async (_how, handler) => {
    await using server = await startHttp(handler)
    const answer = await request(server.port, { path: '/p' })
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('secret')
    expect(server.faults).toMatchObject([{ context: { where: 'http handler', name: '/p' } }])
    expect((await request(server.port, { method: 'POST', body: 'x' })).status).toBe(500)
    await expectAlive(server)
  })

  test('a client that leaves while a handler thinks harms nothing', async () => {
    const waiting: (() => void)[] = []
    const addresses: string[] = []
    await using server = await startHttp(async (_request, info) => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      addresses.push(info.address)
      return new Response(new Blob(['late']).stream())
    })
    for (const method of ['GET', 'POST']) {
      const controller = new AbortController()
      const body = method === 'POST' ? { body: 'x' } : {}
      const lost = fetch(server.url, { method, signal: controller.signal, ...body }).catch(() => 'aborted')
      const count = waiting.length
      await until(() => waiting.length > count)
      controller.abort()
      expect(await lost).toBe('aborted')
    }
    for (const proceed of waiting) proceed()
    await expectAlive(server)
    expect([addresses, server.faults]).toEqual([['127.0.0.1', '127.0.0.1'], []])
  })

  test('a client that leaves in the middle of its body harms nothing', async () => {
    await using server = await startHttp(hello)
    const part = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf'
    await rawRequest(server.port, `GET / HTTP/1.1\r\nHost: a\r\n\r\n${part}`, HEAD)
    await expectAlive(server)
    expect(server.faults).toEqual([])
  })

  test('a header with a line break is never sent', async () => {
    const forged = (headers: [string, string][], statusText = '') =>
      ({ status: 200, statusText, headers, body: null }) as unknown as Response
    const handlers: Record<string, HttpHandler> = {
      '/value': () => new Response('', { headers: { 'x-a': '1\r\nset-cookie: forged=1' } }),
      '/foreign-value': () => forged([['x-a', '1\r\nset-cookie: forged=1']]),
      '/foreign-name': () => forged([['x-a: 1\r\nset-cookie', 'forged=1']]),
      '/foreign-nul': () => forged([['x-a', 'a\0b']]),
      '/foreign-status': () => forged([], 'OK\r\nset-cookie: forged=1'),
    }
    await using server = await startHttp((request, info) => handlers[new URL(request.url).pathname]?.(request, info))
    for (const path of Object.keys(handlers)) {
      const answer = await rawRequest(server.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, HEAD)
      expect(answer, path).not.toMatch(/\nset-cookie/i)
      expect(answer, path).toMatch(/^HTTP\/1\.1 500/)
    }
    expect(server.faults).toHaveLength(5)
    await expectAlive(server)
  })
})

describe('odd requests', () => {
  const WELL = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

  test('two Content-Length headers are refused, and what follows is not taken for a request', async () => {
    let asked = 0
    await using server = await startHttp(() => {
      asked++
      return new Response('hello')
    })
    for (const lengths of [
      [5, 40],
      [40, 5],
      [5, 5],
    ]) {
      const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
      const head = ['POST / HTTP/1.1', 'Host: a', ...lengths.map((length) => `Content-Length: ${length}`), '', '']
      const answer = await rawRequest(server.port, `${head.join('\r\n')}hello${smuggled}`)
      expect(answer.match(/HTTP\/1\.1/g) ?? []).toHaveLength(answer === '' ? 0 : 1)
      expect(answer).not.toContain('hello')
    }
    expect(asked).toBe(0)
    await expectAlive(server)
  })

  test.each([
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['TRACK', 'TRACK / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['an odd Host', 'GET / HTTP/1.1\r\nHost: a b<>/@:99999\r\nConnection: close\r\n\r\n'],
    ['a path with backslashes', 'GET /\\:99999999/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['a path with two slashes', 'GET //evil.example/p HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['an absolute URL', 'GET http://evil.example/p HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['a broken escape', 'GET /%zz?%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['a header beyond Latin-1', `GET / HTTP/1.1\r\nHost: a\r\nX-Name: \xe8\xaa\x9e\r\nConnection: close\r\n\r\n`],
    ['a path beyond ASCII', 'GET /\xe8\xaa\x9e\xff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: a\r\n: 1\r\nConnection: close\r\n\r\n'],
    ['a header of 20 KB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\nConnection: close\r\n\r\n`],
    ['a GET with a body', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello'],
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  ])('%s is answered or refused, is no fault of a handler, and harms nothing', async (_what, text) => {
    const seen: string[] = []
    await using server = await startHttp(({ url }) => {
      seen.push(new URL(url).host)
      return new Response('hello')
    })
    const answer = await rawRequest(server.port, text, /^HTTP\/1\.1 \d+.*\r\n\r\n/s)
    if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 (200|4\d\d|50[15])/)
    expect(server.faults).toEqual([])
    expect(
      seen.filter((host) => host.startsWith('evil')),
      'the path decides no host',
    ).toEqual([])
    expect(await rawRequest(server.port, WELL, /hello/)).toContain('hello')
    await expectAlive(server)
  })

  test('an Upgrade header on a plain route is passed over', async () => {
    await using server = await startHttp(hello)
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }
    expect(await request(server.port, { headers })).toMatchObject({ status: 200, text: 'hello' })
    expect((await request(server.port, { headers: { connection: 'Upgrade', upgrade: 'h2c' } })).status).toBe(200)
    await expectAlive(server)
  })

  test.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])(
    'a plain %s of the WebSocket route is 426, and no handler is asked',
    async (method) => {
      let isAsked = false
      await using server = await startHttp(() => {
        isAsked = true
        return new Response()
      })
      const answer = await request(server.port, { method, path: '/roomcast/ws' })
      expect(answer.status).toBe(426)
      expect(answer.headers.upgrade).toBe('websocket')
      expect((await request(server.port, { method, path: '/roomcast/other' })).status).toBe(404)
      expect(isAsked).toBe(false)
      await expectAlive(server)
    },
  )
})

describe('serveStatic', () => {
  let root: string
  let server: TestServer

  beforeAll(async () => {
    root = join(folder, 'public')
    mkdirSync(join(root, 'sub', '.hidden'), { recursive: true })
    mkdirSync(join(folder, 'public-evil'))
    const files: Record<string, string> = {
      'public/index.html': '<h1>index</h1>',
      'public/app.js': 'let a = 1',
      'public/style.css': 'a {}',
      'public/data.json': '{}',
      'public/pixel.png': 'png',
      'public/plain': 'plain',
      'public/über name.txt': 'umlaut',
      'public/sub/index.html': '<h1>sub</h1>',
      'public/.env': 'secret',
      'public/sub/.hidden/x.txt': 'secret',
      'public-evil/x.txt': 'secret',
      'secret.txt': 'secret',
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    symlinkSync(join(folder, 'secret.txt'), join(root, 'link.txt'))
    symlinkSync(folder, join(root, 'up'))
    symlinkSync(join(root, 'app.js'), join(root, 'inside.js'))
    server = await startHttp(
      serveStatic(root, { prefix: '/files/', maxAgeSeconds: 60 }),
      serveStatic(pathToFileURL(root)),
      () => new Response('next handler', { status: 404 }),
    )
  })

  afterAll(() => server[Symbol.asyncDispose]())

  const get = (path: string, headers = {}): Promise<HttpAnswer> => request(server.port, { path, headers })

  test.each([
    ['/', '<h1>index</h1>', 'text/html; charset=utf-8'],
    ['/?query', '<h1>index</h1>', 'text/html; charset=utf-8'],
    ['/index.html', '<h1>index</h1>', 'text/html; charset=utf-8'],
    ['/sub/', '<h1>sub</h1>', 'text/html; charset=utf-8'],
    ['/app.js', 'let a = 1', 'text/javascript; charset=utf-8'],
    ['/style.css', 'a {}', 'text/css; charset=utf-8'],
    ['/data.json', '{}', 'application/json; charset=utf-8'],
    ['/pixel.png', 'png', 'image/png'],
    ['/plain', 'plain', 'application/octet-stream'],
    ['/%C3%BCber%20name.txt', 'umlaut', 'text/plain; charset=utf-8'],
    ['/inside.js', 'let a = 1', 'text/javascript; charset=utf-8'],
    ['/files/', '<h1>index</h1>', 'text/html; charset=utf-8'],
    ['/files/sub/index.html', '<h1>sub</h1>', 'text/html; charset=utf-8'],
  ])('%s is a file', async (path, text, type) => {
    const answer = await get(path)
    expect(answer).toMatchObject({ status: 200, text })
    expect(answer.headers).toMatchObject({
      'content-type': type,
      'content-length': String(text.length),
      'x-content-type-options': 'nosniff',
      'cache-control': `public, max-age=${path.startsWith('/files/') ? 60 : 0}`,
    })
  })

  test.each([
    '/missing.txt',
    '/sub',
    '/files',
    '/filesystem/app.js',
    '/app.js/',
    '/app.js/x',
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/..%2Fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/sub/..%2f..%2fsecret.txt',
    '/sub/../../secret.txt',
    '/..%5csecret.txt',
    '/..\\secret.txt',
    '/%252e%252e%252fsecret.txt',
    '//secret.txt',
    '/..%2fpublic-evil/x.txt',
    '/.env',
    '/%2eenv',
    '/sub/.hidden/x.txt',
    '/sub/%2Ehidden/x.txt',
    '/link.txt',
    '/up/secret.txt',
    '/app.js%00',
    '/%00',
    '/app.js%00.html',
    '/%zz',
    '/%ff',
    '/%E0%A4%A',
    `/${'x'.repeat(3_000)}`,
  ])('%s is left to the next handler', async (path) => {
    const answer = await get(path)
    expect(answer.status).toBe(404)
    expect(answer.text).not.toContain('secret')
    expect(server.faults).toEqual([])
  })

  test('an ETag that the client has gives 304, another one the file', async () => {
    const { etag } = (await get('/app.js')).headers as { etag: string }
    expect(etag).toMatch(/^"[\w-]{20,}"$/)
    const same = await get('/app.js', { 'if-none-match': etag })
    expect(same).toMatchObject({ status: 304, text: '' })
    expect(same.headers.etag).toBe(etag)
    expect((await get('/app.js', { 'if-none-match': '"other"' })).text).toBe('let a = 1')
    writeFileSync(join(root, 'changing.js'), 'before')
    const before = (await get('/changing.js')).headers.etag
    writeFileSync(join(root, 'changing.js'), 'after!')
    expect(await get('/changing.js', { 'if-none-match': before })).toMatchObject({ status: 200, text: 'after!' })
  })

  test.each(['weak', 'list', 'star'])('an ETag is found as %s, as caches send it', async (how) => {
    const { etag } = (await get('/app.js')).headers as { etag: string }
    const value = how === 'weak' ? `W/${etag}` : how === 'list' ? `"other", ${etag}` : '*'
    expect((await get('/app.js', { 'if-none-match': value })).status).toBe(304)
  })

  test('HEAD is GET without the body, and other methods are left to the next handler', async () => {
    const head = await request(server.port, { method: 'HEAD', path: '/app.js' })
    expect(head).toMatchObject({ status: 200, text: '' })
    expect(head.headers['content-length']).toBe('9')
    expect(await request(server.port, { method: 'POST', path: '/app.js', body: 'x' })).toMatchObject({
      status: 404,
      text: 'next handler',
    })
  })

  test('a folder that is not there serves nothing', async () => {
    await using other = await startHttp(serveStatic(join(folder, 'nowhere')))
    expect((await request(other.port)).status).toBe(404)
    expect(other.faults).toEqual([])
  })
})

/** These need `npm run build`, as `npm test` runs it. */
describe('the client for browsers', () => {
  let server: TestServer

  beforeAll(async () => {
    server = await startHttp(hello)
  })

  afterAll(() => server[Symbol.asyncDispose]())

  test.each(['client.js', 'client.mjs'])(
    '%s is served with ETag, and compressed when the browser takes that',
    async (name) => {
      const path = `/roomcast/${name}`
      const plain = await request(server.port, { path })
      expect(plain.status).toBe(200)
      expect(plain.headers).toMatchObject({
        'content-type': 'text/javascript; charset=utf-8',
        'cache-control': 'public, max-age=0, must-revalidate',
        vary: 'accept-encoding',
        'x-content-type-options': 'nosniff',
      })
      expect(plain.headers['content-encoding']).toBeUndefined()
      expect(plain.text).toContain(name === 'client.js' ? 'connect' : 'export')
      const gzip = await request(server.port, { path, headers: { 'accept-encoding': 'gzip, deflate' } })
      expect(gzip.headers['content-encoding']).toBe('gzip')
      expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true)
      const brotli = await request(server.port, { path, headers: { 'accept-encoding': 'gzip, deflate, br' } })
      expect(brotli.headers['content-encoding']).toBe('br')
      expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true)
      expect(brotli.body.length).toBeLessThan(gzip.body.length)
      expect(gzip.body.length).toBeLessThan(plain.body.length / 2)
      const { etag } = plain.headers as { etag: string }
      const same = await request(server.port, { path, headers: { 'if-none-match': etag, 'accept-encoding': 'br' } })
      expect(same).toMatchObject({ status: 304, text: '' })
      const head = await request(server.port, { method: 'HEAD', path })
      expect(head).toMatchObject({ status: 200, text: '' })
      expect(head.headers['content-length']).toBe(String(plain.body.length))
      expect((await request(server.port, { path: `${path}?v=1` })).status).toBe(200)
    },
  )

  test('other methods are 405, other names 404, and no handler is asked', async () => {
    const answer = await request(server.port, { method: 'POST', path: '/roomcast/client.js', body: 'x' })
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('GET, HEAD')
    for (const path of ['/roomcast/', '/roomcast/client', '/roomcast/constructor', '/roomcast/../client.js']) {
      expect((await request(server.port, { path })).text, path).not.toBe('let')
    }
    expect((await request(server.port, { path: '/roomcast/client.ts' })).status).toBe(404)
    expect((await request(server.port, { path: '/roomcast/constructor' })).status).toBe(404)
    expect(server.faults).toEqual([])
  })

  test('with serveClient false there is none, and with another path it is there', async () => {
    await using without = await startServer(() => {}, { serveClient: false })
    expect((await request(without.port, { path: '/roomcast/client.js' })).status).toBe(404)
    await using moved = await startServer(() => {}, { path: '/live' })
    expect((await request(moved.port, { path: '/live/client.js' })).status).toBe(200)
    expect((await request(moved.port, { path: '/roomcast/client.js' })).status).toBe(404)
  })
})

describe('TLS', () => {
  let tls: { keyFile: string; certFile: string }

  beforeAll(() => {
    tls = { keyFile: join(folder, 'key.pem'), certFile: join(folder, 'cert.pem') }
    const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const files = ['-keyout', tls.keyFile, '-out', tls.certFile, '-subj', '/CN=localhost']
    execFileSync('openssl', ['req', ...options, ...files], { stdio: 'ignore' })
  })

  test('the port speaks https and wss', async () => {
    await using server = await startServer(
      (io) => {
        io.http(({ url }) => new Response(url))
        io.on('connection', (socket) => void socket.on('secure', () => socket.handshake.secure))
      },
      { tls },
    )
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`)
    const page = await request(server.port, { secure: true, path: '/p' })
    expect(page.text).toBe(`https://127.0.0.1:${server.port}/p`)
    const origin = `https://127.0.0.1:${server.port}`
    using client = await RawClient.connect(server.port, '/', undefined, { secure: true, headers: { origin } })
    client.emit('secure', [], 1)
    expect((await client.frame('ACK')).body).toEqual([true])
    expect(await request(server.port).catch(() => 'no plain HTTP')).toBe('no plain HTTP')
    expect((await request(server.port, { secure: true })).status).toBe(200)
  })

  test.each([
    ['a certificate that is not there', () => ({ ...tls, certFile: join(folder, 'missing.pem') })],
    ['a key that is none', () => ({ ...tls, keyFile: tls.certFile })],
  ])('%s makes listen fail with a code', async (_what, files) => {
    const error = await errorOf(async () => {
      await using server = await startServer(() => {}, { tls: files() })
      return server.url
    })
    expect(['INVALID_OPTION', 'LISTEN_FAILED']).toContain(error.code)
  })
})
