import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MESSAGE_TYPES, REFUSAL_SUBPROTOCOL, SUBPROTOCOL } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { FakeServer } from '../fake-server'
import { FrameProxy, type FrameProxyOptions, randomFrameFaults } from '../frame-proxy'
import { createRandom } from '../random'
import { RawClient } from '../raw-client'
import { next, until } from '../wait'

/** A client, a server and the proxy between them; the first CONNECT is not sent yet. */
async function scene(options: FrameProxyOptions = {}) {
  const server = await FakeServer.start()
  const proxy = await FrameProxy.start(Number(new URL(server.url).port), options)
  const client = await RawClient.open(proxy.port)
  const link = await server.link()
  const dispose = async () => {
    client[Symbol.dispose]()
    await proxy[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  }
  return { server, proxy, client, link, [Symbol.asyncDispose]: dispose }
}

const connect = { type: MESSAGE_TYPES.CONNECT }

/** Names of the events that have come. */
const eventsOf = ({ frames }: Pick<RawClient, 'frames'>) => frames.map(({ event }) => event)

test('frames go through in order, both ways', async () => {
  await using all = await scene()
  const { client, link, proxy } = all
  for (let i = 0; i < 300; i++) {
    client.emit(`up${i}`)
    link.emit(`down${i}`)
  }
  await until(() => client.frames.length === 300 && link.frames.length === 300, 'all frames')
  expect(eventsOf(client)).toEqual(Array.from({ length: 300 }, (_, i) => `down${i}`))
  expect(eventsOf(link)).toEqual(Array.from({ length: 300 }, (_, i) => `up${i}`))
  expect(proxy.passed).toEqual({ up: 300, down: 300 })
  expect(proxy.faults).toEqual([])
})

test('a filter drops a frame or sends it twice, and the proxy counts', async () => {
  await using all = await scene({
    filter: (_frame, index, direction) => {
      if (direction === 'up') return 'pass'
      return index === 1 ? 'drop' : index === 2 ? 'twice' : 'pass'
    },
  })
  const { client, link, proxy } = all
  for (const name of ['a', 'b', 'c', 'd']) link.emit(name)
  await until(() => client.frames.length === 4, 'four frames')
  expect(eventsOf(client)).toEqual(['a', 'c', 'c', 'd'])
  const { EVENT: type } = MESSAGE_TYPES
  expect(proxy.faults).toEqual([
    { verdict: 'drop', type, direction: 'down', link: 0, index: 1 },
    { verdict: 'twice', type, direction: 'down', link: 0, index: 2 },
  ])
  expect(proxy.count('drop')).toBe(1)
  expect(proxy.count('drop', MESSAGE_TYPES.ACK)).toBe(0)
  expect(proxy.passed.down).toBe(3)
})

test('CONNECTED may be dropped like anything else, unless its type is spared', async () => {
  const filter = () => 'drop' as const
  await using bare = await scene({ filter: (_frame, _index, direction) => (direction === 'up' ? 'pass' : 'drop') })
  bare.client.send(connect, { nsp: '/' })
  await until(() => bare.proxy.count('drop', MESSAGE_TYPES.CONNECTED) === 1, 'a dropped CONNECTED')
  expect(bare.client.frames).toEqual([])

  const spared: readonly number[] = [MESSAGE_TYPES.CONNECT, MESSAGE_TYPES.CONNECTED]
  await using all = await scene({ filter, spare: (type) => spared.includes(type) })
  all.client.send(connect, { nsp: '/' })
  await all.client.frame('CONNECTED')
  all.client.emit('lost')
  await until(() => all.proxy.count('drop') === 1, 'a dropped event')
})

test('the verdict `cut` loses the frame and ends its link alone, without a close frame', async () => {
  await using all = await scene({
    filter: (_frame, index, direction, link) => (link === 0 && direction === 'down' && index === 1 ? 'cut' : 'pass'),
  })
  const { client, link, proxy, server } = all
  using other = await RawClient.open(proxy.port)
  const otherLink = await server.link()
  for (const name of ['a', 'b', 'c']) {
    link.emit(name)
    otherLink.emit(name)
  }
  expect((await client.close()).code).toBe(1006)
  expect((await link.end()).code).toBe(1006)
  await until(() => other.frames.length === 3, 'the frames of the other link')
  expect(eventsOf(client)).toEqual(['a'])
  expect(proxy.count('cut')).toBe(1)
  expect(proxy.passed.down).toBe(4)
  await until(() => proxy.openLinks === 1, 'one link')
})

test('random faults hit about as often as asked, in the direction asked, and the same for a seed', async () => {
  const random = createRandom()
  console.log(`seed ${random.seed}`)
  const rates = { drop: 0.2, twice: 0.1, cut: 0.05 }
  const outcome = (seed: number) => {
    const filter = randomFrameFaults(createRandom(seed), rates)
    return Array.from({ length: 4_000 }, (_, index) => filter(new Uint8Array(), index, 'down', 0))
  }
  const verdicts = outcome(random.seed)
  const share = (wanted: string) => verdicts.filter((verdict) => verdict === wanted).length / verdicts.length
  expect(share('drop')).toBeCloseTo(0.2, 1)
  expect(share('twice')).toBeCloseTo(0.1, 1)
  expect(share('cut')).toBeCloseTo(0.05, 1)
  expect(outcome(random.seed)).toEqual(verdicts)
  expect(randomFrameFaults(random, { drop: 1 })(new Uint8Array(), 0, 'up', 0)).toBe('pass')
  expect(randomFrameFaults(random, { drop: 1, direction: 'both' })(new Uint8Array(), 0, 'up', 0)).toBe('drop')
  expect(() => randomFrameFaults(random, { drop: 0.9, cut: 0.2 })).toThrow('more than 1')
})

test('a link through random drops loses what the proxy says, and no more', async () => {
  const random = createRandom()
  console.log(`seed ${random.seed}`)
  await using all = await scene({ filter: randomFrameFaults(random, { drop: 0.3 }) })
  const { client, link, proxy } = all
  for (let i = 0; i < 500; i++) link.emit(`e${i}`)
  await until(() => proxy.passed.down + proxy.count('drop') === 500, 'all frames at the proxy')
  proxy.pass()
  link.emit('end')
  await until(() => eventsOf(client).includes('end'), 'the last frame')
  const dropped = new Set(proxy.faults.map(({ index }) => `e${index}`))
  expect(dropped.size).toBeGreaterThan(0)
  const expected = Array.from({ length: 500 }, (_, i) => `e${i}`).filter((name) => !dropped.has(name))
  expect(eventsOf(client)).toEqual([...expected, 'end'])
})

test.each([
  ['the server', 4010],
  ['the server', 1005],
  ['the server', 1006],
  ['the client', 4008],
])('how %s closes with %i is seen by the other', async (who, code) => {
  await using all = await scene()
  const { client, link, proxy } = all
  if (who === 'the server') link.close(code, code === 4010 ? 'too slow' : '')
  else client.closeWith(code, 'bye')
  const seen = await (who === 'the server' ? client.close() : link.end())
  expect(seen).toEqual({ code, reason: code === 4010 ? 'too slow' : code === 4008 ? 'bye' : '' })
  await until(() => proxy.openLinks === 0, 'the end of the link')
})

test('path, headers, subprotocols and text go through, and pings are answered by the other end', async () => {
  const http = createServer()
  const server = new WebSocketServer({ server: http, autoPong: false, handleProtocols: () => REFUSAL_SUBPROTOCOL })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  await using proxy = await FrameProxy.start((http.address() as AddressInfo).port, { filter: () => 'drop' })
  const connection = next(server, 'connection')
  const ws = new WebSocket(`ws://127.0.0.1:${proxy.port}/some/path?q=1`, [SUBPROTOCOL, REFUSAL_SUBPROTOCOL], {
    headers: { cookie: 'a=b', origin: 'http://here' },
  })
  const [peer, request] = (await connection) as [WebSocket, { url: string; headers: Record<string, string> }]
  await until(() => ws.readyState === ws.OPEN, 'an open WebSocket')
  expect(ws.protocol).toBe(REFUSAL_SUBPROTOCOL)
  expect(request.url).toBe('/some/path?q=1')
  expect(request.headers).toMatchObject({
    cookie: 'a=b',
    origin: 'http://here',
    'sec-websocket-protocol': `${SUBPROTOCOL},${REFUSAL_SUBPROTOCOL}`,
  })
  const text = next(peer, 'message')
  ws.send('text')
  expect(String((await text)[0])).toBe('text')
  const pong = next(peer, 'pong')
  peer.ping('from the server')
  expect(String((await pong)[0])).toBe('from the server')
  // The server answers no ping: neither does the proxy.
  let pongs = 0
  ws.on('pong', () => pongs++)
  const ping = next(peer, 'ping')
  ws.ping('from the client')
  expect(String((await ping)[0])).toBe('from the client')
  const last = next(ws, 'message')
  peer.send('last')
  await last
  expect(pongs).toBe(0)
  peer.terminate()
  server.close()
  http.close()
})

test('what the server refuses is refused, and so is anything else than a WebSocket', async () => {
  const http = createServer()
  http.on('upgrade', (_request, socket) =>
    socket.end('HTTP/1.1 429 Too Many Requests\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nlater'),
  )
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  await using proxy = await FrameProxy.start((http.address() as AddressInfo).port)
  const ws = new WebSocket(`ws://127.0.0.1:${proxy.port}/`)
  ws.on('error', () => {})
  const [, answer] = (await next(ws, 'unexpected-response')) as [
    unknown,
    AsyncIterable<Buffer> & { statusCode: number },
  ]
  expect(answer.statusCode).toBe(429)
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  expect(Buffer.concat(chunks).toString()).toBe('later')
  expect((await fetch(`${proxy.url}/roomcast/poll/v1`)).status).toBe(404)
  http.close()
})

test('a client is turned away when nobody listens at the server', async () => {
  const server = await FakeServer.start()
  await using proxy = await FrameProxy.start(Number(new URL(server.url).port))
  await server[Symbol.asyncDispose]()
  using client = await RawClient.open(proxy.port)
  expect((await client.close()).code).toBe(1006)
  expect(proxy.openLinks).toBe(0)
})

test('a client that does not read holds the server back, and gets everything in the end', async () => {
  await using all = await scene()
  const { client, link, proxy } = all
  client.pause()
  const bytes = new Uint8Array(262_144)
  for (let i = 0; i < 100; i++) link.emit('bytes', [bytes])
  let before = -1
  let still = 0
  await until(() => {
    const { down } = proxy.passed
    still = down === before ? still + 1 : 0
    before = down
    return down > 0 && still > 20
  }, 'a proxy that passes nothing more')
  expect(proxy.passed.down).toBeLessThan(100)
  client.resume()
  await until(() => client.frames.length === 100, 'all frames')
  expect(proxy.passed.down).toBe(100)
})

test('a link that is held back can be cut', async () => {
  await using all = await scene()
  const { client, link, proxy } = all
  client.pause()
  for (let i = 0; i < 100; i++) link.emit('bytes', [new Uint8Array(262_144)])
  await until(() => proxy.passed.down > 0, 'a frame at the proxy')
  proxy.cut()
  expect((await link.end()).code).toBe(1006)
  await until(() => proxy.openLinks === 0, 'the end of the link')
})
