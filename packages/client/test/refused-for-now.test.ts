import { CLOSE_CODES } from '@roomcast/protocol'
import { describe, expect, test, vi } from 'vitest'
import type { FakeLink } from '../../../test-kit/fake-server'
import type { RawFrame } from '../../../test-kit/raw-client'
import { next, until } from '../../../test-kit/wait'
import { admit, authsOn, reject, startPeople } from './people-support'
import { connect, connectManager, disposable } from './support'

/** Refuses a number of CONNECTs for now, and admits the others; writes down when each came. */
function busy(refusals: number, retryAfterMs: number) {
  const asked: number[] = []
  const answer = (link: FakeLink, frame: RawFrame) => {
    if (asked.push(performance.now()) <= refusals) reject(link, frame, 'LOGIN_BUSY', { retryAfterMs })
    else admit(link, frame)
  }
  return { asked, answer }
}

/** Milliseconds between one and the next. */
function pauses(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - (times[i] as number))
}

describe('a refusal for now', () => {
  test('is a connect_error that is not the last word: the namespace is asked for again after that time', async () => {
    const { asked, answer } = busy(2, 60)
    await using server = await startPeople(answer)
    using socket = connect(server.url, { auth: { token: 'good' } })
    const seen: unknown[] = []
    socket.on('connect_error', ({ code, data }) => seen.push([code, data, socket.active]))
    await next(socket, 'connect')
    expect(seen).toEqual(Array(2).fill(['LOGIN_BUSY', { retryAfterMs: 60 }, true]))
    expect(asked).toHaveLength(3)
    // A timer may be a little early.
    for (const pause of pauses(asked)) expect(pause).toBeGreaterThan(58)
    expect(authsOn(server)).toEqual(Array(3).fill({ token: 'good' }))
  })

  test('adds to its time a backoff that grows, with jitter', async () => {
    using _random = { mock: vi.spyOn(Math, 'random').mockReturnValue(1), [Symbol.dispose]: () => vi.restoreAllMocks() }
    const { asked, answer } = busy(4, 10)
    await using server = await startPeople(answer)
    using socket = connect(server.url, { reconnectionDelay: 20, reconnectionDelayMax: 60 })
    await next(socket, 'connect')
    for (const [i, bound] of [30, 50, 70, 70].entries()) expect(pauses(asked)[i]).toBeGreaterThan(bound - 2)
  })

  test('lets a link rest that nobody else uses: the server would close it', async () => {
    await using server = await startPeople(busy(1, 50).answer)
    const { manager, socket: opened } = connectManager(server.url)
    using socket = opened
    const seen: string[] = []
    manager.on('state', (state) => seen.push(state))
    manager.on('close', () => seen.push('close'))
    manager.once('state', () => manager.once('state', () => seen.push(`socket ${socket.state}`)))
    await next(socket, 'connect')
    expect(seen).toEqual(['connected', 'idle', 'socket waiting', 'connecting', 'connected'])
    expect((await (await server.link()).end()).code).toBe(CLOSE_CODES.NORMAL)
  })

  test('leaves the link and the other namespaces alone, and is not shortened by a reconnect', async () => {
    const { asked, answer } = busy(1, 300)
    await using server = await startPeople((link, frame) => {
      const isMain = (frame.body as { nsp: string }).nsp === '/'
      if (isMain) admit(link, frame, {}, 0)
      else answer(link, frame)
    })
    const { manager, socket: opened } = connectManager(server.url)
    using main = opened
    using other = disposable(manager.socket('/a'))
    await Promise.all([next(main, 'connect'), next(other, 'connect_error')])
    const again = next(main, 'connect')
    server.links[0]?.close(CLOSE_CODES.ABNORMAL)
    await again
    expect(asked).toHaveLength(1)
    await until(() => asked.length === 2)
    expect(pauses(asked)[0]).toBeGreaterThan(298)
    expect(server.links).toHaveLength(2)
  })

  test('does not keep the last namespace that is in use from closing the link', async () => {
    await using server = await startPeople((link, frame) => {
      if ((frame.body as { nsp: string }).nsp === '/') admit(link, frame)
      else reject(link, frame, 'LOGIN_BUSY', { retryAfterMs: 60_000 })
    })
    const { manager, socket: opened } = connectManager(server.url)
    using main = opened
    using other = disposable(manager.socket('/a'))
    await Promise.all([next(main, 'connect'), next(other, 'connect_error')])
    expect(manager.state).toBe('connected')
    main.disconnect()
    expect([manager.state, other.active]).toEqual(['idle', true])
  })

  test('is final with reconnection false', async () => {
    await using server = await startPeople(busy(1, 1).answer)
    using socket = connect(server.url, { reconnection: false })
    await next(socket, 'connect_error')
    expect(socket.active).toBe(false)
  })

  test('is repeated no more than reconnectionAttempts allows; connect() begins anew', async () => {
    const { asked, answer } = busy(5, 1)
    await using server = await startPeople(answer)
    using socket = connect(server.url, { reconnectionAttempts: 2 })
    const seen: boolean[] = []
    socket.on('connect_error', () => seen.push(socket.active))
    await until(() => !socket.active)
    expect([seen, asked.length]).toEqual([[true, true, false], 3])
    socket.connect()
    await next(socket, 'connect')
    expect(asked).toHaveLength(6)
  })

  test('ends with disconnect(), and connect() does not wait for it', async () => {
    await using server = await startPeople(busy(1, 60_000).answer)
    using socket = connect(server.url)
    await next(socket, 'connect_error')
    socket.disconnect()
    expect(socket.active).toBe(false)
    socket.connect()
    await next(socket, 'connect')
  })

  test('of a login rejects it; a login with other credentials does not wait', async () => {
    await using server = await startPeople(busy(1, 60_000).answer)
    using socket = connect(server.url, { autoConnect: false })
    await expect(socket.login({ name: 'ada' })).rejects.toMatchObject({ code: 'LOGIN_BUSY' })
    expect(socket.active).toBe(true)
    const connected = next(socket, 'connect')
    socket.login({ name: 'ben' }).catch(() => {})
    await connected
    expect(authsOn(server)).toEqual([{ name: 'ada' }, { name: 'ben' }])
  })

  test.each([{ retryAfterMs: '60' }, { retryAfterMs: -1 }, { retryAfterMs: null }, null, 'soon'])(
    'does not follow from %j',
    async (data) => {
      await using server = await startPeople((link, frame) => reject(link, frame, 'LOGIN_REFUSED', data))
      using socket = connect(server.url)
      await next(socket, 'connect_error')
      expect(socket.active).toBe(false)
    },
  )
})
