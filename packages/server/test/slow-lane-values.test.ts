import { expect, test } from 'vitest'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import { chooseRate, firsts } from './latest-support'
import { socketOf, startPolicies } from './room-support'

const filler = new Uint8Array(4_000)

test('who reads nothing has the newest of each value in the end, merged, with a rate and without, and is not cut off', async () => {
  const merge = ([key, older]: unknown[], [, newer]: unknown[]) => [key, { ...Object(older), ...Object(newer) }]
  await using server = await startPolicies(
    { book: { authorize: () => true, latest: { key: (_event, key) => String(key), merge } } },
    { maxOutgoingBytes: 200_000 },
  )
  const { io } = server
  const sessions = await Promise.all([null, null, 100].map(() => RawSession.connect(server.port)))
  const [healthy, slow, paced] = sessions as [RawSession, RawSession, RawSession]
  for (const session of sessions) await session.join('book')
  await chooseRate(paced, 'book', 100)
  slow.client.pause()
  paced.client.pause()
  const last = new Map<string, number>()
  const sent = { count: 0 }
  const isBehind = (session: RawSession) => socketOf(server, session).conn.replaced > 100
  await until(() => {
    for (let i = 0; i < 50; i++) {
      const key = `k${sent.count++ % 5}`
      last.set(key, sent.count)
      io.to('book').emit('v', key, { [sent.count % 2 ? 'odd' : 'even']: sent.count, filler })
    }
    return isBehind(slow) && isBehind(paced)
  }, 'both to be behind')
  slow.client.resume()
  paced.client.resume()
  const newest = ({ client }: RawSession) => {
    const values = new Map<string, { odd?: number; even?: number }>()
    for (const { event, body } of client.frames) {
      if (event === 'v') values.set((body as [string])[0], (body as [string, object])[1])
    }
    return [...values].map(([key, { odd = 0, even = 0 }]) => [key, Math.max(odd, even)] as const).sort()
  }
  const expected = [...last].sort()
  await until(
    () => sessions.every((session) => JSON.stringify(newest(session)) === JSON.stringify(expected)),
    'newest values',
  )
  expect(firsts(healthy, 'v').length).toBeGreaterThan(firsts(slow, 'v').length)
  // A merged value has fields of two.
  const merged = slow.client.frames.filter(({ body }) => {
    const [, value] = Array.isArray(body) ? (body as [string, { odd?: number; even?: number }]) : [null, null]
    return value?.odd !== undefined && value.even !== undefined
  })
  expect(merged.length).toBeGreaterThan(0)
  expect(server.faults).toEqual([])
  for (const session of sessions) {
    expect(session.client.closed).toBeNull()
    session.client.terminate()
  }
}, 60_000)
