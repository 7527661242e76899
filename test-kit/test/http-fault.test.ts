import { request } from 'node:http'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { HttpFaultProxy } from '../http-fault'
import { next, until } from '../wait'
import { Scene } from './http-scene'

test('requests, bodies and answers go through, many on one connection, and are counted by kind', async () => {
  await using scene = await Scene.start()
  for (let n = 0; n < 5; n++) {
    const { status, body, headers } = await scene.fetch('POST', `/echo?${n}`, `body ${n}`)
    expect([status, body, headers['x-before']]).toEqual([200, `body ${n}`, String(n)])
  }
  expect((await scene.fetch('GET', '/bytes/300000')).body).toBe('x'.repeat(150_000) + 'y'.repeat(150_000))
  expect((await scene.fetch('GET', '/forbidden')).status).toBe(403)
  expect((await scene.fetch('HEAD', '/forbidden', '', true)).status).toBe(403)
  expect((await scene.fetch('DELETE', '/x')).status).toBe(200)
  expect((await scene.fetch('POST', '/x', 'x'.repeat(1_000_000))).body.length).toBe(1_000_000)
  const { proxy } = scene
  expect([proxy.posts, proxy.gets, proxy.count('DELETE'), proxy.upgrades]).toEqual([6, 2, 1, 0])
  // All but HEAD, after which Node.js opens another one.
  expect(proxy.tcp.accepted).toBe(2)
  expect(proxy.requests[0]).toMatchObject({ kind: 'http', method: 'POST', path: '/echo?0', status: 200 })
})

test('chunks of an answer arrive as they are sent', async () => {
  await using scene = await Scene.start()
  const outcome = scene.send('GET', '/parts')
  await scene.server.part('one')
  await until(() => outcome.body === 'one', 'the first chunk')
  await scene.server.part('two')
  await until(() => outcome.body === 'onetwo', 'the second chunk')
  await scene.server.part(null)
  await until(() => outcome.end === 'whole', 'the end')
})

test('what a side ends in the middle ends at the other', async () => {
  await using scene = await Scene.start()
  expect(await scene.fetch('GET', '/rude')).toMatchObject({ status: 200, end: 'cut' })
  const waiting = scene.send('GET', '/wait/x')
  await until(() => scene.server.requests.length === 2, 'the request')
  waiting.abandon()
  await until(() => scene.server.aborted >= 2, 'the server to notice')
})

test('bufferAnswers holds answers until their end', async () => {
  await using scene = await Scene.start()
  scene.proxy.bufferAnswers()
  const outcome = scene.send('GET', '/parts')
  await scene.server.part('one')
  for (let i = 0; i < 10; i++) expect((await scene.fetch('POST', '/echo', 'x', true)).body).toBe('x')
  expect(outcome).toMatchObject({ status: null, end: 'open' })
  await scene.server.part(null)
  await until(() => outcome.end === 'whole', 'the end')
  expect(outcome.body).toBe('one')
})

test('bufferAnswers holds answers until so many bytes are there', async () => {
  await using scene = await Scene.start()
  scene.proxy.bufferAnswers(4)
  const outcome = scene.send('GET', '/parts')
  await scene.server.part('abc')
  for (let i = 0; i < 10; i++) await scene.fetch('POST', '/echo', 'x', true)
  expect(outcome.status).toBe(null)
  await scene.server.part('de')
  await until(() => outcome.body === 'abcde', 'the first five bytes')
  await scene.server.part('f')
  await scene.server.part(null)
  await until(() => outcome.end === 'whole', 'the end')
  expect(outcome.body).toBe('abcdef')
})

test.each(['together', 'before', 'after'] as const)(
  'duplicatePosts sends a POST %s with its duplicate',
  async (when) => {
    await using scene = await Scene.start()
    scene.proxy.duplicatePosts(when)
    const { body, headers } = await scene.fetch('POST', '/echo', 'once')
    expect(body).toBe('once')
    await until(() => scene.proxy.duplicates.length === 1, 'the duplicate')
    expect(scene.server.bodies('/echo')).toEqual(['once', 'once'])
    if (when !== 'together') expect(headers['x-before']).toBe(when === 'before' ? '1' : '0')
    expect(scene.proxy.duplicates).toEqual([200])
    expect((await scene.fetch('GET', '/bytes/2')).body).toBe('xy')
    expect([scene.proxy.posts, scene.server.requests.length]).toEqual([1, 3])
  },
)

test('duplicatePosts "late" sends the duplicate behind the next POST', async () => {
  await using scene = await Scene.start()
  scene.proxy.duplicatePosts('late', 'POST', 1)
  await scene.fetch('POST', '/echo', 'one')
  await scene.fetch('GET', '/bytes/2')
  expect(scene.server.bodies('/echo')).toEqual(['one'])
  await scene.fetch('POST', '/echo', 'two')
  await until(() => scene.proxy.duplicates.length === 1, 'the duplicate')
  expect(scene.server.bodies('/echo')).toEqual(['one', 'two', 'one'])
})

test('loseAnswer lets the server handle a request, and cuts the link instead of an answer', async () => {
  await using scene = await Scene.start()
  scene.proxy.loseAnswer('POST', 2)
  expect(await scene.fetch('GET', '/bytes/2')).toMatchObject({ status: 200 })
  for (const body of ['a', 'b']) {
    expect(await scene.fetch('POST', '/echo', body)).toMatchObject({ status: null, end: 'cut' })
  }
  expect(await scene.fetch('POST', '/echo', 'c')).toMatchObject({ status: 200, body: 'c' })
  expect(scene.server.bodies('/echo')).toEqual(['a', 'b', 'c'])
  expect(scene.proxy.lostAnswers).toBe(2)
  expect(scene.proxy.requests.map(({ status }) => status)).toEqual([200, 200, 200, 200])
})

test('loseAnswer is for requests that wait already, and for those that a function chooses', async () => {
  await using scene = await Scene.start()
  const waiting = scene.send('GET', '/wait/x')
  await until(() => scene.server.requests.length === 1, 'the request')
  scene.proxy.loseAnswer(({ path }) => path.startsWith('/wait'))
  expect(await scene.fetch('GET', '/bytes/2', '', true)).toMatchObject({ status: 200 })
  await scene.server.release()
  await until(() => waiting.end === 'cut', 'the end')
  expect(waiting.status).toBe(null)
})

test('cutAnswer cuts in the middle of the body', async () => {
  await using scene = await Scene.start()
  scene.proxy.cutAnswer('GET', 70)
  expect(await scene.fetch('GET', '/bytes/100')).toMatchObject({
    status: 200,
    body: 'x'.repeat(50) + 'y'.repeat(20),
    end: 'cut',
  })
  expect(await scene.fetch('GET', '/bytes/100')).toMatchObject({ status: 200, end: 'whole' })
})

test('loseRequest cuts before the server learns of it', async () => {
  await using scene = await Scene.start()
  scene.proxy.loseRequest('POST')
  expect(await scene.fetch('POST', '/echo', 'lost')).toMatchObject({ status: null, end: 'cut' })
  expect(await scene.fetch('POST', '/echo', 'kept')).toMatchObject({ status: 200 })
  expect(scene.server.bodies('/echo')).toEqual(['kept'])
})

test('failRequests answers instead of the server', async () => {
  await using scene = await Scene.start()
  scene.proxy.failRequests(502, 'POST')
  const { status, headers } = await scene.fetch('POST', '/echo', 'lost')
  expect([status, headers['content-type']]).toEqual([502, 'text/html'])
  expect(await scene.fetch('POST', '/echo', 'kept')).toMatchObject({ status: 200, body: 'kept' })
  expect(scene.server.bodies('/echo')).toEqual(['kept'])
})

test('holdAnswers keeps answers that are complete until releaseAnswers', async () => {
  await using scene = await Scene.start()
  scene.proxy.holdAnswers('GET')
  const held = scene.send('GET', '/bytes/2')
  await until(() => scene.proxy.heldAnswers === 1, 'the answer')
  for (let i = 0; i < 10; i++) await scene.fetch('GET', '/bytes/2', '', true)
  expect(held.status).toBe(null)
  scene.proxy.releaseAnswers()
  await until(() => held.end === 'whole', 'the answer')
  expect([held.body, scene.proxy.heldAnswers]).toEqual(['xy', 0])
})

test('an answer that is held for a client that leaves is forgotten', async () => {
  await using scene = await Scene.start()
  scene.proxy.holdAnswers('GET')
  const held = scene.send('GET', '/bytes/2')
  await until(() => scene.proxy.heldAnswers === 1, 'the answer')
  held.abandon()
  await until(() => scene.proxy.heldAnswers === 0, 'no answer')
})

test('reorderAnswers sends an answer behind the next one', async () => {
  await using scene = await Scene.start()
  scene.proxy.reorderAnswers()
  const order: string[] = []
  const held = scene.send('GET', '/bytes/2')
  await until(() => scene.proxy.heldAnswers === 1, 'the answer')
  expect(held.status).toBe(null)
  order.push((await scene.fetch('POST', '/echo', 'first', true)).body)
  await until(() => held.end === 'whole', 'the answer')
  order.push(held.body)
  expect(order).toEqual(['first', 'xy'])
})

test('faults of the network beneath are those of tcp', async () => {
  await using scene = await Scene.start()
  const ws = await scene.opened()
  const closed = next(ws, 'close')
  const waiting = scene.send('GET', '/wait/x')
  await until(() => scene.server.requests.length === 1, 'the request')
  scene.proxy.cut()
  await closed
  await until(() => waiting.end === 'cut', 'the end of the request')
  await until(() => scene.server.aborted === 1 && scene.server.closes.length === 1, 'the server to notice')
  scene.proxy.tcp.refuse()
  expect(await scene.fetch('GET', '/bytes/2')).toMatchObject({ status: null, end: 'cut' })
  scene.proxy.pass()
  expect(await scene.fetch('GET', '/bytes/2')).toMatchObject({ status: 200 })
})

test('a server that is not there cuts the link', async () => {
  await using proxy = await HttpFaultProxy.start(1)
  const failed = await new Promise((resolve) => {
    request({ port: proxy.port, host: '127.0.0.1', agent: false })
      .on('error', () => resolve(true))
      .end()
  })
  expect([failed, proxy.gets]).toEqual([true, 1])
  const ws = new WebSocket(`ws://127.0.0.1:${proxy.port}`)
  ws.on('error', () => {})
  await next(ws, 'close')
  expect(proxy.upgrades).toBe(1)
})
