import { expect, test } from 'vitest'
import { inOrder } from '../src/rounds'

const PEERS = ['a', 'b', 'c', 'd', 'e', 'f']

test('each peer has each place, and each predecessor, equally often', () => {
  const orders = PEERS.map((_, time) => inOrder(PEERS, time))
  for (const order of orders) expect([...order].sort()).toEqual(PEERS)
  for (const place of PEERS.keys()) expect(new Set(orders.map((order) => order[place])).size).toBe(PEERS.length)
  const pairs = orders.flatMap((order) => order.slice(1).map((peer, i) => `${order[i]}${peer}`))
  expect(new Set(pairs).size).toBe(PEERS.length * (PEERS.length - 1))
})

test('an odd number of peers: each has each place', () => {
  const odd = PEERS.slice(1)
  const orders = odd.map((_, time) => inOrder(odd, time))
  for (const order of orders) expect([...order].sort()).toEqual(odd)
  for (const place of odd.keys()) expect(new Set(orders.map((order) => order[place])).size).toBe(odd.length)
})

test('one alone', () => {
  expect(inOrder(['a'], 3)).toEqual(['a'])
})
