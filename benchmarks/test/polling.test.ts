import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeBatch } from '@roomcast/protocol'
import { afterEach, expect, test } from 'vitest'
import { roomcastPolling } from '../src/load/dialects/polling/roomcast'
import { socketioPolling } from '../src/load/dialects/polling/socketio'
import { roomcastDialect } from '../src/load/dialects/roomcast'
import { httpRequest, readHttpAnswer } from '../src/load/http-wire'
import { PollingCrowd } from '../src/load/tasks/polling'
import { CALL_VALUE } from '../src/payloads'

const PORT = 8_080
const answerFrame = roomcastDialect.answer(0)[0]?.payload as Buffer
const connectedFrame = Buffer.from([2])
const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

test('an answer is read when all of it is there, whatever comes before and behind', () => {
  const whole = Buffer.from('HTTP/1.1 200 OK\r\nA: b\r\ncontent-length: 3\r\n\r\nabc')
  for (let end = 0; end < whole.length; end++) expect(readHttpAnswer(whole.subarray(0, end), 0)).toBeUndefined()
  const between = Buffer.concat([Buffer.from('..'), whole, Buffer.from('HTTP')])
  expect(readHttpAnswer(between, 2)).toEqual({ status: 200, body: Buffer.from('abc'), end: 2 + whole.length })
  const empty = Buffer.from('HTTP/1.1 204 No Content\r\nA: b\r\n\r\n')
  expect(readHttpAnswer(empty, 0)).toEqual({ status: 204, body: Buffer.alloc(0), end: empty.length })
  expect(() => readHttpAnswer(Buffer.from('HTTP/1.1 200 OK\r\nA: b\r\n\r\n'), 0)).toThrow('without a length')
})

test('a body of a request has as many bytes as its length says', () => {
  const request = Buffer.from(httpRequest('POST', PORT, '/', ['A', 'b'], '\x00\xff'), 'latin1')
  expect(request.toString('latin1')).toBe(
    `POST / HTTP/1.1\r\nHost: 127.0.0.1:${PORT}\r\nA: b\r\nContent-Length: 2\r\n\r\n\x00\xff`,
  )
})

test('a session of Roomcast numbers its POSTs, and its GETs by what has arrived', () => {
  const session = roomcastPolling.begin(PORT, Buffer.from('id.secret'))
  const answer = (first: number) => Buffer.from(writeBatch([answerFrame], first))
  const numberOf = (request: string) => /\r\nroomcast-seq: (\d+)\r\n/.exec(request)?.[1]
  expect(numberOf(session.greeting() ?? '')).toBe('1')
  expect(numberOf(session.poll())).toBe('0')
  expect(session.take(Buffer.from(writeBatch([connectedFrame], 1)))).toEqual([{ kind: 'joined' }])
  for (let call = 1; call <= 200; call++) {
    expect(numberOf(session.call())).toBe(String(call + 1))
    expect(numberOf(session.poll())).toBe(String(call))
    expect(session.take(answer(call + 1))).toEqual([{ kind: 'answered' }])
  }
  expect(session.take(Buffer.alloc(0))).toEqual([])
  expect(session.take(answer(201))).toEqual([{ kind: 'unexpected' }])
  expect(() => roomcastPolling.begin(PORT, Buffer.from('<html>'))).toThrow('a session was given as')
})

test('a session of Socket.IO takes several packets from one body', () => {
  const session = socketioPolling.begin(PORT, Buffer.from('0{"sid":"abc"}'))
  expect(session.poll()).toContain('&sid=abc ')
  const answer = `430${JSON.stringify([CALL_VALUE])}`
  expect(session.take(Buffer.from(answer))).toEqual([{ kind: 'answered' }])
  expect(session.take(Buffer.from(`${answer}\x1e2`)).map(({ kind }) => kind)).toEqual(['answered', 'reply'])
  const kinds = session.take(Buffer.from('2\x1e40{"sid":"abc"}\x1e43')).map(({ kind }) => kind)
  expect(kinds).toEqual(['reply', 'joined', 'unexpected'])
})

/** A server as the bare one, that says what `answerOf` makes of the bytes it was sent. */
async function bareServer(answerOf: (posted: Buffer) => Buffer): Promise<number> {
  const held = new Map<string, ServerResponse>()
  const waiting = new Map<string, Buffer>()
  let sessions = 0
  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    if (request.method === 'GET') {
      const bytes = waiting.get(path)
      if (bytes === undefined) held.set(path, response)
      else response.setHeader('Content-Length', bytes.length).end(bytes)
      waiting.delete(path)
      return
    }
    const posted = Buffer.concat(await request.toArray())
    if (path === '/poll') {
      const session = String(sessions++)
      response.setHeader('Content-Length', session.length).end(session)
      return
    }
    response.writeHead(204).end()
    const bytes = answerOf(posted)
    const get = held.get(path)
    held.delete(path)
    if (get === undefined) waiting.set(path, bytes)
    else get.setHeader('Content-Length', bytes.length).end(bytes)
  }).listen(0, '127.0.0.1')
  closing.push(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('every call is counted when it was taken and answered', async () => {
  const crowd = new PollingCrowd()
  let posts = 0
  const port = await bareServer((posted) => {
    posts++
    return posted
  })
  await crowd.connect({ port, dialect: 'raw', count: 5 })
  const { calls } = await crowd.call({ windowMs: 100 })
  expect(calls).toBe(posts)
  expect(calls).toBeGreaterThan(5)
})

test('an answer with one other byte ends the load', async () => {
  const crowd = new PollingCrowd()
  let posts = 0
  const port = await bareServer((posted) => {
    if (++posts === 20) posted[posted.length - 1] = (posted[posted.length - 1] as number) ^ 1
    return posted
  })
  await crowd.connect({ port, dialect: 'raw', count: 3 })
  await expect(crowd.call({ windowMs: 5_000 })).rejects.toThrow('GET answered with status 200')
})
