import { randomBytes, scrypt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { MESSAGE_TYPES, RoomcastError } from '@roomcast/protocol'
import type { Login, LoginContext, LoginLimits, ServerOptions } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { RawClient, type RawFrame } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { askFor, RawUser, requestOver } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

const { CONNECT, PING } = MESSAGE_TYPES

/** A login that is answered by the test: `answers` are those that wait, by the id they ask for. */
function blockingLogin() {
  const started: string[] = []
  const answers = new Map<string, () => void>()
  const contexts = new Map<string, LoginContext>()
  const login: Login = ({ id }, context) =>
    new Promise((resolve) => {
      started.push(id)
      contexts.set(id, context)
      answers.set(id, () => resolve({ id }))
    })
  /** Lets the login of a user who has been asked about succeed. */
  const answer = async (id: string) => (await until(() => answers.get(id), `the login of ${id}`))?.()
  return { login, started, contexts, answer }
}

/** Sends CONNECT, and comes back when the server has read it. */
async function queue(client: RawClient, auth: unknown, nsp = '/'): Promise<() => Promise<RawFrame>> {
  client.send({ type: CONNECT }, { nsp, auth })
  client.send({ type: PING }, null)
  await until(() => client.frames.some(({ type }) => type === 'PONG'), 'PONG')
  return () =>
    until(() => client.frames.find(({ type }) => type.startsWith('CONNECT')), 'the answer') as Promise<RawFrame>
}

/** Things that are disposed of at the end of the scope. */
function group(): Disposable & { add<T extends Disposable>(one: T): T } {
  const all: Disposable[] = []
  return {
    add(one) {
      all.push(one)
      return one
    },
    [Symbol.dispose]() {
      for (const one of all) one[Symbol.dispose]()
    },
  }
}

const bodyOf = (frame: RawFrame) => frame.body as Record<string, unknown>

describe('how many logins there may be', () => {
  test('of one socket one at a time, however many it asks for: others keep their places', async () => {
    let atWork = 0
    let most = 0
    const release: (() => void)[] = []
    await using server = await startServer(() => {}, {
      login: async ({ id, isSlow }) => {
        if (!isSlow) return { id }
        most = Math.max(most, ++atWork)
        await new Promise<void>((resolve) => release.push(resolve))
        atWork--
        return { id }
      },
      loginLimits: { concurrent: 2 },
    })
    using eve = await RawUser.connect(server.port, { id: 'eve' })
    const asked = Array.from({ length: 20 }, () => eve.answer(eve.send('login', { id: 'eve', isSlow: true })))
    await until(() => release.length === 1)
    using ada = await RawUser.connect(server.port, { id: 'ada' })
    expect(await ada.request('login', { id: 'ada' })).toMatchObject([{ id: 'ada' }, null])
    release.shift()?.()
    await until(() => release.length === 1)
    release.shift()?.()
    const answers = await Promise.all(asked)
    expect(answers.map(({ type }) => type)).toEqual([...Array(19).fill('ACK_ERROR'), 'ACK'])
    expect(most).toBe(1)
  })

  test('beyond the queue: LOGIN_BUSY at once, and the login is not asked; the others have their turn in order', async () => {
    const { login, started, answer } = blockingLogin()
    await using server = await startServer((io) => void io.of('/game'), {
      login,
      loginLimits: { concurrent: 2, queued: 3 },
      allowAnonymous: true,
    })
    using late = await RawUser.connect(server.port)
    using clients = group()
    const asked: (() => Promise<RawFrame>)[] = []
    for (const [i, id] of ['a', 'b', 'c', 'd', 'e', 'f', 'g'].entries()) {
      const client = clients.add(await RawClient.open(server.port))
      asked.push(await queue(client, { id }, i % 2 === 0 ? '/' : '/game'))
    }
    const busy = { code: 'LOGIN_BUSY', data: { retryAfterMs: expect.any(Number) } }
    for (const one of asked.slice(5)) expect(bodyOf(await one())).toMatchObject(busy)
    expect(await errorOf(late.request('login', { id: 'h' }))).toMatchObject(busy)
    expect(started).toEqual(['a', 'b'])
    await answer('b')
    expect(bodyOf(await (asked[1] as () => Promise<RawFrame>)()).user).toEqual({ id: 'b' })
    await until(() => started.length === 3)
    const more = late.request('login', { id: 'i' })
    for (const id of ['c', 'a', 'd', 'e', 'i']) await answer(id)
    for (const one of asked.slice(0, 5)) expect((await one()).type).toBe('CONNECTED')
    expect(await more).toEqual([{ id: 'i' }, null])
    expect(started).toEqual(['a', 'b', 'c', 'd', 'e', 'i'])
    expect(server.faults).toEqual([])
  })

  test('a client that goes while it waits is never asked about, and its place is free', async () => {
    const { login, started, answer } = blockingLogin()
    await using server = await startServer(() => {}, { login, loginLimits: { concurrent: 1, queued: 1 } })
    using first = await RawClient.open(server.port)
    using second = await RawClient.open(server.port)
    using third = await RawClient.open(server.port)
    const admitted = await queue(first, { id: 'a' })
    await queue(second, { id: 'b' })
    second.terminate()
    await until(() => server.io.engine.clientsCount === 2)
    const waiting = await queue(third, { id: 'c' })
    await answer('a')
    await admitted()
    await answer('c')
    expect(bodyOf(await waiting()).user).toEqual({ id: 'c' })
    expect(started).toEqual(['a', 'c'])
  })

  test('who waits too long is told LOGIN_TIMEOUT; a login that ignores its signal keeps nobody out', async () => {
    const { login, contexts, answer } = blockingLogin()
    await using server = await startServer(() => {}, {
      login,
      loginTimeout: 150,
      loginLimits: { concurrent: 1 },
    })
    using first = await RawClient.open(server.port)
    using second = await RawClient.open(server.port)
    using third = await RawClient.open(server.port)
    const answers = [await queue(first, { id: 'a' }), await queue(second, { id: 'b' })]
    for (const one of answers) {
      expect(bodyOf(await one())).toMatchObject({ code: 'LOGIN_TIMEOUT', data: { retryAfterMs: expect.any(Number) } })
    }
    expect(contexts.get('a')?.signal.aborted).toBe(true)
    const admitted = await queue(third, { id: 'c' })
    await answer('c')
    expect((await admitted()).type).toBe('CONNECTED')
    await answer('a')
    expect((await server.io.users().list()).map(({ user }) => user.id)).toEqual(['c'])
  })

  test('200 logins that hash passwords hold up neither the events of others nor the reading of a file', async () => {
    const hash = (password: string) =>
      new Promise<void>((resolve, reject) =>
        scrypt(password, randomBytes(16), 32, { N: 4_096 }, (error) => (error ? reject(error) : resolve())),
      )
    await using server = await startServer((io) => io.on('connection', (socket) => socket.on('echo', (n) => n)), {
      login: async ({ id }) => {
        await hash(id)
        return { id }
      },
      allowAnonymous: true,
      loginTimeout: 60_000,
      loginLimits: { concurrent: 2 },
    })
    using bystander = await RawUser.connect(server.port, { id: 'bystander' })
    const rounds = { alone: [] as number[], crowded: [] as number[] }
    const round = async (into: number[]) => {
      const startedAt = performance.now()
      await bystander.call('echo', 1)
      await readFile(new URL(import.meta.url))
      into.push(performance.now() - startedAt)
    }
    for (let i = 0; i < 50; i++) await round(rounds.alone)
    using clients = group()
    const users: RawUser[] = []
    while (users.length < 200) users.push(clients.add(await RawUser.connect(server.port)))
    let left = users.length
    const logins = Promise.all(
      users.map(async (user, index) => {
        await user.request('login', { id: `user ${index}` })
        left--
      }),
    )
    while (left > 0) await round(rounds.crowded)
    await logins
    expect(rounds.crowded.length, 'they ran side by side').toBeGreaterThan(5)
    const median = (of: number[]) => of.sort((a, b) => a - b)[of.length >> 1] as number
    expect(median(rounds.crowded)).toBeLessThan(100 + 20 * median(rounds.alone))
  }, 60_000)
})

/** Refuses everybody whose password is not "right". */
const byPassword: Login = ({ username, password }) => {
  if (password === 'right') return { id: username }
  throw new RoomcastError('LOGIN_REFUSED', 'unknown user or wrong password')
}

const LIMITED = { code: 'LOGIN_RATE_LIMITED', data: { retryAfterMs: expect.any(Number) } }

/** A server that counts how often the login is asked. */
async function guarded(loginLimits: LoginLimits, options: ServerOptions = {}) {
  const asked: unknown[] = []
  const { login = byPassword } = options
  const server = await startServer(() => {}, {
    allowAnonymous: true,
    ...options,
    login: (credentials, context) => {
      asked.push(credentials)
      return login(credentials, context)
    },
    loginLimits,
  })
  return { server, asked }
}

/** Code of the answer to a login at connect, from an address. */
async function enter(server: TestServer, auth: unknown, address?: string): Promise<string> {
  using client = await RawClient.open(server.port, address ? { headers: { 'x-forwarded-for': address } } : {})
  const { body } = await askFor(client, '/', { auth })
  return (body.code as string | undefined) ?? 'in'
}

async function repeat<T>(times: number, run: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let i = 0; i < times; i++) results.push(await run(i))
  return results
}

describe('who is refused too often', () => {
  test('from one address: LOGIN_RATE_LIMITED, whatever the account, over every way to log in', async () => {
    const { server, asked } = await guarded({ failuresPerAddress: 5 })
    await using _ = server
    using anonymous = await RawUser.connect(server.port)
    expect(await repeat(3, (i) => enter(server, { username: `u${i}` }))).toEqual(Array(3).fill('LOGIN_REFUSED'))
    for (let i = 0; i < 2; i++) {
      expect(await errorOf(anonymous.request('login', { username: `v${i}` }))).toMatchObject({ code: 'LOGIN_REFUSED' })
    }
    expect(await enter(server, { username: 'ada', password: 'right' })).toBe('LOGIN_RATE_LIMITED')
    expect(await errorOf(anonymous.request('login', { username: 'ada', password: 'right' }))).toMatchObject(LIMITED)
    using poller = (await RawPoller.open(server.port)).start()
    expect((await askFor(poller, '/', { auth: { username: 'ada', password: 'right' } })).body).toMatchObject(LIMITED)
    expect(asked).toHaveLength(5)
    expect(await enter(server, undefined), 'who asks for nothing is let in').toBe('in')
    expect(server.faults).toEqual([])
  })

  test('a header that no trusted proxy has written is no other address', async () => {
    const { server } = await guarded({ failuresPerAddress: 3 })
    await using _ = server
    const codes = await repeat(4, (i) => enter(server, { username: `u${i}` }, `10.0.0.${i}`))
    expect(codes.at(-1)).toBe('LOGIN_RATE_LIMITED')
  })

  test('of one account: from any address, however it is written; others are not held up', async () => {
    const { server, asked } = await guarded({ failuresPerAccount: 3 }, { trustedProxies: ['127.0.0.1'] })
    await using _ = server
    const codes = await repeat(3, (i) => enter(server, { username: ['Ada', 'ADA', 'ａda'][i] }, `10.0.0.${i}`))
    expect(codes).toEqual(Array(3).fill('LOGIN_REFUSED'))
    expect(await enter(server, { username: 'ada', password: 'right' }, '10.0.0.9')).toBe('LOGIN_RATE_LIMITED')
    expect(asked).toHaveLength(3)
    expect(await enter(server, { username: 'bob', password: 'right' }, '10.0.0.0')).toBe('in')
  })

  test('nobody can lock out the owner of an account at an address that is known', async () => {
    const { server } = await guarded({ failuresPerAccount: 3 }, { trustedProxies: ['127.0.0.1'] })
    await using _ = server
    const right = { username: 'ada', password: 'right' }
    expect(await enter(server, right, '10.0.0.1')).toBe('in')
    await repeat(5, () => enter(server, { username: 'ada' }, '10.6.6.6'))
    expect(await enter(server, right, '10.6.6.6'), 'the stranger').toBe('LOGIN_RATE_LIMITED')
    expect(await enter(server, right, '10.0.0.2'), 'another address').toBe('LOGIN_RATE_LIMITED')
    expect(await enter(server, right, '10.0.0.1'), 'the owner').toBe('in')
  })

  test('many guesses at once are no more than one after the other', async () => {
    let open = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const { server, asked } = await guarded(
      { failuresPerAccount: 5, concurrent: 2 },
      {
        login: async (credentials, context) => {
          await opened
          return byPassword(credentials, context)
        },
      },
    )
    await using _ = server
    using clients = group()
    const answers: (() => Promise<RawFrame>)[] = []
    for (let i = 0; i < 30; i++) {
      answers.push(await queue(clients.add(await RawClient.open(server.port)), { username: 'ada', password: i }))
    }
    open()
    const codes = await Promise.all(answers.map(async (one) => bodyOf(await one()).code))
    expect(new Set(codes)).toEqual(new Set(['LOGIN_REFUSED', 'LOGIN_RATE_LIMITED']))
    // In each place one may run already when the fifth is refused, and one may begin in the same breath.
    expect(asked.length).toBeLessThanOrEqual(5 + 2 * 2)
  })

  test('after the time that it was told somebody may try again', async () => {
    const { server } = await guarded({ failuresPerAddress: 300 })
    await using _ = server
    using user = await RawUser.connect(server.port)
    // As many as it takes: meanwhile some are forgiven.
    const limited = await until(async () => {
      const wrong = Array.from({ length: 310 }, (_, i) => errorOf(user.request('login', { username: `u${i}` })))
      return (await Promise.all(wrong)).find(({ code }) => code === 'LOGIN_RATE_LIMITED')
    })
    expect(limited).toMatchObject(LIMITED)
    expect(Object(limited?.data).retryAfterMs).toBeLessThanOrEqual(60_000 / 300)
    const right = { username: 'ada', password: 'right' }
    const tryAgain = () => user.request('login', right).catch(() => null)
    expect(await until(tryAgain, 'the end of that time')).toEqual([{ id: 'ada' }, null])
  })

  test.each<[string, Login]>([
    ['a fault', () => Promise.reject(new Error('the database is away'))],
    ['what is no user', () => ({}) as { id: string }],
    ['an expired token', () => ({ id: 'ada', expiresAt: 1 })],
    ['an invalid name', () => ({ id: 'ada', name: '\u200b' })],
    ['a name that is taken', () => ({ id: 'ada', name: 'Carol' })],
    [
      'a name that the application finds taken',
      () => {
        throw new RoomcastError('NAME_IN_USE', 'somebody has registered this name')
      },
    ],
    ['too many sessions', () => ({ id: 'carol', name: 'Carol' })],
    [
      'a refusal for now of the application',
      () => {
        throw new RoomcastError('MAINTENANCE', 'back in a minute', { data: { retryAfterMs: 60_000 } })
      },
    ],
    ['success', ({ n }) => ({ id: `user ${n}` })],
  ])('%s is no guess', async (_name, login) => {
    const carol = { id: 'carol', name: 'Carol' }
    const { server, asked } = await guarded(
      { failuresPerAddress: 4, failuresPerAccount: 4 },
      {
        login: (credentials, context) => (credentials.carol ? carol : login(credentials, context)),
        sessions: 'single',
      },
    )
    await using _ = server
    using _carol = await RawUser.connect(server.port, { carol: true })
    const codes = await repeat(6, (n) => enter(server, { n, username: 'ada' }))
    expect(codes).not.toContain('LOGIN_RATE_LIMITED')
    expect(asked).toHaveLength(7)
  })

  test.each(['LOGIN_REFUSED', 'WRONG_PASSWORD', 'AUTH_FAILED', 'CONNECT_REFUSED', 'REQUEST_REFUSED'])(
    'a refusal with the code %s is a guess: the code is for the application to choose',
    async (code) => {
      const { server } = await guarded(
        { failuresPerAddress: 2 },
        {
          login: () => {
            throw new RoomcastError(code, 'wrong password')
          },
        },
      )
      await using _ = server
      expect(await repeat(3, (n) => enter(server, { n }))).toEqual([code, code, 'LOGIN_RATE_LIMITED'])
    },
  )

  test('a login that takes too long is no guess', async () => {
    const { server, asked } = await guarded(
      { failuresPerAddress: 2 },
      { login: () => new Promise(() => {}), loginTimeout: 50 },
    )
    await using _ = server
    expect(await repeat(4, (n) => enter(server, { n }))).toEqual(Array(4).fill('LOGIN_TIMEOUT'))
    expect(asked).toHaveLength(4)
  })

  test('a client that goes while its login runs is no guess', async () => {
    const { login, contexts } = blockingLogin()
    const { server } = await guarded({ failuresPerAddress: 2 }, { login })
    await using _ = server
    for (const id of ['a', 'b', 'c']) {
      using client = await RawClient.open(server.port)
      await queue(client, { id })
      client.terminate()
      await until(() => contexts.get(id)?.signal.aborted, 'the signal')
    }
    using client = await RawClient.open(server.port)
    client.send({ type: CONNECT }, { nsp: '/', auth: { id: 'd' } })
    await until(() => contexts.has('d'), 'the login is asked')
  })

  test('accountOf names the account of other credentials; what it throws is a fault, and nobody is locked out', async () => {
    const { server } = await guarded({
      failuresPerAccount: 2,
      accountOf: (credentials) => {
        const { mail } = credentials as { mail: string }
        return mail.toLowerCase()
      },
    })
    await using _ = server
    expect(await repeat(3, (i) => enter(server, { mail: ['a@x', 'A@x', 'a@X'][i] }))).toEqual([
      'LOGIN_REFUSED',
      'LOGIN_REFUSED',
      'LOGIN_RATE_LIMITED',
    ])
    expect(server.faults).toEqual([])
    expect(await enter(server, { username: 'bob', password: 'right' })).toBe('in')
    expect(server.faults.length).toBeGreaterThan(0)
  })

  test('refused at connect and later by request count together, in all namespaces', async () => {
    const { server } = await guarded({ failuresPerAccount: 3 })
    await using _ = server
    server.io.of('/game')
    using client = await RawClient.connect(server.port)
    const game = await askFor(client, '/game')
    await enter(server, { username: 'ada' })
    await requestOver(client, 0, 'login', { username: 'ada' })
    await requestOver(client, game.namespace, 'login', { username: 'ada' })
    const right = { username: 'ada', password: 'right' }
    expect((await requestOver(client, game.namespace, 'login', right)).body).toMatchObject(LIMITED)
  })
})
