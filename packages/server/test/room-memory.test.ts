import { expect, test } from 'vitest'
import { connect } from '../../../test-kit/clients'
import { next, until } from '../../../test-kit/wait'
import type { MemoryEngine } from '../src/cluster/memory/memory-engine'
import type { MessageBudget } from '../src/cluster/message-budget'
import { runtimeOf, startPolicies } from './room-support'

const MIB = 2 ** 20
const CAP_BYTES = 16 * MIB
const ROOMS = 10_000
const CLIENTS = 10
/** How many times the cap is written. */
const TURNS = 3
const BURST = 250
const PAYLOAD = 'x'.repeat(1_500)
/** Longer than it takes to write, so that it is the cap that makes room. */
const AGE_MS = 8_000
const LIMIT_MS = 60_000

test(
  `${ROOMS} rooms that are written to all the time take no more than the server may keep, and nothing when they are over`,
  async () => {
    const limits = { messages: 1_000, bytes: MIB, ageMs: AGE_MS }
    await using server = await startPolicies(
      {
        'book:*': { history: limits, authorize: () => true, snapshot: 10 },
      },
      {
        maxHistoryBytes: CAP_BYTES,
        connectionStateRecovery: { history: limits, maxDisconnectionDuration: 1_000 },
      },
    )
    const { io } = server
    const { engine, streams } = runtimeOf(server)
    const { log } = engine as MemoryEngine
    const { budget } = log as unknown as { readonly budget: MessageBudget }
    expect(budget.maxBytes).toBe(CAP_BYTES)

    // Half of them have history by their policy, the others for sessions alone. Retained values stay, and would not go with age.
    const names = Array.from({ length: ROOMS }, (_, i) => `${i % 2 === 0 ? 'book' : 'inner'}:${i}`)
    const clients = Array.from({ length: CLIENTS }, () => connect(server.url, { transports: ['websocket'] }))
    let received = 0
    for (const client of clients) client.on('m', () => received++)
    await Promise.all(clients.map((client) => next(client, 'connect')))
    const sockets = clients.map(({ id }) => io.sockets.sockets.get(id ?? ''))
    for (const [i, name] of names.entries()) sockets[i % CLIENTS]?.join(name)
    expect(streams.size).toBeGreaterThanOrEqual(ROOMS)

    const rssBefore = process.memoryUsage.rss()
    let rssMost = rssBefore
    let most = 0
    let written = 0
    let sent = 0
    while (written < TURNS * CAP_BYTES) {
      for (let i = 0; i < BURST; i++) {
        const n = sent++
        // Every tenth goes to one socket alone.
        const target = n % 10 === 9 ? sockets[n % CLIENTS] : io.to(names[(n * 7) % ROOMS] as string)
        target?.emit('m', n, PAYLOAD)
        written += PAYLOAD.length
        most = Math.max(most, budget.bytes)
      }
      await until(() => received === sent, 'the clients to keep up')
      rssMost = Math.max(rssMost, process.memoryUsage.rss())
    }
    const inMib = (bytes: number) => (bytes / MIB).toFixed(1)
    console.log(
      `${sent} messages, ${inMib(written)} MiB written, ${inMib(most)} of ${inMib(CAP_BYTES)} MiB kept at most, ` +
        `the process grew by ${inMib(rssMost - rssBefore)} MiB`,
    )
    expect(most).toBeLessThanOrEqual(CAP_BYTES)
    expect(most).toBeGreaterThan(CAP_BYTES * 0.9)
    expect(rssMost - rssBefore).toBeLessThan(3 * CAP_BYTES + 100 * MIB)

    // On purpose, so that no session is kept.
    for (const client of clients) client.disconnect()
    await until(() => io.sockets.sockets.size === 0, 'the clients to be gone')
    const deadline = performance.now() + 3 * AGE_MS
    while ((budget.bytes > 0 || log.size > 0 || streams.size > 0) && performance.now() < deadline) {
      expect(budget.bytes).toBeLessThanOrEqual(CAP_BYTES)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect({ bytes: budget.bytes, logs: log.size, streams: streams.size }).toEqual({ bytes: 0, logs: 0, streams: 0 })
    expect(server.faults).toEqual([])
  },
  LIMIT_MS,
)
