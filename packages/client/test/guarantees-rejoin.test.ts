import type { Room } from '@roomcast/client'
import { expect, test } from 'vitest'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { createRandom } from '../../../test-kit/random'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { connect } from './fault-support'

const ROOMS = ['red', 'green', 'blue']
const ROUNDS = 10

test('without a session, rooms with history are joined again one by one: each is whole, and what was for several comes once', async () => {
  const random = createRandom()
  console.log(`SEED=${random.seed}`)
  await using server = await startServer((io) => io.rooms('*', { history: true, authorize: () => true }))
  await using proxy = await FaultProxy.start(server.port)
  using socket = connect(proxy.url, { transports: ['websocket'] })
  const seen: string[] = []
  const seenIn = new Map<string, string[]>(ROOMS.map((name) => [name, []]))
  const told = new Set<string>()
  socket.on('m', (text: string) => seen.push(text))
  await next(socket, 'connect')
  const rooms: Room[] = []
  for (const name of ROOMS) {
    const room = await socket.join(name)
    rooms.push(room)
    room.on('m', (text: string) => seenIn.get(name)?.push(text))
    room.on('rejoin', (recovered) => told.add(`rejoin ${recovered}`))
    for (const event of ['gap', 'snapshot', 'closed'] as const) room.on(event, () => told.add(event))
  }
  const sent: string[] = []
  const say = () => {
    const first = random.pick(ROOMS)
    const targets = random.chance(0.5) ? [first] : [...new Set([first, random.pick(ROOMS), random.pick(ROOMS)])]
    const text = `${sent.length} to ${targets.join(' and ')}`
    sent.push(text)
    server.io.to(targets).emit('m', text)
  }
  const ids = new Set([socket.id])
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 0; n < 5; n++) say()
    proxy.refuse()
    // Some of these are on their way when the link is lost.
    proxy.cut('reset')
    for (let n = 0; n < 5; n++) say()
    await until(() => !socket.connected && server.io.sockets.sockets.size === 0, 'both sides to notice')
    for (let n = 0; n < 10; n++) say()
    proxy.pass()
    await until(() => socket.connected && rooms.every(({ isJoined }) => isJoined), 'the rooms')
    ids.add(socket.id)
    for (let n = 0; n < 5; n++) say()
    await until(() => seen.length >= sent.length, 'all messages')
  }
  // What would come twice comes before the answer.
  for (const room of rooms) await room.history({ limit: 1 })
  const seed = `SEED=${random.seed}`
  expect([...seen].sort(), seed).toEqual([...sent].sort())
  for (const [name, texts] of seenIn) {
    expect(texts, `${name} in order, ${seed}`).toEqual(sent.filter((text) => texts.includes(text)))
    expect(
      texts.filter((text) => !text.includes(name)),
      seed,
    ).toEqual([])
    const alone = (text: string) => text.endsWith(` to ${name}`)
    expect(texts.filter(alone), `what was for ${name} alone, ${seed}`).toEqual(sent.filter(alone))
  }
  expect([...seenIn.values()].flat().sort(), `each in one room, ${seed}`).toEqual([...sent].sort())
  expect([...told], seed).toEqual(['rejoin true'])
  expect(ids.size, 'a new socket each time').toBe(ROUNDS + 1)
  expect(server.faults, seed).toEqual([])
})
