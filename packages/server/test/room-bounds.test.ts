import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { createRandom } from '../../../test-kit/random'
import { RawSession } from '../../../test-kit/raw-room'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { drained, makeEngine, runtimeOf, socketOf, startPolicies, startRooms } from './room-support'

const authorize = () => true

test('policies that make no sense are refused, and name what is wrong', async () => {
  await using server = await startServer()
  const wrong: [unknown, string][] = [
    [null, 'policy'],
    ['history', 'policy'],
    [{ history: 1 }, 'history'],
    [{ history: null }, 'history'],
    [{ history: { messages: 0 } }, 'messages'],
    [{ history: { messages: 1_000_001 } }, 'messages'],
    [{ history: { messages: 1.5 } }, 'messages'],
    [{ history: { messages: '10' } }, 'messages'],
    [{ history: { bytes: 0 } }, 'bytes'],
    [{ history: { bytes: 2 ** 31 } }, 'bytes'],
    [{ history: { ageMs: 0 } }, 'ageMs'],
    [{ history: { ageMs: Number.POSITIVE_INFINITY } }, 'ageMs'],
    [{ history: { ageMs: Number.NaN } }, 'ageMs'],
    [{ history: { read: 'everybody' } }, 'read'],
    [{ history: { retain: 'key' } }, 'retain'],
    [{ authorize: true }, 'authorize'],
    [{ history: true, snapshot: -1 }, 'snapshot'],
    [{ history: true, snapshot: 1_001 }, 'snapshot'],
    [{ history: true, snapshot: 1.5 }, 'snapshot'],
    [{ history: true, snapshot: 'all' }, 'snapshot'],
    [{ history: true, snapshot: 'retained' }, 'retain'],
    [{ snapshot: 10 }, 'snapshot'],
    [{ history: false, snapshot: 10 }, 'snapshot'],
  ]
  for (const [policy, name] of wrong) {
    const error = await errorOf(() => server.io.rooms('red', policy as never))
    expect([policy, error.code]).toEqual([policy, 'INVALID_OPTION'])
    expect(error.message).toContain(name)
  }
  expect((await errorOf(() => server.io.rooms(7 as never, {}))).code).toBe('INVALID_OPTION')
  using ada = await RawSession.connect(server.port)
  socketOf(server, ada).join('red')
  await drained(ada)
  expect(ada.notices()).toEqual([])
})

describe('memory', () => {
  test('10,000 rooms that are written to stay within what the server may keep', async () => {
    const maxBytes = 200_000
    const { engine, budget } = makeEngine(maxBytes)
    await using server = await startPolicies({ '*': { history: { retain: (event) => event }, authorize } }, { engine })
    let most = 0
    for (let i = 0; i < 10_000; i++) {
      for (let n = 0; n < 3; n++) server.io.to(`room:${i}`).emit(`m${n}`, i, 'x'.repeat(50))
      most = Math.max(most, budget.bytes)
    }
    expect(most).toBeGreaterThan(maxBytes / 2)
    expect(most).toBeLessThanOrEqual(maxBytes)
    expect(engine.log.size).toBeLessThan(1_000)
    expect(runtimeOf(server).streams.size).toBe(0)
    expect(await server.io.to('room:9999').history()).toHaveLength(3)
    expect(await server.io.to('room:0').history()).toEqual([])
  })

  test('rooms that nobody is in any more are forgotten, with all that belongs to them', async () => {
    const { engine, budget } = makeEngine(10_000_000)
    await using server = await startPolicies({ '*': { history: { ageMs: 100 }, authorize } }, { engine })
    using ada = await RawSession.connect(server.port)
    const bob = await RawSession.connect(server.port)
    for (let i = 0; i < 500; i++) {
      socketOf(server, ada).join(`room:${i}`)
      socketOf(server, bob).join([`room:${i}`, `other:${i}`])
      server.io.to(`room:${i}`).to(`other:${i}`).emit('m', i)
      socketOf(server, ada).leave(`room:${i}`)
    }
    expect(runtimeOf(server).streams.size).toBe(1_000)
    const { tracking } = socketOf(server, ada)
    expect(tracking?.places).toEqual([])
    bob.client.terminate()
    await until(() => runtimeOf(server).streams.size === 0, 'all streams are closed')
    await until(() => engine.log.size === 0, 'all logs are forgotten')
    expect(budget.bytes).toBe(0)
  })

  test('joining and leaving for a long time leaves nothing behind', async () => {
    const random = createRandom()
    console.log(`seed ${random.seed}`)
    const { engine, budget } = makeEngine(10_000_000)
    // It asks as fast as it can.
    const options = { engine, rateLimits: false } as const
    await using server = await startPolicies({ '*': { history: { ageMs: 50 }, authorize } }, options)
    using ada = await RawSession.connect(server.port)
    const socket = socketOf(server, ada)
    for (let i = 0; i < 20; i++) {
      const asked = Array.from({ length: 100 }, () => {
        const room = `room:${random.below(50)}`
        server.io.to(room).emit('m', i)
        if (random.chance(0.3)) socket.leave(room)
        return ada.sendRequest(random.chance(0.5) ? 'join' : 'leave', room)
      })
      await ada.answer((await Promise.all(asked)).at(-1) as number)
    }
    for (let i = 0; i < 50; i++) await ada.leave(`room:${i}`)
    const { tracking } = socket
    expect([tracking?.places.length, tracking?.client?.joined.size, tracking?.client?.joining.size]).toEqual([0, 0, 0])
    expect([...socket.rooms]).toEqual([ada.sid])
    await until(() => runtimeOf(server).streams.size === 0 && engine.log.size === 0)
    expect(budget.bytes).toBe(0)
  })

  test('what sessions remember of rooms that were left has an end', async () => {
    await using server = await startRooms(undefined, { connectionStateRecovery: true })
    using ada = await RawSession.connect(server.port)
    const socket = socketOf(server, ada)
    for (let i = 0; i < 1_000; i++) {
      socket.join(`room:${i}`)
      socket.leave(`room:${i}`)
    }
    // 64, and everybody.
    expect(socket.tracking?.places).toHaveLength(65)
  })
})
