import { createCompactCodec, encodeFrame, MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { connect } from '../clients'
import { type FakeLink, FakeServer } from '../fake-server'
import { History } from '../history/history'
import { observeRoom, observeSocket } from '../history/observe'
import { createRandom } from '../random'
import type { RawFrame } from '../raw-client'
import { until } from '../wait'

const of = { session: 'ada', room: 'lobby' }
const view = { ...of, view: 0 }
const codec = createCompactCodec()

/** What is broken, in short. */
function broken(history: History): [invariant: string, ...msgIds: string[]][] {
  return history.check().map(({ invariant, msgIds }) => [invariant, ...msgIds])
}

/** m1 to m5 are published to the lobby, Ada has joined it, and her socket was given everything. */
function lobby(...shown: string[]): History {
  const history = new History()
  const ids = ['m1', 'm2', 'm3', 'm4', 'm5']
  for (const msgId of ids) history.published(msgId, 'lobby')
  history.joined('ada', 'lobby', 'client', { after: shown.at(-1) })
  history.rendered(view, shown)
  for (const msgId of ids.slice(ids.indexOf(shown.at(-1) ?? '') + 1)) history.delivered('ada', msgId)
  return history
}

function add(history: History, ...msgIds: string[]): void {
  for (const msgId of msgIds) history.added(view, msgId)
}

describe('the view of a room', () => {
  test('is whole with what is shown at the join and what is added since, in order', () => {
    const history = lobby('m1', 'm2')
    add(history, 'm3', 'm4', 'm5')
    expect(history.check()).toEqual([])
  })

  test('is whole with what is added to nothing, and owes what is published from then on', () => {
    const history = new History()
    history.published('before', 'lobby')
    history.joined('ada', 'lobby', 'client')
    history.rendered(view, [])
    history.published('m1', 'lobby')
    history.delivered('ada', 'm1')
    expect(broken(history)).toEqual([['I3', 'm1']])
    add(history, 'm1')
    expect(history.check()).toEqual([])
  })

  test('has a hole where the handle was not given what the socket was', () => {
    const history = lobby('m1', 'm2')
    add(history, 'm5')
    expect(broken(history)).toEqual([['I3', 'm3', 'm4']])
    expect(history.check()[0]?.message).toBe(
      'session ada: of the view of room "lobby" 2 are missing: m3, m4, and no gap accounts for them',
    )
  })

  test('has a hole at its end, and within what is shown', () => {
    const history = lobby('m1', 'm3')
    add(history, 'm4')
    expect(broken(history)).toEqual([
      ['I3', 'm2'],
      ['I3', 'm5'],
    ])
  })

  test('finds a message twice: among those added, among those shown, and in both', () => {
    const history = lobby('m1', 'm1', 'm2')
    add(history, 'm2', 'm3', 'm3', 'm4', 'm5')
    expect(broken(history)).toEqual([
      ['I2', 'm1'],
      ['I2', 'm2'],
      ['I2', 'm3'],
    ])
    expect(history.check()[0]?.message).toBe('session ada: the view of room "lobby": m1 is shown twice')
  })

  test('finds messages out of order, from elsewhere, for others, and never published', () => {
    const history = lobby('m2', 'm1')
    history.published('of the hall', 'hall')
    history.published('not to ada', 'lobby', { except: ['ada'] })
    add(history, 'm3', 'm5', 'm4', 'of the hall', 'not to ada', 'unheard of')
    expect(broken(history)).toEqual([
      ['I2', 'm1', 'm2'],
      ['I2', 'm4', 'm5'],
      ['I2', 'of the hall'],
      ['I2', 'not to ada'],
      ['I2', 'unheard of'],
    ])
  })

  test('begins anew with a snapshot: what comes again behind an older one is not there twice', () => {
    const history = lobby('m1', 'm2')
    add(history, 'm3', 'm4')
    history.rendered(view, ['m2', 'm3'])
    add(history, 'm4', 'm5')
    expect(history.check()).toEqual([])
  })

  test('has a hole if what was added before a snapshot is not in that, and does not come again', () => {
    const history = lobby('m1', 'm2')
    add(history, 'm3', 'm4')
    history.rendered(view, ['m2', 'm3'])
    add(history, 'm5')
    expect(broken(history)).toEqual([['I3', 'm4']])
  })

  test('owes the room only from what a snapshot shows first, and nothing to the end of what it replaces', () => {
    const history = lobby('m1')
    history.missed(view, 2, 3)
    history.rendered(view, ['m4', 'm5'])
    expect(history.check()).toEqual([])
  })

  test('shows what a snapshot has of messages that the session itself was left out of', () => {
    const history = new History()
    history.published('my own', 'lobby', { except: ['ada'] })
    history.joined('ada', 'lobby', 'client', { after: 'my own' })
    history.rendered(view, ['my own'])
    history.published('my next', 'lobby', { except: ['ada'] })
    expect(history.check()).toEqual([])
  })

  test('is excused by a loss that the handle tells behind the message in front of it', () => {
    const history = lobby('m1', 'm2')
    add(history, 'm4')
    history.missed(view, 3, 3)
    add(history, 'm5')
    expect(history.check()).toEqual([])
  })

  test.each([
    ['the socket alone is told', (history: History) => history.gap('ada', { ...of, from: 3, to: 3, repaired: false })],
    ['another handle tells', (history: History) => history.missed({ ...view, view: 1 }, 3, 3)],
  ])('is not excused by a loss that %s', (_what, tell) => {
    const history = lobby('m1', 'm2')
    tell(history)
    add(history, 'm4', 'm5')
    expect(broken(history)).toEqual([['I3', 'm3']])
  })

  test('is not excused by a loss from before the snapshot, nor beyond its positions', () => {
    const history = lobby('m1')
    history.missed(view, 2, 9)
    history.rendered(view, ['m1'])
    history.missed(view, 2, 2)
    add(history, 'm4', 'm5')
    expect(broken(history)).toEqual([['I3', 'm3']])
  })

  test.each([
    ['connect', (history: History) => history.connected('ada', true)],
    ['rejoin', (history: History) => history.rejoined('ada', 'lobby', true)],
  ])('is to be whole behind a %s that has recovered, whatever is told after that', (_what, claim) => {
    const history = lobby('m1', 'm2')
    claim(history)
    history.missed(view, 3, 3)
    add(history, 'm4', 'm5')
    expect(broken(history)).toEqual([['I4', 'm3']])
  })

  test('is owed nothing while its session is away, and everything behind a rejoin', () => {
    const history = lobby('m1', 'm2')
    history.disconnected('ada')
    expect(history.check()).toEqual([])
    history.connected('ada', false)
    expect(history.check()).toEqual([])
    history.rejoined('ada', 'lobby', false, { after: 'm5' })
    expect(broken(history)).toEqual([['I3', 'm3', 'm4', 'm5']])
    history.rendered(view, ['m5'])
    expect(history.check()).toEqual([])
  })

  test.each([
    ['is left', (history: History) => history.left('ada', 'lobby')],
    ['is joined by another handle', (history: History) => history.joined('ada', 'lobby', 'client', { after: 'm5' })],
  ])('ends when the room %s', (_what, end) => {
    const history = lobby('m1', 'm2')
    add(history, 'm4')
    end(history)
    expect(broken(history)).toEqual([['I3', 'm3']])
  })

  test('of one of several rooms is not owed what was sent to these together, which one handle is given', () => {
    const history = lobby('m1', 'm2')
    add(history, 'm3', 'm4', 'm5')
    history.published('both', ['lobby', 'hall'])
    history.delivered('ada', 'both')
    expect(broken(history)).toEqual([['I3', 'both']])
    history.joined('ada', 'hall', 'server')
    expect(history.check()).toEqual([])
  })
})

test('of a random view exactly the fault that was put in is found', () => {
  const random = createRandom()
  console.log(`seed ${random.seed}`)
  for (let run = 0; run < 200; run++) {
    const history = new History()
    history.joined('ada', 'lobby', 'client')
    history.rendered(view, [])
    const fault = random.pick(['none', 'twice', 'hole', 'gap'])
    const sent: string[] = []
    const victim = `m${random.below(39)}`
    for (let i = 0; i < 40; i++) {
      const msgId = `m${i}`
      history.published(msgId, 'lobby')
      history.delivered('ada', msgId)
      const isVictim = msgId === victim
      if (!isVictim || fault === 'none' || fault === 'twice') add(history, msgId)
      if (isVictim && fault === 'twice') add(history, msgId)
      if (isVictim && fault === 'gap') history.missed(view, i + 1, i + 1)
      sent.push(msgId)
      // An older state, which what came since follows once more.
      const from = sent.indexOf(victim) + 1
      if (random.chance(0.1) && from > 0 && from < sent.length) {
        const at = from + random.below(sent.length - from)
        history.rendered(view, sent.slice(from, at + 1))
        add(history, ...sent.slice(at + 1))
      }
    }
    const expected = { none: [], gap: [], twice: [['I2', victim]], hole: [['I3', victim]] }[fault]
    expect(broken(history), `run ${run}: ${fault} of ${victim}`).toEqual(expected)
  }
})

/** The answer to `join`: the room has number 7, and shows these positions. */
function show(link: FakeLink, frame: RawFrame, seq: number, shown: readonly number[]): void {
  const frameOf = (n: number) => encodeFrame(codec, { type: MESSAGE_TYPES.EVENT, event: 'say' }, [`m${n}`]).slice()
  const messages = shown.map((n) => [n, 1_700_000_000_000, frameOf(n)])
  link.ack(frame, { room: 7, epoch: 'e', seq, recovered: false, messages })
}

test('the handle of a real client is observed: what it shows, snapshots, its events, and what only the socket hears', async () => {
  const joins: RawFrame[] = []
  await using server = await FakeServer.start({
    onFrame: (_link, frame) => {
      if (frame.type === 'REQUEST' && (frame.body as unknown[])[0] === 'join') joins.push(frame)
    },
  })
  const history = new History()
  using socket = connect(server.url, { transports: ['websocket'] })
  observeSocket(history, 'ada', socket)
  const link = await server.link()
  await until(() => socket.connected, 'a connection')
  const say = (n: number, event = 'say') => link.send({ type: MESSAGE_TYPES.EVENT, event, room: 7, seq: n }, [`m${n}`])
  for (let n = 1; n <= 5; n++) history.published(`m${n}`, 'lobby')
  const join = async (seq: number, shown: readonly number[]) => {
    const count = joins.length
    const joining = socket.join('lobby')
    await until(() => joins.length > count, 'a join')
    show(link, joins[count] as RawFrame, seq, shown)
    return joining
  }
  observeRoom(history, 'ada', await join(2, [1, 2]), { events: ['say'] })
  say(3)
  say(4)
  const delivered = (n: number) => history.records.some((r) => r.kind === 'delivered' && r.msgId === `m${n}`)
  await until(() => delivered(4), 'the fourth')
  await join(4, [3, 4])
  say(5)
  await until(() => delivered(5), 'the fifth')
  expect(history.check()).toEqual([])
  const kinds = ['rendered', 'added', 'missed']
  const facts = history.records.filter(({ kind }) => kinds.includes(kind)).map(({ at, index, ...fact }) => fact)
  const here = { ...of, view: expect.any(Number) }
  expect(facts).toEqual([
    { kind: 'rendered', ...here, msgIds: ['m1', 'm2'] },
    { kind: 'added', ...here, msgId: 'm3' },
    { kind: 'added', ...here, msgId: 'm4' },
    { kind: 'rendered', ...here, msgIds: ['m3', 'm4'] },
    { kind: 'added', ...here, msgId: 'm5' },
  ])
  // Of an event of another name the handle was not asked about nothing is known.
  history.published('m6', 'lobby')
  say(6, 'other')
  await until(() => delivered(6), 'the sixth')
  expect(broken(history)).toEqual([['I3', 'm6']])
})
