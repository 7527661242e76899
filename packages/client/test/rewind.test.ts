import type { Room } from '@roomcast/client'
import { CLOSE_CODES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { handled, notice, request } from './people-support'
import { record, say, scene, startRooms } from './rooms-support'
import { connect } from './support'

/** The answer to a `join`. */
function answer(seq: number, given: object = {}): object {
  return { room: 12, epoch: 'e', seq, recovered: false, ...given }
}

/** What an application shows that renders the state of a room, a list, and adds its events. */
function render(room: Room<{ m: (n: number) => void }, number[]>): { readonly list: number[] } {
  const shown = { list: [...(room.state ?? [])] }
  room.on('m', (n) => void shown.list.push(n))
  room.on('snapshot', () => {
    shown.list = [...(room.state ?? [])]
  })
  return shown
}

describe('messages behind the snapshot that have come before it', () => {
  test('come again to the room alone, and what follows to everybody', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const first = socket.join('book')
    link.ack(await request(link, 'join'), answer(5))
    const inRoom = record(await first)
    say(link, 12, 6, 7)
    const again = socket.join('book')
    const join = await request(link, 'join')
    say(link, 12, 8)
    link.ack(join, answer(6))
    say(link, 12, 7, 8, 9)
    await again
    await handled(link)
    expect(inRoom).toEqual([6, 7, 8, 7, 8, 9])
    expect(seen).toEqual([6, 7, 8, 9])
  })

  test('of a room that the server had put the socket into later come to everybody, if nobody has heard them', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const asked = socket.join('book').then(record)
    const join = await request(link, 'join')
    notice(link, 'joined', 12, 7)
    say(link, 12, 8, 9)
    link.ack(join, answer(5))
    say(link, 12, 6, 7, 8, 9, 10)
    const inRoom = await asked
    await handled(link)
    expect(inRoom).toEqual([6, 7, 8, 9, 10])
    expect(seen).toEqual([8, 9, 6, 7, 10])
  })

  test('are asked for if they do not come, and those that wait behind a gap are no snapshot', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const asked = socket.join('book').then(record)
    const join = await request(link, 'join')
    notice(link, 'joined', 12, 5)
    say(link, 12, 6, 9)
    const first = await request(link, 'sync')
    link.ack(join, answer(5))
    say(link, 12, 8)
    link.ack(first)
    const sync = await request(link, 'sync')
    expect(sync.body).toEqual(['sync', [[12, 5, 7]], false])
    say(link, 12, 6, 7, 8, 9, 10)
    const inRoom = await asked
    await handled(link)
    expect(inRoom.filter((item) => typeof item === 'number')).toEqual([6, 7, 8, 9, 10])
    expect(seen.filter((item) => typeof item === 'number')).toEqual([6, 7, 8, 9, 10])
  })

  test('are not heard twice by the socket over a link that is lost while they come again', async () => {
    await using server = await startRooms()
    using pair = await scene(server)
    const { socket, seen, link } = pair
    const first = socket.join('book')
    link.ack(await request(link, 'join'), answer(5))
    const inRoom = record(await first)
    say(link, 12, 6, 7, 8)
    const again = socket.join('book')
    link.ack(await request(link, 'join'), answer(5))
    say(link, 12, 6)
    await again
    await handled(link)
    link.close(CLOSE_CODES.ABNORMAL)
    const second = await server.link()
    const join = await request(second, 'join')
    expect(join.body).toEqual(['join', 'book', null, ['e', 6]])
    second.ack(join, answer(6, { room: 40, recovered: true }))
    say(second, 40, 7, 8, 9)
    await handled(second)
    expect(inRoom).toEqual([6, 7, 8, 6, 7, 8, 9])
    expect(seen).toEqual([6, 7, 8, 9])
  })
})

describe('with a snapshot that takes its time', () => {
  const log: number[] = []
  const hook = async () => {
    const state = [...log]
    await new Promise((resolve) => setTimeout(resolve, 20))
    return state
  }

  test.each([
    ['a room joined anew', false],
    ['a room that the server has put the socket into', true],
  ])('%s shows what was sent, each once and in order, while messages flow', async (_what, isPut) => {
    log.length = 0
    await using server = await startServer((io) => {
      io.rooms('book', { history: true, authorize: () => true, snapshot: hook })
      io.on('connection', (socket) => isPut && socket.join('book'))
    })
    const write = () => {
      server.io.to('book').emit('m', log.length)
      log.push(log.length)
    }
    const timer = setInterval(write, 2)
    try {
      using socket = connect(server.url)
      const heard: number[] = []
      socket.on('m', (n: number) => heard.push(n))
      await next(socket, 'connect')
      if (isPut) await until(() => heard.length > 3)
      const room = (await socket.join('book')) as unknown as Room<{ m: (n: number) => void }, number[]>
      const shown = render(room)
      for (let round = 0; round < 5; round++) {
        const before = heard.length
        await until(() => heard.length > before + 3)
        await socket.join('book')
      }
      clearInterval(timer)
      await until(() => heard.at(-1) === log.at(-1) && shown.list.at(-1) === log.at(-1))
      expect(shown.list).toEqual(log)
      expect(heard).toEqual(log.slice(heard[0]))
    } finally {
      clearInterval(timer)
    }
  })
})

test('a room that a handler of the server joins as well is recovered with all that was missed', async () => {
  await using server = await startServer((io) => {
    io.rooms('book', { history: true, authorize: () => true })
    io.on('connection', (socket) => void socket.join('book'))
  })
  await using proxy = await FaultProxy.start(server.port)
  using socket = connect(proxy.url)
  const seen = record(socket)
  await next(socket, 'connect')
  const room = await socket.join('book')
  const inRoom = record(room)
  server.io.to('book').emit('m', 0)
  await until(() => inRoom.length > 0)
  proxy.refuse()
  proxy.cut()
  await next(socket, 'disconnect')
  for (let n = 1; n <= 5; n++) server.io.to('book').emit('m', n)
  const rejoined = next(room, 'rejoin')
  proxy.pass()
  expect(await rejoined).toEqual([true])
  server.io.to('book').emit('m', 6)
  await until(() => inRoom.includes(6))
  expect(inRoom).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(seen).toEqual(inRoom)
})
