import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { connect } from '../clients'
import { FakeServer } from '../fake-server'
import { FrameProxy, randomFrameFaults } from '../frame-proxy'
import { History } from '../history/history'
import { type ObservedRoom, type ObservedSocket, observeRoom, observeSocket, recordStream } from '../history/observe'
import type { HistoryRecord } from '../history/records'
import { createRandom } from '../random'
import { RawStream } from '../raw-stream'
import { until } from '../wait'

/** The facts of a history, without times and places. */
function facts(history: History): object[] {
  return history.records.map(({ at, index, ...fact }) => fact)
}

/** A socket that says what the test wants. */
class FakeSocket extends EventEmitter implements ObservedSocket {
  connected = true
  recovered = false
  private readonly any: ((event: string, ...args: unknown[]) => void)[] = []

  onAny(listener: (event: string, ...args: unknown[]) => void): void {
    this.any.push(listener)
  }

  deliver(event: string, ...args: unknown[]): void {
    for (const listener of this.any) listener(event, ...args)
  }
}

class FakeRoom extends EventEmitter implements ObservedRoom {
  readonly name = 'lobby'
  messages: { event: string; args: unknown[] }[] = []
}

test('a socket of the client is observed: connects, messages and the end of the link', async () => {
  await using server = await FakeServer.start()
  const history = new History()
  using socket = connect(server.url, { transports: ['websocket'] })
  observeSocket(history, 'ada', socket)
  const link = await server.link()
  await until(() => socket.connected, 'a connection')
  link.emit('say', ['m1'])
  link.emit('say', [{ msgId: 'm2' }])
  link.emit('say', [7])
  link.emit('say', ['m3'])
  await until(() => history.records.length === 4, 'four facts')
  link.close(1006)
  await until(() => history.records.length === 5, 'five facts')
  const of = { session: 'ada' }
  expect(facts(history)).toEqual([
    { kind: 'connected', ...of, recovered: false },
    ...['m1', 'm2', 'm3'].map((msgId) => ({ kind: 'delivered', ...of, msgId, room: null })),
    { kind: 'disconnected', ...of },
  ])
})

test('a socket that is connected already begins so; gaps and recoveries are recorded, and ids are as the test says', () => {
  const history = new History()
  const socket = new FakeSocket()
  observeSocket(history, 'ada', socket, { msgIdOf: (event, [first]) => (event === 'n' ? String(first) : undefined) })
  socket.deliver('n', 1)
  socket.deliver('other', 2)
  socket.emit('gap', { room: null, from: 2, to: 3, repaired: true })
  socket.emit('disconnect', 'transport close')
  socket.recovered = true
  socket.emit('connect')
  const of = { session: 'ada' }
  expect(facts(history)).toEqual([
    { kind: 'connected', ...of, recovered: false },
    { kind: 'delivered', ...of, msgId: '1', room: null },
    { kind: 'gap', ...of, room: null, from: 2, to: 3, repaired: true },
    { kind: 'disconnected', ...of },
    { kind: 'connected', ...of, recovered: true },
  ])
})

test('a room is observed: what it begins with, rejoins, snapshots and its end', () => {
  const history = new History()
  const room = new FakeRoom()
  room.messages = [
    { event: 'say', args: ['m1'] },
    { event: 'typing', args: [] },
  ]
  observeRoom(history, 'ada', room)
  room.emit('rejoin', true)
  room.emit('rejoin', false)
  room.messages = [{ event: 'say', args: ['m9'] }]
  room.emit('snapshot')
  room.emit('closed', new Error('out'))
  const of = { session: 'ada', room: 'lobby' }
  expect(facts(history)).toEqual([
    { kind: 'joined', ...of, by: 'client', after: 'm1' },
    { kind: 'rejoined', ...of, recovered: true },
    { kind: 'rejoined', ...of, recovered: false },
    { kind: 'snapshot', ...of, after: 'm9' },
    { kind: 'left', ...of },
  ])
})

test('with events a room is observed as a stream of its own, with what the test says that is shown', () => {
  const history = new History()
  const room = new FakeRoom()
  let state = ['m1', 'm2']
  observeRoom(history, 'ada', room, { events: ['say', 'draw'], shownOf: () => state })
  room.emit('say', 'm3')
  room.emit('draw', { msgId: 'm4' })
  room.emit('say', 5)
  room.emit('other', 'm6')
  room.emit('gap', { room: 'lobby', from: 7, to: 8, repaired: false })
  room.emit('gap', { room: 'lobby', from: 9, to: 9, repaired: true })
  state = ['m8']
  room.emit('snapshot')
  const of = { session: 'ada', room: 'lobby' }
  const view = { ...of, view: 1 }
  expect(facts(history)).toEqual([
    { kind: 'joined', ...of, by: 'client', after: 'm2' },
    { kind: 'rendered', ...view, msgIds: ['m1', 'm2'] },
    { kind: 'added', ...view, msgId: 'm3' },
    { kind: 'added', ...view, msgId: 'm4' },
    { kind: 'missed', ...view, from: 7, to: 8 },
    { kind: 'snapshot', ...of, after: 'm8' },
    { kind: 'rendered', ...view, msgIds: ['m8'] },
  ])
})

test('where what is shown may be newer than the handle, its messages are passed over when they come, and once only', () => {
  const history = new History()
  for (const msgId of ['m1', 'm2', 'm3']) history.published(msgId, 'lobby')
  const room = new FakeRoom()
  room.messages = ['m1', 'm2'].map((msgId) => ({ event: 'say', args: [msgId] }))
  observeRoom(history, 'ada', room, { events: ['say'], mayOverlap: true })
  for (const msgId of ['m2', 'm3']) {
    history.delivered('ada', msgId)
    room.emit('say', msgId)
  }
  expect(history.check()).toEqual([])
  room.emit('say', 'm2')
  expect(history.check().map(({ message }) => message)).toEqual([
    'session ada: the view of room "lobby": m2 is shown twice',
  ])
})

test('the account of a raw client is recorded with positions: what is not accounted for is found', () => {
  const stream = new RawStream(7, 10)
  for (const position of [11, 13, 13, 15]) stream.take({ position, event: 'say', args: [`m${position}`] })
  stream.skip(12, 12)
  const history = new History()
  recordStream(history, 'ada', 'lobby', stream, { epoch: 'e' })
  expect(history.check().map(({ message }) => message)).toEqual([
    'session ada: position 13 of room "lobby" came twice',
    'session ada: positions 14 of room "lobby" are missing, and no gap accounts for them',
  ])
  stream.lose(14)
  const whole = new History()
  recordStream(whole, 'ada', 'lobby', stream, { messages: 'delivered' })
  expect(whole.check()).toEqual([])
})

test('what a proxy drops between a server without positions and a client is found, and nothing else', async () => {
  const random = createRandom()
  console.log(`seed ${random.seed}`)
  await using server = await FakeServer.start()
  await using proxy = await FrameProxy.start(Number(new URL(server.url).port))
  const history = new History()
  using socket = connect(proxy.url, { transports: ['websocket'] })
  observeSocket(history, 'ada', socket)
  const link = await server.link()
  await until(() => socket.connected, 'a connection')
  history.joined('ada', 'lobby', 'server')
  proxy.filter = randomFrameFaults(random, { drop: 0.1, twice: 0.1 })
  const publish = (msgId: string) => {
    history.published(msgId, 'lobby')
    link.emit('say', [msgId])
  }
  for (let i = 0; i < 60; i++) publish(`m${i}`)
  await until(() => proxy.passed.down + proxy.count('drop') === 61, 'all frames at the proxy')
  proxy.pass()
  publish('last')
  const isLast = (record: HistoryRecord) => record.kind === 'delivered' && record.msgId === 'last'
  await until(() => history.records.some(isLast), 'the last message')
  const found = history.check()
  // The first frame down is CONNECTED, before the faults.
  const ids = (verdict: string) =>
    proxy.faults.filter((fault) => fault.verdict === verdict).map((f) => `m${f.index - 1}`)
  expect(ids('drop').length + ids('twice').length).toBeGreaterThan(0)
  const idsOf = (wanted: string) =>
    found.filter(({ invariant }) => invariant === wanted).flatMap(({ msgIds }) => msgIds)
  expect(idsOf('I3')).toEqual(ids('drop'))
  expect(idsOf('I2')).toEqual(ids('twice'))
})
