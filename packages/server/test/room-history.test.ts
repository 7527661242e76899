import { LIMITS } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import { codeOf, connectOver, drained, socketOf, startPolicies, startRooms, TRANSPORTS } from './room-support'

const authorize = () => true

const values = (messages: readonly { readonly args: readonly unknown[] }[]) => messages.map(({ args }) => args[0])

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('pages lead to the beginning, and an empty one ends them', async () => {
    await using server = await startRooms()
    using ada = await connectOver(transport, server.port)
    await ada.join('red')
    for (let i = 1; i <= 25; i++) server.io.to('red').emit('m', i)
    const pages: unknown[][] = []
    for (let before: number | null = null; ; ) {
      const page = await ada.history('red', 10, before)
      pages.push(values(page))
      if (page.length === 0) break
      before = page[0]?.position as number
    }
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
    expect(pages).toEqual([range(16, 25), range(6, 15), range(1, 5), []])
    expect(values(await ada.history('red', 3, 1_000_000))).toEqual([23, 24, 25])
    expect(await ada.history('red', 3, 0)).toEqual([])
    expect(await ada.history('red', 3, 1)).toEqual([])
  })
})

test('a page ends at so many messages and at so many bytes, and has one at least', async () => {
  await using server = await startPolicies({
    many: { history: { messages: 5_000, bytes: 2 ** 20 }, authorize },
    big: { history: { bytes: 2 ** 22 }, authorize },
  })
  using ada = await RawSession.connect(server.port)
  await ada.join('many')
  await ada.join('big')
  for (let i = 0; i < 1_500; i++) server.io.to('many').emit('m', i)
  const page = await ada.history('many', 2 ** 31)
  expect(page).toHaveLength(LIMITS.historyPageMessages)
  expect(values(page.slice(-1))).toEqual([1_499])
  const sizes = [0.4, 0.4, 0.4, 1.5]
  for (const size of sizes) server.io.to('big').emit('m', size, new Uint8Array(size * LIMITS.historyPageBytes))
  expect((await ada.history('big')).map(({ position }) => position)).toEqual([4])
  expect((await ada.history('big', 100, 4)).map(({ position }) => position)).toEqual([2, 3])
  expect((await ada.history('big', 100, 2)).map(({ position }) => position)).toEqual([1])
})

test('a room keeps so many messages, so many bytes and so long', async () => {
  await using server = await startPolicies({
    count: { history: { messages: 3 }, authorize },
    bytes: { history: { bytes: 1_000 }, authorize },
    age: { history: { ageMs: 100 }, authorize },
  })
  using ada = await RawSession.connect(server.port)
  for (const room of ['count', 'bytes', 'age']) {
    await ada.join(room)
    for (let i = 1; i <= 5; i++) server.io.to(room).emit('m', i, 'x'.repeat(300))
  }
  expect(values(await ada.history('count'))).toEqual([3, 4, 5])
  expect(values(await ada.history('bytes'))).toEqual([3, 4, 5])
  await until(async () => (await ada.history('age')).length === 0, 'the messages are too old')
  server.io.to('age').emit('m', 6)
  expect((await ada.history('age')).map(({ position }) => position)).toEqual([6])
})

describe('who may read', () => {
  test('members of a room whose policy has history, and nobody else; no answer tells more', async () => {
    await using server = await startPolicies(
      {
        red: { history: true, authorize },
        hidden: { history: { read: 'nobody' }, authorize },
        plain: { history: false, authorize },
        implicit: { authorize },
      },
      { connectionStateRecovery: true },
    )
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    for (const room of ['red', 'hidden', 'plain', 'implicit']) {
      await ada.join(room)
      server.io.to(room).emit('m', room)
    }
    expect(values(await ada.history('red'))).toEqual(['red'])
    for (const room of ['hidden', 'plain', 'implicit', 'nowhere', ada.sid]) {
      expect([room, await codeOf(ada.history(room))]).toEqual([room, 'HISTORY_REFUSED'])
    }
    expect(await codeOf(bob.history('red'))).toBe('HISTORY_REFUSED')
    socketOf(server, bob).join('red')
    expect(values(await bob.history('red'))).toEqual(['red'])
    socketOf(server, bob).leave('red')
    expect(await codeOf(bob.history('red'))).toBe('HISTORY_REFUSED')
    await ada.leave('red')
    expect(await codeOf(ada.history('red'))).toBe('HISTORY_REFUSED')
    for (const name of ['hidden', 'implicit', 'red']) expect(await server.io.to(name).history()).toHaveLength(1)
    expect(await server.io.to('plain').history()).toEqual([])
  })

  test('arguments of another shape are refused', async () => {
    await using server = await startRooms()
    using ada = await RawSession.connect(server.port)
    await ada.join('red')
    const bad = [
      [],
      ['red'],
      ['red', 0],
      ['red', -1],
      ['red', 1.5],
      ['red', '1'],
      ['red', 1, -1],
      ['red', 1, '1'],
      [null, 1],
    ]
    for (const args of bad)
      expect([args, await codeOf(ada.request('history', ...args))]).toEqual([args, 'INVALID_REQUEST'])
    expect(ada.client.closed).toBeNull()
  })

  test('nobody is shown what left out a room or a user they belong to; but senders see what they said to others', async () => {
    await using server = await startPolicies(
      { '*': { history: true, authorize } },
      { login: ({ id }: { id: string }) => ({ id }) },
    )
    using ada = await RawSession.connect(server.port, { auth: { id: 'ada' } })
    using bob = await RawSession.connect(server.port, { auth: { id: 'bob' } })
    await ada.join('red')
    await bob.join('red')
    socketOf(server, bob).join('mods')
    const { io } = server
    io.to('red').emit('m', 'all')
    socketOf(server, ada).to('red').emit('m', 'Ada says')
    io.to('red').except('mods').emit('m', 'not to mods')
    io.to('red').exceptUser('ada').emit('m', 'not to Ada')
    expect(values(await ada.history('red'))).toEqual(['all', 'Ada says', 'not to mods'])
    expect(values(await bob.history('red'))).toEqual(['all', 'Ada says', 'not to Ada'])
    expect(values(await io.to('red').history())).toEqual(['all', 'Ada says', 'not to mods', 'not to Ada'].map(String))
  })

  test('messages that are not for the reader are no end: only an empty page is', async () => {
    await using server = await startRooms()
    using ada = await RawSession.connect(server.port)
    await ada.join('a')
    await ada.join('b')
    server.io.to('b').emit('m', 1)
    for (let i = 2; i <= 6; i++) server.io.to('b').except('a').emit('m', i)
    await drained(ada)
    const read: unknown[] = []
    for (let before: number | null = null; ; ) {
      const page = await ada.history('b', 2, before)
      if (page.length === 0) break
      read.unshift(...values(page))
      before = page[0]?.position as number
    }
    expect(read).toEqual([1])
  })
})

describe('the history that the application reads', () => {
  test('has positions, times, events and arguments, the oldest first', async () => {
    await using server = await startRooms()
    const { io } = server
    const from = Date.now()
    io.to('red').emit('first', 1, { deep: [new Uint8Array([1, 2])] })
    io.to('red').emit('second')
    io.to('red').volatile.emit('never kept')
    const messages = await io.to('red').history()
    expect(messages).toMatchObject([
      { seq: 1, event: 'first', args: [1, { deep: [new Uint8Array([1, 2])] }] },
      { seq: 2, event: 'second', args: [] },
    ])
    for (const { at } of messages) expect(at >= from && at <= Date.now()).toBe(true)
    expect((await io.to('red').history({ limit: 1 })).map(({ seq }) => seq)).toEqual([2])
    expect((await io.to('red').history({ limit: 1, before: 2 })).map(({ seq }) => seq)).toEqual([1])
    expect(await io.to('nowhere').history()).toEqual([])
  })

  test('is of one room, and of a page at most', async () => {
    await using server = await startRooms()
    const { io } = server
    const wrong = [
      io.to(['a', 'b']).history(),
      io.except('a').history(),
      io.to('a').except('b').history(),
      io.to('a').history({ limit: 0 }),
      io.to('a').history({ limit: LIMITS.historyPageMessages + 1 }),
      io.to('a').history({ limit: Number.NaN }),
      io.to('a').history({ before: 0 }),
      io.to('a').history({ before: 1.5 }),
    ]
    expect(await Promise.all(wrong.map(codeOf))).toEqual(wrong.map(() => 'INVALID_OPTION'))
  })

  test('has a message once, also if its room was named twice', async () => {
    await using server = await startRooms()
    server.io.to('red').to('red').emit('m', 1)
    expect(await server.io.to('red').history()).toHaveLength(1)
  })

  test('belongs to who reads it: what is done to it changes nothing', async () => {
    await using server = await startRooms()
    const { io } = server
    const bytes = new Uint8Array([1, 2, 3])
    io.to('red').emit('m', bytes)
    bytes.fill(0)
    const read = async () => (await io.to('red').history()).map(({ args }) => args[0] as Uint8Array)
    for (const each of await read()) each.fill(9)
    expect(await read()).toEqual([new Uint8Array([1, 2, 3])])
  })
})
