import { CLOSE_CODES, RoomcastError } from '@roomcast/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { next } from '../../../test-kit/wait'
import type { AuthOption } from '../src/options'
import { EventSender } from '../src/outbound/event-sender'
import { Login } from '../src/people/login'
import { admit, authsOn, request, requestsOn, startPeople } from './people-support'
import { connect } from './support'

const ADA = { id: 'ada' }

/** A login on a clock of its own: what it sends is written down with the time, and answered as the test says. */
function scene(answer: (ms: number) => { expiresInMs?: number | null } | { code: string } | null, ackTimeout = 60_000) {
  const startedAt = performance.now()
  const now = () => Math.round(performance.now() - startedAt)
  const sent: unknown[] = []
  const users: unknown[] = []
  const host = {
    auth: undefined as AuthOption | undefined,
    connected: true,
    active: true,
    attach() {},
    onUser: (user: unknown) => users.push(user),
    onListenerError() {},
    disconnect() {},
  }
  const sender: EventSender = new EventSender(
    {
      isConnected: () => host.connected,
      userId: () => undefined,
      sendEvent() {},
      sendRequest(ackId, [name, credentials]) {
        sent.push([now(), name, credentials])
        const given = answer(now())
        if (given === null) return
        if ('code' in given) sender.settle(ackId, new RoomcastError(given.code, 'told'))
        else sender.settle(ackId, null, [ADA, given.expiresInMs])
      },
      onLostEvent() {},
    },
    { ackTimeout, outboxAge: 1, outboxBytes: 1, outboxLimit: 1, retries: 0 },
  )
  let calls = 0
  host.auth = (give: (auth: object) => void) => give({ call: ++calls })
  return { host, sender, login: new Login(host, sender), sent, users }
}

describe('a login that ends', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is renewed by the auth function at 80 % of its time, each time anew', async () => {
    const { login, sent, users } = scene(() => ({ expiresInMs: 20_000 }))
    login.onConnected({ user: ADA, expiresInMs: 10_000 })
    await vi.advanceTimersByTimeAsync(7_999)
    expect(sent).toEqual([])
    await vi.advanceTimersByTimeAsync(40_000)
    expect(sent).toEqual([
      [8_000, 'login', { call: 1 }],
      [24_000, 'login', { call: 2 }],
      [40_000, 'login', { call: 3 }],
    ])
    expect(users).toEqual([ADA])
  })

  test('and is renewed without an end is left alone from then on', async () => {
    const { login, sent } = scene(() => ({ expiresInMs: null }))
    login.onConnected({ user: ADA, expiresInMs: 10_000 })
    await vi.advanceTimersByTimeAsync(100_000)
    expect(sent).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('and cannot be renewed is tried again at 80 % of what is left, at most once a second, until it has ended', async () => {
    const { login, sent } = scene(() => ({ code: 'LOGIN_FAILED' }))
    login.onConnected({ user: ADA, expiresInMs: 50_000 })
    await vi.advanceTimersByTimeAsync(200_000)
    // 10 s are left after 40, 2 s after 48, 400 ms after 49.6.
    expect(sent.map((entry) => (entry as unknown[])[0])).toEqual([40_000, 48_000, 49_600])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('soon is tried again after a second and not sooner', async () => {
    const { login, sent } = scene(() => ({ code: 'LOGIN_FAILED' }))
    login.onConnected({ user: ADA, expiresInMs: 6_000 })
    await vi.advanceTimersByTimeAsync(20_000)
    // 1.2 s are left after 4.8: 80 % of that is less than a second.
    expect(sent.map((entry) => (entry as unknown[])[0])).toEqual([4_800, 5_800])
  })

  test('is tried again when the auth function fails, and renewed when it works again', async () => {
    const { host, login, sent } = scene(() => ({ expiresInMs: 100_000 }))
    let isOffline = true
    host.auth = (give: (auth: object) => void) => {
      if (isOffline) throw new Error('offline')
      give({ token: 'new' })
    }
    login.onConnected({ user: ADA, expiresInMs: 10_000 })
    await vi.advanceTimersByTimeAsync(8_000)
    isOffline = false
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sent).toEqual([[9_600, 'login', { token: 'new' }]])
  })

  test('and has an object as auth is not renewed', async () => {
    const { host, login, sent } = scene(() => ({ expiresInMs: 10_000 }))
    host.auth = { token: 'of yesterday' }
    login.onConnected({ user: ADA, expiresInMs: 10_000 })
    await vi.advanceTimersByTimeAsync(100_000)
    expect(sent).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('after years is renewed after as long as a timer can wait, and not at once', async () => {
    const { login, sent } = scene(() => ({ expiresInMs: null }))
    login.onConnected({ user: ADA, expiresInMs: 1e12 })
    await vi.advanceTimersByTimeAsync(2_147_483_646)
    expect(sent).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(sent).toHaveLength(1)
  })

  test('is not renewed after the link was lost, a logout, or the end', async () => {
    for (const stop of ['lost', 'logout', 'end'] as const) {
      const { host, login, sender, sent } = scene(() => ({ expiresInMs: 10_000 }))
      login.onConnected({ user: ADA, expiresInMs: 10_000 })
      expect(vi.getTimerCount()).toBe(1)
      if (stop === 'logout') await login.logOut()
      else {
        host.connected = false
        login.onEnd(stop === 'end')
        sender.onDisconnect()
      }
      expect(vi.getTimerCount()).toBe(0)
      expect(sent).toHaveLength(stop === 'logout' ? 1 : 0)
      expect(login.user).toEqual(stop === 'lost' ? ADA : null)
    }
  })

  test('is not planned anew when the link is lost while it is renewed', async () => {
    const { host, login, sender, sent } = scene(() => null)
    login.onConnected({ user: ADA, expiresInMs: 10_000 })
    await vi.advanceTimersByTimeAsync(8_000)
    expect(sent).toHaveLength(1)
    host.connected = false
    login.onEnd(false)
    sender.onDisconnect()
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('gives way to a login that is under way, and is renewed after that was refused', async () => {
    const { login, sent } = scene((ms) => (ms < 9_000 ? { code: 'LOGIN_REFUSED' } : { expiresInMs: null }))
    login.onConnected({ user: ADA, expiresInMs: 10_000 })
    let give = (_auth: object) => {}
    const refused = login.logIn((answer) => {
      give = answer
    })
    refused.catch(() => {})
    await vi.advanceTimersByTimeAsync(8_500)
    expect(sent).toEqual([])
    give({ name: 'ben' })
    await expect(refused).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
    await vi.advanceTimersByTimeAsync(2_000)
    expect(sent).toEqual([
      [8_500, 'login', { name: 'ben' }],
      [9_600, 'login', { call: 1 }],
    ])
  })

  test('keeps its end if a notice is about the profile alone, and has another one if it says so', async () => {
    const { login, sent } = scene(() => ({ expiresInMs: 20_000 }))
    login.onConnected({ user: ADA, expiresInMs: 10_000 })
    await vi.advanceTimersByTimeAsync(5_000)
    login.onNotice(['user', { ...ADA, points: 1 }, null])
    await vi.advanceTimersByTimeAsync(3_000)
    expect(sent).toEqual([[8_000, 'login', { call: 1 }]])
    login.onNotice(['user', { ...ADA, points: 2 }, 10_000])
    await vi.advanceTimersByTimeAsync(8_000)
    expect(sent.slice(1)).toEqual([[16_000, 'login', { call: 2 }]])
  })

  test('is not renewed when a notice says that nobody is logged in any more', async () => {
    const { login } = scene(() => ({ expiresInMs: null }))
    login.onConnected({ user: ADA, expiresInMs: 10_000 })
    login.onNotice(['user', null, null])
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('a socket renews its login within the connection, and has the new time from then on', async () => {
  await using server = await startPeople((link, frame) => admit(link, frame, { user: ADA, expiresInMs: 100 }))
  let calls = 0
  using socket = connect(server.url, { auth: (answer) => answer({ call: ++calls }) })
  const seen: unknown[] = []
  socket.on('user', (user) => seen.push(user))
  const link = await server.link()
  link.ack(await request(link, 'login'), { ...ADA, isRenewed: true }, 100)
  link.ack(await request(link, 'login'), { ...ADA, isRenewed: true }, null)
  await vi.waitFor(() => expect(seen).toEqual([ADA, { ...ADA, isRenewed: true }]))
  expect(requestsOn(link)).toEqual([
    ['login', { call: 2 }],
    ['login', { call: 3 }],
  ])
  expect(server.links).toHaveLength(1)
})

test('a socket whose login was not renewed in time asks its auth function at the reconnect', async () => {
  await using server = await startPeople({ user: ADA })
  let calls = 0
  using socket = connect(server.url, { auth: (answer) => answer({ call: ++calls }) })
  await next(socket, 'connect')
  const lost = next(socket, 'disconnect')
  ;(await server.link()).close(CLOSE_CODES.LOGIN_EXPIRED)
  expect((await lost)[1]).toMatchObject({ code: CLOSE_CODES.LOGIN_EXPIRED, verdict: 'backoff' })
  await next(socket, 'connect')
  expect(authsOn(server)).toEqual([{ call: 1 }, { call: 2 }])
})
