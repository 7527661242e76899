import { createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Crowd } from '../src/load/crowd'
import { rawDialect } from '../src/load/dialects/raw'
import { runLatency } from '../src/load/tasks/latency'
import { FIRST_ID, IDS, Schedule } from '../src/load/tasks/schedule'
import { clientFrames, serverFrames } from '../src/load/ws-wire'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

test('calls are due in equal distances, the connections taking turns', () => {
  const schedule = new Schedule(1_000, 200, 4, 100)
  expect(schedule.total).toBe(20)
  expect([schedule.timeOf(0, 0), schedule.timeOf(1, 0), schedule.timeOf(3, 0)]).toEqual([1_000, 1_005, 1_015])
  expect([schedule.timeOf(0, 1), schedule.timeOf(3, 4)]).toEqual([1_020, 1_095])
  expect([999, 1_000, 1_004.9, 1_005, 1_095, 2_000].map((nowMs) => schedule.dueAt(nowMs))).toEqual([0, 1, 1, 2, 20, 20])
})

test('a window has at least one call', () => {
  expect(new Schedule(0, 1, 4, 1).total).toBe(1)
})

test('a server that stands still is charged with every call that was due meanwhile', async () => {
  const stallMs = 400
  const windowMs = 600
  const crowd = await crowdOn(await echoServer(stallMs), 2)
  const { latencyUs, answeredPerSecond } = await runLatency(crowd, { perSecond: 200, windowMs })
  expect(latencyUs.count).toBe(120)
  // Two in three calls come while it stands still, equally spread: the middle one of all waits for a quarter of that.
  expect(latencyUs.p50).toBeGreaterThan(stallMs * 0.2 * 1_000)
  expect(latencyUs.p99).toBeGreaterThan(stallMs * 0.9 * 1_000)
  expect(answeredPerSecond).toBeGreaterThan(150)
})

test('what cannot be answered in time is answered later, and counts from when it was due', async () => {
  const crowd = await crowdOn(await echoServer(400), 1)
  // More calls than there are ids: those beyond wait in the load.
  const { latencyUs, answeredPerSecond } = await runLatency(crowd, { perSecond: 1_000, windowMs: 200 })
  expect(latencyUs.count).toBe(200)
  expect(latencyUs.count).toBeGreaterThan(2 * IDS)
  expect(answeredPerSecond).toBe(0)
  expect(latencyUs.p50).toBeGreaterThan(290_000)
})

test('a wrong answer ends the run', async () => {
  const crowd = await crowdOn(await echoServer(0, FIRST_ID + 3), 1)
  const calls = runLatency(crowd, { perSecond: 1_000, windowMs: 100 })
  await expect(calls).rejects.toThrow('a connection failed: ')
})

async function crowdOn(port: number, count: number): Promise<Crowd> {
  const crowd = new Crowd()
  await crowd.connect({ port, dialect: 'raw', count })
  return crowd
}

/** Echoes calls, which are all equally long. @param stallMs  How long it reads nothing from the first call on. */
async function echoServer(stallMs: number, wrongId?: number): Promise<number> {
  const callBytes = clientFrames(rawDialect.call(FIRST_ID)).length
  const sockets: Socket[] = []
  let stalledUntil: Promise<void> | undefined
  const server = createServer((socket) => {
    sockets.push(socket)
    let id = FIRST_ID
    let bytes = 0
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
      socket.on('data', async (chunk) => {
        stalledUntil ??= new Promise((resolve) => setTimeout(resolve, stallMs))
        await stalledUntil
        for (bytes += chunk.length; bytes >= callBytes; bytes -= callBytes) {
          socket.write(serverFrames(rawDialect.answer(id === wrongId ? id + 1 : id)))
          id = id === FIRST_ID + IDS - 1 ? FIRST_ID : id + 1
        }
      })
    })
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as { port: number }).port
}
