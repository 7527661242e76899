import { MESSAGE_TYPES } from '@roomcast/protocol'
import type { Socket } from '@roomcast/server'
import { expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { RawPoller } from '../../../test-kit/raw-poller'
import { RawSession } from '../../../test-kit/raw-room'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import type { UwsWire } from '../src/transport/uws-wire'
import { arrived, chooseRate } from './latest-support'
import { socketOf, startPolicies } from './room-support'

/*
 * How many bytes a WebSocket was handed is right at every moment at which somebody may ask, and not only in the end: what is confirmed is
 * measured by it.
 */

const KILOBYTE = new Uint8Array(1_024)

const wireOf = (socket: Socket) => (socket as unknown as { wire: UwsWire }).wire

test('what waits for a member that changes its rate is counted when it is on its new topic', async () => {
  const latest = { key: (_event: string, key: string) => key }
  await using server = await startPolicies({ book: { authorize: () => true, latest } })
  using fast = await RawSession.connect(server.port)
  using slow = await RawSession.connect(server.port)
  await fast.join('book')
  await slow.request('join', 'book', null, null, 0.01)
  for (let i = 0; i < 50; i++) server.io.to('book').emit('quote', 'k', KILOBYTE)
  await arrived(fast, slow)
  const wire = wireOf(socketOf(server, slow))
  const seen: number[] = []
  const count = wire.count.bind(wire)
  wire.count = (...args) => {
    seen.push(wire.handed)
    count(...args)
  }
  for (const rate of [0.1, null]) {
    seen.length = 0
    const before = wire.handed
    await chooseRate(slow, 'book', rate)
    expect(seen[0], `a rate of ${rate}`).toBe(before)
    for (let i = 0; i < 3; i++) server.io.to('book').emit('quote', 'k', KILOBYTE)
  }
})

test('who listens when a socket leaves its namespace sees what its link was handed', async () => {
  await using server = await startServer((io) => {
    io.of('/b').on('connection', (socket) => socket.join('r'))
  })
  using client = await RawClient.connect(server.port)
  client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/b' })
  await client.frame('CONNECTED')
  const { io } = server
  for (let i = 0; i < 50; i++) io.of('/b').emit('n', KILOBYTE)
  const wire = wireOf([...io.sockets.sockets.values()][0] as Socket)
  const [socket] = [...io.of('/b').sockets.values()]
  const seen: number[] = []
  for (const event of ['leave-room', 'delete-room'] as const) {
    io.of('/b').adapter.on(event, () => void seen.push(wire.handed))
  }
  socket?.disconnect()
  expect(seen.length).toBeGreaterThan(2)
  expect(new Set(seen)).toEqual(new Set([wire.handed]))
  await until(() => client.frames.some(({ type }) => type === 'DISCONNECT'))
  expect(wire.handed).toBe(client.frames.reduce((sum, { bytes }) => sum + bytes.length, 0))
})

test('a listener of "upgrade" sees what the WebSocket was handed, and what it sends is counted', async () => {
  await using server = await startServer()
  const { io } = server
  using poller = await RawPoller.connect(server.port)
  for (let i = 0; i < 50; i++) io.emit('n', KILOBYTE)
  await poller.poll()
  const [socket] = [...io.sockets.sockets.values()]
  const handed = new Promise<number>((resolve) => {
    socket?.conn.on('upgrade', () => {
      socket.emit('welcome')
      resolve(wireOf(socket).handed)
    })
  })
  using client = await RawClient.open(server.port)
  client.send({ type: MESSAGE_TYPES.SWITCH }, { session: poller.session, received: poller.received })
  await client.frame('SWITCHED')
  client.emit('first')
  expect(await handed).toBeGreaterThan(0)
  await until(() => client.frames.some(({ event }) => event === 'welcome'))
  expect(await handed).toBe(client.frames.reduce((sum, { bytes }) => sum + bytes.length, 0))
})
