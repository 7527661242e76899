import { describe, expect, test } from 'vitest'
import { History } from '../history/history'

function broken(history: History): string[] {
  return history.check().map(({ invariant, message }) => `${invariant} ${message}`)
}

describe('I1', () => {
  test('a call may be handled once, or not at all if it has failed', () => {
    const history = new History()
    for (const msgId of ['answered', 'unanswered', 'lost', 'too late']) history.called(msgId)
    for (const msgId of ['answered', 'unanswered', 'too late']) history.handled(msgId)
    history.answered('answered')
    for (const msgId of ['lost', 'too late']) history.failed(msgId)
    expect(history.check()).toEqual([])
  })

  test('finds a call that never settles', () => {
    const history = new History()
    for (const msgId of ['c1', 'c2']) history.called(msgId)
    history.failed('c2')
    expect(broken(history)).toEqual(['I1 c1 was called, and neither handled nor answered, nor has it failed'])
    history.handled('c1')
    expect(history.check()).toEqual([])
  })

  test('finds what has failed and was never called', () => {
    const history = new History()
    history.failed('c1')
    expect(broken(history)).toEqual(['I1 c1 has failed and was never called'])
  })

  test('finds what was answered and never handled, and what was handled and never called', () => {
    const history = new History()
    history.called('c1')
    history.answered('c1')
    history.handled('c2')
    expect(broken(history)).toEqual(['I1 c1 was answered and never handled', 'I1 c2 was handled and never called'])
  })

  test('finds what was handled twice, by two servers too, and shows the records', () => {
    const history = new History()
    history.called('c1')
    history.handled('c1', 'north')
    history.called('c1')
    history.handled('c1', 'south')
    expect(broken(history)).toEqual(['I1 c1 was handled 2 times'])
    expect(history.check()[0]?.records.map((line) => line.replace(/ \+.* ms /, ' '))).toEqual([
      '#0 called {"msgId":"c1","once":true}',
      '#1 handled {"msgId":"c1","server":"north"}',
      '#2 called {"msgId":"c1","once":true}',
      '#3 handled {"msgId":"c1","server":"south"}',
    ])
  })

  test('what does not have to take effect once may be handled twice', () => {
    const history = new History()
    history.called('c1', false)
    history.handled('c1')
    history.handled('c1')
    expect(history.check()).toEqual([])
  })
})

test('I5 finds ghosts, users that are not shown, and those that are shown twice', () => {
  const history = new History()
  history.presence({ node: 'n1', shown: ['ada', 'bob'], live: ['bob', 'ada'] })
  expect(history.check()).toEqual([])
  history.presence({ node: 'n1', room: 'lobby', shown: ['ada', 'cyd', 'ada'], live: ['ada', 'bob'] })
  expect(broken(history)).toEqual([
    'I5 node n1, room "lobby": shows cyd, who are not there',
    'I5 node n1, room "lobby": does not show bob',
    'I5 node n1, room "lobby": shows ada more than once',
  ])
})

test('I6 finds what did not go back: memory by shares, everything else exactly', () => {
  const history = new History()
  const before = { heapBytes: 1_000, rssBytes: 1_000, sessions: 2, timers: 5 }
  history.resources({ process: 'server', before, after: { ...before, heapBytes: 1_050, rssBytes: 700 } })
  history.resources({ process: 'server', before, after: { ...before, timers: 6 }, tolerance: { timers: 0.5 } })
  expect(history.check()).toEqual([])
  history.resources({ process: 'server', before, after: { heapBytes: 1_051, rssBytes: 1_151, sessions: 1 } })
  expect(broken(history)).toEqual([
    'I6 process server: heapBytes was 1000 and is 1051',
    'I6 process server: rssBytes was 1000 and is 1151',
    'I6 process server: sessions was 2 and is 1',
    'I6 process server: timers was 5 and is undefined',
  ])
})

test('I7 finds what was not caught', () => {
  const history = new History()
  history.uncaught('client', 0)
  history.uncaught('server', 2, new Error('boom'))
  expect(broken(history)).toEqual(['I7 process server: 2 uncaught, Error: boom'])
})

test('I8 finds a bystander that lost something, or that waited too long', () => {
  const history = new History()
  const quietMs = Array.from({ length: 200 }, (_, i) => (i < 198 ? 1 : 10))
  const loadedMs = Array.from({ length: 200 }, (_, i) => (i < 198 ? 52 : 900))
  history.bystander('b1', { quietMs, loadedMs })
  expect(history.check()).toEqual([])
  history.bystander('b2', { quietMs, loadedMs: [53, ...loadedMs.slice(1, 198), 53, 53], dropped: 1 })
  history.bystander('b3', { quietMs, loadedMs: [] })
  expect(broken(history)).toEqual([
    'I8 bystander b2: 1 dropped',
    'I8 bystander b2: p99 is 53 ms, allowed are 52',
    'I8 bystander b3: p99 is NaN ms, allowed are 52',
  ])
})
