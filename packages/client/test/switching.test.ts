import type { Server } from '@roomcast/server'
import { expect, test } from 'vitest'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { io } from '../src/node'
import type { Socket } from '../src/socket/socket'

/** Connections that move in one run; `SWITCHES=10000` for the long one. */
const SWITCHES = Number(process.env.SWITCHES ?? 500)
const AT_ONCE = 25
/** Messages each client sends on the WebSocket before it is done. */
const AFTERWARDS = 5

/** Gaps, repetitions and steps back in a sequence that should count up by one. */
class Sequence {
  readonly faults: string[] = []
  private last: number | null = null

  take(value: number): void {
    if (this.last !== null && value !== this.last + 1) this.faults.push(`${value} after ${this.last}`)
    this.last = value
  }

  get value(): number {
    return this.last ?? -1
  }
}

/** A server that counts to everybody all the time, and remembers what each client has sent. */
function setUp(server: Server): void {
  server.on('connection', (socket) => {
    const up = new Sequence()
    up.take(-1)
    socket.join('everybody')
    socket.on('up', (value: number) => {
      up.take(value)
      // An answer and an event of its own, between the counts for everybody.
      socket.emit('echo', value)
      return value
    })
    socket.on('report', () => ({ last: up.value, faults: up.faults }))
  })
}

/** Connects by polling, sends and receives without a pause while it moves to a WebSocket, and leaves. */
async function moveOne(url: string): Promise<string[]> {
  const socket: Socket = io(url, { forceNew: true, transports: ['polling', 'websocket'] })
  const counts = new Sequence()
  const echoes = new Sequence()
  echoes.take(-1)
  socket.on('count', (value: number) => counts.take(value))
  socket.on('echo', (value: number) => echoes.take(value))
  const ends: unknown[] = []
  socket.on('disconnect', (reason, details) => ends.push(reason, details))
  await next(socket, 'connect')
  let sent = 0
  let late = 0
  const answers: Promise<unknown>[] = []
  while (late < AFTERWARDS) {
    socket.emit('up', sent++)
    answers.push(socket.emitWithAck('up', sent++))
    if (answers.length > 50) await answers.shift()
    if (socket.io.transport === 'websocket') late++
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(answers)
  const report = (await socket.emitWithAck('report')) as { last: number; faults: string[] }
  const faults = [
    ...ends.map(String),
    ...report.faults.map((fault) => `up: ${fault}`),
    ...counts.faults.map((fault) => `count: ${fault}`),
    ...echoes.faults.map((fault) => `echo: ${fault}`),
  ]
  if (report.last !== sent - 1) faults.push(`up: ended at ${report.last} of ${sent - 1}`)
  if (echoes.value !== sent - 1) faults.push(`echo: ended at ${echoes.value} of ${sent - 1}`)
  if (counts.value < 0) faults.push('count: nothing came')
  socket.off('disconnect')
  socket.disconnect()
  return faults
}

test(`${SWITCHES} connections move from polling to WebSocket under load, and every message comes once and in order`, {
  timeout: 60_000 + SWITCHES * 100,
}, async () => {
  await using server = await startServer(setUp)
  let count = 0
  const counting = setInterval(() => server.io.to('everybody').emit('count', count++), 2)
  const faults: string[] = []
  let begun = 0
  const work = async () => {
    while (begun < SWITCHES && faults.length === 0) {
      begun++
      faults.push(...(await moveOne(server.url)))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  clearInterval(counting)
  expect(faults).toEqual([])
  await until(() => server.io.engine.clientsCount === 0)
  expect(server.faults).toEqual([])
})
