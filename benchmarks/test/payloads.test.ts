import { expect, test } from 'vitest'
import { DIALECTS } from '../src/load/dialects'
import { pathOf } from '../src/load/dialects/dialect'
import { groupsOf, isInUnion, PAYLOAD_NAMES, PAYLOADS } from '../src/payloads'

test('payloads are as long as the report says', () => {
  expect(Object.keys(PAYLOADS)).toEqual([...PAYLOAD_NAMES])
  expect(JSON.stringify(PAYLOADS.chat).length).toBeGreaterThan(140)
  expect(JSON.stringify(PAYLOADS.chat).length).toBeLessThan(160)
  expect(PAYLOADS.state.entities).toHaveLength(40)
  expect(JSON.stringify(PAYLOADS.state).length).toBeGreaterThan(2_000)
  expect(JSON.stringify(PAYLOADS.state).length).toBeLessThan(2_500)
  expect(PAYLOADS.binary.byteLength).toBe(65_536)
})

test('a connection joins a if its number is even, b if it is odd or divisible by 4, c if it is divisible by 10', () => {
  expect(groupsOf(0)).toEqual(['a', 'b', 'c'])
  expect(groupsOf(1)).toEqual(['b'])
  expect(groupsOf(2)).toEqual(['a'])
  expect(groupsOf(4)).toEqual(['a', 'b'])
  expect(groupsOf(10)).toEqual(['a', 'c'])
  expect(groupsOf(20)).toEqual(['a', 'b', 'c'])
  const twenty = Array.from({ length: 20 }, (_, n) => groupsOf(n))
  const sizes = (['a', 'b', 'c'] as const).map((group) => twenty.filter((groups) => groups.includes(group)).length)
  expect(sizes).toEqual([10, 15, 2])
})

test('everybody is in a or b; those who are in c too get nothing of the union', () => {
  for (let n = 0; n < 100; n++) expect(isInUnion(n), `${n}`).toBe(n % 10 !== 0)
})

test('only a grouped connection tells its number, and raw servers have routes for those who differ', () => {
  expect(pathOf(DIALECTS.socketio, 'member', 7)).toBe('/socket.io/?EIO=4&transport=websocket')
  expect(pathOf(DIALECTS.socketio, 'grouped', 7)).toBe('/socket.io/?EIO=4&transport=websocket&n=7')
  expect(pathOf(DIALECTS.roomcast, 'grouped', 7)).toBe('/roomcast/ws?n=7')
  expect(pathOf(DIALECTS.roomcast, 'speaker', 7)).toBe('/roomcast/ws')
  expect(pathOf(DIALECTS.raw, 'member', 7)).toBe('/')
  expect(pathOf(DIALECTS.raw, 'speaker', 7)).toBe('/say')
  expect(pathOf(DIALECTS.raw, 'grouped', 7)).toBe('/grouped?n=7')
  expect(pathOf(DIALECTS.raw, 'paused', 7)).toBe('/paused?paused=1')
  expect(pathOf(DIALECTS.roomcast, 'paused', 7)).toBe('/roomcast/ws?paused=1')
})

test.each(Object.entries(DIALECTS))('%s: answers whose ids have equally many digits are equally long', (_, dialect) => {
  const lengthOf = (id: number) => dialect.answer(id).reduce((sum, { payload }) => sum + payload.length, 0)
  for (let id = 0; id < 100; id++) expect(lengthOf(id), `${id}`).toBe(lengthOf(id < 10 ? 0 : 10))
})
