import { expect, test } from 'vitest'
import { History } from '../history/history'

function broken(history: History): string[] {
  return history.check().map(({ invariant, message }) => `${invariant} ${message}`)
}

/** Ada is given these positions of the lobby. */
function deliver(history: History, positions: readonly number[], epoch?: string): void {
  for (const position of positions) {
    history.delivered('ada', `${epoch ?? ''}${position}`, { room: 'lobby', position, epoch })
  }
}

const lobby = { room: 'lobby', repaired: false }

test('positions that rise by one are whole', () => {
  const history = new History()
  deliver(history, [5, 6, 7])
  expect(history.check()).toEqual([])
})

test('I2 finds a position that came twice, and one that came late', () => {
  const history = new History()
  deliver(history, [1, 2, 2, 3, 5, 4])
  expect(broken(history)).toEqual([
    'I2 session ada: position 2 of room "lobby" came twice',
    'I2 session ada: position 4 of room "lobby" came behind 5',
    'I3 session ada: positions 4 of room "lobby" are missing, and no gap accounts for them',
  ])
})

test('I3 finds positions that nothing accounts for, also right behind the place of the join', () => {
  const history = new History()
  history.joined('ada', 'lobby', 'client', { position: 2 })
  deliver(history, [4, 5, 9])
  history.skipped('ada', 'lobby', 6, 6)
  history.skipped('ada', 'hall', 7, 7)
  history.gap('ada', { ...lobby, from: 8, to: 8 })
  history.gap('ada', { ...lobby, from: 7, to: 7, repaired: true })
  history.gap('bob', { ...lobby, from: 3, to: 3 })
  expect(broken(history)).toEqual([
    'I3 session ada: positions 3 of room "lobby" are missing, and no gap accounts for them',
    'I3 session ada: positions 7 of room "lobby" are missing, and no gap accounts for them',
  ])
})

test('skips and gaps account for positions, also those that overlap', () => {
  const history = new History()
  deliver(history, [1, 9])
  history.skipped('ada', 'lobby', 2, 4)
  history.gap('ada', { ...lobby, from: 3, to: 7 })
  history.gap('ada', { ...lobby, room: null, from: 8, to: 20 })
  expect(history.check()).toEqual([])
})

test('I3 finds an order that begins anew without a word', () => {
  const history = new History()
  deliver(history, [8, 9], 'a')
  deliver(history, [1, 2], 'b')
  expect(broken(history)).toEqual([
    'I3 session ada: position 1 of room "lobby" is of another epoch, and nobody has said so',
  ])
})

test.each([
  ['a join', (history: History) => history.joined('ada', 'lobby', 'client', { position: 0 })],
  ['a snapshot', (history: History) => history.snapshot('ada', 'lobby')],
  ['a rejoin', (history: History) => history.rejoined('ada', 'lobby', false)],
  ['a connect', (history: History) => history.connected('ada', false)],
])('%s that recovers nothing says that an order begins anew', (_what, say) => {
  const history = new History()
  deliver(history, [8, 9], 'a')
  say(history)
  deliver(history, [1, 2], 'b')
  expect(history.check()).toEqual([])
})

test('I4 finds positions that are missing though a resume said otherwise', () => {
  const history = new History()
  deliver(history, [1, 2])
  history.connected('ada', true)
  deliver(history, [4, 6])
  expect(broken(history)).toEqual([
    'I3 session ada: positions 5 of room "lobby" are missing, and no gap accounts for them',
    'I4 session ada: positions 3 of room "lobby" are missing, though a resume said that nothing was',
  ])
})

test('a hole that positions show is not reported again by its messages, but the end of the room is', () => {
  const history = new History()
  for (const position of [1, 2, 3, 4]) history.published(String(position), 'lobby')
  deliver(history, [1, 3])
  expect(broken(history)).toEqual([
    'I3 session ada: of room "lobby" 1 are missing: 4, and no gap accounts for them',
    'I3 session ada: positions 2 of room "lobby" are missing, and no gap accounts for them',
  ])
})

test('the stream of a session has positions as well', () => {
  const history = new History()
  for (const position of [1, 3]) history.delivered('ada', `d${position}`, { position })
  expect(broken(history)).toEqual([
    'I3 session ada: positions 2 of its own stream are missing, and no gap accounts for them',
  ])
})
