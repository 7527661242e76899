import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RoomcastError } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { connect } from './support'

const SESSION = `${'a'.repeat(20)}.${'b'.repeat(32)}`

/** Something that answers HTTP on the way to a server, or instead of it. */
async function startStranger(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('a redirect is not followed: the secret of the session is for the server that gave it', async () => {
  await using thief = await startStranger((_, response) => response.end())
  await using server = await startStranger(({ headers }, response) => {
    if (headers['roomcast-session'] === undefined) response.end(SESSION)
    else response.writeHead(307, { location: `${thief.url}/roomcast/poll/v1` }).end()
  })
  using socket = connect(server.url, { transports: ['polling'], extraHeaders: { 'x-token': 's3cret' } })
  const [error] = await next(socket, 'connect_error')
  expect((error as RoomcastError).code).toBe('TRANSPORT_FAILED')
  expect(thief.requests.length).toBe(0)
})

test('a page that a network answers instead of the server is no session', async () => {
  await using portal = await startStranger((_, response) => response.end('<html>Please log in.</html>'))
  using socket = connect(portal.url, { transports: ['polling'] })
  const [error] = await next(socket, 'connect_error')
  expect((error as RoomcastError).code).toBe('TRANSPORT_FAILED')
  expect(socket.io.transport).toBe(undefined)
})

test('answers without frames that come at once are not followed at once', async () => {
  let resolve = () => {}
  const asked = new Promise<void>((done) => {
    resolve = done
  })
  await using server = await startStranger(({ method, headers }, response) => {
    if (headers['roomcast-session'] === undefined) return response.end(SESSION)
    if (method === 'GET' && gets() === 4) resolve()
    return response.writeHead(204).end()
  })
  const gets = () => server.requests.filter(({ method }) => method === 'GET').length
  const begun = performance.now()
  using _ = connect(server.url, { transports: ['polling'] })
  await asked
  // Each of the first three took 50 ms by itself, or was followed by a pause; else it would be some milliseconds.
  expect(performance.now() - begun).toBeGreaterThan(140)
})

test('a refusal of a session says how long to stay away, and is obeyed', async () => {
  const retryAfterMs = 700
  const at: number[] = []
  await using server = await startStranger((_, response) => {
    at.push(performance.now())
    const body = { code: 'TOO_MANY_SESSIONS', message: 'full', retryAfterMs }
    response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  using _ = connect(server.url, { transports: ['polling'] })
  await until(() => at.length === 3)
  expect((at[1] as number) - (at[0] as number)).toBeGreaterThan(retryAfterMs - 20)
  expect((at[2] as number) - (at[1] as number)).toBeGreaterThan(retryAfterMs - 20)
})

test('no URL of a session holds its secret (C-30)', async () => {
  const urls: string[] = []
  const sessions = new Set<string>()
  await using server = await startServer((io) => io.on('connection', (socket) => socket.on('echo', (x: unknown) => x)))
  const { fetch } = globalThis
  globalThis.fetch = (input, init) => {
    urls.push(String(input))
    sessions.add(new Headers(init?.headers).get('roomcast-session') ?? '')
    return fetch(input, init)
  }
  try {
    using socket = connect(server.url, { transports: ['polling', 'websocket'] })
    await next(socket, 'connect')
    await socket.emitWithAck('echo', 1)
    await until(() => socket.io.transport === 'websocket')
  } finally {
    globalThis.fetch = fetch
  }
  const secrets = [...sessions].flatMap((session) => session.split('.').slice(1))
  expect(secrets.length).toBe(1)
  expect(urls.length).toBeGreaterThan(3)
  expect(urls.filter((url) => secrets.some((secret) => url.includes(secret)))).toEqual([])
})
