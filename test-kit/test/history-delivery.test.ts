import { describe, expect, test } from 'vitest'
import { History } from '../history/history'
import { createRandom } from '../random'

/** What is broken, in short. */
function broken(history: History): [invariant: string, ...msgIds: string[]][] {
  return history.check().map(({ invariant, msgIds }) => [invariant, ...msgIds])
}

/** Ada is in the lobby, and m1 to m5 are published to it. */
function lobby(by: 'client' | 'server' = 'server'): History {
  const history = new History()
  history.connected('ada')
  history.joined('ada', 'lobby', by)
  for (const msgId of ['m1', 'm2', 'm3', 'm4', 'm5']) history.published(msgId, 'lobby')
  return history
}

function deliver(history: History, ...msgIds: string[]): void {
  for (const msgId of msgIds) history.delivered('ada', msgId)
}

const loss = { room: 'lobby', from: 3, to: 3, repaired: false }

describe('I2', () => {
  test('a history in which everything comes in order is whole', () => {
    const history = lobby()
    deliver(history, 'm1', 'm2', 'm3', 'm4', 'm5')
    expect(history.check()).toEqual([])
  })

  test('finds a message that came twice', () => {
    const history = lobby()
    deliver(history, 'm1', 'm2', 'm3', 'm2', 'm4', 'm5')
    expect(broken(history)).toEqual([['I2', 'm2']])
    expect(history.check()[0]?.message).toBe('session ada: m2 was delivered twice')
  })

  test('finds a message that came twice on two connections', () => {
    const history = lobby()
    deliver(history, 'm1', 'm2', 'm3', 'm4', 'm5')
    history.disconnected('ada')
    history.connected('ada', true)
    deliver(history, 'm5')
    expect(broken(history)).toEqual([['I2', 'm5']])
  })

  test('finds messages out of order', () => {
    const history = lobby()
    deliver(history, 'm1', 'm3', 'm2', 'm4', 'm5')
    expect(broken(history)).toEqual([['I2', 'm2', 'm3']])
  })

  test('finds messages that a snapshot contained already, and owes none in front of these', () => {
    const history = lobby('client')
    deliver(history, 'm1')
    history.snapshot('ada', 'lobby', { after: 'm4' })
    deliver(history, 'm2', 'm4', 'm5')
    expect(broken(history)).toEqual([
      ['I2', 'm2', 'm4'],
      ['I2', 'm4', 'm4'],
    ])
  })

  test('finds messages that were published for others, or not at all', () => {
    const history = lobby()
    deliver(history, 'm1', 'm2', 'm3', 'm4', 'm5')
    history.published('to bob', { session: 'bob' })
    history.published('not to ada', null, { except: ['ada'] })
    deliver(history, 'to bob', 'not to ada', 'unheard of')
    expect(broken(history)).toEqual([
      ['I2', 'to bob'],
      ['I2', 'not to ada'],
      ['I2', 'unheard of'],
    ])
  })

  test('rooms have orders of their own, and where positions are known these are the order', () => {
    const history = new History()
    history.published('b', 'lobby', { position: 2 })
    history.published('a', 'lobby', { position: 1 })
    history.published('x', 'hall')
    history.published('c', 'lobby', { position: 1, epoch: 'later' })
    deliver(history, 'x', 'a', 'b', 'c')
    expect(history.check()).toEqual([])
  })
})

describe('I3', () => {
  test('finds a hole, and says between which records it is', () => {
    const history = lobby()
    deliver(history, 'm1', 'm2', 'm5')
    const [violation, ...others] = history.check()
    expect(others).toEqual([])
    expect(violation).toMatchObject({ invariant: 'I3', session: 'ada', msgIds: ['m3', 'm4'] })
    expect(violation?.message).toBe('session ada: of room "lobby" 2 are missing: m3, m4, and no gap accounts for them')
    expect(violation?.records.map((line) => line.replace(/ \+.* ms /, ' '))).toEqual([
      '#0 connected {"session":"ada","recovered":false}',
      '#1 joined {"session":"ada","room":"lobby","by":"server"}',
      '#7 delivered {"session":"ada","msgId":"m1","room":null}',
      '#8 delivered {"session":"ada","msgId":"m2","room":null}',
      '#9 delivered {"session":"ada","msgId":"m5","room":null}',
    ])
  })

  test('finds what is missing at the beginning and at the end', () => {
    const history = lobby()
    deliver(history, 'm2', 'm3')
    expect(broken(history)).toEqual([
      ['I3', 'm1'],
      ['I3', 'm4', 'm5'],
    ])
  })

  test.each(['lobby', null])('a hole that a gap of %s covers is accounted for', (room) => {
    const history = lobby()
    deliver(history, 'm1', 'm2')
    history.gap('ada', { ...loss, room })
    deliver(history, 'm4', 'm5')
    expect(history.check()).toEqual([])
  })

  test('a gap may be told a little later than the message behind it', () => {
    const history = lobby()
    deliver(history, 'm1', 'm2', 'm4')
    history.gap('ada', loss)
    deliver(history, 'm5')
    expect(history.check()).toEqual([])
  })

  test.each([
    ['was repaired', { ...loss, repaired: true }],
    ['is of another room', { ...loss, room: 'hall' }],
  ])('a gap that %s accounts for nothing', (_what, report) => {
    const history = lobby()
    deliver(history, 'm1', 'm2')
    history.gap('ada', report)
    deliver(history, 'm4', 'm5')
    expect(broken(history)).toEqual([['I3', 'm3']])
  })

  test('a gap of another session, or from before the hole, accounts for nothing', () => {
    const history = lobby()
    history.gap('bob', loss)
    deliver(history, 'm1')
    history.gap('ada', loss)
    deliver(history, 'm2', 'm4', 'm5')
    expect(broken(history)).toEqual([['I3', 'm3']])
  })

  test('a gap covers no more messages than it has positions', () => {
    const history = lobby()
    deliver(history, 'm1')
    history.gap('ada', loss)
    deliver(history, 'm3')
    history.gap('ada', { ...loss, from: 4, to: 4 })
    deliver(history, 'm5')
    expect(history.check()).toEqual([])
    const other = lobby()
    deliver(other, 'm1')
    other.gap('ada', loss)
    deliver(other, 'm5')
    expect(broken(other)).toEqual([['I3', 'm3', 'm4']])
  })

  test('where the position of a message is known, a gap has to name it', () => {
    const history = new History()
    for (const position of [1, 2, 3]) history.published(`m${position}`, 'lobby', { position })
    deliver(history, 'm1')
    history.gap('ada', { ...loss, from: 3, to: 9 })
    deliver(history, 'm3')
    expect(broken(history)).toEqual([['I3', 'm2']])
    history.gap('ada', { ...loss, from: 2, to: 2 })
    expect(history.check()).toEqual([])
  })

  test('a message for several rooms is missing once, and a gap of any of them covers it', () => {
    const history = new History()
    for (const room of ['lobby', 'hall']) history.joined('ada', room, 'server')
    history.published('m1', ['hall', 'lobby'])
    expect(broken(history)).toEqual([['I3', 'm1']])
    history.gap('ada', { ...loss, from: 1, to: 1 })
    expect(history.check()).toEqual([])
  })

  test('messages from outside of a membership are not missing', () => {
    const history = new History()
    history.connected('ada')
    history.published('before', 'lobby')
    history.joined('ada', 'lobby', 'server')
    history.published('m1', 'lobby')
    deliver(history, 'm1')
    history.left('ada', 'lobby')
    history.published('between', 'lobby')
    history.joined('ada', 'lobby', 'server')
    history.published('m2', 'lobby')
    deliver(history, 'm2')
    history.disconnected('ada')
    history.published('after', 'lobby')
    expect(history.check()).toEqual([])
  })

  test('a snapshot says exactly what is to follow', () => {
    const history = lobby('client')
    deliver(history, 'm1')
    history.snapshot('ada', 'lobby', { after: 'm3' })
    deliver(history, 'm5')
    expect(broken(history)).toEqual([['I3', 'm4']])
  })

  test('a join with a snapshot owes what is behind that, though it was published earlier', () => {
    const history = new History()
    for (const msgId of ['m1', 'm2', 'm3']) history.published(msgId, 'lobby')
    history.joined('ada', 'lobby', 'client', { after: 'm1' })
    expect(broken(history)).toEqual([['I3', 'm2', 'm3']])
  })

  test('messages to everyone and to one session are owed from the first connect on', () => {
    const history = new History()
    history.published('before', null)
    history.connected('ada')
    history.published('m1', null)
    history.published('m2', { session: 'ada' })
    history.published('m3', { session: 'bob' })
    history.published('m4', null, { except: ['ada'] })
    expect(broken(history)).toEqual([
      ['I3', 'm1'],
      ['I3', 'm2'],
    ])
    deliver(history, 'm2', 'm1')
    expect(history.check()).toEqual([])
  })

  test('a connect that has recovered nothing ends what was owed, until the room is joined again', () => {
    const history = lobby()
    deliver(history, 'm1', 'm2')
    history.disconnected('ada')
    history.connected('ada', false)
    history.published('m6', 'lobby')
    expect(history.check()).toEqual([])
    history.joined('ada', 'lobby', 'server')
    history.published('m7', 'lobby')
    expect(broken(history)).toEqual([['I3', 'm7']])
  })

  test('a room that the server has put a session into before this heard of its connect is owed', () => {
    const history = new History()
    for (let connection = 1; connection <= 2; connection++) {
      history.joined('ada', 'lobby', 'server')
      history.connected('ada', false)
      history.published(`lost${connection}`, 'lobby')
      history.published(`m${connection}`, 'lobby')
      deliver(history, `m${connection}`)
      history.disconnected('ada')
    }
    expect(broken(history)).toEqual([
      ['I3', 'lost1'],
      ['I3', 'lost2'],
    ])
  })

  test('records of another process may come late, with the time from there', () => {
    const history = new History()
    history.add({ kind: 'connected', session: 'ada', recovered: false }, 1)
    history.add({ kind: 'joined', session: 'ada', room: 'lobby', by: 'client' }, 3)
    history.add({ kind: 'delivered', session: 'ada', msgId: 'm3', room: null }, 5)
    history.add({ kind: 'published', msgId: 'm1', to: 'lobby', except: [] }, 2)
    history.add({ kind: 'published', msgId: 'm3', to: 'lobby', except: [] }, 4.9)
    expect(history.check()).toEqual([])
    history.add({ kind: 'published', msgId: 'm2', to: 'lobby', except: [] }, 4)
    expect(broken(history)).toEqual([['I3', 'm2']])
  })
})

describe('I4', () => {
  test('finds a hole in front of a connect that claims to have recovered', () => {
    const history = lobby()
    deliver(history, 'm1', 'm2')
    history.disconnected('ada')
    history.connected('ada', true)
    deliver(history, 'm4', 'm5')
    expect(broken(history)).toEqual([['I4', 'm3']])
    expect(history.check()[0]?.message).toContain('though a resume said that nothing was')
  })

  test('finds what a recovered session was never given, though nothing follows', () => {
    const history = lobby()
    deliver(history, 'm1', 'm2', 'm3')
    history.published('direct', { session: 'ada' })
    history.connected('ada', true)
    expect(broken(history)).toEqual([
      ['I4', 'direct'],
      ['I4', 'm4', 'm5'],
    ])
  })

  test('a hole from before a connection was lost is one like any other', () => {
    const history = lobby()
    deliver(history, 'm1', 'm3')
    history.connected('ada', true)
    deliver(history, 'm4', 'm5')
    expect(broken(history)).toEqual([['I3', 'm2']])
  })

  test('what was published after a resume and is missing is a hole like any other', () => {
    const history = lobby()
    deliver(history, 'm1', 'm2', 'm3', 'm4', 'm5')
    history.connected('ada', true)
    history.published('m6', 'lobby')
    expect(broken(history)).toEqual([['I3', 'm6']])
  })

  test.each([
    ['connect', (history: History) => history.connected('ada', true)],
    ['rejoin', (history: History) => history.rejoined('ada', 'lobby', true)],
  ])(
    'a loss that is told behind a %s that claims to have recovered accounts for nothing from before',
    (_what, claim) => {
      const history = lobby('client')
      deliver(history, 'm1', 'm2')
      claim(history)
      history.gap('ada', loss)
      deliver(history, 'm4', 'm5')
      expect(broken(history)).toEqual([['I4', 'm3']])
    },
  )

  test('of two resumes the first counts that claims to have recovered', () => {
    const history = lobby()
    deliver(history, 'm1', 'm2')
    history.connected('ada', true)
    history.gap('ada', loss)
    history.connected('ada', true)
    deliver(history, 'm4', 'm5')
    expect(broken(history)).toEqual([['I4', 'm3']])
  })

  test('a loss that is told before, or of what is published after the resume, accounts for it', () => {
    const history = lobby()
    deliver(history, 'm1', 'm2')
    history.gap('ada', loss)
    history.connected('ada', true)
    deliver(history, 'm4', 'm5')
    for (const msgId of ['m6', 'm7']) history.published(msgId, 'lobby')
    history.gap('ada', { ...loss, from: 6, to: 6 })
    deliver(history, 'm7')
    expect(history.check()).toEqual([])
  })

  test('a room that a client has joined itself is judged by its own rejoin', () => {
    const history = lobby('client')
    deliver(history, 'm1', 'm2')
    history.disconnected('ada')
    history.connected('ada', false)
    expect(history.check()).toEqual([])
    history.rejoined('ada', 'lobby', true)
    expect(broken(history)).toEqual([['I4', 'm3', 'm4', 'm5']])
  })

  test('a rejoin that has recovered nothing begins anew', () => {
    const history = lobby('client')
    deliver(history, 'm1', 'm2')
    history.connected('ada', false)
    history.rejoined('ada', 'lobby', false, { after: 'm4' })
    deliver(history, 'm5')
    expect(history.check()).toEqual([])
  })

  test('within the window whoever comes back has to recover', () => {
    const history = new History({ resumeWindowMs: 1_000 })
    const add = (kind: 'connected' | 'disconnected', at: number, recovered = false) =>
      history.add(kind === 'connected' ? { kind, session: 'ada', recovered } : { kind, session: 'ada' }, at)
    add('connected', 0)
    add('disconnected', 1_000)
    add('connected', 2_500)
    add('disconnected', 3_000)
    add('connected', 3_500, true)
    expect(history.check()).toEqual([])
    add('disconnected', 4_000)
    add('connected', 4_900)
    expect(history.check().map(({ message }) => message)).toEqual([
      'session ada: was away for 900 ms of 1000, and did not recover',
    ])
  })
})

test('a session is away without its link, and without the rooms that it had joined itself', () => {
  const history = lobby('client')
  history.joined('ada', 'side', 'server')
  expect(history.away()).toEqual([])
  history.disconnected('ada')
  expect(history.away()).toEqual(['ada'])
  history.connected('ada', true)
  expect(history.away()).toEqual([])
  history.disconnected('ada')
  history.connected('ada', false)
  expect(history.away()).toEqual(['ada'])
  history.rejoined('ada', 'lobby', false)
  expect(history.away()).toEqual([])
  history.left('ada', 'lobby')
  history.disconnected('ada')
  history.connected('ada', false)
  expect(history.away()).toEqual([])
})

test('many violations are reported in part, and counted', () => {
  const history = new History()
  for (let i = 0; i < 30; i++) deliver(history, `unheard of ${i}`)
  const found = history.check()
  expect(found).toHaveLength(21)
  expect(found.at(-1)?.message).toBe('and 10 more of these')
})

test('of a random history exactly the fault that was put in is found', () => {
  const random = createRandom()
  console.log(`seed ${random.seed}`)
  for (let run = 0; run < 200; run++) {
    const rooms = ['a', 'b', 'c']
    const sent = Array.from({ length: 40 }, (_, i) => ({ msgId: `m${i}`, room: random.pick(rooms) }))
    const wanted = random.pick(['none', 'twice', 'hole', 'gap', 'swap'])
    const victim = random.pick(sent)
    const later = sent.slice(sent.indexOf(victim) + 1).find(({ room }) => room === victim.room)
    const fault = wanted === 'swap' && later === undefined ? 'none' : wanted
    const history = new History()
    history.connected('ada')
    for (const room of rooms) history.joined('ada', room, 'server')
    for (const { msgId, room } of sent) {
      history.published(msgId, room)
      if (msgId !== victim.msgId || fault === 'none') deliver(history, msgId)
      else if (fault === 'twice') deliver(history, msgId, msgId)
      else if (fault === 'gap') history.gap('ada', { room, from: 1, to: 1, repaired: false })
      if (fault === 'swap' && msgId === later?.msgId) deliver(history, victim.msgId)
    }
    const expected = { none: [], gap: [], twice: ['I2'], swap: ['I2'], hole: ['I3'] }[fault]
    const found = history.check()
    expect(
      found.map(({ invariant }) => invariant),
      `run ${run}: ${fault} of ${victim.msgId}`,
    ).toEqual(expected)
    if (found.length > 0) expect(found[0]?.msgIds).toContain(victim.msgId)
  }
})
