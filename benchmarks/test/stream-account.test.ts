import { expect, test } from 'vitest'
import { StreamAccount } from '../src/scenarios/stream-account'

/** Positions of the room are ahead of the numbers by so many. */
const AHEAD = 100

function accountOf(...numbers: number[]): StreamAccount {
  const account = new StreamAccount()
  for (const number of numbers) account.take(number, number + AHEAD)
  return account
}

test('what is missing without a word is silent, what comes again or late is out of order', () => {
  expect(accountOf(1, 2, 3).report()).toEqual({ delivered: 3, told: 0, silent: 0, disordered: 0 })
  expect(accountOf(7, 8, 11).report()).toEqual({ delivered: 3, told: 0, silent: 2, disordered: 0 })
  expect(accountOf(1, 3, 2, 3, 4).report()).toEqual({ delivered: 3, told: 0, silent: 1, disordered: 2 })
})

test('a gap excuses its positions and no others', () => {
  const account = accountOf(1, 2)
  account.tell({ from: 3 + AHEAD, to: 5 + AHEAD })
  account.take(8, 8 + AHEAD)
  expect(account.report()).toEqual({ delivered: 3, told: 3, silent: 2, disordered: 0 })
})

test('a room that begins anew excuses the next hole, and none behind it', () => {
  const account = accountOf(1, 2)
  account.tellAnew()
  account.take(5, 5)
  account.take(7, 7)
  expect(account.report()).toEqual({ delivered: 4, told: 2, silent: 1, disordered: 0 })
  const whole = accountOf(1, 2)
  whole.tellAnew()
  whole.take(3, 3)
  whole.take(5, 5)
  expect(whole.report()).toEqual({ delivered: 4, told: 0, silent: 1, disordered: 0 })
})
