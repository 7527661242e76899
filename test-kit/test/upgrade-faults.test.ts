import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { next, until } from '../wait'
import { expectEcho, Scene } from './http-scene'

test('WebSockets go through, and so do refusals of the server', async () => {
  await using scene = await Scene.start()
  const ws = await scene.opened()
  await expectEcho(ws, 'hello')
  await expectEcho(ws, 'x'.repeat(500_000))
  expect([scene.proxy.upgrades, scene.proxy.openUpgrades, scene.proxy.gets]).toEqual([1, 1, 0])
  ws.close(4_321)
  await until(() => scene.server.closes.includes(4_321), 'the close code')
  await until(() => scene.proxy.openUpgrades === 0, 'the end of the link')
  const refused = scene.open('/forbidden')
  await next(refused, 'close')
  expect(refused.refusals).toEqual([403])
})

test('refuseUpgrade answers upgrades itself, and lets requests and open WebSockets through', async () => {
  await using scene = await Scene.start()
  const open = await scene.opened()
  scene.proxy.refuseUpgrade(418)
  const refused = scene.open()
  await next(refused, 'close')
  expect(refused.refusals).toEqual([418])
  await expectEcho(open, 'still here')
  expect((await scene.fetch('POST', '/echo', 'x')).body).toBe('x')
  expect(scene.server.sockets.length).toBe(1)
  scene.proxy.pass()
  await expectEcho(await scene.opened(), 'again')
})

test('hangUpgrade never answers upgrades, and lets requests through', async () => {
  await using scene = await Scene.start()
  scene.proxy.hangUpgrade()
  const hanging = scene.open()
  await until(() => scene.proxy.upgrades === 1, 'the request')
  for (let i = 0; i < 10; i++) expect((await scene.fetch('GET', '/bytes/2')).body).toBe('xy')
  expect([hanging.readyState, scene.server.sockets.length]).toEqual([WebSocket.CONNECTING, 0])
  hanging.terminate()
  await until(() => scene.proxy.tcp.openLinks === 1, 'the end of the link')
})

test('silenceUpgrade opens WebSockets on which nothing arrives, and silences open ones', async () => {
  await using scene = await Scene.start()
  const early = await scene.opened()
  scene.proxy.silenceUpgrade()
  const late = await scene.opened()
  const received: unknown[] = []
  for (const ws of [early, late]) {
    ws.on('message', (data) => received.push(data))
    ws.send('anybody?')
  }
  for (const ws of scene.server.sockets) {
    ws.on('message', (data) => received.push(data))
    ws.send('anybody?')
  }
  for (let i = 0; i < 10; i++) expect((await scene.fetch('GET', '/bytes/2')).body).toBe('xy')
  expect(received).toEqual([])
  expect([early.readyState, late.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN])
  // The end goes through.
  late.terminate()
  await until(() => scene.server.closes.length === 1, 'the end at the server')
})

test('resetUpgradeAfter lets WebSockets work for a while, open ones too', async () => {
  await using scene = await Scene.start()
  const early = await scene.opened()
  const ends: Promise<unknown>[] = [next(early, 'close')]
  scene.proxy.resetUpgradeAfter(150)
  const late = await scene.opened()
  ends.push(next(late, 'close'))
  await expectEcho(late, 'works')
  expect(await Promise.all(ends.map(async (end) => ((await end) as unknown[])[0]))).toEqual([1006, 1006])
  await until(() => scene.server.closes.length === 2, 'the end at the server')
  scene.proxy.resetUpgradeAfter(50)
  const kept = await scene.opened()
  scene.proxy.pass()
  await new Promise((resolve) => setTimeout(resolve, 80))
  await expectEcho(kept, 'nothing happened')
})

test('cutUpgrades ends WebSockets and leaves requests', async () => {
  await using scene = await Scene.start()
  const ws = await scene.opened()
  const waiting = scene.send('GET', '/wait/x')
  const closed = next(ws, 'close')
  scene.proxy.cutUpgrades()
  await closed
  await scene.server.release()
  await until(() => waiting.end === 'whole', 'the answer')
})
