import { CLOSE_CODES, LIMITS, POLL_CONTENT_TYPE, POLL_ROUTE } from '@roomcast/protocol'
import type { CorsOptions, ServerOptions } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { type HttpAnswer, rawRequest, request } from '../../../test-kit/http'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { type AdmissionRequest, admitSession, admitUpgrade } from '../src/transport/admission'

const URL = `/roomcast/${POLL_ROUTE}`
const OURS = { 'content-type': POLL_CONTENT_TYPE }
const PREFLIGHT = {
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'content-type,roomcast-seq,roomcast-session',
}

/** Headers of an answer that are about origins. */
function corsOf({ headers }: HttpAnswer): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-')))
}

const bodyOf = ({ text }: HttpAnswer) => JSON.parse(text)

/** One request of each method, as a page of `origin` would send it; HOST stands for the server's own host and port. */
async function allMethods(server: TestServer, origin: string | undefined, session = 'x'): Promise<HttpAnswer[]> {
  const from = origin === undefined ? {} : { origin: origin.replace('HOST', `127.0.0.1:${server.port}`) }
  const ask = (method: string, headers: Record<string, string>) =>
    request(server.port, { method, path: URL, headers: { ...headers, ...from } })
  return [
    await ask('OPTIONS', PREFLIGHT),
    await ask('POST', OURS),
    await ask('POST', { ...OURS, 'roomcast-session': session, 'roomcast-seq': '1' }),
    await ask('GET', { 'roomcast-session': session, 'roomcast-seq': '9' }),
    await ask('DELETE', { 'roomcast-session': session }),
  ]
}

/** Whether a page of this origin may connect; fails unless every method says the same. */
async function mayConnect(origin: string | undefined, cors?: CorsOptions): Promise<boolean> {
  await using server = await startServer(() => {}, cors === undefined ? {} : { cors })
  const answers = await allMethods(server, origin)
  const foreign = answers.filter(({ status }) => status === 403)
  for (const answer of answers) {
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers.vary).toBe('origin')
  }
  for (const answer of foreign) {
    expect(bodyOf(answer)).toEqual({ code: 'ORIGIN_NOT_ALLOWED', message: expect.any(String) })
    expect(corsOf(answer), 'no header for a page that may not read the answer').toEqual({})
  }
  expect([0, answers.length]).toContain(foreign.length)
  expect(server.io.engine.clientsCount).toBe(foreign.length === 0 ? 1 : 0)
  return foreign.length === 0
}

describe('origins (T-01, C-02, C-28)', () => {
  test.each([
    [undefined, true],
    ['http://HOST', true],
    ['https://HOST', true],
    ['http://127.0.0.1', false],
    ['http://127.0.0.1:1', false],
    ['http://HOST0', false],
    ['http://HOST.evil.example', false],
    ['http://evil.example', false],
    ['http://HOST@evil.example', false],
    ['http://evil.example/HOST', false],
    ['null', false],
    ['', false],
  ])('by default a page of %j may connect: %s', async (origin, expected) => {
    expect(await mayConnect(origin)).toBe(expected)
  })

  const LIST = ['https://example.com', 'https://other.example:8443']
  test.each([
    ['https://example.com', true],
    ['https://other.example:8443', true],
    ['http://example.com', false],
    ['https://example.com:444', false],
    ['https://evil-example.com', false],
    ['https://example.com.evil.io', false],
    ['https://sub.example.com', false],
    ['https://example.com.', false],
    ['https://EXAMPLE.com', false],
    ['https://example.com/', false],
    ['https://example.com, https://evil.example', false],
    ['https://xn--exmple-cua.com', false],
    ['null', false],
    ['', false],
    ['http://HOST', false],
    [undefined, true],
  ])('a list of exact origins lets %j connect: %s', async (origin, expected) => {
    expect(await mayConnect(origin, { origin: LIST })).toBe(expected)
    expect(await mayConnect(origin, { origin: LIST, credentials: true })).toBe(expected)
  })

  test.each([
    ['https://a.example.com', true],
    ['https://a.example.com.evil.io', false],
    ['https://aexample.com', false],
    ['null', false],
  ])('a RegExp lets %j connect: %s', async (origin, expected) => {
    expect(await mayConnect(origin, { origin: /^https:\/\/\w+\.example\.com$/g })).toBe(expected)
  })

  test('the origin null has to be in the list, whatever else is allowed', async () => {
    for (const origin of [true, '*', /.*/, ['https://example.com', '*']] as const) {
      expect(await mayConnect('null', { origin })).toBe(false)
      expect(await mayConnect('https://anybody.example', { origin })).toBe(true)
    }
    expect(await mayConnect('null', { origin: 'null' })).toBe(true)
    expect(await mayConnect('null', { origin: ['https://example.com', 'null'] })).toBe(true)
  })
})

describe('what a page of another origin may read and send (T-02)', () => {
  const ORIGIN = 'https://example.com'

  test('every answer to an allowed origin names it, also one that refuses', async () => {
    await using server = await startServer(() => {}, { cors: { origin: ORIGIN } })
    for (const answer of await allMethods(server, ORIGIN)) {
      expect(answer.headers['access-control-allow-origin']).toBe(ORIGIN)
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
      expect(answer.headers.vary).toBe('origin')
    }
  })

  test('a preflight is told methods, headers and for how long', async () => {
    const answer = async (cors: CorsOptions) => {
      await using server = await startServer(() => {}, { cors })
      const [preflight] = (await allMethods(server, ORIGIN)) as [HttpAnswer]
      expect([preflight.status, preflight.text]).toEqual([204, ''])
      return corsOf(preflight)
    }
    expect(await answer({ origin: ORIGIN })).toEqual({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'content-type, roomcast-session, roomcast-seq',
      'access-control-max-age': '7200',
    })
    expect(
      await answer({ origin: [ORIGIN], credentials: true, allowedHeaders: ['Authorization', 'x-a'], maxAge: 0 }),
    ).toEqual({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'content-type, roomcast-session, roomcast-seq, authorization, x-a',
      'access-control-max-age': '0',
    })
    expect(await answer({ origin: true, allowedHeaders: 'x-a, x-b' })).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-headers': 'content-type, roomcast-session, roomcast-seq, x-a, x-b',
    })
  })

  test('with credentials each answer says so', async () => {
    await using server = await startServer(() => {}, { cors: { origin: ORIGIN, credentials: true } })
    for (const answer of await allMethods(server, ORIGIN)) {
      expect(answer.headers['access-control-allow-credentials']).toBe('true')
    }
  })

  test('without an origin there is nothing to allow', async () => {
    await using server = await startServer(() => {}, { cors: { origin: ORIGIN, credentials: true } })
    for (const answer of await allMethods(server, undefined)) expect(corsOf(answer)).toEqual({})
  })

  test('answers with frames have the headers too', async () => {
    await using server = await startServer(() => {}, { cors: { origin: ORIGIN } })
    using poller = await RawPoller.open(server.port, { headers: { origin: ORIGIN } })
    await poller.send({ type: 1 }, { nsp: '/' })
    const answer = await poller.get()
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'cache-control': 'no-store',
      'content-type': POLL_CONTENT_TYPE,
      vary: 'origin',
    })
    expect([...server.io.sockets.sockets.values()][0]?.handshake).toMatchObject({ xdomain: true })
  })
})

describe('requests that are refused', () => {
  const SESSION = { 'roomcast-session': `${'x'.repeat(20)}.${'y'.repeat(32)}` }
  /** Everything that does not become an answer of a session: status, code and close. */
  test.each<[string, { method: string; path?: string; headers?: Record<string, string>; body?: string }, unknown[]]>([
    ['PUT', { method: 'PUT' }, [405, 'REQUEST_REFUSED', undefined]],
    ['PATCH', { method: 'PATCH' }, [405, 'REQUEST_REFUSED', undefined]],
    [
      'another version',
      { method: 'GET', path: '/roomcast/poll/v2' },
      [400, 'UNSUPPORTED_VERSION', CLOSE_CODES.UNSUPPORTED_VERSION],
    ],
    [
      'no version',
      { method: 'POST', path: '/roomcast/poll', headers: OURS },
      [400, 'UNSUPPORTED_VERSION', CLOSE_CODES.UNSUPPORTED_VERSION],
    ],
    [
      'a longer path',
      { method: 'GET', path: `${URL}/x` },
      [400, 'UNSUPPORTED_VERSION', CLOSE_CODES.UNSUPPORTED_VERSION],
    ],
    ['no content type', { method: 'POST' }, [415, 'REQUEST_REFUSED', undefined]],
    ['text (T-03)', { method: 'POST', headers: { 'content-type': 'text/plain' } }, [415, 'REQUEST_REFUSED', undefined]],
    [
      'a form',
      { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      [415, 'REQUEST_REFUSED', undefined],
    ],
    [
      'a form with files',
      { method: 'POST', headers: { ...SESSION, 'content-type': 'multipart/form-data; boundary=x' } },
      [415, 'REQUEST_REFUSED', undefined],
    ],
    ['a session with a body', { method: 'POST', headers: OURS, body: 'x' }, [400, 'REQUEST_REFUSED', undefined]],
    [
      'a session with chunks',
      { method: 'POST', headers: { ...OURS, 'transfer-encoding': 'chunked' }, body: 'x' },
      [400, 'REQUEST_REFUSED', undefined],
    ],
    ['GET without a session', { method: 'GET', headers: { 'roomcast-seq': '0' } }, [400, 'REQUEST_REFUSED', undefined]],
    ['DELETE without a session', { method: 'DELETE' }, [400, 'REQUEST_REFUSED', undefined]],
    ['GET without a number', { method: 'GET', headers: SESSION }, [400, 'REQUEST_REFUSED', undefined]],
    [
      'POST without a number',
      { method: 'POST', headers: { ...OURS, ...SESSION } },
      [400, 'REQUEST_REFUSED', undefined],
    ],
    [
      'POST with 0',
      { method: 'POST', headers: { ...OURS, ...SESSION, 'roomcast-seq': '0' } },
      [400, 'REQUEST_REFUSED', undefined],
    ],
    ...['', '-1', '01', '1.5', '1e3', '0x1', ' ', '9007199254740993', '1, 1'].map(
      (seq): [string, { method: string; headers: Record<string, string> }, unknown[]] => [
        `the number ${JSON.stringify(seq)}`,
        { method: 'GET', headers: { ...SESSION, 'roomcast-seq': seq } },
        [400, 'REQUEST_REFUSED', undefined],
      ],
    ),
    [
      'GET of an unknown session',
      { method: 'GET', headers: { ...SESSION, 'roomcast-seq': '0' } },
      [404, 'SESSION_UNKNOWN', 4009],
    ],
    [
      'POST of an unknown session',
      { method: 'POST', headers: { ...OURS, ...SESSION, 'roomcast-seq': '1' } },
      [404, 'SESSION_UNKNOWN', 4009],
    ],
    [
      'POST of an empty session',
      { method: 'POST', headers: { ...OURS, 'roomcast-session': '', 'roomcast-seq': '1' } },
      [404, 'SESSION_UNKNOWN', 4009],
    ],
    ['DELETE of an unknown session', { method: 'DELETE', headers: SESSION }, [404, 'SESSION_UNKNOWN', 4009]],
  ])('%s is answered, and opens nothing', async (_what, options, expected) => {
    await using server = await startServer()
    const answer = await request(server.port, { path: URL, ...options })
    const { code, message, close } = bodyOf(answer)
    expect([answer.status, code, close]).toEqual(expected)
    expect(message).toEqual(expect.any(String))
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'application/json',
      vary: 'origin',
    })
    expect(server.io.engine.clientsCount).toBe(0)
    expect(server.faults).toEqual([])
  })

  test('two lengths: the connection is cut', async () => {
    await using server = await startServer()
    const head = `POST ${URL} HTTP/1.1\r\nhost: x\r\ncontent-type: ${POLL_CONTENT_TYPE}\r\n`
    expect(await rawRequest(server.port, `${head}content-length: 0\r\ncontent-length: 5\r\n\r\n`)).toBe('')
    expect(server.io.engine.clientsCount).toBe(0)
  })

  test('an unknown id and a wrong secret cannot be told apart (T-10, T-12)', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    const [id, secret] = poller.session.split('.') as [string, string]
    expect(secret.length * 6).toBeGreaterThanOrEqual(128)
    const flipped = secret.slice(0, -2) + (secret.endsWith('AA') ? 'BB' : 'AA')
    const answers: unknown[] = []
    for (const session of [
      `${'x'.repeat(20)}.${secret}`,
      `${id}.${flipped}`,
      `${id}.`,
      id,
      `${id}.${secret}x`,
      'x',
      '',
    ]) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const headers = { ...OURS, 'roomcast-session': session, 'roomcast-seq': '1' }
        const { status, text, headers: answered } = await request(server.port, { method, path: URL, headers })
        answers.push({ status, text, headers: { ...answered, date: '', connection: '' } })
      }
    }
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(answers[0]).toMatchObject({ status: 404 })
    // The session does not mind.
    await poller.emit('m')
    // Nor does an ended one say more.
    await poller.request({ method: 'DELETE' })
    for (const session of [`${id}.${flipped}`, 'x']) {
      const headers = { 'roomcast-session': session, 'roomcast-seq': '1' }
      expect((await request(server.port, { path: URL, headers })).text).toBe((answers[0] as { text: string }).text)
    }
  })

  test('the application is asked, and its reason is in the answer; io.engine hears of each refusal', async () => {
    const asked: unknown[] = []
    const refused: unknown[] = []
    await using server = await startServer(
      (io) => io.engine.on('connection_error', ({ code, request: { method } }) => void refused.push([code, method])),
      {
        cors: { origin: 'https://example.com' },
        allowRequest: ({ method, url, headers }, callback) => {
          asked.push([method, url, headers['x-a']])
          callback('no entry', false)
        },
      },
    )
    const headers = { ...OURS, 'x-a': '1', origin: 'https://example.com' }
    const answer = await request(server.port, { method: 'POST', path: `${URL}?a=1`, headers })
    expect([answer.status, bodyOf(answer)]).toEqual([403, { code: 'REQUEST_REFUSED', message: 'no entry' }])
    expect(answer.headers['access-control-allow-origin']).toBe('https://example.com')
    expect(asked).toEqual([['POST', `${URL}?a=1`, '1']])
    await allMethods(server, 'https://evil.example')
    await request(server.port, { method: 'POST', path: URL })
    expect(refused).toEqual([
      ['REQUEST_REFUSED', 'POST'],
      ['ORIGIN_NOT_ALLOWED', 'POST'],
      ['REQUEST_REFUSED', 'POST'],
    ])
    expect(asked).toHaveLength(1)
  })

  test('a client that is gone before it was admitted gets no session', async () => {
    const waiting: ((isAccepted: boolean) => void)[] = []
    await using server = await startServer(() => {}, {
      allowRequest: () => new Promise<boolean>((resolve) => waiting.push(resolve)),
    })
    using poller = new RawPoller(server.port)
    poller.request({ method: 'POST' }).catch(() => {})
    await until(() => waiting.length === 1)
    poller.abandon()
    // A request on another connection comes behind the end of that one.
    await until(async () => (await request(server.port, { path: URL })).status === 400)
    waiting[0]?.(true)
    await request(server.port, { path: URL })
    expect(server.io.engine.clientsCount).toBe(0)
  })

  test('a hook that throws refuses, and is reported', async () => {
    const options: ServerOptions = {
      allowRequest: () => {
        throw new Error('mine')
      },
    }
    await using server = await startServer(() => {}, options)
    expect((await request(server.port, { method: 'POST', path: URL, headers: OURS })).status).toBe(403)
    expect(server.faults).toMatchObject([{ error: { message: 'mine' } }])
  })
})

describe('the option transports', () => {
  test('without polling its route answers 400', async () => {
    await using server = await startServer(() => {}, { transports: ['websocket'] })
    for (const answer of await allMethods(server, undefined)) {
      expect([answer.status, bodyOf(answer).code]).toEqual([400, 'REQUEST_REFUSED'])
    }
    using client = await RawClient.connect(server.port)
    expect(client.closed).toBe(null)
  })

  test('without WebSocket an upgrade is refused, and polling works', async () => {
    await using server = await startServer(() => {}, { transports: ['polling'] })
    using client = await RawClient.open(server.port)
    expect((await client.close()).code).toBe(1006)
    using poller = await RawPoller.connect(server.port)
    server.io.emit('m')
    expect((await poller.poll())?.frames[0]?.event).toBe('m')
  })
})

describe('admission, as a table', () => {
  const from = (headers: Record<string, string | undefined>): AdmissionRequest => ({
    header: (name) => ({ host: 'example.com', ...headers })[name],
    originRule: undefined,
    transports: ['polling', 'websocket'],
  })
  const UPGRADE = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'roomcast.v1, roomcast',
  }
  test.each([
    [{}, 'admitted'],
    [{ origin: 'https://example.com' }, 'admitted'],
    [{ origin: 'https://evil.example' }, '403 Forbidden'],
    [{ 'sec-websocket-version': '8' }, '426 Upgrade Required'],
    [{ upgrade: 'h2c' }, '426 Upgrade Required'],
    [{ connection: undefined }, '426 Upgrade Required'],
    [{ 'sec-websocket-protocol': 'roomcast.v7' }, '400 Bad Request'],
    [{ 'content-length': '1' }, '400 Bad Request'],
  ])('an upgrade with %j: %s', (headers, expected) => {
    const admission = admitUpgrade(from({ ...UPGRADE, ...headers }))
    expect(admission.kind === 'refused' ? admission.refusal.status : admission.kind).toBe(expected)
  })

  test.each([
    [{}, null],
    [{ 'content-type': 'Application/X-Roomcast' }, null],
    [{ 'content-length': '0' }, null],
    [{ 'content-type': undefined }, '415 Unsupported Media Type'],
    [{ 'content-type': `${POLL_CONTENT_TYPE}, text/plain` }, '415 Unsupported Media Type'],
    [{ 'content-type': `${POLL_CONTENT_TYPE}; charset=x` }, '415 Unsupported Media Type'],
    [{ 'content-length': '1' }, '400 Bad Request'],
    [{ 'content-length': String(LIMITS.pollBodyBytes + 1) }, '413 Content Too Large'],
    [{ 'content-length': 'x' }, '413 Content Too Large'],
    [{ 'transfer-encoding': 'chunked' }, '400 Bad Request'],
  ])('a POST for a session with %j: %s', (headers, expected) => {
    expect(admitSession(from({ ...OURS, ...headers }))?.status ?? null).toBe(expected)
  })
})
